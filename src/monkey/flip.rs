//! The mode of an open file, changed for the length of one call that has no flag for it: `accept` and `connect`.
//!
//! Whoever does that, or sets the mode for good, is alone in it among the OS threads of this process: else the one would set back
//! what the other relies on. What remains: for the microsecond of the call, another *process* that shares the open file
//! finds it non-blocking, and one of its own `accept`s may say `EAGAIN`.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::monkey::asked;
use crate::monkey::raw::{self, Answer, fd};
use crate::monkey::table::{self, Descriptor};

static TAKEN: AtomicBool = AtomicBool::new(false);

/// A handler of a signal may have interrupted, on its own OS thread, who is alone: it does not wait for that one for ever.
const MOST_YIELDS: u32 = 10_000;

/// Runs `f`, which neither waits nor unwinds, while no other OS thread runs such a thing.
pub(crate) fn alone<R>(f: impl FnOnce() -> R) -> R {
    // Before there is a hub nobody changes modes for a call.
    if !table::is_awake() {
        return f();
    }
    let mut yields = 0;
    while TAKEN.swap(true, Ordering::Acquire) && yields < MOST_YIELDS {
        yields += 1;
        // SAFETY: the call takes no arguments.
        let _ = unsafe { raw::call(libc::SYS_sched_yield, []) };
    }
    let result = f();
    TAKEN.store(false, Ordering::Release);
    result
}

/// Makes a call that does not wait on a descriptor which the program believes blocking.
pub(crate) fn without_waiting(descriptor: Descriptor, call: impl FnOnce() -> Answer) -> Answer {
    alone(|| {
        // It may have been made non-blocking behind our back, for good.
        if descriptor.is_strange() && asked::is_nonblocking(descriptor.number) != Some(false) {
            return call();
        }
        set_mode(descriptor.number, true)?;
        let answer = call();
        // It fails only if somebody else has closed the descriptor meanwhile.
        let _ = set_mode(descriptor.number, false);
        answer
    })
}

/// Sets O_NONBLOCK and nothing else: FIONBIO leaves the other flags alone, and needs no look at them first.
fn set_mode(number: c_int, nonblocking: bool) -> Answer {
    let on = c_int::from(nonblocking);
    // SAFETY: the kernel reads one int.
    unsafe {
        raw::call(libc::SYS_ioctl, [fd(number), libc::FIONBIO as usize, (&raw const on).expose_provenance()])
    }
}
