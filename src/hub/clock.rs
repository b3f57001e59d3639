//! The clock of one hub: nanoseconds since the hub began, real or jumping.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::sys;

/// A point in time of one hub, in nanoseconds since it began. 584 years are enough; what lies beyond is "never".
pub(crate) type Moment = u64;

pub(crate) struct Clock {
    began: Instant,
    /// The same, as the system counts.
    count: u64,
    is_virtual: bool,
    /// What a virtual clock shows. It stands still but for its jumps, so that runs repeat.
    shown: Cell<Moment>,
}

impl Clock {
    pub(crate) fn new(is_virtual: bool) -> Clock {
        Clock { began: Instant::now(), count: sys::monotonic_clock(), is_virtual, shown: Cell::new(0) }
    }

    #[inline]
    pub(crate) fn now(&self) -> Moment {
        if self.is_virtual {
            return self.shown.get();
        }
        sys::monotonic_clock() - self.count
    }

    /// The moment `wait` from now; None if no clock will ever show it.
    #[inline]
    pub(crate) fn after(&self, wait: Duration) -> Option<Moment> {
        self.now().checked_add(nanoseconds(wait)?)
    }

    /// The moment at which the system's clock will show `instant`. On a virtual clock: as long from now as that was from
    /// the begin.
    pub(crate) fn at(&self, instant: Instant) -> Option<Moment> {
        nanoseconds(instant.saturating_duration_since(self.began))?.checked_add(self.shown.get())
    }

    /// When the system's clock will show `moment`; on a virtual clock, if it ran on from now.
    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        if self.is_virtual {
            return Instant::now().checked_add(Duration::from_nanos(moment.saturating_sub(self.now())));
        }
        self.began.checked_add(Duration::from_nanos(moment))
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.is_virtual
    }

    /// Jumps ahead to `moment` if it is not yet past.
    pub(crate) fn jump_to(&self, moment: Moment) {
        self.shown.set(self.shown.get().max(moment));
    }
}

#[inline]
fn nanoseconds(duration: Duration) -> Option<Moment> {
    duration.as_secs().checked_mul(1_000_000_000)?.checked_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_clock_can_show_is_never() {
        let clock = Clock::new(false);
        for beyond in
            [Duration::MAX, Duration::MAX - Duration::from_nanos(1), Duration::from_secs(u64::MAX / 2)]
        {
            assert_eq!(clock.after(beyond), None);
        }
        assert!(clock.after(Duration::from_secs(86_400 * 365 * 500)).is_some());
    }

    #[test]
    fn a_jump_goes_forward_only() {
        let clock = Clock::new(true);
        let day = clock.after(Duration::from_secs(86_400)).unwrap();
        clock.jump_to(day);
        assert!(clock.now() >= day);
        clock.jump_to(1);
        assert!(clock.now() >= day);
    }
}
