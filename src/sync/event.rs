//! The event, for green and OS threads alike.

pub(crate) mod raw;

use std::fmt;
use std::time::Duration;

use self::raw::RawEvent;
use crate::park::line::How;
use crate::park::seat::{Interruption, Manner, Seat, WaitingFor};
use crate::park::watchers::Watchers;

/// A flag that many may wait for; gevent's `Event`.
///
/// Setting it lets all go on who wait at that moment, even if it is cleared before they run, and all who come later until
/// it is cleared.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Arc, Event};
///
/// let ready = Arc::new(Event::new());
/// let waiter = greenroom::spawn({
///     let ready = ready.clone();
///     move || ready.wait()
/// });
/// ready.set();
/// waiter.join().unwrap();
/// ```
pub struct Event {
    raw: RawEvent,
}

impl Event {
    /// Makes an event that is not set.
    pub const fn new() -> Event {
        Event { raw: RawEvent::new() }
    }

    /// Sets it, and wakes all who wait.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn set(&self) {
        self.raw.set();
    }

    /// Clears it: who comes from now on waits.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn clear(&self) {
        self.raw.clear();
    }

    /// Tells whether it is set.
    ///
    /// # Switching
    ///
    /// Never.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.raw.is_set()
    }

    /// Waits until it is set.
    ///
    /// # Switching
    ///
    /// May, if it is not set; and now and then if it is, so that others get their turns. Returns at once while the caller is
    /// unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    #[inline]
    pub fn wait(&self) {
        self.raw.wait(WaitingFor::Event, || None);
    }

    /// Waits until it is set, at most for `limit`; returns true if it was set at any moment of the wait.
    ///
    /// # Switching
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.raw.wait(WaitingFor::Event, || Seat::here().limit(limit))
    }

    /// The same, but it can fail: an expired timeout comes back too, and so does a cancel.
    pub(crate) fn wait_fallibly(&self, limit: Duration) -> Result<bool, Interruption> {
        let limit = Seat::here().limit(limit);
        self.raw.wait_in_line(How { manner: Manner::Fallible, what: WaitingFor::Event, limit })
    }

    /// For waits for several things: those who watch.
    pub(crate) fn watchers(&self) -> &Watchers {
        self.raw.watchers()
    }

    /// For waits for several things: whether it is set, asked by one who watches already.
    pub(crate) fn is_ready_after_watching(&self) -> bool {
        self.raw.is_set_after_watching()
    }
}

impl Default for Event {
    fn default() -> Event {
        Event::new()
    }
}

/// Shows whether it is set.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("set", &self.is_set()).finish_non_exhaustive()
    }
}
