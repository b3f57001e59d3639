//! Time-outs, cancels and kills that strike inside a call.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::rc::Rc;

use greenroom::spawn;

use super::{c, patched, read, send, tcp, ticks_during, timed, write};
use crate::support::{OnDrop, ms};

#[test]
fn a_timeout_makes_a_call_fail_with_etimedout_and_each_later_one() {
    patched(|| {
        let (_near, far) = tcp();
        let ended = greenroom::timeout(ms(10), || {
            assert_eq!(read(&far, &mut [0; 4]), Err(libc::ETIMEDOUT));
            assert_eq!(read(&far, &mut [0; 4]), Err(libc::ETIMEDOUT));
            // SAFETY: no descriptors.
            assert_eq!(c(unsafe { libc::poll(std::ptr::null_mut(), 0, -1) }), Err(libc::ETIMEDOUT));
        });
        assert!(ended.is_err());
        let ended = greenroom::timeout(ms(10), || {
            let mut far = &far;
            far.read(&mut [0; 4]).unwrap_err().kind()
        });
        assert!(ended.is_err());
        // It is over with the scope.
        write(&_near, b"x").unwrap();
        assert_eq!(read(&far, &mut [0; 4]), Ok(1));
    });
}

#[test]
fn a_call_that_need_not_wait_succeeds_all_the_same() {
    patched(|| {
        let (near, far) = tcp();
        write(&near, b"xy").unwrap();
        let reader = spawn(move || {
            let mut byte = [0];
            (read(&far, &mut byte), read(&far, &mut byte), read(&far, &mut byte))
        });
        reader.cancel();
        assert_eq!(reader.join().unwrap(), (Ok(1), Ok(1), Err(libc::ECANCELED)));
    });
}

#[test]
fn a_kill_is_an_errno_and_unwinds_at_the_next_park_outside() {
    patched(|| {
        let (_near, far) = tcp();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let seen = Rc::new(Cell::new((Ok(0), None)));
        let dropped = Rc::new(Cell::new(false));
        let (there, gone) = (seen.clone(), dropped.clone());
        let victim = spawn(move || {
            let _drop = OnDrop(|| gone.set(true));
            let first = read(&far, &mut [0; 4]);
            there.set((first, listener.accept().unwrap_err().raw_os_error()));
            greenroom::yield_now();
            unreachable!("a park outside");
        });
        greenroom::yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(seen.get(), (Err(libc::ECANCELED), Some(libc::ECANCELED)));
        assert!(dropped.get());
    });
}

#[test]
fn what_was_sent_before_the_end_is_told_first() {
    patched(|| {
        let (near, _far) = tcp();
        let sender = spawn(move || (send(&near, &vec![0; 50_000_000], 0), send(&near, b"x", 0)));
        greenroom::sleep(ms(10));
        sender.cancel();
        let (first, second) = sender.join().unwrap();
        assert!(matches!(first, Ok(1..50_000_000)), "{first:?}");
        assert_eq!(second, Err(libc::ECANCELED));
    });
}

#[test]
fn a_timeout_ends_a_sleep_of_std_early() {
    patched(|| {
        let (ended, took) = timed(|| greenroom::timeout(ms(10), || std::thread::sleep(ms(60_000))));
        assert!(ended.is_err() && took < 30_000, "{took}");
    });
}

#[test]
fn a_killed_loop_of_nothing_but_sleeps_ends() {
    patched(|| {
        let rounds = Rc::new(Cell::new(0));
        let there = rounds.clone();
        let victim = spawn(move || {
            loop {
                std::thread::sleep(ms(1));
                there.set(there.get() + 1);
            }
        });
        greenroom::sleep(ms(5));
        let before = rounds.get();
        victim.kill();
        assert!(victim.join().is_err());
        assert_eq!(rounds.get() - before, 16);
        // And one of C, which looks at no error, does not keep the others from running.
        let going = Rc::new(Cell::new(true));
        let there = going.clone();
        let victim = spawn(move || {
            while there.get() {
                // SAFETY: no addresses.
                unsafe { libc::usleep(1) };
            }
        });
        greenroom::yield_now();
        victim.kill();
        let (_, ticks) = ticks_during(|| greenroom::sleep(ms(30)));
        assert!(ticks >= 1, "{ticks}");
        going.set(false);
        assert!(victim.join().is_ok());
    });
}

#[test]
fn a_killed_loop_of_refused_calls_leaves_the_processor_alone() {
    patched(|| {
        let (_near, far) = tcp();
        let rounds = Rc::new(Cell::new(0));
        let there = rounds.clone();
        let going = Rc::new(Cell::new(true));
        let goes = going.clone();
        let victim = spawn(move || {
            while goes.get() {
                assert_eq!(read(&far, &mut [0; 4]), Err(libc::ECANCELED));
                there.set(there.get() + 1);
            }
        });
        greenroom::yield_now();
        victim.kill();
        let (_, ticks) = ticks_during(|| greenroom::sleep(ms(50)));
        assert!(ticks >= 1 && (17..1000).contains(&rounds.get()), "{ticks} {}", rounds.get());
        going.set(false);
        assert!(victim.join().is_ok());
    });
}

#[test]
fn a_destructor_of_one_that_unwinds_does_not_wait() {
    patched(|| {
        let (near, far) = tcp();
        let seen = Rc::new(Cell::new(Ok(0)));
        let there = seen.clone();
        let victim = spawn(move || {
            let _drop = OnDrop(move || {
                let mut far = &far;
                far.write_all(b"farewell").unwrap();
                std::thread::sleep(ms(10));
                there.set(read(far, &mut [0; 4]));
            });
            greenroom::thread::park();
        });
        greenroom::yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(seen.get(), Err(libc::ECANCELED));
        assert_eq!(read(&near, &mut [0; 16]), Ok(8));
    });
}

#[test]
fn an_interrupted_connect_can_be_made_again() {
    patched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = spawn(move || std::net::TcpStream::connect(address).map(drop));
        client.cancel();
        // On the loopback it need not wait.
        let _ = client.join().unwrap();
        assert!(std::net::TcpStream::connect(address).is_ok());
    });
}

#[test]
fn every_call_that_waits_can_be_ended() {
    type Wait = fn(i32) -> i64;
    /// SAFETY: of all: addresses of null or on the frame.
    const WAITS: [(&str, Wait); 9] = [
        ("read", |n| unsafe { libc::read(n, [0u8; 4].as_mut_ptr().cast(), 4) as i64 }),
        ("readv", |n| unsafe {
            let mut byte = 0u8;
            libc::readv(n, &libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 }, 1) as i64
        }),
        ("recv", |n| unsafe { libc::recv(n, [0u8; 4].as_mut_ptr().cast(), 4, 0) as i64 }),
        ("recv, all", |n| unsafe {
            libc::recv(n, [0u8; 4].as_mut_ptr().cast(), 4, libc::MSG_WAITALL) as i64
        }),
        ("recvfrom", |n| unsafe {
            let null = std::ptr::null_mut();
            libc::recvfrom(n, [0u8; 4].as_mut_ptr().cast(), 4, 0, null, null.cast()) as i64
        }),
        ("recvmsg", |n| unsafe {
            let mut byte = 0u8;
            let mut slice = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            let mut message: libc::msghdr = std::mem::zeroed();
            (message.msg_iov, message.msg_iovlen) = (&mut slice, 1);
            libc::recvmsg(n, &mut message, 0) as i64
        }),
        ("poll", |n| unsafe {
            i64::from(libc::poll(&mut libc::pollfd { fd: n, events: libc::POLLIN, revents: 0 }, 1, -1))
        }),
        ("ppoll", |n| unsafe {
            let mut asked = libc::pollfd { fd: n, events: libc::POLLIN, revents: 0 };
            i64::from(libc::ppoll(&mut asked, 1, std::ptr::null(), std::ptr::null()))
        }),
        ("select", |n| unsafe {
            let mut reads: libc::fd_set = std::mem::zeroed();
            libc::FD_SET(n, &mut reads);
            let null = std::ptr::null_mut();
            i64::from(libc::select(n + 1, &mut reads, null, null, null.cast()))
        }),
    ];
    patched(|| {
        use std::os::fd::AsRawFd;
        let (_near, far) = tcp();
        let number = far.as_raw_fd();
        for (name, wait) in WAITS {
            for kills in [true, false] {
                let seen = Rc::new(Cell::new(Ok(0)));
                let there = seen.clone();
                let victim = spawn(move || there.set(c(wait(number))));
                greenroom::yield_now();
                if kills {
                    victim.kill()
                } else {
                    victim.cancel()
                }
                assert!(victim.join().is_ok(), "{name}");
                assert_eq!(seen.get(), Err(libc::ECANCELED), "{name}");
            }
            let ended =
                greenroom::timeout(ms(2), || assert_eq!(c(wait(number)), Err(libc::ETIMEDOUT), "{name}"));
            assert!(ended.is_err());
        }
    });
}
