//! The fork: a process that was made by `fork` and has not called `exec` shares its parent's poller, and has none of its OS
//! threads. Nothing of this crate works there; its first use says so.
//!
//! That costs the others nothing: the C library calls [`mark`] in the child, which makes whoever runs, and the turn, take
//! the slow paths on which they look.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::hub::requests::Requests;
use crate::hub::try_current;
use crate::sys;

static FORKED: AtomicBool = AtomicBool::new(false);

/// Sees to it that processes forked from now on know.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| sys::at_fork_in_child(mark));
}

/// Is this such a process?
#[inline]
pub(crate) fn happened() -> bool {
    // Set before anything else runs in the process.
    FORKED.load(Ordering::Relaxed)
}

/// Panics if this is such a process.
#[inline]
pub(crate) fn check() {
    if happened() {
        refuse();
    }
}

#[cold]
fn refuse() -> ! {
    panic!("greenroom cannot be used in a process that was made by fork and has not called exec");
}

/// Runs in the child, inside `fork`, on the OS thread that called it: the only one there is.
extern "C" fn mark() {
    FORKED.store(true, Ordering::Relaxed);
    if let Some(hub) = try_current() {
        hub.closing.set(true);
        hub.until_look.set(0);
        let running = hub.running();
        running.requests.set(running.requests.get().and(Requests::FORKED));
    }
}
