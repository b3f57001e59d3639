//! The cell that is written once, for green and OS threads alike.

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::raw::RawOnce;

/// A place for a value that is written once; std's `OnceLock`.
///
/// An initialiser may park: rivals wait until it has returned. If it panics or is killed, the next who comes makes the
/// value. Reading is one atomic load.
///
/// # Examples
///
/// ```
/// use greenroom::sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
/// assert_eq!(CONFIG.get(), None);
/// assert_eq!(CONFIG.get_or_init(|| "debug".into()), "debug");
/// assert_eq!(CONFIG.set("release".into()), Err("release".into()));
/// ```
pub struct OnceLock<T> {
    raw: RawOnce,
    /// Some once `raw` is complete. Before that only its owner touches it.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: threads share the value, and one may drop what another has made.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// Makes an empty cell.
    pub const fn new() -> OnceLock<T> {
        OnceLock { raw: RawOnce::new(), value: UnsafeCell::new(None) }
    }

    /// Returns the value, if it is there.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if self.raw.is_complete() {
            // SAFETY: once complete it is not written any more, as long as the cell is shared.
            unsafe { (*self.value.get()).as_ref() }
        } else {
            None
        }
    }

    /// Returns the value, if it is there; nobody else can have the cell now.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Writes the value, or gives it back if there is one.
    ///
    /// # Switching
    ///
    /// May, if an initialiser is under way, also while the caller is unwinding.
    ///
    /// # Errors
    ///
    /// The value, if there was one already.
    ///
    /// # Panics
    ///
    /// Panics if it comes from the cell's own initialiser, which would wait for its own end.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here, and drop the value.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        // SAFETY: not complete, and the latch is held: nobody else touches the place (S7).
        self.raw.put(|| unsafe { *self.value.get() = value.take() });
        match value {
            None => Ok(()),
            Some(value) => Err(value),
        }
    }

    /// Returns the value; has `f` make it if it is not there, or waits for whoever makes it.
    ///
    /// # Switching
    ///
    /// May, if another initialiser is under way, also while the caller is unwinding; else only if `f` does.
    ///
    /// # Panics
    ///
    /// Panics if `f` asks for the value itself: it would wait for its own end.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. If they unwind `f`, the next who waits makes the value.
    #[inline]
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        self.raw.call(|| {
            let value = f();
            // SAFETY: `call` lets one initialiser run at a time, and none once it is complete.
            unsafe { *self.value.get() = Some(value) };
        });
        match self.get() {
            Some(value) => value,
            None => unreachable!("a call that returned has made the value"),
        }
    }

    /// Takes the value out, if it is there; after that the cell is empty.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }

    /// Returns the value, if it is there.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    /// Makes a cell that has its value.
    fn from(value: T) -> OnceLock<T> {
        let cell = OnceLock::new();
        match cell.set(value) {
            Ok(()) => cell,
            Err(_) => unreachable!("a new cell is empty"),
        }
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get().cloned().map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

/// Shows the value, or that there is none; never waits.
impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => shown.field(value),
            None => shown.field(&format_args!("<uninit>")),
        };
        shown.finish()
    }
}
