//! A group of tasks and the time that it needs, the spawning of its members left out.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Runs its clock from the moment the last member begins to the moment the last one ends.
///
/// Atomics, because may asks for `Send`; nobody touches them while the clock runs, and one OS thread
/// does all of it, so that the order is the program's own.
pub(crate) struct Group {
    not_begun: AtomicU64,
    not_ended: AtomicU64,
    began: OnceLock<Instant>,
    ended: OnceLock<Instant>,
}

impl Group {
    pub(crate) fn new(members: u64) -> Group {
        Group {
            not_begun: AtomicU64::new(members),
            not_ended: AtomicU64::new(members),
            began: OnceLock::new(),
            ended: OnceLock::new(),
        }
    }

    pub(crate) fn begin(&self) {
        if self.not_begun.fetch_sub(1, Relaxed) == 1 {
            self.began.set(Instant::now()).expect("the last member begins once");
        }
    }

    pub(crate) fn end(&self) {
        if self.not_ended.fetch_sub(1, Relaxed) == 1 {
            self.ended.set(Instant::now()).expect("the last member ends once");
        }
    }

    /// The time between, once all members have ended.
    pub(crate) fn took(&self) -> Duration {
        *self.ended.get().expect("all have ended") - *self.began.get().expect("all have begun")
    }
}
