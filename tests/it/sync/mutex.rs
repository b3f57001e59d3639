//! `sync::Mutex`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenroom::sync::{Arc, Mutex};
use greenroom::{Runtime, scope, sleep, spawn, timeout, yield_now};

use super::{join_os, parked, parked_each, settle};
use crate::support::{self, Log, OnDrop, error_of, ms, panic_of};

fn assert_names_the_first_place() {
    let lock = Mutex::new(());
    let (line, guard) = (line!(), lock.lock());
    let text = panic_of(|| lock.lock());
    assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
    drop(guard);
    assert!(lock.try_lock().is_some());
}

#[test]
fn a_second_lock_by_its_owner_panics_and_names_the_first_place() {
    support::hub(|| {
        assert_names_the_first_place();
        spawn(assert_names_the_first_place).join().unwrap();
    });
    support::watch(assert_names_the_first_place);
}

#[test]
fn the_place_named_is_where_the_owner_locked_though_the_lock_was_handed_over() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        let shared = lock.clone();
        let child = parked(move || {
            let (line, _guard) = (line!(), shared.lock());
            (line, panic_of(|| shared.lock()))
        });
        drop(guard);
        let (line, text) = child.join().unwrap();
        assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
    });
}

#[test]
fn green_threads_of_one_hub_get_it_in_the_order_in_which_they_asked() {
    support::hub(|| {
        let (lock, log) = (Rc::new(Mutex::new(())), Log::new());
        let guard = lock.lock();
        let shared = lock.clone();
        let all = parked_each(&["a", "b", "c", "d"], &log, move |word, log| {
            let _guard = shared.lock();
            yield_now();
            log.push(word);
        });
        drop(guard);
        assert!(lock.try_lock().is_none(), "it was handed over and is never free meanwhile");
        log.push("let go");
        greenroom::joinall(all);
        assert_eq!(log.words(), ["let go", "a", "b", "c", "d"]);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn who_comes_back_at_once_queues_up_behind_who_waits() {
    support::hub(|| {
        let (lock, log) = (Rc::new(Mutex::new(())), Log::new());
        let shared = lock.clone();
        let greedy = |word: &'static str, log: Log| {
            let lock = shared.clone();
            move || {
                for _ in 0..3 {
                    let _guard = lock.lock();
                    log.push(word);
                    yield_now();
                }
            }
        };
        let (one, two) = (spawn(greedy("1", log.clone())), spawn(greedy("2", log.clone())));
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(log.words(), ["1", "2", "1", "2", "1", "2"]);
    });
}

#[test]
fn a_waiter_that_is_killed_or_timed_out_leaves_the_line() {
    support::hub(|| {
        let (lock, log) = (Rc::new(Mutex::new(())), Log::new());
        let guard = lock.lock();
        let shared = lock.clone();
        let all = parked_each(&["a", "b", "c", "d"], &log, move |word, log| {
            let limit = if word == "c" { ms(1) } else { Duration::MAX };
            let ended = timeout(limit, || {
                let _guard = shared.lock();
                log.push(word);
            });
            if ended.is_err() {
                log.push("elapsed");
            }
        });
        all[1].kill();
        sleep(ms(3));
        drop(guard);
        all.iter().for_each(|one| one.wait());
        assert_eq!(log.words(), ["elapsed", "a", "d"]);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn the_last_of_the_line_leaves_and_the_lock_is_free_when_let_go_of() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        let shared = lock.clone();
        let victim = parked(move || drop(shared.lock()));
        victim.kill();
        victim.wait();
        drop(guard);
        drop(lock.try_lock().expect("nobody has it"));
        drop(lock.lock());
    });
}

#[test]
fn a_lock_handed_to_one_that_is_killed_before_it_runs_goes_to_the_next() {
    support::hub(|| {
        for kill_first in [true, false] {
            let (lock, log) = (Rc::new(Mutex::new(())), Log::new());
            let guard = lock.lock();
            let shared = lock.clone();
            let all = parked_each(&["a", "b"], &log, move |word, log| {
                let _guard = shared.lock();
                yield_now();
                log.push(word);
            });
            if kill_first {
                all[0].kill();
                drop(guard);
            } else {
                drop(guard);
                all[0].kill();
            }
            all.iter().for_each(|one| one.wait());
            assert_eq!(log.words(), ["b"], "kill first: {kill_first}");
            assert!(lock.try_lock().is_some());
        }
    });
}

#[test]
fn a_lock_handed_to_one_whose_scope_expires_before_it_runs_goes_to_the_next_or_is_taken() {
    support::hub(|| {
        let (lock, log) = (Rc::new(Mutex::new(())), Log::new());
        let guard = lock.lock();
        let shared = lock.clone();
        let all = parked_each(&["a", "b"], &log, move |word, log| {
            let limit = if word == "a" { ms(1) } else { Duration::MAX };
            let _late = timeout(limit, || drop(shared.lock()));
            log.push(word);
        });
        // The hub gets no turn before the expiry of the one and the hand-over come together.
        std::thread::sleep(ms(3));
        drop(guard);
        all.iter().for_each(|one| one.wait());
        assert_eq!(log.words(), ["a", "b"]);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn a_wait_with_a_limit_ends_in_time_and_not_before() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        let (shared, in_vain) = (lock.clone(), Rc::new(Cell::new(false)));
        let all_in_vain = in_vain.clone();
        let other = spawn(move || {
            for limit in [Duration::ZERO, Duration::from_nanos(1), ms(2)] {
                let begun = Instant::now();
                assert!(shared.lock_timeout(limit).is_none());
                assert!(begun.elapsed() >= limit);
            }
            all_in_vain.set(true);
            assert!(shared.lock_timeout(Duration::MAX).is_some());
            assert!(shared.lock_timeout(Duration::ZERO).is_some());
        });
        while !in_vain.get() {
            sleep(ms(1));
        }
        drop(guard);
        other.join().unwrap();
    });
}

#[test]
fn its_owner_gets_nothing_when_the_limit_has_passed() {
    let owner_gets_none = || {
        let lock = Mutex::new(());
        let _guard = lock.lock();
        let begun = Instant::now();
        assert!(lock.lock_timeout(ms(2)).is_none());
        assert!(begun.elapsed() >= ms(2));
    };
    support::hub(move || {
        owner_gets_none();
        spawn(owner_gets_none).join().unwrap();
    });
    support::watch(owner_gets_none);
}

#[test]
fn a_guard_may_be_kept_while_its_owner_parks() {
    support::virtual_hub(|| {
        let (lock, log) = (Rc::new(Mutex::new(0)), Log::new());
        let (shared, words) = (lock.clone(), log.clone());
        let owner = parked(move || {
            let mut guard = shared.lock();
            sleep(ms(2));
            *guard += 1;
            words.push("owner");
        });
        assert!(lock.try_lock().is_none());
        assert_eq!(*lock.lock(), 1);
        log.push("root");
        owner.join().unwrap();
        assert_eq!(log.words(), ["owner", "root"]);
    });
}

#[test]
fn a_kill_or_a_panic_of_the_owner_unlocks() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(0));
        let shared = lock.clone();
        let killed = parked(move || {
            let mut guard = shared.lock();
            *guard = 1;
            sleep(Duration::MAX);
        });
        killed.kill();
        assert_eq!(*lock.lock(), 1);
        let shared = lock.clone();
        let panicked = spawn(move || {
            let mut guard = shared.lock();
            *guard = 2;
            panic!("on purpose");
        });
        assert!(error_of(panicked).is_panic());
        assert_eq!(*lock.lock(), 2);
    });
}

#[test]
fn destructors_that_take_a_contended_lock_while_they_unwind_get_it_in_turn() {
    support::hub(|| {
        let (lock, log) = (Rc::new(Mutex::new(0)), Log::new());
        let guard = lock.lock();
        let shared = lock.clone();
        let all = parked_each(&["killed", "killed too", "panics"], &log, move |word, log| {
            let lock = shared.clone();
            let _counts = OnDrop(move || {
                *lock.lock() += 1;
                log.push(word);
            });
            if word == "panics" {
                panic!("on purpose");
            }
            sleep(Duration::MAX);
        });
        all.iter().for_each(|one| one.kill());
        settle();
        let plain = spawn(|| {
            sleep(ms(1));
            5
        });
        assert_eq!(plain.join().unwrap(), 5, "others go on while they wait in their unwinding");
        drop(guard);
        all.iter().for_each(|one| one.wait());
        assert_eq!(*lock.lock(), 3);
        assert_eq!(log.words(), ["panics", "killed", "killed too"]);
        assert!(!std::thread::panicking());
    });
}

#[test]
fn an_innocent_waiter_behind_one_that_unwinds_gets_the_lock() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        let shared = lock.clone();
        let unwinds = parked(move || {
            let _locks = OnDrop(|| drop(shared.lock()));
            panic!("on purpose");
        });
        let shared = lock.clone();
        let innocent = parked(move || {
            drop(shared.lock());
            sleep(ms(1));
            std::thread::panicking()
        });
        drop(guard);
        assert!(error_of(unwinds).is_panic());
        assert!(!innocent.join().unwrap());
    });
}

#[test]
fn os_threads_without_a_hub_count_right() {
    support::watch(|| {
        let count = Mutex::new(0);
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| (0..2_000).for_each(|_| *count.lock() += 1));
            }
        });
        assert_eq!(count.into_inner(), 8_000);
    });
}

#[test]
fn hubs_and_os_threads_count_right_together() {
    support::watch(|| {
        let count = Mutex::new(0);
        let work = || (0..300).for_each(|_| *count.lock() += 1);
        let green = || {
            greenroom::run(|| {
                scope(|s| {
                    for _ in 0..4 {
                        s.spawn(|| {
                            for _ in 0..300 {
                                let mut guard = count.lock();
                                let seen = *guard;
                                yield_now();
                                *guard = seen + 1;
                            }
                        });
                    }
                });
            });
        };
        std::thread::scope(|threads| {
            threads.spawn(work);
            threads.spawn(work);
            threads.spawn(green);
            threads.spawn(green);
        });
        assert_eq!(count.into_inner(), 600 + 2_400);
    });
}

#[test]
fn waiters_that_give_up_or_are_killed_all_the_time_lose_nothing() {
    support::watch(|| {
        let (count, taken) = (Arc::new(Mutex::new(0)), Arc::new(AtomicUsize::new(0)));
        let done = AtomicBool::new(false);
        let add_one = || {
            let (count, taken) = (count.clone(), taken.clone());
            move || {
                *count.lock() += 1;
                taken.fetch_add(1, Ordering::Relaxed);
            }
        };
        let impatient = || {
            while !done.load(Ordering::Relaxed) {
                if let Some(mut guard) = count.lock_timeout(Duration::from_micros(20)) {
                    *guard += 1;
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let green = || {
            greenroom::run(|| {
                for _ in 0..300 {
                    let killed = parked(add_one());
                    killed.kill();
                    let _late = timeout(Duration::from_micros(20), add_one());
                    killed.wait();
                }
            });
            done.store(true, Ordering::Relaxed);
        };
        std::thread::scope(|threads| {
            threads.spawn(impatient);
            threads.spawn(impatient);
            threads.spawn(green);
        });
        assert_eq!(*count.try_lock().expect("nobody has it"), taken.load(Ordering::Relaxed));
    });
}

#[test]
fn an_os_thread_gets_what_a_green_thread_lets_go_of_and_the_other_way_round() {
    support::hub(|| {
        let lock = Arc::new(Mutex::new(0));
        let guard = lock.lock();
        let shared = lock.clone();
        let other = std::thread::spawn(move || {
            let mut guard = shared.lock();
            *guard += 1;
            std::thread::sleep(ms(3));
        });
        sleep(ms(1));
        drop(guard);
        while *lock.lock() == 0 {
            sleep(ms(1));
        }
        assert_eq!(*lock.lock(), 1);
        join_os(other);
    });
}

#[test]
fn the_end_of_a_hub_takes_its_waiters_out_of_a_lock_that_others_hold() {
    support::watch(|| {
        let lock = Arc::new(Mutex::new(0));
        let guard = lock.lock();
        let shared = lock.clone();
        let other = std::thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            let all: Vec<_> = (0..3)
                .map(|_| {
                    let lock = shared.clone();
                    runtime.spawn(move || *lock.lock() += 1)
                })
                .collect();
            sleep(ms(1));
            drop(runtime);
            all.iter().filter(|one| one.is_finished()).count()
        });
        std::thread::sleep(ms(2));
        // It is let go of while that hub ends, or after.
        drop(guard);
        assert_eq!(other.join().unwrap(), 3);
        assert!(*lock.try_lock().expect("nobody has it") <= 3);
    });
}

#[test]
fn a_static_is_a_mutex_before_and_after_any_hub() {
    static NAMES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    support::watch(|| {
        NAMES.lock().push(1);
        greenroom::run(|| spawn(|| NAMES.lock().push(2)).join().unwrap());
        NAMES.lock().push(3);
        assert_eq!(*NAMES.lock(), [1, 2, 3]);
    });
}

#[test]
fn the_root_may_lock_before_its_hub_begins_and_let_go_inside() {
    support::watch(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        greenroom::run(|| {
            let text = panic_of(|| lock.lock());
            assert!(text.starts_with("a second lock"), "{text}");
            let shared = lock.clone();
            let waits = parked(move || drop(shared.lock()));
            assert!(!waits.is_finished());
            drop(guard);
            waits.join().unwrap();
        });
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn values_go_in_and_out() {
    let mut lock = Mutex::from(String::from("a"));
    lock.get_mut().push('b');
    lock.lock().push('c');
    assert_eq!(format!("{} {:?}", lock.lock(), lock.try_lock()), "abc None");
    assert_eq!(lock.into_inner(), "abc");
    assert_eq!(*Mutex::<u8>::default().lock(), 0);
    let slice: &Mutex<[u8]> = &Mutex::new([1, 2]);
    slice.lock()[0] = 3;
    assert_eq!(*slice.lock(), [3, 2]);
    let lock = Mutex::new(Rc::new(Cell::new(1)));
    lock.lock().set(2);
    assert_eq!(format!("{lock:?}"), "Mutex { data: Cell { value: 2 }, .. }");
    let guard = lock.lock();
    assert_eq!(format!("{lock:?} {guard:?}"), "Mutex { data: <locked>, .. } Cell { value: 2 }");
}

#[test]
fn a_value_whose_destructor_uses_the_lock_finds_it_free_after_into_inner() {
    struct Nosy(Rc<Cell<bool>>, Rc<Mutex<()>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            self.0.set(self.1.try_lock().is_some());
        }
    }
    support::hub(|| {
        let (free, other) = (Rc::new(Cell::new(false)), Rc::new(Mutex::new(())));
        let lock = Mutex::new(Some(Nosy(free.clone(), other.clone())));
        let guard = other.lock();
        let value = lock.lock().take();
        drop(guard);
        drop(value);
        assert!(free.get());
    });
}

#[test]
fn a_lock_handed_to_one_who_is_left_standing_at_the_end_of_its_os_thread_is_free() {
    support::guard(|| {
        let lock = Arc::new(Mutex::new(0));
        let theirs = lock.clone();
        // The implicit hub of that OS thread leaves everybody standing.
        std::thread::spawn(move || {
            let held = theirs.lock();
            let waiting = theirs.clone();
            spawn(move || *waiting.lock() += 1);
            yield_now();
            drop(held);
        })
        .join()
        .unwrap();
        assert_eq!(lock.try_lock().map(|value| *value), Some(0));
    });
}
