//! A timer: armed and taken back before it fires, as nearly all are, or fired.

use crate::{
    lateness::{Lateness, scattered},
    stopwatch,
};
use greenroom::Runtime;
use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

pub(crate) const FAR: Duration = Duration::from_secs(30);
pub(crate) const OTHERS: usize = 100_000;

/// A time limit around an operation that waits once.
pub(crate) fn around_a_yield(timeouts: u64) -> Duration {
    greenroom::run(|| {
        let start = Instant::now();
        for _ in 0..timeouts {
            greenroom::timeout(FAR, greenroom::yield_now).expect("it ends in time");
        }
        start.elapsed()
    })
}

/// A wait with a time limit that a neighbour ends: two switches beside the timer.
pub(crate) fn ended_by_a_neighbour(waits: u64) -> Duration {
    greenroom::run(|| {
        let done = Rc::new(Cell::new(false));
        let sleeper = greenroom::spawn({
            let done = done.clone();
            move || {
                let start = Instant::now();
                for _ in 0..waits {
                    greenroom::thread::park_timeout(FAR);
                }
                done.set(true);
                start.elapsed()
            }
        });
        greenroom::yield_now();
        while !done.get() {
            sleeper.thread().unpark();
            greenroom::yield_now();
        }
        sleeper.join().expect("it does not panic")
    })
}

/// One timer alone, armed and taken back while 100,000 others are armed.
pub(crate) fn among_many(timers: u64) -> Duration {
    greenroom::run(|| {
        let others: Vec<_> = (0..OTHERS).map(|_| greenroom::time::Timer::new(FAR, || ())).collect();
        let start = Instant::now();
        for _ in 0..timers {
            greenroom::timeout(FAR, || ()).expect("it ends in time");
        }
        let took = start.elapsed();
        for timer in others {
            assert!(timer.cancel(), "a timer fired before its time");
        }
        took
    })
}

/// What the sleeps of [`fire`] are spread over.
pub(crate) const SPREAD: Duration = Duration::from_millis(100);

/// Green threads that sleep once each, spread over 0 to 100 ms: the CPU time of the process, their spawning included, and
/// how late the median one woke. They are the second such crowd of a hub that keeps the stacks of one: the first has warmed
/// it up.
pub(crate) fn fire(sleepers: u64) -> (Duration, Duration) {
    let runtime = Runtime::builder().stack_cache(sleepers as usize).build().expect("a hub of its own");
    runtime.run(|| {
        crowd(sleepers);
        crowd(sleepers)
    })
}

/// The same of the first crowd of a hub as it comes: the kernel makes a page for each, and guards it.
pub(crate) fn fire_first(sleepers: u64) -> (Duration, Duration) {
    greenroom::run(|| crowd(sleepers))
}

fn crowd(sleepers: u64) -> (Duration, Duration) {
    let (lateness, start) = (Lateness::of(sleepers), stopwatch::cpu_time());
    let sleeper = |number| {
        let lateness = lateness.clone();
        greenroom::spawn(move || {
            let delay = scattered(number, SPREAD);
            let due = Instant::now() + delay;
            greenroom::sleep(delay);
            lateness.woke(due);
        })
    };
    let handles: Vec<_> = (0..sleepers).map(sleeper).collect();
    for handle in handles {
        handle.join().expect("it does not panic");
    }
    (stopwatch::cpu_time() - start, lateness.median())
}
