//! Reading and writing: what arrives, in which order, and who gets it.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net as std_net;
use std::rc::Rc;
use std::thread as os_thread;
use std::time::Duration;

use greenroom::net::Shutdown;
use greenroom::thread;

use super::{A_MOMENT, green_pair, kernel, pair, std_pair, waited_pair};
use crate::support::hub;

/// Bytes in which a lost, doubled or moved piece shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).take(length).collect()
}

#[test]
fn a_read_into_no_room_returns_0_at_once() {
    hub(|| {
        let (mut near, _far) = pair();
        assert_eq!(near.read(&mut []).unwrap(), 0);
        assert_eq!(near.peek(&mut []).unwrap(), 0);
        assert_eq!(near.read_vectored(&mut []).unwrap(), 0);
        assert_eq!(near.read_vectored(&mut [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])]).unwrap(), 0);
        assert_eq!(near.write(&[]).unwrap(), 0);
        assert_eq!(near.write_vectored(&[]).unwrap(), 0);
    });
}

#[test]
fn one_green_thread_reads_while_another_writes_the_same_socket() {
    const LENGTH: usize = 4 << 20;
    hub(|| {
        let (near, far) = pair();
        let sent = pattern(LENGTH);
        let echo = os_thread::spawn(move || io::copy(&mut &far, &mut &far).unwrap());
        let near = Rc::new(near);
        let writer = greenroom::spawn({
            let (near, sent) = (near.clone(), sent.clone());
            move || {
                (&*near).write_all(&sent).unwrap();
                near.shutdown(Shutdown::Write).unwrap();
            }
        });
        let mut heard = Vec::new();
        (&*near).read_to_end(&mut heard).unwrap();
        writer.join().unwrap();
        assert!(heard == sent);
        assert_eq!(echo.join().unwrap(), LENGTH as u64);
    });
}

#[test]
fn readers_of_one_socket_are_served_in_turn_and_each_byte_once() {
    hub(|| {
        let (near, mut far) = green_pair();
        let near = Rc::new(near);
        let log = Rc::new(RefCell::new(Vec::new()));
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                let (near, log) = (near.clone(), log.clone());
                greenroom::spawn(move || {
                    let mut byte = [0];
                    while (&*near).read(&mut byte).unwrap() == 1 {
                        log.borrow_mut().push((reader, byte[0]));
                    }
                })
            })
            .collect();
        thread::sleep(A_MOMENT);
        for byte in 0..9 {
            far.write_all(&[byte]).unwrap();
            thread::sleep(Duration::from_millis(2));
        }
        drop(far);
        for reader in readers {
            reader.join().unwrap();
        }
        let expected: Vec<_> = (0..9).map(|byte| (i32::from(byte) % 3, byte)).collect();
        assert_eq!(*log.borrow(), expected);
    });
}

#[test]
fn writers_of_one_socket_that_wait_all_get_on() {
    const EACH: usize = 512 << 10;
    hub(|| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let near = near.clone();
                greenroom::spawn(move || (&*near).write_all(&vec![writer; EACH]))
            })
            .collect();
        let reader = os_thread::spawn(move || {
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).unwrap();
            heard
        });
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
        near.close().unwrap();
        let heard = reader.join().unwrap();
        for writer in 0..4 {
            assert_eq!(heard.iter().filter(|byte| **byte == writer).count(), EACH);
        }
    });
}

#[test]
fn a_byte_now_and_then_fills_a_buffer_in_the_end() {
    hub(|| {
        let (mut near, mut far) = pair();
        let writer = os_thread::spawn(move || {
            for byte in 0..50 {
                far.write_all(&[byte]).unwrap();
                os_thread::sleep(Duration::from_millis(1));
            }
        });
        let mut heard = [0; 50];
        near.read_exact(&mut heard).unwrap();
        assert!(heard.iter().copied().eq(0..50));
        writer.join().unwrap();
    });
}

#[test]
fn what_a_short_read_left_is_delivered_without_a_new_event() {
    hub(|| {
        let (mut near, mut far) = waited_pair();
        far.write_all(b"0123456789").unwrap();
        let mut start = [0; 4];
        near.read_exact(&mut start).unwrap();
        thread::sleep(A_MOMENT);
        let mut rest = [0; 64];
        assert_eq!(near.read(&mut rest).unwrap(), 6);
        assert_eq!((&start, &rest[..6]), (b"0123", &b"456789"[..]));
    });
}

#[test]
fn data_that_arrives_after_a_short_read_is_seen_whenever_it_comes() {
    hub(|| {
        let (mut near, mut far) = waited_pair();
        let mut buffer = [0; 64];
        for round in 0..100 {
            far.write_all(b"ab").unwrap();
            if round % 2 == 0 {
                // The event is collected by a turn of the hub before the read, or comes after it.
                thread::sleep(Duration::from_micros(100));
            }
            assert_eq!(near.read(&mut buffer).unwrap(), 2);
        }
    });
}

#[test]
fn data_and_the_end_that_arrive_together_are_read_in_that_order() {
    hub(|| {
        let (mut near, mut far) = waited_pair();
        far.write_all(b"last words").unwrap();
        drop(far);
        thread::sleep(A_MOMENT);
        let mut buffer = [0; 64];
        assert_eq!(near.read(&mut buffer).unwrap(), 10);
        assert_eq!(near.read(&mut buffer).unwrap(), 0);
        assert_eq!(near.read(&mut buffer).unwrap(), 0);
    });
}

#[test]
fn a_parked_reader_gets_data_and_the_end_that_arrive_together() {
    hub(|| {
        let (mut near, mut far) = pair();
        let reader = greenroom::spawn(move || {
            let mut heard = String::new();
            near.read_to_string(&mut heard).map(|_| heard)
        });
        thread::sleep(A_MOMENT);
        far.write_all(b"last words").unwrap();
        drop(far);
        assert_eq!(reader.join().unwrap().unwrap(), "last words");
    });
}

/// TCP's urgent byte cuts a read short although more has arrived: a runtime that takes a short read for an
/// empty socket waits for ever.
#[test]
fn an_urgent_byte_in_between_neither_ends_nor_stops_the_stream() {
    fn script(mut near: impl Read, far: &mut std_net::TcpStream) -> Vec<Vec<u8>> {
        far.write_all(b"ab").unwrap();
        kernel::send_urgent(far, b'!');
        far.write_all(b"cd").unwrap();
        // Both pieces have arrived; the hub has not looked.
        os_thread::sleep(A_MOMENT);
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let mut buffer = [0; 64];
        while pieces.iter().map(Vec::len).sum::<usize>() < 4 {
            let got = near.read(&mut buffer).unwrap();
            pieces.push(buffer[..got].to_vec());
        }
        pieces
    }

    hub(|| {
        let (near, mut far) = std_pair();
        let expected = script(near, &mut far);
        assert_eq!(expected, [b"ab", b"cd"]);
        let (near, mut far) = waited_pair();
        near.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        assert_eq!(script(&near, &mut far), expected);
        thread::sleep(A_MOMENT);
        assert_eq!(script(&near, &mut far), expected);
    });
}

#[test]
fn vectored_calls_take_as_many_slices_as_stds() {
    fn script(mut near: impl Write, mut far: impl Read, count: usize) -> (usize, usize) {
        let sent: Vec<_> = (0..count).map(|n| IoSlice::new(if n % 3 == 1 { b"" } else { b"ab" })).collect();
        let written = near.write_vectored(&sent).unwrap();
        let mut room = vec![[0; 2]; count];
        let mut room: Vec<_> = room
            .iter_mut()
            .enumerate()
            .map(|(n, piece)| IoSliceMut::new(if n % 5 == 3 { &mut [] } else { piece }))
            .collect();
        let read = if written == 0 { 0 } else { far.read_vectored(&mut room).unwrap() };
        (written, read)
    }

    hub(|| {
        for count in [0, 1, 2, 1_024, 1_025, 3_000] {
            let (near, far) = std_pair();
            let expected = script(near, far, count);
            let (near, far) = green_pair();
            assert_eq!(script(near, far, count), expected, "{count} slices");
        }
    });
}

#[test]
fn a_full_vectored_read_of_the_most_slices_is_not_taken_for_a_short_one() {
    hub(|| {
        let (mut near, mut far) = waited_pair();
        far.write_all(&[7; 1_500]).unwrap();
        thread::sleep(A_MOMENT);
        let mut room = [[0]; 1_500];
        let mut room: Vec<_> = room.iter_mut().map(|byte| IoSliceMut::new(byte)).collect();
        assert_eq!(near.read_vectored(&mut room).unwrap(), 1_024);
        assert_eq!(near.read_vectored(&mut room).unwrap(), 476);
    });
}

#[test]
fn peek_waits_for_data_and_leaves_it_there() {
    hub(|| {
        let (near, mut far) = green_pair();
        let writer = greenroom::spawn(move || {
            thread::sleep(A_MOMENT);
            far.write_all(b"abc").unwrap();
            thread::sleep(A_MOMENT);
        });
        let mut buffer = [0; 8];
        for _ in 0..3 {
            assert_eq!(near.peek(&mut buffer).unwrap(), 3);
        }
        assert_eq!((&near).read(&mut buffer).unwrap(), 3);
        assert_eq!(near.peek(&mut buffer).unwrap(), 0);
        writer.join().unwrap();
    });
}

#[test]
fn a_large_transfer_through_small_buffers_is_exact() {
    const LENGTH: usize = 1 << 20;
    hub(|| {
        let (mut near, far) = green_pair();
        kernel::set_buffers(&near, 16 << 10);
        kernel::set_buffers(&far, 16 << 10);
        let sent = pattern(LENGTH);
        let reader = greenroom::spawn(move || {
            let mut heard = Vec::new();
            (&far).read_to_end(&mut heard).unwrap();
            heard
        });
        near.write_all(&sent).unwrap();
        drop(near);
        assert!(reader.join().unwrap() == sent);
    });
}

#[test]
fn a_half_closed_connection_still_carries_the_other_direction() {
    hub(|| {
        let (mut near, mut far) = green_pair();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 0);
        far.write_all(b"still here").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(near.read(&mut buffer).unwrap(), 10);
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(near.read(&mut buffer).unwrap(), 0);
    });
}

#[test]
fn shutting_reading_down_wakes_a_parked_reader_with_0() {
    hub(|| {
        let (near, _far) = pair();
        let near = Rc::new(near);
        let reader = greenroom::spawn({
            let near = near.clone();
            move || (&*near).read(&mut [0; 8])
        });
        thread::sleep(A_MOMENT);
        near.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 0);
    });
}
