//! A sleep, while a group of green threads sleeps.

use crate::stopwatch::Waves;
use std::{rc::Rc, time::Duration};

/// Each green thread sleeps again and again, all of them at a time: CPU time of falling asleep and waking.
pub(crate) fn in_waves(threads: u64, sleeps: u64) -> Duration {
    greenroom::run(|| waves(threads, sleeps, Waves::delay))
}

/// The same in virtual time, for counting instructions: no order of events hangs on the speed of the machine.
pub(crate) fn in_virtual_waves(threads: u64, sleeps: u64) -> Duration {
    let runtime = greenroom::Runtime::builder().virtual_time(true).build();
    runtime.expect("the OS thread has no hub").run(|| waves(threads, sleeps, Waves::coarse_delay))
}

fn waves(threads: u64, sleeps: u64, delay: fn(&Waves, u64) -> Duration) -> Duration {
    let waves = Rc::new(Waves::new(threads, sleeps / threads));
    let sleeper = |number| {
        let waves = waves.clone();
        greenroom::spawn(move || {
            for _ in 0..waves.all() {
                greenroom::sleep(delay(&waves, number));
                waves.woke();
            }
        })
    };
    let handles: Vec<_> = (0..threads).map(sleeper).collect();
    for handle in handles {
        handle.join().expect("it does not panic");
    }
    waves.took()
}
