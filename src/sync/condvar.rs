//! The condition variable, for green and OS threads alike.

pub(crate) mod raw;

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use self::raw::RawCondvar;
use crate::park;
use crate::park::seat::{Limit, Seat};
use crate::sync::mutex::MutexGuard;

/// Waits, without its mutex, until somebody says that what the mutex guards has changed; std's `Condvar`.
///
/// Who waits first is notified first. There are no wake-ups that nobody has asked for, but what was notified need not be
/// true any more once the mutex is locked again: others may have been faster. A notification for somebody who is killed
/// or timed out before it acts on it goes to the next.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Arc, Condvar, Mutex};
///
/// let pair = Arc::new((Mutex::new(3), Condvar::new()));
/// for _ in 0..3 {
///     let pair = pair.clone();
///     greenroom::spawn(move || { *pair.0.lock() -= 1; pair.1.notify_one() });
/// }
/// let left = pair.1.wait_while(pair.0.lock(), |left| *left > 0);
/// assert_eq!(*left, 0);
/// ```
pub struct Condvar {
    raw: RawCondvar,
}

impl Condvar {
    /// Makes a condition that nobody waits for.
    pub const fn new() -> Condvar {
        Condvar { raw: RawCondvar::new() }
    }

    /// Unlocks the mutex, waits to be notified, and locks it again.
    ///
    /// # Switching
    ///
    /// Always, but while the caller is unwinding: then it returns at once, and the mutex was not unlocked.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the mutex is unlocked then.
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.wait_within(guard, || None).0
    }

    /// Waits as long as `condition` says, looking at the value before and after each notification.
    ///
    /// # Switching
    ///
    /// May, if the condition holds; not while the caller is unwinding: then it returns at once.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut guard) && !park::refuses() {
            guard = self.wait(guard);
        }
        guard
    }

    /// Waits as [`wait`](Self::wait) does, at most for `limit`; then it locks the mutex, however long that takes.
    ///
    /// While the caller is unwinding the time counts as over.
    ///
    /// # Switching
    ///
    /// Always, but while the caller is unwinding: then it returns at once, and the mutex was not unlocked.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        self.wait_within(guard, || Seat::here().limit(limit))
    }

    /// Waits as [`wait_while`](Self::wait_while) does, at most for `limit` in all; the result says whether the condition
    /// still held then.
    ///
    /// # Switching
    ///
    /// May, if the condition holds; not while the caller is unwinding: then it returns at once.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_timeout_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        let limit = Seat::here().limit(limit);
        let mut result = WaitTimeoutResult { timed_out: false };
        while condition(&mut guard) {
            if result.timed_out {
                return (guard, result);
            }
            (guard, result) = self.wait_within(guard, || limit);
        }
        (guard, WaitTimeoutResult { timed_out: false })
    }

    /// Notifies the one who has waited longest, if anybody waits.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn notify_one(&self) {
        self.notify_n(1);
    }

    /// Notifies the `n` who have waited longest, or all if they are fewer.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline]
    pub fn notify_n(&self, n: usize) {
        self.raw.notify(n);
    }

    /// Notifies all who wait now. Each gets the mutex in turn.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn notify_all(&self) {
        self.raw.notify_all();
    }

    #[track_caller]
    fn wait_within<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: impl FnOnce() -> Option<Limit>,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        if park::refuses() {
            return (guard, WaitTimeoutResult { timed_out: true });
        }
        let mutex = guard.mutex();
        let notification = self.raw.wait(limit(), || drop(guard));
        let place = Location::caller();
        let Some(notification) = notification else {
            return (mutex.lock_at(place), WaitTimeoutResult { timed_out: true });
        };
        // If this unwinds, dropping the notification passes it on; and so does the end of a hub that leaves it standing here.
        let guard = Seat::here().stands_during(&notification, || mutex.lock_at(place));
        notification.accept();
        (guard, WaitTimeoutResult { timed_out: false })
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

/// Whether a wait with a limit ended because its time was over.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Condvar, Mutex};
/// use std::time::Duration;
///
/// let (nothing, never) = (Mutex::new(()), Condvar::new());
/// let (_guard, result) = never.wait_timeout(nothing.lock(), Duration::from_millis(1));
/// assert!(result.timed_out());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitTimeoutResult {
    timed_out: bool,
}

impl WaitTimeoutResult {
    /// Returns true if the time was over before a notification came.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }
}
