//! The clocks that a case is measured by.

use crate::kernel;
use std::{
    hint::black_box,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Times a loop of one operation.
pub(crate) fn time(times: u64, operation: impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        black_box(&operation)();
    }
    start.elapsed()
}

/// Times round trips of a number, where there and back are two switches.
pub(crate) fn time_round_trips(switches: u64, mut there_and_back: impl FnMut(u64) -> u64) -> Duration {
    let start = Instant::now();
    let mut value = 0;
    for _ in 0..switches / 2 {
        value = there_and_back(black_box(value));
    }
    black_box(value);
    start.elapsed()
}

/// The CPU time that this process has used, all OS threads together.
pub(crate) fn cpu_time() -> Duration {
    kernel::cpu_time(std::process::id()).expect("a process knows its own clock")
}

/// Runs from the moment at which all members of a group take turns to the moment at which the first has taken its last.
///
/// In between each takes as many turns as the others; neither beginning nor ending is timed. Atomics, because may asks for
/// `Send`.
pub(crate) struct Turns {
    not_begun: AtomicU64,
    began: OnceLock<Instant>,
    ended: OnceLock<Instant>,
}

impl Turns {
    pub(crate) fn of(members: u64) -> Turns {
        Turns { not_begun: AtomicU64::new(members), began: OnceLock::new(), ended: OnceLock::new() }
    }

    /// Each member says so once, and then gives way until [`all_begun`](Turns::all_begun).
    pub(crate) fn begin(&self) {
        self.not_begun.fetch_sub(1, Relaxed);
    }

    /// Starts the clock when it is first true.
    pub(crate) fn all_begun(&self) -> bool {
        let all = self.not_begun.load(Relaxed) == 0;
        if all && self.began.get().is_none() {
            self.began.get_or_init(Instant::now);
        }
        all
    }

    pub(crate) fn end(&self) {
        if self.ended.get().is_none() {
            self.ended.get_or_init(Instant::now);
        }
    }

    pub(crate) fn took(&self) -> Duration {
        *self.ended.get().expect("one has ended") - *self.began.get().expect("all have begun")
    }
}

/// Runs on CPU time from the first to wake in one wave of sleepers to the first to wake in a later one.
///
/// In between each sleeper falls asleep and wakes once a wave, if all were asleep at both ends.
pub(crate) struct Waves {
    sleepers: u64,
    waves: u64,
    woken: AtomicU64,
    began: OnceLock<Duration>,
    ended: OnceLock<Duration>,
}

impl Waves {
    /// `waves` are timed, after a first one, which binds stacks and warms up.
    pub(crate) fn new(sleepers: u64, waves: u64) -> Waves {
        let woken = AtomicU64::new(0);
        Waves { sleepers, waves, woken, began: OnceLock::new(), ended: OnceLock::new() }
    }

    /// How often each sleeper sleeps.
    pub(crate) fn all(&self) -> u64 {
        self.waves + 1
    }

    /// How long the sleeper of that number sleeps each time: long enough that all fall asleep before the first wakes,
    /// then ten wake a microsecond, so that the thread never idles between two.
    pub(crate) fn delay(&self, number: u64) -> Duration {
        let until_all_sleep = Duration::from_millis(1) + Duration::from_micros(3) * self.sleepers as u32;
        let spread = Duration::from_nanos(100) * self.sleepers as u32;
        until_all_sleep + crate::lateness::scattered(number, spread)
    }

    /// The same in whole microseconds, for a clock that stands still while somebody runs: else each would wake alone.
    pub(crate) fn coarse_delay(&self, number: u64) -> Duration {
        Duration::from_micros(self.delay(number).as_micros() as u64)
    }

    /// Tells that a sleeper woke just now.
    pub(crate) fn woke(&self) {
        let number = self.woken.fetch_add(1, Relaxed);
        if number == 0 {
            self.began.set(cpu_time()).expect("one is the first");
        } else if number == self.sleepers * self.waves {
            self.ended.set(cpu_time()).expect("one is the first of the last wave");
        }
    }

    pub(crate) fn took(&self) -> Duration {
        *self.ended.get().expect("all waves are over") - *self.began.get().expect("one wave is over")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_timed_from_the_last_to_begin_to_the_first_to_end() {
        let turns = Turns::of(2);
        turns.begin();
        assert!(!turns.all_begun());
        turns.begin();
        assert!(turns.all_begun() && turns.all_begun());
        std::thread::sleep(Duration::from_millis(2));
        turns.end();
        let took = turns.took();
        std::thread::sleep(Duration::from_millis(2));
        turns.end();
        assert!(took >= Duration::from_millis(2) && turns.took() == took);
    }

    #[test]
    fn waves_are_timed_from_the_first_wake_to_the_first_of_the_last_wave() {
        let waves = Waves::new(2, 3);
        assert_eq!(waves.all(), 4);
        (0..6).for_each(|_| waves.woke());
        assert!(waves.ended.get().is_none());
        waves.woke();
        assert!(waves.took() <= cpu_time());
    }

    #[test]
    fn all_sleepers_sleep_before_the_first_wakes() {
        let waves = Waves::new(1_000, 1);
        let delays = || (0..1_000).map(|number| waves.delay(number));
        assert!(delays().min().unwrap() >= Duration::from_millis(4));
        assert!(delays().max().unwrap() <= Duration::from_micros(4_100));
    }
}
