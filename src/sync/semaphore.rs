//! The semaphores, for green and OS threads alike.

mod permit;
pub(crate) mod raw;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::permit::{OwnedPermit, Permit};

use self::raw::{MOST, RawSemaphore};
use crate::park::seat::Seat;
use crate::park::watchers::Watchers;

/// A number of permits, which are taken and given back; gevent's `Semaphore`.
///
/// First come, first served: who comes while others wait queues up behind them. Taking and giving back are one atomic
/// exchange each while nobody waits; nothing is allocated.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Arc, Semaphore};
///
/// let two_at_a_time = Arc::new(Semaphore::new(2));
/// greenroom::joinall((0..10).map(|_| {
///     let permits = two_at_a_time.clone();
///     greenroom::spawn(move || {
///         let _permit = permits.acquire();
///     })
/// }));
/// assert_eq!(two_at_a_time.available_permits(), 2);
/// ```
pub struct Semaphore {
    raw: RawSemaphore,
}

/// A [`Semaphore`] that never has more permits than it began with; gevent's `BoundedSemaphore`.
///
/// Permits that are out or forgotten may be made up for by [`add_permits`](Self::add_permits). One that comes back after
/// that, when all are there already, is no longer needed and vanishes.
///
/// # Examples
///
/// ```
/// use greenroom::sync::BoundedSemaphore;
///
/// let lanes = BoundedSemaphore::new(1);
/// lanes.acquire().forget();
/// assert_eq!(lanes.available_permits(), 0);
/// lanes.add_permits(1);
/// assert_eq!(lanes.available_permits(), 1);
/// ```
pub struct BoundedSemaphore {
    raw: RawSemaphore,
}

impl Semaphore {
    /// Makes a semaphore with so many permits.
    ///
    /// # Panics
    ///
    /// Panics if there are more than `usize::MAX / 2`.
    pub const fn new(permits: usize) -> Semaphore {
        assert!(permits <= MOST, "a semaphore counts to usize::MAX / 2");
        Semaphore { raw: RawSemaphore::new(permits, MOST) }
    }

    /// Takes a permit, as soon as there is one and it is the caller's turn.
    ///
    /// # Switching
    ///
    /// May, if there is none, also while the caller is unwinding; and now and then if there is one, so that others get their
    /// turns.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. A permit that was handed over meanwhile goes to the next, or back.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        acquire(&self.raw);
        Permit::new(&self.raw)
    }

    /// Takes a permit that keeps the semaphore alive and may go anywhere.
    ///
    /// # Switching
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    pub fn acquire_owned(self: Arc<Self>) -> OwnedPermit {
        acquire(&self.raw);
        OwnedPermit::of_semaphore(self)
    }

    /// Takes a permit if there is one and nobody waits for it.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.raw.try_acquire().then(|| Permit::new(&self.raw))
    }

    /// Waits for a permit, at most for `limit`; None if there was none in time.
    ///
    /// # Switching
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, limit: Duration) -> Option<Permit<'_>> {
        self.raw.acquire(|| Seat::here().limit(limit)).then(|| Permit::new(&self.raw))
    }

    /// Adds permits. Those who wait get them first, in order.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// Panics if there would be more than `usize::MAX / 2` to be had; then nothing is changed.
    #[track_caller]
    pub fn add_permits(&self, count: usize) {
        assert!(self.raw.add(count), "a semaphore counts to usize::MAX / 2");
    }

    /// Returns how many permits are to be had just now.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn available_permits(&self) -> usize {
        self.raw.available()
    }

    /// For waits for several things: those who watch.
    pub(crate) fn watchers(&self) -> &Watchers {
        self.raw.watchers()
    }

    /// For waits for several things: whether a newcomer would get a permit, asked by one who watches already.
    pub(crate) fn is_ready_after_watching(&self) -> bool {
        self.raw.is_ready_after_watching()
    }
}

impl BoundedSemaphore {
    /// Makes a semaphore with so many permits, which are the most it will ever have.
    ///
    /// # Panics
    ///
    /// Panics if there are more than `usize::MAX / 2`.
    pub const fn new(permits: usize) -> BoundedSemaphore {
        assert!(permits <= MOST, "a semaphore counts to usize::MAX / 2");
        BoundedSemaphore { raw: RawSemaphore::new(permits, permits) }
    }

    /// Takes a permit, as soon as there is one and it is the caller's turn.
    ///
    /// # Switching
    ///
    /// As [`Semaphore::acquire`].
    ///
    /// # Cancellation
    ///
    /// As [`Semaphore::acquire`].
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        acquire(&self.raw);
        Permit::new(&self.raw)
    }

    /// Takes a permit that keeps the semaphore alive and may go anywhere.
    ///
    /// # Switching
    ///
    /// As [`Semaphore::acquire`].
    ///
    /// # Cancellation
    ///
    /// As [`Semaphore::acquire`].
    pub fn acquire_owned(self: Arc<Self>) -> OwnedPermit {
        acquire(&self.raw);
        OwnedPermit::of_bounded(self)
    }

    /// Takes a permit if there is one and nobody waits for it.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.raw.try_acquire().then(|| Permit::new(&self.raw))
    }

    /// Waits for a permit, at most for `limit`; None if there was none in time.
    ///
    /// # Switching
    ///
    /// As [`Semaphore::acquire`].
    ///
    /// # Cancellation
    ///
    /// As [`Semaphore::acquire`].
    pub fn acquire_timeout(&self, limit: Duration) -> Option<Permit<'_>> {
        self.raw.acquire(|| Seat::here().limit(limit)).then(|| Permit::new(&self.raw))
    }

    /// Makes up for permits that are out or forgotten. Those who wait get them first, in order.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// Panics if there would be more to be had than at the beginning; then nothing is changed.
    #[track_caller]
    pub fn add_permits(&self, count: usize) {
        assert!(self.raw.add(count), "more permits than the bound of this BoundedSemaphore");
    }

    /// Returns how many permits are to be had just now.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn available_permits(&self) -> usize {
        self.raw.available()
    }

    /// For waits for several things: those who watch.
    pub(crate) fn watchers(&self) -> &Watchers {
        self.raw.watchers()
    }

    /// For waits for several things: whether a newcomer would get a permit, asked by one who watches already.
    pub(crate) fn is_ready_after_watching(&self) -> bool {
        self.raw.is_ready_after_watching()
    }
}

#[inline]
fn acquire(raw: &RawSemaphore) {
    let acquired = raw.acquire(|| None);
    assert!(acquired, "nothing but unwinding ends the wait for a permit");
}

/// Shows how many permits are to be had.
impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available", &self.available_permits()).finish_non_exhaustive()
    }
}

/// Shows how many permits are to be had.
impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("available", &self.available_permits())
            .finish_non_exhaustive()
    }
}
