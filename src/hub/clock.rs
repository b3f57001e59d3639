//! The clock of one hub: nanoseconds since the hub began, real or jumping.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::sys;

/// A point in time of one hub, in nanoseconds since it began. 584 years are enough; what lies beyond is "never".
pub(crate) type Moment = u64;

/// By what part of itself a long time limit may be exceeded.
const COARSENESS: u64 = 256;
/// How much longer an idle hub sleeps, so that neighbours wake together. For nobody by more than 1 % of what was asked.
const SLACK: u64 = 50_000;
const PATIENT: u64 = 100 * SLACK;
/// A busy hub sleeps so many times as long as it has worked: to fall asleep and wake up takes the kernel as long as many a
/// green thread runs.
const REST: u64 = 4;

/// How late somebody may be woken, by what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Patience(u8);

pub(crate) struct Clock {
    began: Instant,
    /// The same, as the system counts.
    count: u64,
    is_virtual: bool,
    /// How far the system's coarse clock may be behind, and from when on time limits are counted by it.
    lag: u64,
    coarse_from: u64,
    /// What a virtual clock shows. It stands still but for its jumps, so that runs repeat.
    shown: Cell<Moment>,
    /// What a real one showed when it was read last: whoever asks for a moment to come has it read.
    read: Cell<Moment>,
}

impl Clock {
    pub(crate) fn new(is_virtual: bool) -> Clock {
        let tick = sys::tick().filter(|_| !is_virtual);
        // The kernel moves that clock on at each tick, and sees to it after five if the processor whose task that is does not
        // (kernel/time/tick-sched.c, MAX_STALLED_JIFFIES).
        let lag = tick.unwrap_or(0).saturating_mul(8);
        let coarse_from = if lag == 0 { u64::MAX } else { lag.saturating_mul(COARSENESS) };
        let (began, count) = (Instant::now(), sys::monotonic_clock());
        Clock { began, count, is_virtual, lag, coarse_from, shown: Cell::new(0), read: Cell::new(0) }
    }

    #[inline]
    pub(crate) fn now(&self) -> Moment {
        if self.is_virtual {
            return self.shown.get();
        }
        let now = sys::monotonic_clock() - self.count;
        self.read.set(now);
        now
    }

    /// That of who waits until `deadline`.
    #[inline]
    pub(crate) fn patience(&self, deadline: Moment) -> Patience {
        Patience::of(deadline.saturating_sub(self.read.get()))
    }

    /// The moment `wait` from now; None if no clock will ever show it.
    #[inline]
    pub(crate) fn after(&self, wait: Duration) -> Option<Moment> {
        self.now().checked_add(nanoseconds(wait)?)
    }

    /// The moment at which a time limit of `wait` is over: as [`after`](Self::after), but that a limit of many seconds may last
    /// longer by a part in [`COARSENESS`]. Most limits are long and never reached, and to read the clock is half of what they
    /// cost.
    #[inline]
    pub(crate) fn limit(&self, wait: Duration) -> Option<Moment> {
        let long = nanoseconds(wait)?;
        let coarse = if long >= self.coarse_from { sys::coarse_clock() } else { None };
        match coarse.and_then(|shown| (shown + self.lag).checked_sub(self.count)) {
            Some(now) => now.checked_add(long),
            None => self.now().checked_add(long),
        }
    }

    /// The moment at which the system's clock will show `instant`. On a virtual clock: as long from now as that was from
    /// the begin.
    pub(crate) fn at(&self, instant: Instant) -> Option<Moment> {
        // It is read, as it is for all moments to come.
        self.now();
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

impl Patience {
    /// How many degrees of it there are.
    pub(crate) const DEGREES: usize = 4;

    pub(crate) const NONE: Patience = Patience(0);

    #[inline]
    fn of(asked: u64) -> Patience {
        Patience((1..Patience::DEGREES).filter(|degree| asked >= PATIENT << (degree - 1)).count() as u8)
    }

    /// An index below [`DEGREES`](Self::DEGREES), as the compiler can see.
    pub(crate) fn degree(self) -> usize {
        usize::from(self.0) % Patience::DEGREES
    }

    pub(crate) fn of_degree(degree: usize) -> Patience {
        Patience(degree as u8)
    }

    /// How much longer than the `wait` that is left the hub may sleep where nobody has less patience, if it has `worked` so long
    /// since it woke.
    pub(crate) fn slack(self, wait: u64, worked: u64) -> u64 {
        match self.0 {
            0 => (wait / 100).min(SLACK),
            degree => worked.saturating_mul(REST).clamp(SLACK, SLACK << (degree - 1)),
        }
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
    fn a_limit_is_never_over_early_and_a_long_one_late_by_its_256th_part_at_most() {
        for clock in [Clock::new(false), Clock::new(true)] {
            for seconds in [0, 1, 5, 10, 30, 3_600, 86_400 * 365] {
                let wait = Duration::from_secs(seconds);
                // Beyond two ticks, so that the coarse clock has stood at each place between them.
                for _ in 0..2_000 {
                    let before = clock.after(wait).unwrap();
                    let limit = clock.limit(wait).unwrap();
                    let slack = nanoseconds(wait).unwrap() / COARSENESS;
                    assert!(limit >= before && limit <= clock.after(wait).unwrap() + slack);
                }
            }
            assert_eq!(clock.limit(Duration::MAX), None);
        }
    }

    #[test]
    fn patience_is_by_what_was_asked_however_long_ago() {
        let clock = Clock::new(false);
        let [brief, patient] = [4, 6].map(|asked| clock.after(Duration::from_millis(asked)).unwrap());
        let some = Patience::of_degree(1);
        assert_eq!([brief, patient].map(|deadline| clock.patience(deadline)), [Patience::NONE, some]);
        // Somebody who runs long, and reads no clock, makes no brief wait a patient one and no patient one brief.
        std::thread::sleep(Duration::from_millis(8));
        assert_eq!([brief, patient].map(|deadline| clock.patience(deadline)), [Patience::NONE, some]);
        let until = clock.at(Instant::now() + Duration::from_millis(4)).unwrap();
        assert_eq!(clock.patience(until), Patience::NONE);
    }

    #[test]
    fn nobody_is_woken_later_than_by_a_hundredth_of_what_was_asked() {
        let milliseconds = [0, 1, 4, 5, 9, 10, 19, 20, 39, 40, 1_000, u64::MAX / 1_000_000];
        for asked in milliseconds.map(|milliseconds| milliseconds * 1_000_000) {
            let patience = Patience::of(asked);
            for worked in [0, 10_000, 20_000, 40_000, 60_000, u64::MAX] {
                let slack = patience.slack(asked, worked);
                assert!(slack <= asked / 100 && slack <= 200_000, "{asked} {worked} {slack}");
            }
        }
        let second = Patience::of(1_000_000_000);
        assert_eq!([0, 30_000, 1_000_000].map(|worked| second.slack(7, worked)), [50_000, 120_000, 200_000]);
        assert_eq!(Patience::of(12_000_000).slack(7, 30_000), 100_000);
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
