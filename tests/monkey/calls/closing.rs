//! Closes under a waiter, and numbers that come to mean something else.

use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use super::{c, patched, read, tcp, unseen, unseen_pair, write};
use crate::support::{self, ms};

/// Puts a file where another one is, and closes it where it was.
fn put_unseen(file: OwnedFd, over: i32) {
    // SAFETY: the caller owns both.
    unsafe {
        unseen(libc::SYS_dup3, [file.as_raw_fd() as usize, over as usize, libc::O_CLOEXEC as usize]).unwrap();
    }
}

#[test]
fn a_close_wakes_who_waits_with_ebadf() {
    patched(|| {
        let (_near, far) = tcp();
        let (reader, writer) = std::io::pipe().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let numbers = [far.into_raw_fd(), reader.into_raw_fd(), listener.into_raw_fd()];
        let waiters = [
            greenroom::spawn(move || read(&numbers[0], &mut [0; 4])),
            greenroom::spawn(move || read(&numbers[1], &mut [0; 4])),
            // SAFETY: no addresses but null.
            greenroom::spawn(move || unsafe {
                c(libc::accept(numbers[2], std::ptr::null_mut(), std::ptr::null_mut()))
            }),
        ];
        greenroom::sleep(ms(5));
        for number in numbers {
            // SAFETY: ours.
            assert_eq!(c(unsafe { libc::close(number) }), Ok(0));
        }
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Err(libc::EBADF));
        }
        drop(writer);
    });
}

#[test]
fn what_is_put_over_a_descriptor_ends_the_wait_for_what_was_there() {
    patched(|| {
        let (_near, far) = tcp();
        let (one, other) = tcp();
        let number = far.as_raw_fd();
        let waiter = greenroom::spawn(move || read(&number, &mut [0; 4]));
        greenroom::sleep(ms(5));
        // SAFETY: both are ours.
        assert_eq!(c(unsafe { libc::dup2(one.as_raw_fd(), number) }), Ok(i64::from(number)));
        assert_eq!(waiter.join().unwrap(), Err(libc::EBADF));
        write(&other, b"new").unwrap();
        assert_eq!(read(&number, &mut [0; 4]), Ok(3));
        // Nothing happens if there is nothing to put there.
        let waiter = greenroom::spawn(move || read(&number, &mut [0; 4]));
        greenroom::sleep(ms(5));
        // SAFETY: no addresses.
        assert_eq!(c(unsafe { libc::dup2(9999, number) }), Err(libc::EBADF));
        write(&other, b"more").unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(4));
    });
}

#[test]
fn a_number_that_is_used_again_is_a_new_socket() {
    patched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = greenroom::spawn(move || {
            for round in 0..500u32 {
                let (stream, _) = listener.accept().unwrap();
                if round % 2 == 0 {
                    greenroom::yield_now();
                }
                write(&stream, &round.to_ne_bytes()).unwrap();
            }
        });
        for round in 0..500u32 {
            let stream = TcpStream::connect(address).unwrap();
            let mut got = [0; 4];
            assert_eq!(read(&stream, &mut got), Ok(4));
            assert_eq!(u32::from_ne_bytes(got), round);
            assert_eq!(read(&stream, &mut got), Ok(0));
        }
        server.join().unwrap();
    });
}

#[test]
fn a_socket_that_was_closed_behind_our_back_does_not_hang_its_successor() {
    patched(|| {
        let (near, far) = tcp();
        let number = far.as_raw_fd();
        // Registered by a wait.
        let waiter = greenroom::spawn(move || read(&number, &mut [0; 4]));
        greenroom::yield_now();
        write(&near, b"x").unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(1));
        let (new, other) = unseen_pair();
        put_unseen(new, number);
        let waiter = greenroom::spawn(move || read(&number, &mut [0; 4]));
        greenroom::sleep(ms(5));
        write(&other, b"new").unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(3));
        // From then on it is as good as any.
        support::assert_within(ms(950), || {
            let waiter = greenroom::spawn(move || read(&number, &mut [0; 4]));
            greenroom::sleep(ms(5));
            let begun = std::time::Instant::now();
            write(&other, b"new").unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(3));
            begun.elapsed()
        });
        drop(far);
    });
}

#[test]
fn a_socket_that_became_a_file_behind_our_back_is_a_file() {
    patched(|| {
        let (_near, far) = tcp();
        let number = far.as_raw_fd();
        assert_eq!(read(&number, &mut []), Ok(0));
        put_unseen(std::fs::File::open("Cargo.toml").unwrap().into(), number);
        assert_eq!(read(&far, &mut [0; 4]), Ok(4));
        assert_eq!(read(&far, &mut [0; 4]), Ok(4));
    });
}

#[test]
fn another_os_thread_may_close_while_nobody_waits() {
    patched(|| {
        for _ in 0..50 {
            let (near, far) = tcp();
            let waiter = greenroom::spawn(move || (read(&far, &mut [0; 4]), far));
            greenroom::yield_now();
            write(&near, b"x").unwrap();
            let (got, far) = waiter.join().unwrap();
            assert_eq!(got, Ok(1));
            std::thread::spawn(move || drop((near, far))).join().unwrap();
        }
    });
}
