//! `greenroom::time`: sleeping, scopes of `timeout`, intervals and timers.

mod expiry;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::thread::{self, Builder, park_timeout, sleep_until};
use greenroom::time::{Interval, Timer};
use greenroom::{JoinHandle, Runtime, sleep, spawn, timeout, yield_now};

use crate::support::{self, Log, OnDrop, ms};

/// As Go's `net/timeout_test.go` has it, up to what a quick test can wait for.
const LADDER: [Duration; 16] = [
    Duration::from_nanos(1),
    Duration::from_nanos(2),
    Duration::from_nanos(100),
    Duration::from_micros(1),
    Duration::from_micros(10),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(200),
    Duration::from_micros(500),
    Duration::from_micros(999),
    ms(1),
    ms(2),
    ms(5),
    ms(10),
    ms(50),
    ms(100),
];

/// reliability.md, C3.
#[test]
fn no_sleep_of_the_ladder_is_early_alone_or_with_others() {
    support::hub(|| {
        for asked in LADDER.into_iter().filter(|asked| *asked < ms(20)) {
            let begun = Instant::now();
            sleep(asked);
            assert!(begun.elapsed() >= asked, "{asked:?}");
        }
        let all = LADDER.map(|asked| {
            spawn(move || {
                let begun = Instant::now();
                sleep(asked);
                (asked, begun.elapsed())
            })
        });
        for (asked, slept) in greenroom::try_joinall(all).unwrap() {
            assert!(slept >= asked, "{asked:?}: {slept:?}");
        }
    });
}

/// Decision: an idle hub may sleep 1 % longer than asked, at most 50 µs, and those who are due by then wake at once.
#[test]
fn patient_sleepers_whose_deadlines_are_near_each_other_wake_together() {
    const SLEEPERS: u32 = 200;
    support::hub(|| {
        let polls = || greenroom::Handle::current().metrics().polls;
        let (before, begun) = (polls(), Instant::now());
        let sleeper =
            |number| spawn(move || sleep_until(begun + ms(50) + number * Duration::from_micros(20)));
        greenroom::joinall((0..SLEEPERS).map(sleeper).collect::<Vec<_>>());
        assert!(begun.elapsed() >= ms(50) + (SLEEPERS - 1) * Duration::from_micros(20));
        let polls = polls() - before;
        assert!(polls < u64::from(SLEEPERS) * 3 / 8, "the hub looked {polls} times");
    });
}

#[test]
fn a_hub_that_is_busy_wakes_more_of_them_at_once() {
    const SLEEPERS: u32 = 200;
    let gap = Duration::from_micros(20);
    support::hub(|| {
        let polls = || greenroom::Handle::current().metrics().polls;
        let (before, begun) = (polls(), Instant::now());
        let sleeper = |number| {
            spawn(move || {
                sleep_until(begun + ms(50) + number * gap);
                let woke = Instant::now();
                while woke.elapsed() < gap / 2 {}
            })
        };
        greenroom::joinall((0..SLEEPERS).map(sleeper).collect::<Vec<_>>());
        let polls = polls() - before;
        assert!(polls < u64::from(SLEEPERS) / 8, "the hub looked {polls} times");
    });
}

#[test]
fn a_sleep_under_a_millisecond_is_not_rounded_up_to_one() {
    support::hub(|| {
        support::assert_within(Duration::from_micros(900), || {
            let begun = Instant::now();
            sleep(Duration::from_micros(100));
            begun.elapsed()
        });
    });
}

/// A wait that takes a duration, by name.
type Wait = (&'static str, fn(Duration));

fn waits() -> Vec<Wait> {
    fn endless() -> JoinHandle<()> {
        Builder::new().daemon(true).spawn(thread::park).unwrap()
    }
    fn scoped(d: Duration) {
        thread::scope(|s| {
            let child = s.spawn(thread::park);
            child.wait_timeout(d);
            child.kill();
            child.wait();
        });
    }
    fn timer(d: Duration) {
        let timer = Timer::new(d, || ());
        let _cancelled = OnDrop(|| {
            timer.cancel();
        });
        greenroom::wait(&[&timer], None, None);
    }
    vec![
        ("sleep", sleep),
        ("park_timeout", park_timeout),
        ("wait_timeout", |d| {
            endless().wait_timeout(d);
        }),
        ("scoped wait_timeout", scoped),
        ("timeout", |d| timeout(d, thread::park).unwrap_or(())),
        ("wait", |d| drop(greenroom::wait(&[&endless()], Some(d), None))),
        ("Timer", timer),
    ]
}

/// reliability.md, C1 and P5.
#[test]
fn extreme_durations_never_panic_wrap_or_return_early_and_can_be_killed() {
    let extremes = [
        Duration::MAX,
        Duration::MAX - Duration::from_nanos(1),
        Duration::from_secs(u64::MAX / 2),
        Duration::from_secs(u64::MAX / 10),
        Duration::from_nanos(u64::MAX),
        Duration::from_secs(i64::MAX as u64),
    ];
    support::hub(|| {
        for (name, wait) in waits() {
            let all = extremes.map(|d| spawn(move || wait(d)));
            sleep(ms(2));
            assert!(all.iter().all(|child| !child.is_finished()), "{name} returned early");
            greenroom::killall(&all);
            for ended in greenroom::joinall(all) {
                assert!(ended.unwrap_err().is_killed(), "{name}");
            }
        }
    });
}

/// reliability.md, C2.
#[test]
fn nothing_and_the_past_return_promptly() {
    support::hub(|| {
        let begun = Instant::now();
        for (name, wait) in waits() {
            for d in [Duration::ZERO, Duration::from_nanos(1)] {
                wait(d);
                assert!(begun.elapsed() < ms(30_000), "{name}");
            }
        }
        sleep_until(begun);
        sleep_until(begun - ms(1));
    });
}

#[test]
fn sleep_until_is_never_early() {
    support::hub(|| {
        let then = Instant::now() + ms(3);
        sleep_until(then);
        assert!(Instant::now() >= then);
    });
}

/// reliability.md, C9 and P27.
#[test]
fn equal_deadlines_are_met_in_the_order_they_were_set_and_others_in_theirs() {
    support::hub(|| {
        let (log, base) = (Log::new(), Instant::now() + ms(5));
        let at = |when: Instant, word: String| {
            let words = log.clone();
            spawn(move || {
                sleep_until(when);
                words.push(word);
            })
        };
        let late: Vec<_> = (0..3).map(|n| at(base + ms(1), format!("late {n}"))).collect();
        let equal: Vec<_> = (0..3).map(|n| at(base, format!("equal {n}"))).collect();
        let early = at(base - ms(1), "early".into());
        greenroom::joinall(late.into_iter().chain(equal).chain([early]));
        assert_eq!(log.words(), ["early", "equal 0", "equal 1", "equal 2", "late 0", "late 1", "late 2"]);
    });
}

#[test]
fn three_thousand_sleepers_with_random_deadlines_all_wake_in_order() {
    /// Whether all were parked before the first was due.
    fn try_with(lead: Duration) -> bool {
        let (woken, base, mut random) = (Rc::new(RefCell::new(Vec::new())), Instant::now() + lead, 7_u64);
        let all: Vec<_> = (0..3_000)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (when, woken) = (base + Duration::from_micros(random >> 48), woken.clone());
                spawn(move || {
                    sleep_until(when);
                    assert!(Instant::now() >= when);
                    woken.borrow_mut().push(when);
                })
            })
            .collect();
        yield_now();
        let all_are_parked = Instant::now() < base;
        greenroom::try_joinall(all).unwrap();
        assert_eq!(woken.borrow().len(), 3_000);
        assert!(woken.borrow().is_sorted() || !all_are_parked);
        all_are_parked
    }

    support::hub(|| assert!([150, 600, 2_400, 9_600].into_iter().any(|lead| try_with(ms(lead)))));
}

#[test]
fn sleeps_that_end_early_leave_no_timer_behind() {
    support::hub(|| {
        for _ in 0..1_000 {
            let child = spawn(|| thread::park_timeout(Duration::from_secs(3_600)));
            yield_now();
            child.thread().unpark();
            child.join().unwrap();
            timeout(Duration::from_secs(3_600), yield_now).unwrap();
        }
        let killed: Vec<JoinHandle<()>> =
            (0..100).map(|_| spawn(|| sleep(Duration::from_secs(3_600)))).collect();
        yield_now();
        greenroom::killall(&killed);
    });
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let child = runtime.spawn(|| timeout(Duration::from_secs(3_600), yield_now).unwrap());
        while !child.is_finished() {
            runtime.turn(Some(ms(1))).unwrap();
        }
        assert_eq!(runtime.next_deadline(), None);
    });
}

#[test]
fn an_interval_does_not_drift_and_skips_what_it_missed() {
    support::hub(|| {
        let begun = Instant::now();
        let mut every = Interval::new(ms(5));
        let ticks: Vec<_> = (0..4).map(|_| every.tick()).collect();
        for (before, after) in ticks.iter().zip(&ticks[1..]) {
            let gap = *after - *before;
            assert!(gap >= ms(5) && gap.as_nanos() % ms(5).as_nanos() == 0, "ticks lie on the grid: {gap:?}");
        }
        assert!(ticks[0] >= begun);
        // Three ticks are missed: the next is due at once or at the next point of the grid, and no burst follows.
        std::thread::sleep(ms(17));
        let (first, second) = (every.tick(), every.tick());
        assert!(second - first >= ms(5), "no burst: {:?}", second - first);
        assert_eq!((second - ticks[0]).as_nanos() % ms(5).as_nanos(), 0, "the grid stays");
    });
}

#[test]
fn an_interval_of_the_largest_period_does_not_panic() {
    support::hub(|| {
        let waits = spawn(|| {
            let mut every = Interval::new(Duration::MAX);
            every.tick();
            every.tick();
        });
        sleep(ms(2));
        waits.kill();
        waits.wait();
    });
}

#[test]
fn a_timer_runs_its_closure_in_a_green_thread_that_may_park() {
    support::hub(|| {
        let (log, words, root) = (Log::new(), Log::new(), thread::current().id());
        let trace = words.clone();
        let begun = Instant::now();
        let timer = Timer::new(ms(2), move || {
            assert_ne!(thread::current().id(), root);
            sleep(ms(1));
            trace.push("fired");
        });
        log.push("made");
        timer.join();
        assert!(begun.elapsed() >= ms(3));
        assert_eq!(words.words(), ["fired"]);
    });
}

#[test]
fn a_cancelled_timer_never_fires_and_its_join_returns_at_once() {
    support::virtual_hub(|| {
        let log = Log::new();
        let words = log.clone();
        let timer = Timer::new(ms(1), move || words.push("fired"));
        assert!(timer.cancel());
        assert!(!timer.cancel(), "only the first cancel did it");
        timer.join();
        sleep(ms(3));
        assert_eq!(log.words(), [""; 0]);
    });
}

#[test]
fn a_timer_that_has_fired_cannot_be_cancelled() {
    support::virtual_hub(|| {
        let timer = Timer::new(Duration::ZERO, || ());
        sleep(ms(2));
        assert!(!timer.cancel());
        timer.join();
    });
}

#[test]
fn a_dropped_timer_runs_on() {
    let log = Log::new();
    support::hub(|| {
        let words = log.clone();
        drop(Timer::new(ms(1), move || words.push("fired")));
    });
    assert_eq!(log.words(), ["fired"]);
}

/// reliability.md, C12.
#[test]
fn a_timer_cancelled_from_another_of_the_same_turn_does_not_fire() {
    support::hub(|| {
        let (log, second) = (Log::new(), Rc::new(RefCell::new(None::<Timer>)));
        let (words, other) = (log.clone(), second.clone());
        let first = Timer::new(ms(1), move || {
            words.push("first");
            assert!(other.borrow_mut().take().unwrap().cancel());
        });
        let words = log.clone();
        *second.borrow_mut() = Some(Timer::new(ms(1), move || words.push("second")));
        // Both are due by the time the hub looks.
        std::thread::sleep(ms(3));
        first.join();
        sleep(ms(2));
        assert_eq!(log.words(), ["first"]);
    });
}

#[test]
fn a_timer_whose_closure_panics_hurts_nobody_and_its_join_returns() {
    support::virtual_hub(|| {
        Timer::new(ms(1), || panic!("in a timer")).join();
        let done = Rc::new(Cell::new(false));
        let note = done.clone();
        Timer::new(ms(1), move || note.set(true)).join();
        assert!(done.get());
    });
}

#[test]
fn virtual_time_makes_a_day_of_sleeps_short_and_keeps_their_order() {
    support::watch(|| {
        let begun = Instant::now();
        let log = Log::new();
        Runtime::builder().virtual_time(true).build().unwrap().run(|| {
            let all = [3, 1, 2].map(|hours| {
                let words = log.clone();
                spawn(move || {
                    for _ in 0..8 {
                        sleep(Duration::from_secs(3_600 * hours));
                    }
                    words.push(hours.to_string());
                })
            });
            greenroom::joinall(all);
            assert!(timeout(Duration::from_secs(60), thread::park).is_err());
        });
        assert_eq!(log.words(), ["1", "2", "3"]);
        assert!(begun.elapsed() < ms(60_000), "not even the last minute of it");
    });
}
