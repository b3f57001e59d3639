//! The mutex, for green and OS threads alike.

#[expect(unsafe_code, reason = "reads back the place of the last lock")]
pub(crate) mod raw;

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::time::Duration;

use self::raw::{Held, RawMutex, Wish};

/// Mutual exclusion; std's `Mutex`, without poisoning.
///
/// Green threads of one hub get it in the order in which they asked. A waiter on another OS thread is woken to try, and
/// handed the lock if somebody was faster. Whoever holds the guard may park. Locking and unlocking are one atomic exchange
/// each while nobody waits; nothing is allocated.
///
/// A panic while it is held leaves it unlocked and its value as it is: there is no poisoning, so std's `.unwrap()` after
/// `lock` goes.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Arc, Mutex};
///
/// let n = Arc::new(Mutex::new(0));
/// let all = (0..10).map(|_| {
///     let n = n.clone();
///     greenroom::spawn(move || *n.lock() += 1)
/// });
/// greenroom::joinall(all);
/// assert_eq!(*n.lock(), 10);
/// ```
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    value: UnsafeCell<T>,
}

// SAFETY: one guard at a time reaches the value, so it is as if it were sent from holder to holder.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Makes an unlocked mutex.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex { raw: RawMutex::new(), value: UnsafeCell::new(value) }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until nobody else has the lock, and takes it.
    ///
    /// # Switching
    ///
    /// May, if somebody has it; also while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller has it already, and names the place of the first lock.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. A lock that was handed over meanwhile goes to the next.
    #[inline(always)]
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_at(Location::caller())
    }

    /// Locks in the name of `place`.
    #[inline(always)]
    pub(crate) fn lock_at(&self, place: &'static Location<'static>) -> MutexGuard<'_, T> {
        match self.raw.lock(|| Wish::Always, place) {
            Some(held) => MutexGuard::new(self, held),
            None => unreachable!("nothing but unwinding ends the wait for a lock"),
        }
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline(always)]
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.raw.try_lock(Location::caller()).map(|held| MutexGuard::new(self, held))
    }

    /// Waits for the lock, at most for `limit`; None if it was not to be had in time.
    ///
    /// Its owner gets None as well, after that time.
    ///
    /// # Switching
    ///
    /// May, if somebody has it; also while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// As [`lock`](Self::lock).
    #[track_caller]
    pub fn lock_timeout(&self, limit: Duration) -> Option<MutexGuard<'_, T>> {
        self.raw.lock(|| Wish::within(limit), Location::caller()).map(|held| MutexGuard::new(self, held))
    }

    /// Returns the value; nobody else can have the lock now.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The right to the value of a locked [`Mutex`]; dropping it unlocks.
///
/// It may be kept across a park, and stays on its OS thread.
#[must_use = "the lock is let go of when the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    lock: &'a Mutex<T>,
    held: Held,
    /// Not `Send`: it belongs to the OS thread that locked.
    local: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared access to the value.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline(always)]
    fn new(lock: &'a Mutex<T>, held: Held) -> MutexGuard<'a, T> {
        MutexGuard { lock, held, local: PhantomData }
    }

    /// The mutex it locks, for conditions.
    pub(crate) fn mutex(&self) -> &'a Mutex<T> {
        self.lock
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.raw.unlock(self.held);
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody changes the value meanwhile.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and the guard is borrowed alone.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// Shows the value, or that it is locked; never waits.
impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mutex");
        match self.try_lock() {
            Some(guard) => shown.field("data", &&*guard),
            None => shown.field("data", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}
