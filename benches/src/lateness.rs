//! How late sleepers wake.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// The delay of each sleeper, in the order in which they woke. Atomics, because may asks for `Send`.
#[derive(Clone)]
pub(crate) struct Lateness {
    nanoseconds: Arc<[AtomicU64]>,
    woken: Arc<AtomicU64>,
}

impl Lateness {
    pub(crate) fn of(sleepers: u64) -> Lateness {
        let nanoseconds = (0..sleepers).map(|_| AtomicU64::new(0)).collect();
        Lateness { nanoseconds, woken: Arc::default() }
    }

    /// Tells that a sleeper woke just now.
    pub(crate) fn woke(&self, due: Instant) {
        let number = self.woken.fetch_add(1, Relaxed);
        self.nanoseconds[number as usize].store(due.elapsed().as_nanos() as u64, Relaxed);
    }

    pub(crate) fn median(&self) -> Duration {
        let mut sorted: Vec<u64> = self.nanoseconds.iter().map(|late| late.load(Relaxed)).collect();
        assert_eq!(self.woken.load(Relaxed) as usize, sorted.len(), "a sleeper did not wake");
        sorted.sort_unstable();
        Duration::from_nanos(sorted.get(sorted.len() / 2).copied().unwrap_or(0))
    }
}

/// A delay below `limit` for each number: the same ones in every run, in no order (Fibonacci hashing).
pub(crate) fn scattered(number: u64, limit: Duration) -> Duration {
    let share = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Duration::from_nanos(((limit.as_nanos() * u128::from(share)) >> 32) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_evenly_below_the_limit() {
        let limit = Duration::from_millis(100);
        let mut delays: Vec<Duration> = (0..1_000).map(|number| scattered(number, limit)).collect();
        assert!(delays.iter().all(|delay| *delay < limit));
        assert!(!delays.is_sorted());
        delays.sort_unstable();
        let widest = delays.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(widest < Duration::from_micros(300), "a gap of {widest:?}");
    }
}
