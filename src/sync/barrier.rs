//! The barrier, for green and OS threads alike.

pub(crate) mod raw;

use std::fmt;

use self::raw::RawBarrier;
use crate::park;

/// A place where a fixed number of green or OS threads wait for one another; std's `Barrier`.
///
/// When the last one comes all go on, and the barrier is as new.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Arc, Barrier};
///
/// let barrier = Arc::new(Barrier::new(3));
/// let all: Vec<_> = (0..3).map(|_| {
///     let barrier = barrier.clone();
///     greenroom::spawn(move || barrier.wait().is_leader())
/// }).collect();
/// assert_eq!(all.into_iter().filter_map(|one| one.join().ok()).filter(|leads| *leads).count(), 1);
/// ```
pub struct Barrier {
    raw: RawBarrier,
}

impl Barrier {
    /// Makes a barrier for `n`; 0 counts as 1.
    pub const fn new(n: usize) -> Barrier {
        Barrier { raw: RawBarrier::new(n) }
    }

    /// Waits until as many as the barrier is for have come. The last to come leads.
    ///
    /// # Switching
    ///
    /// May, unless the caller is the last; while it is unwinding it returns at once, and was not counted.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. The caller has not come then, and the others go on waiting.
    pub fn wait(&self) -> BarrierWaitResult {
        BarrierWaitResult { leads: !park::refuses() && self.raw.wait() }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

/// What came of waiting at a [`Barrier`].
///
/// # Examples
///
/// ```
/// assert!(greenroom::sync::Barrier::new(1).wait().is_leader());
/// ```
pub struct BarrierWaitResult {
    leads: bool,
}

impl BarrierWaitResult {
    /// Returns true for one of those who met: the last to come.
    pub fn is_leader(&self) -> bool {
        self.leads
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult").field("is_leader", &self.is_leader()).finish()
    }
}
