//! Waits for descriptors that belong to somebody else.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::net::{wait_readable, wait_writable};
use greenroom::os::unix::net::UnixStream;
use greenroom::thread;

use super::{A_MOMENT, kernel, listener, pair};
use crate::support::{hub, ms};

#[test]
fn a_pipe_is_waited_for_and_left_as_it_was() {
    hub(|| {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let waits = greenroom::spawn(move || {
            assert!(wait_readable(&reader, None).unwrap());
            assert!(!kernel::is_nonblocking(&reader));
            let mut word = [0; 4];
            reader.read_exact(&mut word).unwrap();
            assert!(wait_readable(&reader, None).unwrap(), "the end is something to be read");
            word
        });
        thread::sleep(A_MOMENT);
        assert!(!waits.is_finished());
        writer.write_all(b"word").unwrap();
        thread::sleep(A_MOMENT);
        drop(writer);
        assert_eq!(waits.join().unwrap(), *b"word");
    });
}

#[test]
fn a_full_pipe_is_waited_for_until_it_is_read_or_its_reader_is_gone() {
    hub(|| {
        for read in [true, false] {
            let (mut reader, mut writer) = io::pipe().unwrap();
            while wait_writable(&writer, Some(Duration::ZERO)).unwrap() {
                writer.write_all(&[0; 4096]).unwrap();
            }
            let waits = greenroom::spawn(move || wait_writable(&writer, None));
            thread::sleep(A_MOMENT);
            assert!(!waits.is_finished());
            match read {
                true => reader.read_exact(&mut [0; 1 << 16]).unwrap(),
                false => drop(reader),
            }
            assert!(waits.join().unwrap().unwrap());
        }
    });
}

#[test]
fn what_cannot_be_polled_answers_at_once() {
    hub(|| {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let null = File::options().write(true).open("/dev/null").unwrap();
        let folder = File::open("/").unwrap();
        let begun = Instant::now();
        for descriptor in [&file, &null, &folder] {
            assert!(wait_readable(descriptor, None).unwrap());
            assert!(wait_writable(descriptor, Some(Duration::ZERO)).unwrap());
        }
        assert!(begun.elapsed() < ms(60_000));
    });
}

#[test]
fn a_timeout_is_false_and_not_before_its_time() {
    hub(|| {
        let (reader, _writer) = io::pipe().unwrap();
        for timeout in [Duration::ZERO, Duration::from_nanos(1), ms(5)] {
            let begun = Instant::now();
            assert!(!wait_readable(&reader, Some(timeout)).unwrap());
            assert!(begun.elapsed() >= timeout);
        }
        let forever = greenroom::timeout(ms(5), || wait_readable(&reader, Some(Duration::MAX)));
        assert!(forever.is_err());
    });
}

#[test]
fn many_may_wait_for_one_descriptor_in_both_directions() {
    hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        near.set_nonblocking(true).unwrap();
        while (&near).write(&[0; 4096]).is_ok() {}
        near.set_nonblocking(false).unwrap();
        let near = Rc::new(near);
        let waits: Vec<_> = (0..6)
            .map(|wait| {
                let near = near.clone();
                greenroom::spawn(move || match wait % 2 {
                    0 => wait_readable(&*near, None),
                    _ => wait_writable(near.as_fd(), None),
                })
            })
            .collect();
        // Beside them somebody reads by the socket's own ways.
        let reader = greenroom::spawn({
            let near = near.clone();
            move || (&*near).read(&mut [0; 1])
        });
        thread::sleep(A_MOMENT);
        assert!(waits.iter().all(|wait| !wait.is_finished()));
        (&far).write_all(b"xy").unwrap();
        while (&far).read(&mut [0; 1 << 16]).is_ok() {}
        for wait in waits {
            assert!(wait.join().unwrap().unwrap());
        }
        assert_eq!(reader.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn a_socket_that_is_closed_meanwhile_ends_the_wait_and_its_connection() {
    hub(|| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        let waits = greenroom::spawn({
            let near = near.clone();
            move || wait_readable(&*near, None)
        });
        thread::sleep(A_MOMENT);
        near.close().unwrap();
        thread::yield_now();
        assert!(waits.is_finished(), "in the same turn");
        assert_eq!(waits.join().unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
        // Nothing keeps the connection alive: the peer sees its end.
        far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert_eq!(far.read(&mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn a_listener_is_readable_when_somebody_has_come() {
    hub(|| {
        let (listener, address) = listener();
        let client = greenroom::spawn(move || {
            thread::sleep(A_MOMENT);
            greenroom::net::TcpStream::connect(address)
        });
        assert!(wait_readable(&listener, None).unwrap());
        assert!(wait_readable(&listener, None).unwrap(), "and is so until it is accepted");
        listener.accept().unwrap();
        assert!(!wait_readable(&listener, Some(Duration::ZERO)).unwrap());
        client.join().unwrap().unwrap();
    });
}

#[test]
fn without_a_descriptor_left_the_wait_is_an_error() {
    hub(|| {
        let (reader, mut writer) = io::pipe().unwrap();
        kernel::at_the_descriptor_limit(|| {
            assert!(wait_readable(&reader, None).is_err());
            writer.write_all(b"x").unwrap();
            assert!(wait_readable(&reader, None).unwrap(), "what is ready needs none");
        });
    });
}

#[test]
fn one_who_asks_again_and_again_lets_others_run() {
    hub(|| {
        let (_reader, writer) = io::pipe().unwrap();
        let other = greenroom::spawn(|| thread::sleep(A_MOMENT / 10));
        let mut rounds = 0_u32;
        while !other.is_finished() {
            assert!(wait_writable(&writer, None).unwrap());
            rounds += 1;
            assert!(rounds < 10_000_000, "the other never ran");
        }
    });
}
