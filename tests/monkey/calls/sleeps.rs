//! Sleeps.

use std::time::{Duration, Instant};

use super::{c, patched, ticks_during};
use crate::support::{self, ms};

#[test]
fn sleeps_of_std_overlap() {
    patched(|| {
        support::assert_within(ms(390), || {
            let begun = Instant::now();
            greenroom::joinall((0..4).map(|_| greenroom::spawn(|| std::thread::sleep(ms(100)))));
            assert!(begun.elapsed() >= ms(100), "{:?}", begun.elapsed());
            begun.elapsed()
        });
    });
}

#[test]
fn each_of_the_four_calls_gives_the_os_thread_away() {
    patched(|| {
        let time = libc::timespec { tv_sec: 0, tv_nsec: 30_000_000 };
        let (_, ticks) = ticks_during(|| {
            // SAFETY: times of ours; nothing is written.
            unsafe {
                assert_eq!(libc::nanosleep(&time, std::ptr::null_mut()), 0);
                assert_eq!(libc::clock_nanosleep(libc::CLOCK_REALTIME, 0, &time, std::ptr::null_mut()), 0);
                assert_eq!(libc::usleep(30_000), 0);
                assert_eq!(libc::sleep(0), 0);
            }
        });
        assert!(ticks >= 3, "{ticks}");
    });
}

#[test]
fn a_sleep_until_a_moment_ends_at_that_moment() {
    patched(|| {
        for clock in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME] {
            let begun = Instant::now();
            let mut until = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: writes one timespec.
            unsafe { libc::clock_gettime(clock, &mut until) };
            let nanoseconds = until.tv_nsec + 50_000_000;
            (until.tv_sec, until.tv_nsec) =
                (until.tv_sec + nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
            let sleep = || {
                // SAFETY: a time of ours.
                unsafe { libc::clock_nanosleep(clock, libc::TIMER_ABSTIME, &until, std::ptr::null_mut()) }
            };
            let (answer, ticks) = ticks_during(sleep);
            let took = begun.elapsed().as_millis();
            assert_eq!(answer, 0);
            assert!((50..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
            // It is past now.
            assert_eq!(sleep(), 0);
        }
    });
}

#[test]
fn what_is_no_time_is_einval_as_ever() {
    patched(|| {
        for (seconds, nanoseconds) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
            let time = libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds };
            // SAFETY: times of ours.
            unsafe {
                assert_eq!(c(libc::nanosleep(&time, std::ptr::null_mut())), Err(libc::EINVAL));
                let answer = libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &time, std::ptr::null_mut());
                assert_eq!(answer, libc::EINVAL);
            }
        }
        // SAFETY: the kernel refuses the address.
        let nowhere = unsafe { libc::nanosleep(std::ptr::null(), std::ptr::null_mut()) };
        assert_eq!(c(nowhere), Err(libc::EFAULT));
    });
}

#[test]
fn a_sleep_without_end_can_be_ended() {
    patched(|| {
        let sleeper = greenroom::spawn(|| std::thread::sleep(Duration::MAX));
        greenroom::yield_now();
        sleeper.cancel();
        assert!(sleeper.join().is_ok());
    });
}
