//! An empty green thread spawned and joined, one at a time or a batch.

use std::time::{Duration, Instant};

pub(crate) fn one_by_one(spawns: u64) -> Duration {
    greenroom::run(|| {
        let start = Instant::now();
        for _ in 0..spawns {
            greenroom::spawn(|| ()).join().expect("it does not panic");
        }
        start.elapsed()
    })
}

pub(crate) fn batches(batch: u64, spawns: u64) -> Duration {
    greenroom::run(|| {
        let mut handles = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..spawns / batch {
            handles.extend((0..batch).map(|_| greenroom::spawn(|| ())));
            for handle in handles.drain(..) {
                handle.join().expect("it does not panic");
            }
        }
        start.elapsed()
    })
}
