//! The symbol `syscall` as others use it, after `patch_sync`.

use std::ffi::{c_int, c_long};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use greenroom::monkey::{patch_sync, report};
use greenroom::{sleep, spawn};
use libc::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAKE, SYS_futex, syscall, timespec};

use crate::support::hub;

const SHORT: Duration = Duration::from_millis(20);

fn errno() -> Option<c_int> {
    io::Error::last_os_error().raw_os_error()
}

/// As std calls it.
fn wait(word: &AtomicU32, expected: u32, limit: Option<timespec>) -> c_long {
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let what = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
    // SAFETY: word and limit are there.
    unsafe { syscall(SYS_futex, word, what, expected, limit, std::ptr::null::<u32>(), !0u32) }
}

fn wake(word: &AtomicU32, most: c_int) -> c_long {
    // SAFETY: the word is there.
    unsafe { syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, most) }
}

fn monotonic() -> timespec {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills it.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now
}

#[test]
fn what_is_no_futex_goes_to_the_kernel_with_all_its_arguments() {
    patch_sync();
    hub(|| {
        let green = spawn(|| {
            // SAFETY: they touch nothing.
            unsafe {
                assert_eq!(syscall(libc::SYS_getpid), c_long::from(std::process::id()));
                assert_eq!((syscall(libc::SYS_close, -1), errno()), (-1, Some(libc::EBADF)));
                assert_eq!((syscall(-7), errno()), (-1, Some(libc::ENOSYS)));
            }
            // Six arguments: the last says where in the file the page begins.
            let mut file = tempfile();
            file.write_all(&[1; 4096]).unwrap();
            file.write_all(&[2; 4096]).unwrap();
            let (none, protection, flags) = (std::ptr::null::<u8>(), libc::PROT_READ, libc::MAP_PRIVATE);
            // SAFETY: a new mapping, of a page that the file has, read while it is there.
            unsafe {
                let page = syscall(libc::SYS_mmap, none, 4096, protection, flags, file.as_raw_fd(), 4096);
                assert!(page > 0, "{:?}", errno());
                assert_eq!(*(page as *const u8), 2);
                assert_eq!(syscall(libc::SYS_munmap, page, 4096), 0);
            }
        });
        green.join().unwrap();
    });
}

/// A file that has no name.
fn tempfile() -> std::fs::File {
    use std::os::fd::FromRawFd;
    // SAFETY: a new descriptor, of which nobody else knows.
    unsafe {
        let number = libc::memfd_create(c"pages".as_ptr(), libc::MFD_CLOEXEC);
        assert!(number >= 0);
        std::fs::File::from_raw_fd(number)
    }
}

#[test]
fn a_wait_that_cannot_begin_says_why() {
    patch_sync();
    hub(|| {
        let green = spawn(|| {
            let word = AtomicU32::new(1);
            assert_eq!((wait(&word, 2, None), errno()), (-1, Some(libc::EAGAIN)));
            assert_eq!((wait(&word, 1, Some(monotonic())), errno()), (-1, Some(libc::ETIMEDOUT)));
            let past = timespec { tv_sec: 0, tv_nsec: 1 };
            assert_eq!((wait(&word, 1, Some(past)), errno()), (-1, Some(libc::ETIMEDOUT)));
            for bad in [timespec { tv_sec: 1, tv_nsec: 1_000_000_000 }, timespec { tv_sec: -1, tv_nsec: 0 }] {
                assert_eq!((wait(&word, 1, Some(bad)), errno()), (-1, Some(libc::EINVAL)));
            }
            let what = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
            let (none, all) = (std::ptr::null::<timespec>(), !0u32);
            for (address, error) in [(0usize, libc::EFAULT), (3, libc::EINVAL)] {
                // SAFETY: the kernel refuses those addresses.
                let answer = unsafe { syscall(SYS_futex, address, what, 0, none, none, all) };
                assert_eq!((answer, errno()), (-1, Some(error)));
            }
        });
        green.join().unwrap();
    });
}

#[test]
fn errno_stays_as_it_was_over_a_wait_that_succeeds() {
    patch_sync();
    hub(|| {
        let word = Arc::new(AtomicU32::new(0));
        let waits = spawn({
            let word = word.clone();
            move || {
                // SAFETY: it touches nothing.
                unsafe { syscall(libc::SYS_close, -1) };
                assert_eq!(wait(&word, 0, None), 0);
                assert_eq!(errno(), Some(libc::EBADF));
            }
        });
        let disturbs = spawn(move || {
            assert_eq!((wait(&word, 7, None), errno()), (-1, Some(libc::EAGAIN)));
            word.store(1, Ordering::Relaxed);
            wake(&word, 1);
        });
        disturbs.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn a_wait_of_another_shape_blocks_the_os_thread_as_before() {
    patch_sync();
    hub(|| {
        let word = Arc::new(AtomicU32::new(0));
        let waker = std::thread::spawn({
            let word = word.clone();
            move || {
                let begun = Instant::now();
                // In the kernel there is somebody to be woken, in time.
                while wake(&word, 1) == 0 {
                    assert!(begun.elapsed() < Duration::from_secs(60));
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let waits = spawn(move || {
            // As parking_lot does.
            let (what, none) = (FUTEX_WAIT | FUTEX_PRIVATE_FLAG, std::ptr::null::<timespec>());
            // SAFETY: the word is there.
            assert_eq!(unsafe { syscall(SYS_futex, &*word, what, 0, none) }, 0);
        });
        waits.join().unwrap();
        waker.join().unwrap();
    });
}

#[test]
fn words_of_one_bucket_are_told_apart() {
    patch_sync();
    hub(|| {
        // More words than there are buckets.
        let words: Arc<Vec<AtomicU32>> = Arc::new((0..1000).map(|_| AtomicU32::new(0)).collect());
        let all: Vec<_> = (0..words.len())
            .map(|index| {
                let words = words.clone();
                spawn(move || assert_eq!(wait(&words[index], 0, None), 0))
            })
            .collect();
        sleep(SHORT);
        for (index, word) in words.iter().enumerate() {
            word.store(1, Ordering::Relaxed);
            wake(word, 1);
            greenroom::yield_now();
            assert!(all[index].is_finished());
            assert!(all[index + 1..].iter().all(|other| !other.is_finished()));
        }
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

#[test]
fn the_report_counts_waits_for_locks() {
    patch_sync();
    hub(|| {
        let line = || {
            let text = report().to_string();
            text.lines().find(|line| line.starts_with("syscall ")).expect("a line").to_owned()
        };
        let hits = |line: String| line.split_whitespace().last().and_then(|hits| hits.parse::<u64>().ok());
        let before = hits(line()).unwrap();
        let word = Arc::new(AtomicU32::new(0));
        let waits = spawn({
            let word = word.clone();
            move || wait(&word, 0, None)
        });
        greenroom::yield_now();
        wake(&word, 1);
        assert_eq!(waits.join().unwrap(), 0);
        assert!(line().contains(" here "), "{}", line());
        assert_eq!(hits(line()), Some(before + 1));
    });
}
