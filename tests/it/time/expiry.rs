//! `timeout`: an error if and only if the expiry reached a wait of the body, and nothing after the scope is over.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::generator::{Generator, Resumed, Yielder};
use greenroom::thread;
use greenroom::{Elapsed, sleep, spawn, timeout, yield_now};

use crate::support::{self, Log, OnDrop, Tally, ms, panic_of};

fn forever() {
    sleep(ms(86_400_000));
}

/// Spends the OS thread's time without a wait, so that an alarm is overdue when the next wait begins.
fn work(d: Duration) {
    std::thread::sleep(d);
}

#[test]
fn a_body_in_time_gives_its_value() {
    support::virtual_hub(|| {
        assert_eq!(timeout(ms(60_000), || 1), Ok(1));
        let parked = timeout(ms(60_000), || {
            sleep(ms(1));
            2
        });
        assert_eq!(parked, Ok(2));
        assert_eq!(timeout(Duration::MAX, yield_now), Ok(()));
    });
}

#[test]
fn a_body_that_waits_too_long_is_unwound_to_the_scope() {
    support::hub(|| {
        let (tally, begun) = (Tally::new(), Instant::now());
        let late: Result<(), Elapsed> = timeout(ms(3), || {
            let _value = tally.one();
            forever();
        });
        let error = late.unwrap_err();
        assert!(begun.elapsed() >= ms(3));
        assert_eq!(tally.dropped(), 1);
        assert!(!error.to_string().is_empty());
        sleep(ms(1));
    });
}

/// The rule of api.md: an expiry that no wait has met is none.
#[test]
fn a_body_that_does_not_wait_after_its_time_keeps_its_value() {
    support::hub(|| {
        assert_eq!(timeout(ms(1), || work(ms(3))), Ok(()));
        assert_eq!(timeout(Duration::ZERO, || 1), Ok(1));
        let begun = Instant::now();
        (0..10).for_each(|_| sleep(ms(1)));
        assert!(begun.elapsed() >= ms(10), "nothing of it is left to disturb these sleeps");
    });
}

#[test]
fn an_expiry_that_is_overdue_strikes_the_next_wait() {
    support::hub(|| {
        let log = Log::new();
        let late = timeout(ms(1), || {
            work(ms(3));
            log.push("worked");
            forever();
        });
        assert!(late.is_err());
        assert!(timeout(Duration::ZERO, forever).is_err());
        assert_eq!(log.words(), ["worked"]);
    });
}

#[test]
fn each_scope_knows_its_own_expiry() {
    support::virtual_hub(|| {
        let inner_first = timeout(ms(60_000), || timeout(ms(1), forever));
        assert!(matches!(inner_first, Ok(Err(_))));
        let outer_first = timeout(ms(1), || timeout(ms(60_000), forever));
        assert!(outer_first.is_err());
        let goes_on = timeout(ms(60_000), || {
            assert!(timeout(ms(1), forever).is_err());
            sleep(ms(2));
            "went on"
        });
        assert_eq!(goes_on, Ok("went on"));
    });
}

/// reliability.md, C5.
#[test]
fn when_both_are_over_before_the_body_runs_the_outer_one_reports() {
    support::hub(|| {
        for (outer, inner) in [(1, 2), (1, 1), (2, 1)] {
            let ended = timeout(ms(outer), || {
                timeout(ms(inner), || {
                    work(ms(5));
                    forever();
                })
            });
            assert!(ended.is_err(), "outer {outer} ms, inner {inner} ms: {ended:?}");
            let begun = Instant::now();
            sleep(ms(2));
            assert!(begun.elapsed() >= ms(2), "the other one is disarmed");
        }
    });
}

#[test]
fn ten_deep_the_shortest_one_reports() {
    fn nest(depth: u64, shortest: u64) -> Option<u64> {
        if depth == 0 {
            forever();
        }
        let limit = if depth == shortest { ms(2) } else { ms(60_000 + depth) };
        match timeout(limit, || nest(depth - 1, shortest)) {
            Ok(found) => found,
            Err(Elapsed { .. }) => Some(depth),
        }
    }
    support::hub(|| (1..=10).for_each(|shortest| assert_eq!(nest(10, shortest), Some(shortest))));
}

/// reliability.md, C6.
#[test]
fn a_body_that_swallows_the_unwinding_is_unwound_again_at_its_next_wait() {
    support::hub(|| {
        let caught = Cell::new(0);
        let late = timeout(ms(1), || {
            for _ in 0..3 {
                assert!(catch_unwind(forever).is_err());
                caught.set(caught.get() + 1);
            }
        });
        assert_eq!((caught.get(), late), (3, Err(timeout(ms(0), forever).unwrap_err())));
        let begun = Instant::now();
        sleep(ms(3));
        assert!(begun.elapsed() >= ms(3));
    });
}

#[test]
fn a_panic_of_the_body_goes_through_and_disarms_the_scope() {
    support::hub(|| {
        assert_eq!(panic_of(|| timeout(ms(5), || panic!("through"))), "through");
        let begun = Instant::now();
        sleep(ms(10));
        assert!(begun.elapsed() >= ms(10));
    });
}

#[test]
fn a_kill_goes_through_a_scope() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let victim = spawn(move || {
            let ended = timeout(ms(60_000), forever);
            words.push(format!("{ended:?}"));
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(log.words(), [""; 0]);
    });
}

#[test]
fn a_destructor_that_parks_while_the_scope_unwinds_it_returns_at_once() {
    support::hub(|| {
        let log = Log::new();
        let begun = Instant::now();
        let late = timeout(ms(1), || {
            let _parks = OnDrop(|| {
                forever();
                thread::park();
                log.push("returned");
            });
            forever();
        });
        assert!(late.is_err() && begun.elapsed() < ms(30_000));
        assert_eq!(log.words(), ["returned"]);
    });
}

/// reliability.md, P4: completion and expiry in one turn; either may win, nothing leaks out of the scope.
#[test]
fn completion_and_expiry_in_the_same_turn_give_one_of_the_two_and_disturb_nothing_after() {
    support::hub(|| {
        let (mut late, rounds) = (0, 2_000);
        for round in 0..rounds {
            let limit = Duration::from_micros(round % 30);
            let ended = timeout(limit, || {
                for _ in 0..round % 7 {
                    yield_now();
                }
                sleep(Duration::from_micros(round % 20));
            });
            late += u32::from(ended.is_err());
            for _ in 0..5 {
                yield_now();
            }
            assert!(timeout(ms(60_000), || sleep(Duration::from_nanos(1))).is_ok());
        }
        assert!(late > 0 && u64::from(late) < rounds, "both ways were seen: {late} of {rounds}");
    });
}

#[test]
fn scopes_of_different_green_threads_do_not_mix() {
    support::virtual_hub(|| {
        let all = (0..100_u64).map(|n| {
            spawn(move || {
                let short = n % 2 == 0;
                let ended = timeout(if short { ms(2) } else { ms(60_000) }, || sleep(ms(6)));
                assert_eq!(ended.is_err(), short);
                sleep(ms(1));
            })
        });
        greenroom::try_joinall(all.collect::<Vec<_>>()).unwrap();
    });
}

#[test]
fn a_timeout_around_a_join_leaves_the_joined_one_alone() {
    support::virtual_hub(|| {
        let child = Rc::new(spawn(|| {
            sleep(ms(6));
            "value"
        }));
        let handle = child.clone();
        assert!(timeout(ms(1), move || handle.wait()).is_err());
        child.wait();
        assert!(child.is_finished());
    });
}

#[test]
fn a_scope_on_the_root_works() {
    support::virtual_hub(|| {
        assert!(timeout(ms(1), thread::park).is_err());
        thread::park_timeout(ms(1));
    });
}

/// decisions.md 4: a scope in the frames of a generator is not above waits outside of it.
#[test]
fn a_scope_put_aside_in_a_generator_disturbs_only_waits_inside_it() {
    support::hub(|| {
        let body = |y: &Yielder<&'static str, ()>, ()| {
            let ended = timeout(ms(2), || {
                y.yield_("inside the scope");
                forever();
            });
            assert!(ended.is_err(), "the wait inside is struck");
            "done"
        };
        let mut generator = Generator::new(body);
        assert_eq!(generator.send(()), Resumed::Yielded("inside the scope"));
        let begun = Instant::now();
        sleep(ms(6));
        assert!(begun.elapsed() >= ms(6), "a wait outside is not");
        assert_eq!(generator.send(()), Resumed::Returned("done"));
        let begun = Instant::now();
        sleep(ms(3));
        assert!(begun.elapsed() >= ms(3));
    });
}

#[test]
fn a_generator_with_an_open_scope_may_move_to_another_green_thread() {
    support::hub(|| {
        let slot = Rc::new(RefCell::new(None));
        let put = slot.clone();
        let first = spawn(move || {
            let body = |y: &Yielder<u8, ()>, ()| {
                let ended = timeout(ms(3), || {
                    y.yield_(1);
                    sleep(ms(8));
                });
                // Its alarm belongs to the green thread that opened it; either end is one, a crash or a hang is not.
                ended.is_ok() || ended.is_err()
            };
            let mut generator = Generator::new(body);
            assert_eq!(generator.send(()), Resumed::Yielded(1));
            *put.borrow_mut() = Some(generator);
            let begun = Instant::now();
            sleep(ms(12));
            assert!(begun.elapsed() >= ms(12), "the one that opened it is not disturbed");
        });
        yield_now();
        let second = spawn(move || {
            let mut generator = slot.borrow_mut().take().expect("moved here");
            assert_eq!(generator.send(()), Resumed::Returned(true));
            let begun = Instant::now();
            sleep(ms(4));
            assert!(begun.elapsed() >= ms(4), "nor is the one that closed it");
        });
        second.join().unwrap();
        first.join().unwrap();
    });
}

#[test]
fn a_generator_dropped_with_an_open_scope_disarms_it() {
    support::hub(|| {
        let mut generator = Generator::new(|y: &Yielder<u8, ()>, ()| {
            let _ = timeout(ms(2), || y.yield_(1));
        });
        assert_eq!(generator.send(()), Resumed::Yielded(1));
        drop(generator);
        let begun = Instant::now();
        sleep(ms(5));
        assert!(begun.elapsed() >= ms(5));
    });
}

#[test]
fn an_expiry_inside_a_generator_unwinds_it_to_the_scope_outside() {
    support::hub(|| {
        let tally = Tally::new();
        let value = tally.one();
        let mut generator = Generator::new(move |_: &Yielder<u8, ()>, ()| {
            let _value = value;
            forever();
        });
        let late = timeout(ms(2), || {
            let _ = catch_unwind(AssertUnwindSafe(|| generator.send(()))).map_err(std::panic::resume_unwind);
        });
        assert!(late.is_err());
        assert_eq!(tally.dropped(), 1);
        assert!(generator.is_finished());
    });
}
