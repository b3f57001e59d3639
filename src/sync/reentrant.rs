//! The lock that its owner may take again, for green and OS threads alike.

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;

use crate::park::seat;
use crate::shim::const_fn;
use crate::sync::mutex::raw::{Held, RawMutex, Wish};

/// Mutual exclusion between green threads, of which each may lock again what it has; std's `ReentrantLock`.
///
/// The owner is the green thread, or the OS thread if it has no hub; its guards share the value. The lock is free when the
/// last of them is dropped. Who waits is served as by a [`Mutex`](crate::sync::Mutex).
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use greenroom::sync::ReentrantLock;
///
/// let n = ReentrantLock::new(Cell::new(1));
/// let outer = n.lock();
/// let inner = n.lock();
/// inner.set(outer.get() + 1);
/// assert_eq!(outer.get(), 2);
/// ```
pub struct ReentrantLock<T: ?Sized> {
    raw: RawMutex,
    /// How many guards there are. Touched by the owner only.
    guards: Cell<usize>,
    value: UnsafeCell<T>,
}

// SAFETY: the value goes with the lock.
unsafe impl<T: ?Sized + Send> Send for ReentrantLock<T> {}
// SAFETY: one owner at a time reaches the value and the count, so it is as if they were sent from owner to owner.
unsafe impl<T: ?Sized + Send> Sync for ReentrantLock<T> {}

impl<T> ReentrantLock<T> {
    const_fn! {
        /// Makes an unlocked lock.
        pub const fn new(value: T) -> ReentrantLock<T> {
            ReentrantLock { raw: RawMutex::new(), guards: Cell::new(0), value: UnsafeCell::new(value) }
        }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> ReentrantLock<T> {
    /// Waits until nobody else has the lock, and takes it, once more if the caller has it.
    ///
    /// # Switching
    ///
    /// May, if somebody else has it; also while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller has more guards than can be counted.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. A lock that was handed over meanwhile goes to the next.
    #[track_caller]
    pub fn lock(&self) -> ReentrantLockGuard<'_, T> {
        let held = self.mine().or_else(|| self.raw.lock(|| Wish::Always, Location::caller()));
        match held {
            Some(held) => self.one_more(held),
            None => unreachable!("nothing but unwinding ends the wait for a lock"),
        }
    }

    /// Takes the lock if nobody else has it.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// Panics if the caller has more guards than can be counted.
    #[track_caller]
    pub fn try_lock(&self) -> Option<ReentrantLockGuard<'_, T>> {
        let held = self.mine().or_else(|| self.raw.try_lock(Location::caller()));
        held.map(|held| self.one_more(held))
    }

    /// Returns the value; nobody else can have the lock now.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The caller's right to unlock, if it has the lock: nobody else can make that true or false meanwhile.
    #[inline]
    fn mine(&self) -> Option<Held> {
        self.raw.held().filter(|held| held.is_of(seat::me()))
    }

    fn one_more(&self, held: Held) -> ReentrantLockGuard<'_, T> {
        self.guards.set(self.guards.get().checked_add(1).expect("too many guards of a ReentrantLock"));
        ReentrantLockGuard { lock: self, held, local: PhantomData }
    }
}

/// The right to share the value of a locked [`ReentrantLock`]; dropping its owner's last one unlocks.
///
/// It may be kept across a park, and stays on its OS thread.
#[must_use = "the lock is let go of when the guard is dropped"]
pub struct ReentrantLockGuard<'a, T: ?Sized> {
    lock: &'a ReentrantLock<T>,
    held: Held,
    /// Not `Send`: it belongs to the OS thread that locked.
    local: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared access to the value.
unsafe impl<T: ?Sized + Sync> Sync for ReentrantLockGuard<'_, T> {}

impl<T: ?Sized> Drop for ReentrantLockGuard<'_, T> {
    fn drop(&mut self) {
        let left = self.lock.guards.get() - 1;
        self.lock.guards.set(left);
        if left == 0 {
            self.lock.raw.unlock(self.held);
        }
    }
}

impl<T: ?Sized> Deref for ReentrantLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held, and its owner's guards only share the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for ReentrantLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// Shows the value, or that somebody else has it locked; never waits.
impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ReentrantLock");
        match self.try_lock() {
            Some(guard) => shown.field("data", &&*guard),
            None => shown.field("data", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}

impl<T: Default> Default for ReentrantLock<T> {
    fn default() -> ReentrantLock<T> {
        ReentrantLock::new(T::default())
    }
}

impl<T> From<T> for ReentrantLock<T> {
    fn from(value: T) -> ReentrantLock<T> {
        ReentrantLock::new(value)
    }
}
