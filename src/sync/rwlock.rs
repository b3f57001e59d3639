//! The readers-writer lock, for green and OS threads alike.

#[expect(unsafe_code, reason = "reads back the place of the last lock")]
pub(crate) mod raw;

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::ptr::NonNull;
use std::time::Duration;

use self::raw::{RawRwLock, Writing};

/// Many readers or one writer; std's `RwLock`, without poisoning.
///
/// First come, first served: who asks while somebody waits goes to the end of the line, and the lock goes to the first of it,
/// with all readers up to the next writer if that is a reader. So neither side starves. It also means that one who reads
/// must not `read` a second time: a writer between the two would wait for the first, and the second for the writer.
///
/// Whoever holds a guard may park. Locking and unlocking are one atomic exchange each while nobody waits; nothing is
/// allocated. A panic leaves it unlocked and its value as it is, so std's `.unwrap()` after `read` and `write` goes.
///
/// # Examples
///
/// ```
/// use greenroom::sync::RwLock;
///
/// let names = RwLock::new(vec!["a"]);
/// assert_eq!(names.read().len() + names.read().len(), 2);
/// names.write().push("b");
/// assert_eq!(*names.read(), ["a", "b"]);
/// ```
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    value: UnsafeCell<T>,
}

// SAFETY: the value goes with the lock.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: readers share the value, and one writer at a time has it, from any OS thread.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    /// Makes an unlocked lock.
    pub const fn new(value: T) -> RwLock<T> {
        RwLock { raw: RawRwLock::new(), value: UnsafeCell::new(value) }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes or waits to, and shares the value.
    ///
    /// # Switching
    ///
    /// May, if somebody writes or waits; also while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller writes already, and names the place where it locked.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. A lock that was handed over meanwhile goes to the next.
    #[inline(always)]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        match self.raw.read(None) {
            true => RwLockReadGuard::new(self),
            false => unreachable!("nothing but unwinding ends the wait for a lock"),
        }
    }

    /// Waits until nobody reads or writes, and takes the value alone.
    ///
    /// # Switching
    ///
    /// May, if somebody reads or writes; also while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller writes already, and names the place where it locked.
    ///
    /// # Cancellation
    ///
    /// As [`read`](Self::read).
    #[inline(always)]
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        match self.raw.write(None, Location::caller()) {
            Some(writing) => RwLockWriteGuard::new(self, writing),
            None => unreachable!("nothing but unwinding ends the wait for a lock"),
        }
    }

    /// Shares the value if nobody writes or waits.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline(always)]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.raw.try_read().then(|| RwLockReadGuard::new(self))
    }

    /// Takes the value alone if nobody reads or writes.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline(always)]
    #[track_caller]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.raw.try_write(Location::caller()).map(|writing| RwLockWriteGuard::new(self, writing))
    }

    /// Waits as [`read`](Self::read) does, at most for `limit`; None if it was not to be had in time.
    ///
    /// Who writes gets None as well, after that time.
    ///
    /// # Switching
    ///
    /// May, if somebody writes or waits; also while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// As [`read`](Self::read).
    pub fn read_timeout(&self, limit: Duration) -> Option<RwLockReadGuard<'_, T>> {
        self.raw.read(Some(limit)).then(|| RwLockReadGuard::new(self))
    }

    /// Waits as [`write`](Self::write) does, at most for `limit`; None if it was not to be had in time.
    ///
    /// Readers that queued up behind are let in when it gives up. Who writes gets None as well, after that time.
    ///
    /// # Switching
    ///
    /// May, if somebody reads or writes; also while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// As [`read`](Self::read).
    #[track_caller]
    pub fn write_timeout(&self, limit: Duration) -> Option<RwLockWriteGuard<'_, T>> {
        let writing = self.raw.write(Some(limit), Location::caller());
        writing.map(|writing| RwLockWriteGuard::new(self, writing))
    }

    /// Returns the value; nobody else can have the lock now.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The right to read the value of an [`RwLock`], with others; dropping it lets go.
///
/// It may be kept across a park, and stays on its OS thread.
#[must_use = "the lock is let go of when the guard is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    raw: &'a RawRwLock,
    /// The value by pointer, not by way of its cell: so a guard of what lives longer is one of what lives shorter. It
    /// makes the guard not `Send`, too: it belongs to the OS thread that locked.
    value: NonNull<T>,
}

// SAFETY: a shared guard gives shared access to the value.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    #[inline(always)]
    fn new(lock: &'a RwLock<T>) -> RwLockReadGuard<'a, T> {
        // SAFETY: the place of a value is not null; the lock is shared, so nobody changes the value meanwhile.
        let value = NonNull::from(unsafe { &*lock.value.get() });
        RwLockReadGuard { raw: &lock.raw, value }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.raw.unlock_read();
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the lock is shared as long as the guard is there, and outlives it.
        unsafe { self.value.as_ref() }
    }
}

/// The right to the value of an [`RwLock`], alone; dropping it lets go.
///
/// It may be kept across a park, and stays on its OS thread.
#[must_use = "the lock is let go of when the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    writing: Writing,
    /// Not `Send`: it belongs to the OS thread that locked.
    local: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared access to the value.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    #[inline(always)]
    fn new(lock: &'a RwLock<T>, writing: Writing) -> RwLockWriteGuard<'a, T> {
        RwLockWriteGuard { lock, writing, local: PhantomData }
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.raw.unlock_write(self.writing);
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held alone, so nobody else changes the value meanwhile.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held alone, and the guard is borrowed alone.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// Shows the value, or that it is locked; never waits.
impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Some(guard) => shown.field("data", &&*guard),
            None => shown.field("data", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}
