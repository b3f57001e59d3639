//! Where calls pass.

use std::os::fd::AsRawFd;

use super::{patched, read, tcp, timed, write};
use crate::support::{self, ms};

#[test]
fn os_threads_without_a_hub_block_as_ever() {
    patched(|| {
        let (near, far) = tcp();
        let reader = std::thread::spawn(move || read(&far, &mut [0; 4]));
        greenroom::sleep(ms(10));
        write(&near, b"x").unwrap();
        assert_eq!(reader.join().unwrap(), Ok(1));
        let slept = greenroom::unblock(|| timed(|| std::thread::sleep(ms(20))).1);
        assert!((20..1500).contains(&slept), "{slept}");
    });
}

#[test]
fn outside_of_a_hub_the_root_blocks_as_ever() {
    greenroom::monkey::patch_all();
    support::watch(|| {
        let (near, far) = tcp();
        assert_eq!(write(&near, b"x"), Ok(1));
        assert_eq!(read(&far, &mut [0; 4]), Ok(1));
        far.set_read_timeout(Some(ms(10))).unwrap();
        assert_eq!(read(&far, &mut [0; 4]), Err(libc::EAGAIN));
        assert!((10..1500).contains(&timed(|| std::thread::sleep(ms(10))).1));
    });
}

#[test]
fn where_nothing_may_switch_calls_block() {
    patched(|| {
        let other = greenroom::spawn(|| ());
        let took = greenroom::thread::on_hub_stack(|| timed(|| std::thread::sleep(ms(10))).1);
        assert!(took >= 10 && !other.is_finished(), "{took}");
    });
}

#[test]
fn a_forked_child_blocks_as_ever_and_can_call_exec() {
    patched(|| {
        let (near, far) = tcp();
        let waiter = greenroom::spawn(move || (read(&far, &mut [0; 4]), far));
        greenroom::yield_now();
        // SAFETY: the child makes calls that are allowed there, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let time = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            // SAFETY: as above. It closes what the parent waits for: its own copy.
            unsafe {
                let slept = libc::nanosleep(&time, std::ptr::null_mut());
                let closed = (3..1000).filter(|&number| libc::close(number) == 0).count();
                libc::_exit(if slept == 0 && closed > 2 { 7 } else { 1 });
            }
        }
        let mut status = 0;
        // SAFETY: writes one int.
        greenroom::unblock(move || assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child));
        write(&near, b"x").unwrap();
        assert_eq!(waiter.join().unwrap().0, Ok(1));
        let output = greenroom::process::Command::new("echo").arg("hello").output().unwrap();
        assert_eq!(output.stdout, b"hello\n");
        let output = std::process::Command::new("echo").arg("hello").output().unwrap();
        assert_eq!(output.stdout, b"hello\n");
    });
}

#[test]
fn standard_descriptors_are_left_alone() {
    patched(|| {
        let (near, far) = tcp();
        // SAFETY: ours, and put back.
        unsafe {
            let kept = libc::dup(0);
            assert_eq!(libc::dup2(far.as_raw_fd(), 0), 0);
            far.set_read_timeout(Some(ms(20))).unwrap();
            let other = greenroom::spawn(|| ());
            assert_eq!(read(&0, &mut [0; 4]), Err(libc::EAGAIN));
            assert!(!other.is_finished());
            assert_eq!(libc::dup2(kept, 0), 0);
            libc::close(kept);
        }
        drop(near);
    });
}

#[test]
fn errno_is_left_alone_by_a_call_that_succeeds_whoever_ran_meanwhile() {
    patched(|| {
        let other = greenroom::spawn(|| {
            greenroom::sleep(ms(1));
            assert_eq!(read(&-1, &mut [0; 4]), Err(libc::EBADF));
        });
        // SAFETY: this OS thread's own.
        unsafe {
            *libc::__errno_location() = 77;
            libc::usleep(5_000);
            assert_eq!(*libc::__errno_location(), 77);
        }
        other.join().unwrap();
    });
}
