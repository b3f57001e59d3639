//! `sync::Condvar`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::sync::{Arc, Condvar, Mutex};
use greenroom::{JoinHandle, Runtime, sleep, spawn, timeout, yield_now};

use super::{join_os, parked, parked_each, settle};
use crate::support::{self, Log, OnDrop, error_of, ms, panic_of};

type Pair<T> = Rc<(Mutex<T>, Condvar)>;

fn pair<T>(value: T) -> Pair<T> {
    Rc::new((Mutex::new(value), Condvar::new()))
}

/// One waiter for each word, which it logs when it was notified.
fn waiters(pair: &Pair<()>, words: &[&'static str], log: &Log) -> Vec<JoinHandle<()>> {
    let pair = pair.clone();
    parked_each(words, log, move |word, log| {
        let _guard = pair.1.wait(pair.0.lock());
        log.push(word);
    })
}

#[test]
fn who_waits_first_is_notified_first_and_only_as_many_as_were_notified() {
    support::hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let all = waiters(&pair, &["a", "b", "c", "d", "e"], &log);
        pair.1.notify_one();
        settle();
        assert_eq!(log.words(), ["a"]);
        pair.1.notify_n(2);
        settle();
        assert_eq!(log.words(), ["a", "b", "c"]);
        pair.1.notify_n(0);
        settle();
        assert_eq!(log.words().len(), 3);
        pair.1.notify_n(usize::MAX);
        greenroom::joinall(all);
        assert_eq!(log.words(), ["a", "b", "c", "d", "e"]);
    });
}

#[test]
fn all_are_notified_and_get_the_mutex_in_turn() {
    support::hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let all = waiters(&pair, &["a", "b", "c"], &log);
        let guard = pair.0.lock();
        pair.1.notify_all();
        settle();
        assert_eq!(log.words(), [""; 0], "they wait for the mutex");
        drop(guard);
        greenroom::joinall(all);
        assert_eq!(log.words(), ["a", "b", "c"]);
    });
}

#[test]
fn a_notification_that_nobody_waits_for_is_forgotten() {
    support::hub(|| {
        let pair = pair(());
        pair.1.notify_one();
        pair.1.notify_all();
        let (guard, result) = pair.1.wait_timeout(pair.0.lock(), ms(1));
        assert!(result.timed_out());
        drop(guard);
    });
}

#[test]
fn it_unlocks_while_it_waits_and_has_the_lock_when_it_returns() {
    support::hub(|| {
        let pair = pair(0);
        let shared = pair.clone();
        let waiter = parked(move || {
            let guard = shared.1.wait(shared.0.lock());
            let seen = *guard;
            assert!(shared.0.try_lock().is_none());
            seen
        });
        *pair.0.try_lock().expect("it was unlocked") = 7;
        pair.1.notify_one();
        assert_eq!(waiter.join().unwrap(), 7);
        assert!(pair.0.try_lock().is_some());
    });
}

#[test]
fn newcomers_that_come_from_notified_ones_wait_for_the_next_notification() {
    support::hub(|| {
        let (pair, woken) = (pair(()), Rc::new(Cell::new(0)));
        let all: Vec<_> = (0..5)
            .map(|_| {
                let (pair, woken) = (pair.clone(), woken.clone());
                parked(move || {
                    let mut guard = pair.0.lock();
                    for _ in 0..3 {
                        guard = pair.1.wait(guard);
                        woken.set(woken.get() + 1);
                    }
                })
            })
            .collect();
        for round in 1..=3 {
            pair.1.notify_all();
            settle();
            assert_eq!(woken.get(), 5 * round);
        }
        greenroom::joinall(all);
    });
}

#[test]
fn one_that_is_killed_or_timed_out_leaves_the_line() {
    support::hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let all = waiters(&pair, &["a", "b"], &log);
        assert!(timeout(ms(1), || drop(pair.1.wait(pair.0.lock()))).is_err());
        all[0].kill();
        all[0].wait();
        pair.1.notify_one();
        all[1].wait();
        assert_eq!(log.words(), ["b"]);
        assert!(pair.0.try_lock().is_some());
    });
}

#[test]
fn a_notification_for_one_that_is_killed_before_it_runs_goes_to_the_next() {
    support::hub(|| {
        for kill_first in [true, false] {
            let (pair, log) = (pair(()), Log::new());
            let all = waiters(&pair, &["a", "b"], &log);
            // It cannot act on the notification before it has the mutex.
            let guard = pair.0.lock();
            if kill_first {
                all[0].kill();
                pair.1.notify_one();
            } else {
                pair.1.notify_one();
                all[0].kill();
            }
            settle();
            assert!(all[0].is_finished(), "it unwinds without the mutex");
            drop(guard);
            all[1].wait();
            assert_eq!(log.words(), ["b"], "kill first: {kill_first}");
        }
    });
}

#[test]
fn a_notification_for_one_whose_time_is_over_before_it_has_the_mutex_goes_to_the_next() {
    support::hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let shared = pair.clone();
        let late = parked(move || timeout(ms(2), || drop(shared.1.wait(shared.0.lock()))).is_err());
        let next = waiters(&pair, &["next"], &log);
        let guard = pair.0.lock();
        pair.1.notify_one();
        assert!(late.join().unwrap());
        drop(guard);
        greenroom::joinall(next);
        assert_eq!(log.words(), ["next"]);
    });
}

#[test]
fn a_notification_for_all_is_not_passed_on_to_who_came_later() {
    support::hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let all = waiters(&pair, &["a"], &log);
        let guard = pair.0.lock();
        pair.1.notify_all();
        let shared = pair.clone();
        let later = parked(move || shared.1.wait_timeout(shared.0.lock(), ms(3)).1.timed_out());
        all[0].kill();
        drop(guard);
        assert!(later.join().unwrap());
        assert_eq!(log.words(), [""; 0]);
    });
}

#[test]
fn a_notification_counts_once() {
    support::hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let all = waiters(&pair, &["a", "b"], &log);
        pair.1.notify_one();
        all[0].wait();
        settle();
        assert!(!all[1].is_finished());
        all[1].kill();
        all[1].wait();
        assert_eq!(log.words(), ["a"]);
    });
}

#[test]
fn a_kill_ends_the_wait_without_the_mutex() {
    support::hub(|| {
        let pair = pair(());
        let shared = pair.clone();
        let victim = parked(move || drop(shared.1.wait(shared.0.lock())));
        let guard = pair.0.lock();
        victim.kill();
        settle();
        assert!(victim.is_finished());
        drop(guard);
        assert!(error_of(victim).is_killed());
        assert!(pair.0.try_lock().is_some());
    });
}

#[test]
fn a_limited_wait_ends_in_time_and_not_before_and_then_waits_for_the_mutex() {
    support::hub(|| {
        let pair = pair(());
        for limit in [Duration::ZERO, Duration::from_nanos(1), ms(2)] {
            let begun = Instant::now();
            let (guard, result) = pair.1.wait_timeout(pair.0.lock(), limit);
            assert!(result.timed_out() && begun.elapsed() >= limit);
            assert!(pair.0.try_lock().is_none());
            drop(guard);
        }
        let (shared, log) = (pair.clone(), Log::new());
        let words = log.clone();
        let waiter = parked(move || {
            let (_guard, result) = shared.1.wait_timeout(shared.0.lock(), ms(1));
            words.push("has the mutex");
            result.timed_out()
        });
        let guard = pair.0.lock();
        sleep(ms(3));
        log.push("let go");
        drop(guard);
        assert!(waiter.join().unwrap());
        assert_eq!(log.words(), ["let go", "has the mutex"]);
    });
}

#[test]
fn a_wait_of_any_length_ends_by_a_notification() {
    support::hub(|| {
        let pair = pair(());
        for limit in [Duration::MAX, Duration::MAX - Duration::from_nanos(1), ms(60_000)] {
            let shared = pair.clone();
            let waiter = parked(move || shared.1.wait_timeout(shared.0.lock(), limit).1.timed_out());
            pair.1.notify_one();
            assert!(!waiter.join().unwrap());
        }
    });
}

#[test]
fn wait_while_looks_before_and_after_each_notification() {
    support::hub(|| {
        let (pair, looks) = (pair(3), Rc::new(Cell::new(0)));
        let (shared, count) = (pair.clone(), looks.clone());
        let waiter = parked(move || {
            let guard = shared.1.wait_while(shared.0.lock(), |left| {
                count.set(count.get() + 1);
                *left > 0
            });
            *guard
        });
        for look in 1..=3 {
            assert_eq!(looks.get(), look);
            *pair.0.lock() -= 1;
            pair.1.notify_one();
            settle();
        }
        assert_eq!((waiter.join().unwrap(), looks.get()), (0, 4));
        drop(pair.1.wait_while(pair.0.lock(), |left| *left > 0));
    });
}

#[test]
fn wait_timeout_while_has_one_limit_for_all_its_waits() {
    support::hub(|| {
        let pair = pair(0);
        let shared = pair.clone();
        let notifies = spawn(move || {
            loop {
                *shared.0.lock() += 1;
                shared.1.notify_all();
                sleep(ms(1));
            }
        });
        let begun = Instant::now();
        let (guard, result) = pair.1.wait_timeout_while(pair.0.lock(), ms(30), |_| true);
        assert!(result.timed_out() && begun.elapsed() >= ms(30) && *guard > 1);
        drop(guard);
        let limit = Duration::MAX;
        let (guard, result) = pair.1.wait_timeout_while(pair.0.lock(), limit, |count| *count < 10);
        assert!(!result.timed_out() && *guard >= 10);
        drop(guard);
        let (guard, result) = pair.1.wait_timeout_while(pair.0.lock(), Duration::ZERO, |_| false);
        assert!(!result.timed_out());
        drop(guard);
        notifies.kill();
    });
}

#[test]
fn what_came_true_in_the_last_moment_is_no_timeout() {
    support::hub(|| {
        let pair = pair(false);
        let shared = pair.clone();
        // Nobody notifies: the look after the limit finds it.
        spawn(move || *shared.0.lock() = true);
        let (_guard, result) = pair.1.wait_timeout_while(pair.0.lock(), ms(2), |done| !*done);
        assert!(!result.timed_out());
    });
}

#[test]
fn while_its_caller_unwinds_it_returns_at_once_and_keeps_the_mutex() {
    support::virtual_hub(|| {
        let (pair, log) = (pair(()), Log::new());
        let (shared, words) = (pair.clone(), log.clone());
        let unwinds = parked(move || {
            let mut guard = Some(shared.0.lock());
            let _waits = OnDrop(|| {
                let guard = shared.1.wait(guard.take().expect("dropped once"));
                let guard = shared.1.wait_while(guard, |()| true);
                let (guard, result) = shared.1.wait_timeout(guard, Duration::MAX);
                assert!(result.timed_out());
                let (guard, result) = shared.1.wait_timeout_while(guard, Duration::MAX, |()| true);
                assert!(result.timed_out());
                words.push("through");
                drop(guard);
            });
            sleep(ms(1));
            panic!("on purpose");
        });
        // It stands in the line of the mutex: had one of the waits let go of it, this would come first.
        let (shared, words) = (pair.clone(), log.clone());
        let other = parked(move || {
            drop(shared.0.lock());
            words.push("other");
        });
        assert!(error_of(unwinds).is_panic());
        other.join().unwrap();
        assert_eq!(log.words(), ["through", "other"]);
    });
}

#[test]
fn a_panic_in_the_condition_unlocks() {
    support::hub(|| {
        let pair = pair(());
        let text = panic_of(|| drop(pair.1.wait_while(pair.0.lock(), |()| panic!("on purpose"))));
        assert_eq!(text, "on purpose");
        assert!(pair.0.try_lock().is_some());
    });
}

#[test]
fn hubs_and_os_threads_play_ping_pong() {
    support::hub(|| {
        let table = Arc::new((Mutex::new(0), Condvar::new()));
        let player = |number: u32| {
            let table = table.clone();
            move || {
                for _ in 0..100 {
                    let turn = |ball: &mut u32| *ball % 3 != number;
                    let mut ball = table.1.wait_while(table.0.lock(), turn);
                    *ball += 1;
                    table.1.notify_all();
                }
            }
        };
        let (os, far, near) = (player(0), player(1), player(2));
        let os = std::thread::spawn(os);
        let far = std::thread::spawn(move || greenroom::run(|| spawn(far).join().unwrap()));
        spawn(near).join().unwrap();
        join_os(os);
        join_os(far);
        assert_eq!(*table.0.lock(), 300);
    });
}

#[test]
fn os_threads_that_give_up_all_the_time_swallow_no_notification() {
    support::watch(|| {
        let (items, more) = (Mutex::new(0_u32), Condvar::new());
        const ALL: u32 = 1_000;
        let eat = || {
            let mut eaten = 0;
            loop {
                let mut left = items.lock();
                while *left == 0 {
                    let limit = Duration::from_micros(30);
                    let (again, result) = more.wait_timeout(left, limit);
                    left = again;
                    if result.timed_out() && *left == 0 {
                        break;
                    }
                }
                match *left {
                    0 => {}
                    u32::MAX => return eaten,
                    _ => {
                        *left -= 1;
                        eaten += 1;
                    }
                }
            }
        };
        let patient = || {
            let mut eaten = 0;
            loop {
                let mut left = more.wait_while(items.lock(), |left| *left == 0);
                if *left == u32::MAX {
                    return eaten;
                }
                *left -= 1;
                eaten += 1;
            }
        };
        let eaten = std::thread::scope(|threads| {
            let all = [
                threads.spawn(eat),
                threads.spawn(eat),
                threads.spawn(|| greenroom::run(patient)),
                threads.spawn(patient),
            ];
            for _ in 0..ALL {
                *items.lock() += 1;
                more.notify_one();
            }
            while *items.lock() > 0 {
                std::thread::yield_now();
            }
            *items.lock() = u32::MAX;
            more.notify_all();
            all.into_iter().map(|one| one.join().unwrap()).sum::<u32>()
        });
        assert_eq!(eaten, ALL);
    });
}

#[test]
fn a_hub_that_begins_in_the_condition_does_not_disturb_the_limit() {
    support::guard(|| {
        let waits = || {
            let (lock, never) = (Mutex::new(()), Condvar::new());
            let begun = Instant::now();
            let (_guard, result) = never.wait_timeout_while(lock.lock(), ms(3), |()| {
                never.notify_all();
                yield_now();
                true
            });
            result.timed_out() && begun.elapsed() >= ms(3)
        };
        assert!(std::thread::spawn(waits).join().unwrap());
    });
}

#[test]
fn the_end_of_a_hub_takes_its_waiters_out() {
    support::watch(|| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let runtime = Runtime::new().unwrap();
        let shared = pair.clone();
        let victim = runtime.spawn(move || drop(shared.1.wait(shared.0.lock())));
        sleep(ms(1));
        drop(runtime);
        assert!(victim.is_finished());
        pair.1.notify_all();
        assert!(pair.0.try_lock().is_some());
    });
}

#[test]
fn it_works_with_any_value_and_shows_little() {
    static NEVER: Condvar = Condvar::new();
    let slice: &Mutex<[u8]> = &Mutex::new([1, 2]);
    let (guard, result) = NEVER.wait_timeout(slice.lock(), Duration::ZERO);
    assert_eq!((guard.len(), result), (2, result));
    assert_eq!(
        format!("{:?} {result:?}", Condvar::default()),
        "Condvar { .. } WaitTimeoutResult { timed_out: true }"
    );
}

#[test]
fn who_is_left_standing_while_it_locks_again_passes_its_notification_on() {
    support::guard(|| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let (tell, told) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let theirs = pair.clone();
        // Its hub is an implicit one, which leaves everybody standing at the end of the OS thread.
        let ends = std::thread::spawn(move || {
            spawn(move || drop(theirs.1.wait(theirs.0.lock())));
            yield_now();
            tell.send(()).unwrap();
            may_go.recv().unwrap();
            sleep(ms(2));
        });
        told.recv().unwrap();
        let theirs = pair.clone();
        let next = std::thread::spawn(move || {
            let (guard, result) = theirs.1.wait_timeout(theirs.0.lock(), ms(1_000));
            drop(guard);
            result.timed_out()
        });
        std::thread::sleep(ms(10));
        let guard = pair.0.lock();
        pair.1.notify_one();
        go.send(()).unwrap();
        ends.join().unwrap();
        drop(guard);
        assert!(!next.join().unwrap(), "the first never acts on it");
    });
}

#[test]
fn who_begins_to_wait_after_all_were_notified_is_not_woken_by_one_of_them_that_is_killed() {
    support::hub(|| {
        let pair = Rc::new((Mutex::new(()), Condvar::new()));
        let theirs = pair.clone();
        let killed = spawn(move || drop(theirs.1.wait(theirs.0.lock())));
        yield_now();
        killed.kill();
        pair.1.notify_all();
        let (guard, result) = pair.1.wait_timeout(pair.0.lock(), ms(5));
        drop(guard);
        assert!(result.timed_out(), "nobody has notified anybody since");
        assert!(killed.join().unwrap_err().is_killed());
    });
}
