//! The bystanders: OS threads of our own that have nothing to do, and of which nothing comes unless somebody gives them work.
//!
//! A process with no other OS thread than these and one hub cannot wake that hub's green threads from outside. Whoever gives
//! one of them work takes it out of the count before it can know: the count is never too high.

use std::sync::atomic::{AtomicUsize, Ordering};

static IDLE: AtomicUsize = AtomicUsize::new(0);

/// How many there are now.
pub(crate) fn idle() -> usize {
    IDLE.load(Ordering::SeqCst)
}

/// So many more, or fewer.
pub(crate) fn change(before: usize, now: usize) {
    // Wraps around for fewer, which comes to the same.
    IDLE.fetch_add(now.wrapping_sub(before), Ordering::SeqCst);
}

/// An OS thread that never does anything for anybody, as long as this lives.
pub(crate) struct Idle(());

impl Idle {
    pub(crate) fn new() -> Idle {
        change(0, 1);
        Idle(())
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        change(1, 0);
    }
}
