//! A sleep, while a group of green threads sleeps.

use crate::stopwatch::Waves;
use std::{rc::Rc, time::Duration};

/// Each green thread sleeps again and again, all of them at a time: CPU time of falling asleep and waking.
pub(crate) fn in_waves(threads: u64, sleeps: u64) -> Duration {
    greenroom::run(|| {
        let waves = Rc::new(Waves::new(threads, sleeps / threads));
        let sleeper = |number| {
            let waves = waves.clone();
            greenroom::spawn(move || {
                for _ in 0..waves.all() {
                    greenroom::sleep(waves.delay(number));
                    waves.woke();
                }
            })
        };
        let handles: Vec<_> = (0..threads).map(sleeper).collect();
        for handle in handles {
            handle.join().expect("it does not panic");
        }
        waves.took()
    })
}
