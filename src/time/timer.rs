//! A timer: one call, later.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::hub::task::State;
use crate::thread::{JoinHandle, dormant_later};

/// Calls a function once, in a green thread of its own, after a delay; Python's `threading.Timer`.
///
/// Dropping it leaves it running; [`run`](crate::run) waits for it.
///
/// # Examples
///
/// ```
/// use greenroom::time::{Duration, Timer};
/// use std::{cell::Cell, rc::Rc};
///
/// greenroom::run(|| {
///     let rung = Rc::new(Cell::new(false));
///     let bell = rung.clone();
///     Timer::new(Duration::from_millis(1), move || bell.set(true)).join();
///     assert!(rung.get());
/// });
/// ```
pub struct Timer {
    call: JoinHandle<()>,
    cancelled: Cell<bool>,
}

impl Timer {
    /// Sets the alarm; a delay beyond the clock's range means never.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    #[track_caller]
    pub fn new(delay: Duration, f: impl FnOnce() + 'static) -> Timer {
        Timer { call: dormant_later(Location::caller(), delay, f), cancelled: Cell::new(false) }
    }

    /// Keeps it from firing; returns true if this call did so, false if it has begun or was cancelled before.
    ///
    /// # Switching
    ///
    /// Never. The function is dropped in a green thread, soon.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::kill`].
    pub fn cancel(&self) -> bool {
        let task = self.call.inner.job.task();
        let begun = task.state.get() == State::Ended || !task.yielder.get().is_null();
        if begun || self.cancelled.replace(true) {
            return false;
        }
        self.call.kill();
        true
    }

    /// Waits until the call is over; returns at once if it was cancelled.
    ///
    /// A panic of the function does not come out here: the panic hook has reported it.
    ///
    /// # Switching
    ///
    /// May, if it is not over. Returns at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the timer goes on.
    pub fn join(self) {
        if !self.cancelled.get() {
            self.call.wait();
        }
    }

    pub(crate) fn call(&self) -> &JoinHandle<()> {
        &self.call
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("finished", &self.call.is_finished())
            .field("cancelled", &self.cancelled.get())
            .finish()
    }
}
