//! The kernel's own door: the instruction that makes a system call.
//!
//! The C library's functions would lead back to ours, `syscall` among them (`patch_sync` takes that). And glibc's are
//! cancellation points of `pthread_cancel`, which these are not.

use std::arch::asm;
use std::ffi::{c_int, c_long};

/// The number of an error (man 3 errno).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(pub(crate) c_int);

/// What a call gives: a count, a descriptor, or nothing of interest.
pub(crate) type Answer = Result<usize, Errno>;

/// Makes the system call `number`. It does not touch `errno`.
///
/// # Safety
///
/// That of the call: the kernel believes whatever address it is told.
#[inline(always)]
pub(crate) unsafe fn call<const N: usize>(number: c_long, arguments: [usize; N]) -> Answer {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    // SAFETY: the caller's.
    let result = unsafe { enter(number, [at(0), at(1), at(2), at(3), at(4), at(5)]) };
    // The last page of addresses stands for errors (man 2 syscall).
    if result > -4096isize as usize {
        Err(Errno((result as isize).wrapping_neg() as c_int))
    } else {
        Ok(result)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn enter(number: c_long, arguments: [usize; 6]) -> usize {
    let mut result = number as usize;
    // SAFETY: the caller's; the kernel changes rax, rcx and r11 alone (man 2 syscall), and what the call is told to.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn enter(number: c_long, arguments: [usize; 6]) -> usize {
    let mut result = arguments[0];
    // SAFETY: the caller's; the kernel changes x0 alone (man 2 syscall), and what the call is told to.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") result,
            in("x1") arguments[1],
            in("x2") arguments[2],
            in("x3") arguments[3],
            in("x4") arguments[4],
            in("x5") arguments[5],
            options(nostack),
        );
    }
    result
}

/// A descriptor as the kernel takes it.
#[inline(always)]
pub(crate) const fn fd(number: c_int) -> usize {
    number as usize
}

/// The answer of a C function that says -1 in case of an error, whose number it leaves in `errno`: last of all, for what
/// ran meanwhile has left there what it would.
#[inline(always)]
pub(crate) fn to_c(answer: Answer) -> isize {
    match answer {
        Ok(value) => value as isize,
        Err(errno) => fail(errno),
    }
}

/// Apart, so that a call which succeeds needs no frame.
#[cold]
#[inline(never)]
fn fail(Errno(number): Errno) -> isize {
    set_errno(number);
    -1
}

/// As [`to_c`], of a function that returns an `int`.
#[inline(always)]
pub(crate) fn to_int(answer: Answer) -> c_int {
    to_c(answer) as c_int
}

pub(crate) fn set_errno(number: c_int) {
    // SAFETY: the C library says where this OS thread keeps it.
    unsafe { *libc::__errno_location() = number };
}

pub(crate) fn errno() -> c_int {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() }
}

/// poll(2), by the call that every processor has. Without a limit it waits for ever.
///
/// # Safety
///
/// That of the call.
pub(crate) unsafe fn poll(asked: *mut libc::pollfd, count: usize, limit: Option<libc::timespec>) -> Answer {
    let limit = limit.as_ref().map_or(0, |limit| std::ptr::from_ref(limit).expose_provenance());
    // SAFETY: the caller's. No mask of signals is passed.
    unsafe { call(libc::SYS_ppoll, [asked.expose_provenance(), count, limit, 0, 0]) }
}

/// No time at all.
pub(crate) const AT_ONCE: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

/// Asks of one descriptor, without waiting, and returns what there is to tell; errors and hang-ups unasked.
pub(crate) fn events(number: c_int, asked: i16) -> i16 {
    let mut asked = libc::pollfd { fd: number, events: asked, revents: 0 };
    // SAFETY: the kernel reads and writes the one that it is given.
    match unsafe { poll(&mut asked, 1, Some(AT_ONCE)) } {
        Ok(_) => asked.revents,
        // A call on it will find out.
        Err(_) => libc::POLLNVAL,
    }
}

/// The number of the process that asks.
pub(crate) fn process() -> usize {
    // SAFETY: the call takes no arguments, and cannot fail.
    unsafe { call(libc::SYS_getpid, []) }.unwrap_or(0)
}
