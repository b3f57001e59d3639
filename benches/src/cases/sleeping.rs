//! What does a sleep cost while many sleep?

use crate::{
    rivals::{self, Runtime},
    stopwatch::Waves,
};
use may::go;
use std::{rc::Rc, sync::Arc, time::Duration};

pub(super) fn futures<R: Runtime>(tasks: u64, sleeps: u64) -> Duration {
    R::run_with_timers(async move {
        let waves = Rc::new(Waves::new(tasks, sleeps / tasks));
        let sleeper = |number| {
            let waves = waves.clone();
            R::spawn(async move {
                for _ in 0..waves.all() {
                    R::sleep(waves.delay(number)).await;
                    waves.woke();
                }
            })
        };
        let handles: Vec<_> = (0..tasks).map(sleeper).collect();
        for handle in handles {
            handle.await;
        }
        waves.took()
    })
}

pub(super) fn may(coroutines: u64, sleeps: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let waves = Arc::new(Waves::new(coroutines, sleeps / coroutines));
        let sleeper = |number| {
            let waves = waves.clone();
            go!(move || {
                for _ in 0..waves.all() {
                    may::coroutine::sleep(waves.delay(number));
                    waves.woke();
                }
            })
        };
        let handles: Vec<_> = (0..coroutines).map(sleeper).collect();
        for handle in handles {
            handle.join().expect("it does not panic");
        }
        waves.took()
    })
}
