//! The call that is made once, for green and OS threads alike.

#[expect(unsafe_code, reason = "lends the value once it is complete")]
pub(crate) mod cell;
#[expect(unsafe_code, reason = "gives a closure to whoever initialises")]
pub(crate) mod lazy;
pub(crate) mod raw;

use std::fmt;

use self::raw::RawOnce;

/// A call that is made once; std's `Once`, without poisoning.
///
/// The closure may park: rivals wait until it has returned. If it panics or is killed, the next who comes makes the call.
///
/// # Examples
///
/// ```
/// use greenroom::sync::Once;
///
/// static START: Once = Once::new();
/// let mut calls = 0;
/// START.call_once(|| calls += 1);
/// START.call_once(|| calls += 1);
/// assert!(calls == 1 && START.is_completed());
/// ```
pub struct Once {
    raw: RawOnce,
}

impl Once {
    /// Makes one whose call has not been made.
    pub const fn new() -> Once {
        Once { raw: RawOnce::new() }
    }

    /// Calls `f`, unless a call has returned before; waits if one is under way.
    ///
    /// # Switching
    ///
    /// May, if another call is under way, also while the caller is unwinding; else only if `f` does.
    ///
    /// # Panics
    ///
    /// Panics if `f` comes here itself: it would wait for its own end.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. If they unwind `f`, the next who waits makes the call.
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) {
        self.raw.call(f);
    }

    /// Tells whether a call has returned.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.raw.is_complete()
    }
}

impl Default for Once {
    fn default() -> Once {
        Once::new()
    }
}

/// Shows whether the call was made.
impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("completed", &self.is_completed()).finish_non_exhaustive()
    }
}
