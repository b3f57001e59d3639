//! Regular ticks.

use std::time::{Duration, Instant};

use crate::hub;
use crate::hub::clock::Moment;
use crate::hub::task::WaitingFor;
use crate::park::{self, Manner};

/// Ticks once in each period, without drift.
///
/// The first tick is due one period after [`new`](Self::new), each other a period after the last one was *due*, however
/// late it was. Ticks that were missed are skipped. Under another hub than the last tick's it begins to count anew.
///
/// # Examples
///
/// ```
/// use greenroom::time::{Duration, Interval};
/// let mut every = Interval::new(Duration::from_millis(1));
/// let (first, second) = (every.tick(), every.tick());
/// assert!(second - first >= Duration::from_millis(1));
/// ```
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    /// The hub by whose clock it goes, and when the last tick was due.
    last: (u64, Moment),
}

impl Interval {
    /// Begins to count periods now; a period of zero makes each tick a [`yield_now`](crate::yield_now).
    ///
    /// # Switching
    ///
    /// Never.
    pub fn new(period: Duration) -> Interval {
        let hub = hub::current();
        Interval { period, last: (hub.number, hub.clock.now()) }
    }

    /// Waits for the next tick; returns when it was due.
    ///
    /// # Switching
    ///
    /// Always, except while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// As [`sleep`](crate::sleep): a cancelled green thread gets its ticks early.
    pub fn tick(&mut self) -> Instant {
        let hub = hub::current();
        if self.last.0 != hub.number {
            self.last = (hub.number, hub.clock.now());
        }
        let period = Moment::try_from(self.period.as_nanos()).unwrap_or(Moment::MAX);
        let now = hub.clock.now();
        let Some(mut due) = self.last.1.checked_add(period) else {
            let _ = park::park(Manner::Sleep, WaitingFor::Sleep, None);
            return Instant::now();
        };
        if due > now {
            let _ = park::park(Manner::Sleep, WaitingFor::Sleep, Some(due));
        } else {
            // Late: the latest tick that is due is given at once, those before it are skipped.
            due += (now - due).checked_div(period).unwrap_or(0) * period;
            park::yield_turn(Manner::Infallible);
        }
        self.last.1 = due;
        hub::current().clock.instant(due).unwrap_or_else(Instant::now)
    }
}
