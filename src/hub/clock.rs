//! The clock of one hub: nanoseconds since the hub began, real or jumping.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A point in time of one hub, in nanoseconds since it began. 584 years are enough; what lies beyond is "never".
pub(crate) type Moment = u64;

pub(crate) struct Clock {
    began: Instant,
    /// How far virtual time has jumped ahead.
    jumped: Cell<Moment>,
    is_virtual: bool,
}

impl Clock {
    pub(crate) fn new(is_virtual: bool) -> Clock {
        Clock { began: Instant::now(), jumped: Cell::new(0), is_virtual }
    }

    pub(crate) fn now(&self) -> Moment {
        nanoseconds(self.began.elapsed()).unwrap_or(Moment::MAX).saturating_add(self.jumped.get())
    }

    /// The moment `wait` from now; None if no clock will ever show it.
    pub(crate) fn after(&self, wait: Duration) -> Option<Moment> {
        self.now().checked_add(nanoseconds(wait)?)
    }

    /// The moment at which the system's clock will show `instant`.
    pub(crate) fn at(&self, instant: Instant) -> Option<Moment> {
        self.after(instant.saturating_duration_since(Instant::now()))
    }

    /// When the system's clock will show `moment`, as far as nothing jumps.
    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        self.began.checked_add(Duration::from_nanos(moment.saturating_sub(self.jumped.get())))
    }

    pub(crate) fn is_virtual(&self) -> bool {
        self.is_virtual
    }

    /// Jumps ahead to `moment` if it is not yet past.
    pub(crate) fn jump_to(&self, moment: Moment) {
        let ahead = moment.saturating_sub(self.now());
        self.jumped.set(self.jumped.get().saturating_add(ahead));
    }
}

fn nanoseconds(duration: Duration) -> Option<Moment> {
    Moment::try_from(duration.as_nanos()).ok()
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
