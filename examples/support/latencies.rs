//! A histogram of durations in bounded memory.
//!
//! Each power of two has 64 steps, so a percentile is at most 1.6 % too low.

use std::time::Duration;

const STEP_BITS: u32 = 6;
const STEPS: usize = 1 << STEP_BITS;

/// Counts by size, in nanoseconds.
pub(crate) struct Latencies {
    counts: Vec<u64>,
}

impl Latencies {
    pub(crate) fn new() -> Latencies {
        Latencies { counts: vec![0; STEPS * (u64::BITS - STEP_BITS + 1) as usize] }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        self.counts[slot(duration.as_nanos() as u64)] += 1;
    }

    /// The duration that `share` (0 to 1) of all do not exceed; zero when there are none.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let all: u64 = self.counts.iter().sum();
        let mut left = (all as f64 * share).ceil().max(1.0) as u64;
        for (slot, count) in self.counts.iter().enumerate() {
            if *count >= left {
                return Duration::from_nanos(floor(slot));
            }
            left -= count;
        }
        Duration::ZERO
    }
}

/// Durations below `STEPS` have a slot each; above, the leading bit picks the row and the `STEP_BITS` after
/// it the step.
fn slot(nanos: u64) -> usize {
    let row = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEP_BITS + 1);
    row as usize * STEPS + (nanos >> row) as usize
}

/// The smallest duration that `slot` counts.
fn floor(slot: usize) -> u64 {
    let row = (slot / STEPS).saturating_sub(1);
    ((slot - row * STEPS) as u64) << row
}
