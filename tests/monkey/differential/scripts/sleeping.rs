//! The calls that only wait.

use std::time::Duration;

use libc::{CLOCK_MONOTONIC, CLOCK_REALTIME, TIMER_ABSTIME, timespec};

use crate::differential::script_list;
use crate::differential::world::A_MOMENT;
use crate::libc_calls::{self as c};

const NO_TIME: timespec = timespec { tv_sec: 0, tv_nsec: 0 };

script_list! {
    fn std_sleeps(_world, log) {
        log.lasting("a moment", A_MOMENT, || std::thread::sleep(A_MOMENT));
        log.lasting("no time", Duration::ZERO, || std::thread::sleep(Duration::ZERO));
        log.lasting("a nanosecond", Duration::ZERO, || std::thread::sleep(Duration::from_nanos(1)));
    }

    fn nanosleep(_world, log) {
        let slept = log.lasting("a moment", A_MOMENT, || c::nanosleep(c::timespec(A_MOMENT)));
        log.note("what is left is not written", slept);
        log.note("no time", c::nanosleep(NO_TIME));
        log.note("too many nanoseconds", c::nanosleep(timespec { tv_sec: 0, tv_nsec: 1_000_000_000 }));
        log.note("negative nanoseconds", c::nanosleep(timespec { tv_sec: 0, tv_nsec: -1 }));
        log.note("negative seconds", c::nanosleep(timespec { tv_sec: -1, tv_nsec: 0 }));
    }

    fn clock_nanosleep(_world, log) {
        for (name, clock) in [("monotonic", CLOCK_MONOTONIC), ("real time", CLOCK_REALTIME)] {
            let slept = log.lasting(name, A_MOMENT, || c::clock_nanosleep(clock, 0, c::timespec(A_MOMENT)));
            log.call(name, slept);
            let slept = log.lasting("absolute", A_MOMENT, || {
                let until = c::now_on(clock) + A_MOMENT;
                c::clock_nanosleep(clock, TIMER_ABSTIME, c::timespec(until))
            });
            log.call("absolute", slept);
            let past = log.lasting("past", Duration::ZERO, || {
                let until = c::now_on(clock) - A_MOMENT;
                c::clock_nanosleep(clock, TIMER_ABSTIME, c::timespec(until))
            });
            log.call("past", past);
            log.call("the epoch", c::clock_nanosleep(clock, TIMER_ABSTIME, NO_TIME));
        }
    }

    fn clock_nanosleep_refuses(_world, log) {
        let bad = timespec { tv_sec: 0, tv_nsec: 1_000_000_000 };
        log.call("too many nanoseconds", c::clock_nanosleep(CLOCK_MONOTONIC, 0, bad));
        log.call("the same, absolute", c::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, bad));
        log.call("negative", c::clock_nanosleep(CLOCK_REALTIME, 0, timespec { tv_sec: -1, tv_nsec: 0 }));
        log.call("no such clock", c::clock_nanosleep(99, 0, c::timespec(A_MOMENT)));
        log.call("a thread's own clock", c::clock_nanosleep(libc::CLOCK_THREAD_CPUTIME_ID, 0, c::timespec(A_MOMENT)));
    }

    fn usleep_and_sleep(_world, log) {
        let slept = log.lasting("usleep", A_MOMENT, || c::usleep(A_MOMENT.as_micros() as u32));
        log.call("usleep", slept);
        log.call("usleep for no time", c::usleep(0));
        let left = log.lasting("sleep", Duration::from_secs(1), || c::sleep(1));
        log.note("sleep", left);
        log.note("sleep for no time", c::sleep(0));
    }

    fn sleepers_wake_in_the_order_of_their_times(world, log) {
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sleepers: Vec<_> = [30, 4, 15]
            .into_iter()
            .map(|moments| {
                let order = order.clone();
                world.party("sleeper", move |_| {
                    std::thread::sleep(A_MOMENT * moments);
                    order.lock().unwrap().push(moments);
                })
            })
            .collect();
        sleepers.into_iter().for_each(|sleeper| sleeper.join(log));
        log.note("order", order.lock().unwrap());
    }
}
