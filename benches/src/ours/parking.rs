//! Green threads that do nothing: the time of making them, and the memory that they hold.

use crate::footprint::Footprint;
use std::time::{Duration, Instant};

/// Each is parked, and so has a stack; its handle counts.
pub(crate) fn parked(threads: u64) -> (Duration, Footprint) {
    greenroom::run(|| {
        let (before, start) = (Footprint::now(), Instant::now());
        let handles: Vec<_> = (0..threads).map(|_| greenroom::spawn(greenroom::thread::park)).collect();
        greenroom::yield_now();
        let (took, grown) = (start.elapsed(), before.growth());
        for handle in handles {
            handle.thread().unpark();
            handle.join().expect("it does not panic");
        }
        (took, grown)
    })
}

/// None has begun; its handle counts.
pub(crate) fn unstarted(threads: u64) -> (Duration, Footprint) {
    greenroom::run(|| {
        let (before, start) = (Footprint::now(), Instant::now());
        let handles: Vec<_> = (0..threads).map(|_| greenroom::spawn(|| ())).collect();
        let (took, grown) = (start.elapsed(), before.growth());
        for handle in handles {
            handle.join().expect("it does not panic");
        }
        (took, grown)
    })
}
