//! Bytes in a row: TCP and local stream sockets.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use super::{c, is_nonblocking, later, patched, read, recv, send, tcp, ticks_during, timed, write};
use crate::support::ms;

#[test]
fn two_ends_of_a_connection_share_one_os_thread() {
    patched(|| {
        let (mut client, mut server) = tcp();
        let echo = greenroom::spawn(move || {
            let mut buffer = [0; 64];
            loop {
                match server.read(&mut buffer).unwrap() {
                    0 => return,
                    got => server.write_all(&buffer[..got]).unwrap(),
                }
            }
        });
        for _ in 0..1000 {
            client.write_all(b"hello").unwrap();
            client.read_exact(&mut [0; 5]).unwrap();
        }
        drop(client);
        echo.join().unwrap();
    });
}

#[test]
fn many_clients_of_a_server_of_std_are_served_at_once() {
    patched(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let here = std::rc::Rc::new(std::cell::Cell::new(0));
        let server = greenroom::spawn(move || {
            for _ in 0..50 {
                let (mut stream, _) = listener.accept().unwrap();
                let here = here.clone();
                greenroom::spawn(move || {
                    let mut line = [0; 5];
                    stream.read_exact(&mut line).unwrap();
                    here.set(here.get() + 1);
                    // Nobody is answered before all have asked.
                    while here.get() < 50 {
                        std::thread::sleep(ms(5));
                    }
                    stream.write_all(&line).unwrap();
                });
            }
        });
        let client = move |_| {
            greenroom::spawn(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(b"hello").unwrap();
                let mut line = String::new();
                stream.read_to_string(&mut line).unwrap();
                line
            })
        };
        let answers = greenroom::joinall((0..50).map(client));
        assert!(answers.into_iter().all(|answer| answer.unwrap() == "hello"));
        server.join().unwrap();
    });
}

#[test]
fn a_blocking_send_sends_everything() {
    patched(|| {
        for pair in [tcp_pair(), local_pair()] {
            let (near, far) = pair;
            let bytes: Vec<u8> = (0..5_000_000u32).map(|n| n as u8).collect();
            let reader = greenroom::spawn(move || {
                let (mut all, mut part) = (Vec::new(), vec![0; 100_000]);
                loop {
                    match read(&far, &mut part).unwrap() {
                        0 => return all,
                        got => all.extend_from_slice(&part[..got as usize]),
                    }
                }
            });
            assert_eq!(send(&near, &bytes, 0), Ok(5_000_000));
            assert_eq!(write(&near, &bytes), Ok(5_000_000));
            let slices: Vec<_> = bytes.chunks(300_000).map(IoSlice::new).collect();
            // SAFETY: IoSlice is an iovec.
            let sent = unsafe { libc::writev(near.as_raw_fd(), slices.as_ptr().cast(), slices.len() as i32) };
            assert_eq!(c(sent as i64), Ok(5_000_000));
            drop(near);
            let got = reader.join().unwrap();
            assert!(got.len() == 15_000_000 && got.chunks(5_000_000).all(|part| part == bytes));
        }
    });
}

type Pair = (std::os::fd::OwnedFd, std::os::fd::OwnedFd);

fn tcp_pair() -> Pair {
    let (near, far) = tcp();
    (near.into(), far.into())
}

fn local_pair() -> Pair {
    let (near, far) = UnixStream::pair().unwrap();
    (near.into(), far.into())
}

#[test]
fn waitall_waits_for_all_and_stops_at_the_end() {
    patched(|| {
        for (near, far) in [tcp_pair(), local_pair()] {
            let writer = greenroom::spawn(move || {
                for part in [&b"ab"[..], b"cd", b"ef", b"gh"] {
                    std::thread::sleep(ms(5));
                    write(&near, part).unwrap();
                }
            });
            let mut buffer = [0; 6];
            assert_eq!(recv(&far, &mut buffer, libc::MSG_WAITALL | libc::MSG_PEEK), Ok(6));
            assert_eq!(&buffer, b"abcdef");
            assert_eq!(recv(&far, &mut buffer, libc::MSG_WAITALL), Ok(6));
            assert_eq!(&buffer, b"abcdef");
            writer.join().unwrap();
            assert_eq!(recv(&far, &mut buffer, libc::MSG_WAITALL | libc::MSG_PEEK), Ok(2));
            assert_eq!(recv(&far, &mut buffer, libc::MSG_WAITALL), Ok(2));
            assert_eq!(recv(&far, &mut buffer, libc::MSG_WAITALL), Ok(0));
        }
        // Into one buffer, and into several.
        for (near, far) in [tcp_pair(), local_pair()] {
            let writer = greenroom::spawn(move || {
                for part in (0..8u8).collect::<Vec<_>>().chunks(2) {
                    std::thread::sleep(ms(3));
                    write(&near, part).unwrap();
                }
            });
            let (mut one, mut two, mut three) = ([0; 4], [0; 1], [0; 3]);
            assert_eq!(recv(&far, &mut one, libc::MSG_WAITALL), Ok(4));
            let mut slices = [IoSliceMut::new(&mut two), IoSliceMut::new(&mut three)];
            // SAFETY: zeroes are a message; IoSliceMut is an iovec.
            let got = unsafe {
                let mut message: libc::msghdr = std::mem::zeroed();
                (message.msg_iov, message.msg_iovlen) = (slices.as_mut_ptr().cast(), 2);
                libc::recvmsg(far.as_raw_fd(), &mut message, libc::MSG_WAITALL)
            };
            assert_eq!((c(got as i64), one, two, three), (Ok(4), [0, 1, 2, 3], [4], [5, 6, 7]));
            writer.join().unwrap();
        }
    });
}

#[test]
fn a_peek_leaves_what_it_sees() {
    patched(|| {
        let (near, far) = tcp();
        let writer = later(move || assert!(write(&near, b"once").is_ok()));
        let mut buffer = [0; 8];
        assert_eq!(far.peek(&mut buffer).unwrap(), 4);
        assert_eq!(far.peek(&mut buffer).unwrap(), 4);
        assert_eq!(read(&far, &mut buffer), Ok(4));
        writer.join().unwrap();
        assert_eq!(far.peek(&mut buffer).unwrap(), 0);
    });
}

#[test]
fn reads_into_several_buffers_wait_as_well() {
    patched(|| {
        let (near, mut far) = tcp();
        let writer = later(move || assert!(write(&near, b"abcdef").is_ok()));
        let (mut one, mut two) = ([0; 2], [0; 8]);
        let got = far.read_vectored(&mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)]).unwrap();
        assert_eq!((got, &one, &two[..4]), (6, b"ab", &b"cdef"[..]));
        writer.join().unwrap();
    });
}

#[test]
fn of_no_bytes_a_read_does_not_wait_and_a_recv_does() {
    patched(|| {
        let (near, far) = tcp();
        assert_eq!(read(&far, &mut []), Ok(0));
        assert_eq!(write(&near, &[]), Ok(0));
        let mut nothing = [IoSliceMut::new(&mut [])];
        // SAFETY: IoSliceMut is an iovec.
        let got = unsafe { libc::readv(far.as_raw_fd(), nothing.as_mut_ptr().cast(), 1) };
        assert_eq!(c(got as i64), Ok(0));
        let writer = later(move || assert!(write(&near, b"x").is_ok()));
        let (got, took) = timed(|| recv(&far, &mut [], 0));
        assert_eq!(got, Ok(0));
        assert!(took >= 15, "{took}");
        writer.join().unwrap();
    });
}

#[test]
fn the_timeouts_of_a_socket_are_the_kernels() {
    patched(|| {
        let (near, far) = tcp();
        far.set_read_timeout(Some(ms(30))).unwrap();
        let shared = far.try_clone().unwrap();
        for stream in [&far, &shared] {
            let ((got, took), ticks) = ticks_during(|| timed(|| read(stream, &mut [0; 8])));
            assert_eq!(got, Err(libc::EAGAIN));
            assert!((30..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
        }
        shared.set_read_timeout(Some(ms(10))).unwrap();
        let (got, took) = timed(|| recv(&far, &mut [0; 8], libc::MSG_WAITALL));
        assert_eq!(got, Err(libc::EAGAIN));
        assert!((10..20_000).contains(&took), "{took}");
        assert_eq!(recv(&far, &mut [], 0), Ok(0));
        // Time goes on over the parts of one call.
        write(&near, b"ab").unwrap();
        assert_eq!(recv(&far, &mut [0; 8], libc::MSG_WAITALL), Ok(2));
        near.set_write_timeout(Some(ms(30))).unwrap();
        let (sent, took) = timed(|| send(&near, &vec![0; 50_000_000], 0));
        assert!(matches!(sent, Ok(1..50_000_000)), "{sent:?}");
        assert!((30..20_000).contains(&took), "{took}");
        assert_eq!(send(&near, &[0; 8], 0), Err(libc::EAGAIN));
        assert!(!is_nonblocking(near.as_raw_fd()) && !is_nonblocking(far.as_raw_fd()));
    });
}

#[test]
fn the_end_and_a_reset_are_as_std_has_them() {
    patched(|| {
        let (near, far) = tcp();
        let reader = greenroom::spawn(move || {
            let mut buffer = [0; 8];
            let answers = [read(&far, &mut buffer), read(&far, &mut buffer), read(&far, &mut buffer)];
            (answers, far)
        });
        greenroom::sleep(ms(5));
        write(&near, b"last").unwrap();
        near.shutdown(std::net::Shutdown::Write).unwrap();
        let (answers, far) = reader.join().unwrap();
        assert_eq!(answers, [Ok(4), Ok(0), Ok(0)]);
        // What arrives unread makes the close a reset.
        write(&far, b"unread").unwrap();
        drop(near);
        greenroom::sleep(ms(5));
        assert_eq!(
            send(&far, b"x", libc::MSG_NOSIGNAL),
            Err(libc::ECONNRESET).or(Err(libc::EPIPE)).or(send(&far, b"x", libc::MSG_NOSIGNAL))
        );
    });
}

#[test]
fn both_directions_of_one_socket_are_waited_for_at_once() {
    patched(|| {
        let (near, far) = tcp();
        let far = std::rc::Rc::new(far);
        let (reads, writes) = (far.clone(), far.clone());
        let reader = greenroom::spawn(move || read(&*reads, &mut [0; 8]));
        let writer = greenroom::spawn(move || send(&*writes, &vec![1; 8_000_000], 0));
        greenroom::sleep(ms(10));
        write(&near, b"hello").unwrap();
        assert_eq!(reader.join().unwrap(), Ok(5));
        let mut left = 8_000_000;
        while left > 0 {
            left -= read(&near, &mut vec![0; 1_000_000]).unwrap();
        }
        assert_eq!(writer.join().unwrap(), Ok(8_000_000));
    });
}

#[test]
fn several_readers_of_one_socket_get_each_byte_once() {
    patched(|| {
        let (near, far) = tcp();
        let far = std::rc::Rc::new(far);
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let far = far.clone();
                greenroom::spawn(move || {
                    let mut seen = Vec::new();
                    let mut byte = [0];
                    while read(&*far, &mut byte).unwrap() == 1 {
                        seen.push(byte[0]);
                    }
                    seen
                })
            })
            .collect();
        for byte in 0..200 {
            write(&near, &[byte]).unwrap();
            if byte % 7 == 0 {
                greenroom::yield_now();
            }
        }
        drop(near);
        let mut all: Vec<u8> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<u8>>());
    });
}
