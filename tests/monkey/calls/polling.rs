//! poll and select.

use std::os::fd::AsRawFd;

use libc::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP, pollfd};

use super::{c, later, patched, read, tcp, ticks_during, timed, write};

fn asked(file: &impl AsRawFd, events: i16) -> pollfd {
    pollfd { fd: file.as_raw_fd(), events, revents: 0 }
}

fn poll(asked: &mut [pollfd], timeout: i32) -> Result<i64, i32> {
    // SAFETY: as many as there are.
    c(unsafe { libc::poll(asked.as_mut_ptr(), asked.len() as u64, timeout) })
}

#[test]
fn a_poll_waits_for_what_it_asks_for() {
    patched(|| {
        let (near, far) = tcp();
        let mut one = [asked(&far, POLLIN)];
        assert_eq!(poll(&mut one, 0), Ok(0));
        let ((got, took), ticks) = ticks_during(|| timed(|| poll(&mut one, 30)));
        assert_eq!((got, one[0].revents), (Ok(0), 0));
        assert!((30..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
        let writer = later(move || {
            write(&near, b"x").unwrap();
            greenroom::sleep(super::ms(10));
        });
        assert_eq!((poll(&mut one, -1), one[0].revents), (Ok(1), POLLIN));
        assert_eq!(read(&far, &mut [0; 4]), Ok(1));
        let mut end = [asked(&far, POLLIN | POLLRDHUP)];
        assert_eq!((poll(&mut end, 5000), end[0].revents), (Ok(1), POLLIN | POLLRDHUP));
        writer.join().unwrap();
    });
}

#[test]
fn a_poll_of_nothing_is_a_sleep() {
    patched(|| {
        let ((got, took), ticks) = ticks_during(|| timed(|| poll(&mut [], 30)));
        assert_eq!(got, Ok(0));
        assert!((30..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
        let mut none = [pollfd { fd: -1, events: POLLIN, revents: 7 }];
        let ((got, took), ticks) = ticks_during(|| timed(|| poll(&mut none, 30)));
        assert_eq!((got, none[0].revents), (Ok(0), 0));
        assert!((30..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
        let forever = greenroom::spawn(|| poll(&mut [], -1));
        greenroom::yield_now();
        forever.cancel();
        assert_eq!(forever.join().unwrap(), Err(libc::ECANCELED));
    });
}

#[test]
fn many_descriptors_of_many_kinds_are_polled_at_once() {
    patched(|| {
        let pairs: Vec<_> = (0..200).map(|_| std::io::pipe().unwrap()).collect();
        let (readers, writers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let mut all: Vec<_> = readers.iter().map(|reader| asked(reader, POLLIN)).collect();
        let chosen = [3, 77, 199];
        let writer = later(move || {
            for index in chosen {
                write(&writers[index], b"x").unwrap();
            }
            greenroom::sleep(super::ms(30));
        });
        assert_eq!(poll(&mut all, -1), Ok(3));
        let told: Vec<_> = (0..200).filter(|&index| all[index].revents != 0).collect();
        assert_eq!(told, chosen);
        for index in chosen {
            assert_eq!(read(&readers[index], &mut [0; 4]), Ok(1));
        }
        assert_eq!(poll(&mut all, -1), Ok(200));
        assert!(all.iter().all(|one| one.revents == POLLHUP));
        writer.join().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let mut odd = [asked(&file, POLLIN), asked(&9999, POLLIN), asked(&-1, POLLIN)];
        assert_eq!(poll(&mut odd, -1), Ok(2));
        assert_eq!(odd.map(|one| one.revents), [POLLIN, POLLNVAL, 0]);
    });
}

#[test]
fn the_same_descriptor_may_be_asked_for_twice() {
    patched(|| {
        let (near, far) = tcp();
        let mut twice = [asked(&far, POLLIN), asked(&far, POLLIN | POLLOUT), asked(&near, 0)];
        assert_eq!(poll(&mut twice, -1), Ok(1));
        assert_eq!(twice.map(|one| one.revents), [0, POLLOUT, 0]);
        let mut twice = [asked(&far, POLLIN), asked(&far, POLLIN)];
        let writer = later(move || assert!(write(&near, b"x").is_ok()));
        assert_eq!(poll(&mut twice, -1), Ok(2));
        writer.join().unwrap();
    });
}

#[test]
fn a_poll_and_a_read_may_wait_for_the_same() {
    patched(|| {
        let (near, far) = tcp();
        let far = std::rc::Rc::new(far);
        let there = far.clone();
        let poller = greenroom::spawn(move || poll(&mut [asked(&*there, POLLIN)], -1));
        greenroom::yield_now();
        let there = far.clone();
        let reader = greenroom::spawn(move || read(&*there, &mut [0; 4]));
        greenroom::yield_now();
        write(&near, b"x").unwrap();
        assert_eq!(poller.join().unwrap(), Ok(1));
        assert_eq!(reader.join().unwrap(), Ok(1));
    });
}

#[test]
fn errors_and_hang_ups_come_unasked() {
    patched(|| {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut one = [asked(&writer, 0)];
        let closer = later(move || drop(reader));
        assert_eq!((poll(&mut one, -1), one[0].revents), (Ok(1), POLLERR));
        closer.join().unwrap();
        // SAFETY: the kernel refuses the address.
        let nowhere = unsafe { libc::poll(std::ptr::without_provenance_mut(8), 1, -1) };
        assert_eq!(c(nowhere), Err(libc::EFAULT));
    });
}

#[test]
fn a_close_under_a_poll_ends_it() {
    patched(|| {
        let (_near, far) = tcp();
        let number = far.as_raw_fd();
        let poller = greenroom::spawn(move || {
            let mut one = [asked(&number, POLLIN)];
            (poll(&mut one, -1), one[0].revents)
        });
        greenroom::yield_now();
        drop(far);
        assert_eq!(poller.join().unwrap(), (Ok(1), POLLNVAL));
    });
}

#[test]
fn ppoll_counts_nanoseconds() {
    patched(|| {
        let (_near, far) = tcp();
        let mut one = [asked(&far, POLLIN)];
        let limit = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        // SAFETY: all of it is on this frame.
        let mut mask: libc::sigset_t = unsafe { std::mem::zeroed() };
        for mask in [std::ptr::null(), &raw mut mask] {
            // SAFETY: as above.
            let ppoll = || c(unsafe { libc::ppoll(one.as_mut_ptr(), 1, &limit, mask) });
            let ((got, took), ticks) = ticks_during(|| timed(ppoll));
            assert_eq!(got, Ok(0));
            assert!((20..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
        }
    });
}

#[test]
fn select_answers_in_the_sets_and_tells_what_time_was_left() {
    patched(|| {
        let (near, far) = tcp();
        let count = far.as_raw_fd().max(near.as_raw_fd()) + 1;
        // SAFETY: sets and time are on this frame.
        let select = |milliseconds: i64| unsafe {
            let (mut reads, mut writes): (libc::fd_set, libc::fd_set) =
                (std::mem::zeroed(), std::mem::zeroed());
            libc::FD_SET(far.as_raw_fd(), &mut reads);
            libc::FD_SET(near.as_raw_fd(), &mut reads);
            let mut time = libc::timeval { tv_sec: 0, tv_usec: milliseconds * 1000 };
            let found = c(libc::select(count, &mut reads, &mut writes, std::ptr::null_mut(), &mut time));
            let far_is_in = libc::FD_ISSET(far.as_raw_fd(), &reads);
            let near_is_in = libc::FD_ISSET(near.as_raw_fd(), &reads);
            (found, far_is_in, near_is_in, time.tv_sec * 1000 + time.tv_usec / 1000)
        };
        let ((got, took), ticks) = ticks_during(|| timed(|| select(30)));
        assert_eq!(got, (Ok(0), false, false, 0));
        assert!((30..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
        let writer = near.try_clone().unwrap();
        let writer = later(move || assert!(write(&writer, b"x").is_ok()));
        let got = select(900);
        assert_eq!((got.0, got.1, got.2), (Ok(1), true, false));
        assert!((1..890).contains(&got.3), "{}", got.3);
        writer.join().unwrap();
        // SAFETY: null everywhere.
        let sleep = || unsafe {
            let mut time = libc::timeval { tv_sec: 0, tv_usec: 20_000 };
            let null = std::ptr::null_mut();
            c(libc::select(0, null, null, null, &mut time))
        };
        let ((got, took), ticks) = ticks_during(|| timed(sleep));
        assert_eq!(got, Ok(0));
        assert!(took >= 20 && ticks >= 1, "{took} {ticks}");
        // SAFETY: the set is on this frame.
        let closed = unsafe {
            let mut reads: libc::fd_set = std::mem::zeroed();
            libc::FD_SET(63, &mut reads);
            c(libc::select(64, &mut reads, std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut()))
        };
        assert_eq!(closed, Err(libc::EBADF));
    });
}
