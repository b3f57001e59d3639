//! Cases of gevent's locks, conditions and barriers, rewritten: `src/gevent/tests/lock_tests.py`. Each names
//! its source.
//!
//! Whoever has no guard can neither release nor notify too much, so those cases are the compiler's.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use greenroom::sync::{Arc, Barrier, Condvar, Mutex, ReentrantLock};
use greenroom::{JoinHandle, joinall, spawn, yield_now};

use crate::support::{Log, hub, ms, panic_of};

/// As many green threads of `f` as `Bunch` of the source starts, all of which have begun.
fn bunch<T: 'static>(count: usize, f: impl Fn() -> T + Clone + 'static) -> Vec<JoinHandle<T>> {
    let all = (0..count).map(|_| spawn(f.clone())).collect();
    yield_now();
    all
}

// ---- BaseLockTests, LockTests, RLockTests

/// test_try_acquire_contended
#[test]
fn a_try_of_another_finds_the_lock_taken() {
    hub(|| {
        let lock = Arc::new(Mutex::new(()));
        let guard = lock.lock();
        let other = lock.clone();
        assert!(!spawn(move || other.try_lock().is_some()).join().unwrap());
        drop(guard);
        assert!(lock.try_lock().is_some());
    });
}

/// test_acquire_contended
#[test]
fn five_wait_for_a_lock_and_all_get_it() {
    hub(|| {
        let lock = Arc::new(Mutex::new(0));
        let guard = lock.lock();
        let all = bunch(5, {
            let lock = lock.clone();
            move || *lock.lock() += 1
        });
        assert!(all.iter().all(|one| !one.is_finished()));
        drop(guard);
        joinall(all);
        assert_eq!(*lock.lock(), 5);
    });
}

/// test_with
#[test]
fn a_lock_is_free_after_its_holder_has_panicked() {
    hub(|| {
        let lock = Arc::new(Mutex::new(()));
        panic_of(|| {
            let _guard = lock.lock();
            std::panic::resume_unwind(Box::new("expected"))
        });
        let other = lock.clone();
        assert!(spawn(move || other.try_lock().is_some()).join().unwrap());
    });
}

/// RLockTests.test_reacquire
#[test]
fn a_reentrant_lock_is_taken_again_and_again_by_its_owner() {
    hub(|| {
        let lock = ReentrantLock::new(());
        let first = lock.lock();
        drop(lock.lock());
        let again = lock.lock();
        drop(first);
        drop(again);
        assert!(lock.try_lock().is_some());
    });
}

/// RLockTests.test__is_owned, test_different_thread
#[test]
fn a_reentrant_lock_is_free_for_others_only_when_all_is_let_go() {
    hub(|| {
        let lock = Arc::new(ReentrantLock::new(()));
        let free_for_others = || {
            let lock = lock.clone();
            spawn(move || lock.try_lock().is_some()).join().unwrap()
        };
        let (outer, inner) = (lock.lock(), lock.lock());
        assert!(!free_for_others());
        drop(inner);
        assert!(!free_for_others());
        drop(outer);
        assert!(free_for_others());
    });
}

// ---- ConditionTests

/// test_notify
#[test]
fn exactly_as_many_wake_as_are_notified() {
    hub(|| {
        let shared = Arc::new((Mutex::new(()), Condvar::new()));
        for _ in 0..2 {
            let (phase, log) = (Rc::new(Cell::new(0)), Log::new());
            let all = bunch(5, {
                let (shared, phase, log) = (shared.clone(), phase.clone(), log.clone());
                move || {
                    for wait in ["first", "second"] {
                        drop(shared.1.wait(shared.0.lock()));
                        log.push(format!("{wait} {}", phase.get()));
                    }
                }
            });
            let woken = |wanted: &[(&str, usize)]| {
                (0..5).for_each(|_| yield_now());
                let words = log.words();
                for (word, count) in wanted {
                    assert_eq!(words.iter().filter(|said| said == word).count(), *count, "{words:?}");
                }
                assert_eq!(words.len(), wanted.iter().map(|(_, count)| count).sum::<usize>(), "{words:?}");
            };
            let notify = |number: u32, count: usize| {
                let _guard = shared.0.lock();
                shared.1.notify_n(count);
                phase.set(number);
            };
            woken(&[]);
            notify(1, 3);
            woken(&[("first 1", 3)]);
            // Those in their first wait have waited longer.
            notify(2, 5);
            woken(&[("first 1", 3), ("first 2", 2), ("second 2", 3)]);
            phase.set(3);
            shared.1.notify_all();
            woken(&[("first 1", 3), ("first 2", 2), ("second 2", 3), ("second 3", 2)]);
            joinall(all);
        }
    });
}

/// test_timeout
#[test]
fn five_waits_with_a_limit_end_after_it() {
    hub(|| {
        let shared = Arc::new((Mutex::new(()), Condvar::new()));
        let all = bunch(5, move || {
            let before = Instant::now();
            let (_guard, waited) = shared.1.wait_timeout(shared.0.lock(), ms(4));
            (waited.timed_out(), before.elapsed())
        });
        for ended in joinall(all) {
            let (timed_out, took) = ended.unwrap();
            assert!(timed_out && took >= ms(4), "{timed_out} {took:?}");
        }
    });
}

// ---- BarrierTests

/// multipass of the source
fn pass(times: usize) {
    hub(|| {
        let barrier = Arc::new(Barrier::new(5));
        let (before, behind) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let all = bunch(5, {
            let (before, behind) = (before.clone(), behind.clone());
            move || {
                for time in 0..times {
                    before.set(before.get() + 1);
                    assert_eq!(behind.get(), time * 5);
                    barrier.wait();
                    behind.set(behind.get() + 1);
                    assert_eq!(before.get(), (time + 1) * 5);
                    barrier.wait();
                }
            }
        });
        joinall(all).into_iter().for_each(|ended| ended.unwrap());
        assert_eq!((before.get(), behind.get()), (5 * times, 5 * times));
    });
}

/// test_barrier
#[test]
fn five_pass_a_barrier_in_lockstep() {
    pass(1);
}

/// test_barrier_10
#[test]
fn five_pass_a_barrier_ten_times_in_lockstep() {
    pass(10);
}

/// test_wait_return, test_action
#[test]
fn one_of_five_at_a_barrier_leads() {
    hub(|| {
        let barrier = Arc::new(Barrier::new(5));
        let leaders = joinall(bunch(5, move || barrier.wait().is_leader()));
        assert_eq!(leaders.into_iter().filter(|leads| *leads.as_ref().unwrap()).count(), 1);
    });
}

/// test_single_thread
#[test]
fn a_barrier_for_one_is_none() {
    hub(|| {
        let barrier = Barrier::new(1);
        assert!(barrier.wait().is_leader() && barrier.wait().is_leader());
    });
}
