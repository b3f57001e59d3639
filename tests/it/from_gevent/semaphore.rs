//! Cases of gevent's semaphores, rewritten: `src/gevent/tests/test__semaphore.py`, and the semaphores of
//! `src/gevent/tests/lock_tests.py`. Each names its source.
//!
//! A permit is given back when it is dropped; a release without one is `add_permits`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use greenroom::sync::{BoundedSemaphore, Semaphore};
use greenroom::{joinall, sleep, spawn, wait, yield_now};

use crate::support::{Log, hub, ms, panic_of, virtual_hub, watch};

/// test_acquire_returns_false_after_timeout
#[test]
fn an_acquire_without_a_permit_ends_after_its_limit() {
    hub(|| {
        let before = Instant::now();
        assert!(Semaphore::new(0).acquire_timeout(ms(4)).is_none());
        assert!(before.elapsed() >= ms(4));
    });
}

/// test_release_twice
#[test]
fn two_releases_in_a_row_wake_two() {
    hub(|| {
        let (semaphore, log) = (Arc::new(Semaphore::new(0)), Log::new());
        let waiters = ["a", "b"].map(|name| {
            let (semaphore, log) = (semaphore.clone(), log.clone());
            spawn(move || {
                semaphore.acquire().forget();
                log.push(name);
            })
        });
        yield_now();
        semaphore.add_permits(1);
        semaphore.add_permits(1);
        joinall(waiters);
        assert_eq!(log.words(), ["a", "b"]);
    });
}

/// test_semaphore_in_class_with_del
#[test]
fn a_destructor_may_acquire() {
    struct Acquires(Semaphore);

    impl Drop for Acquires {
        fn drop(&mut self) {
            self.0.acquire().forget();
        }
    }

    hub(|| {
        drop(Acquires(Semaphore::new(1)));
        let killed = spawn(|| {
            let _acquires = Acquires(Semaphore::new(1));
            sleep(ms(10_000));
        });
        yield_now();
        killed.kill();
        assert!(killed.join().unwrap_err().is_killed());
    });
}

/// test_rawlink_on_unacquired_runs_notifiers
#[test]
fn a_semaphore_with_a_permit_is_ready_at_once() {
    hub(|| assert_eq!(wait(&[&Semaphore::new(1)], None, None), [0]));
}

// ---- TestSemaphoreMultiThread, TestBoundedSemaphoreMultiThread

/// What both semaphores can do.
trait Permits: Send + Sync + 'static {
    fn new(permits: usize) -> Self;
    /// Takes a permit within `limit`, holds it while `f` runs, and gives it back.
    fn with(&self, limit: Option<Duration>, f: impl FnOnce()) -> bool;
    fn available(&self) -> usize;
}

macro_rules! permits {
    ($($semaphore:ident)+) => { $(
        impl Permits for $semaphore {
            fn new(permits: usize) -> Self {
                $semaphore::new(permits)
            }

            fn with(&self, limit: Option<Duration>, f: impl FnOnce()) -> bool {
                let permit = match limit {
                    Some(limit) => self.acquire_timeout(limit),
                    None => Some(self.acquire()),
                };
                permit.map(|_permit| f()).is_some()
            }

            fn available(&self) -> usize {
                self.available_permits()
            }
        }
    )+ };
}

permits! { Semaphore BoundedSemaphore }

/// test_acquire_in_one_then_another: taken here, then waited for on an OS thread without a hub.
fn acquire_here_then_there<S: Permits>(limit: Option<Duration>, release: bool) {
    watch(|| {
        let semaphore = Arc::new(S::new(1));
        let mut there = None;
        semaphore.with(None, || {
            let (running, is_running) = mpsc::channel();
            let other = thread::spawn({
                let semaphore = semaphore.clone();
                move || {
                    running.send(()).unwrap();
                    semaphore.with(limit, || ())
                }
            });
            is_running.recv().unwrap();
            there = match release {
                true => Some(other),
                false => {
                    assert!(!other.join().unwrap(), "it had no permit to get");
                    None
                }
            };
        });
        assert!(there.is_none_or(|other| other.join().unwrap()));
        assert_eq!(semaphore.available(), 1);
    });
}

/// test_dueling_threads: two OS threads that do nothing but take and give back.
fn duel<S: Permits>(limit: Option<Duration>, on_hubs: bool) {
    const ROUNDS: usize = 10_000;
    watch(|| {
        let semaphore = Arc::new(S::new(1));
        let fight = move |semaphore: &S| {
            let mut rounds = 0;
            for round in 0..ROUNDS {
                rounds += usize::from(semaphore.with(limit, || ()));
                if on_hubs && round % 100 == 0 {
                    sleep(Duration::from_micros(10));
                }
            }
            rounds
        };
        let duellists: Vec<_> = (0..2)
            .map(|_| {
                let semaphore = semaphore.clone();
                thread::spawn(move || match on_hubs {
                    true => greenroom::run(|| fight(&semaphore)),
                    false => fight(&semaphore),
                })
            })
            .collect();
        for duellist in duellists {
            assert_eq!(duellist.join().unwrap(), ROUNDS);
        }
        assert_eq!(semaphore.available(), 1);
    });
}

const LONG: Option<Duration> = Some(Duration::from_secs(20));

macro_rules! across_os_threads {
    ($($module:ident: $semaphore:ident;)+) => { $(
        mod $module {
            use super::*;

            /// test_acquire_in_one_then_another
            #[test]
            fn another_os_thread_gets_what_is_given_back_here() {
                acquire_here_then_there::<$semaphore>(None, true);
            }

            /// test_acquire_in_one_then_another_timed
            #[test]
            fn another_os_thread_gives_up_after_its_limit() {
                acquire_here_then_there::<$semaphore>(Some(ms(4)), false);
            }

            /// test_dueling_threads
            #[test]
            fn two_os_threads_duel() {
                duel::<$semaphore>(None, false);
            }

            /// test_dueling_threads_timeout
            #[test]
            fn two_os_threads_with_limits_duel() {
                duel::<$semaphore>(LONG, false);
            }

            /// test_dueling_threads_with_hub
            #[test]
            fn two_hubs_duel() {
                duel::<$semaphore>(None, true);
            }
        }
    )+ };
}

across_os_threads! {
    unbounded: Semaphore;
    bounded: BoundedSemaphore;
}

/// test_acquire_in_one_wait_greenlet_wait_thread_gives_up
#[test]
fn an_os_thread_gives_up_while_a_green_thread_has_the_permit() {
    hub(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let first = semaphore.acquire();
        let second = spawn({
            let semaphore = semaphore.clone();
            move || {
                let _permit = semaphore.acquire();
                let there = thread::spawn({
                    let semaphore = semaphore.clone();
                    move || semaphore.acquire_timeout(ms(4)).is_some()
                });
                sleep(ms(8));
                there.join().unwrap()
            }
        });
        yield_now();
        drop(first);
        assert!(!second.join().unwrap(), "the other OS thread got a permit that was out");
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// TestSemaphoreFair.test_fair_or_hangs: two that pass a permit on and on do not shut out the third.
#[test]
fn a_third_gets_its_turn_between_two_that_pass_the_permit_to_each_other() {
    hub(|| {
        let (semaphore, over) = (Arc::new(Semaphore::new(1)), Rc::new(Cell::new(false)));
        let greedy = [(); 2].map(|()| {
            let (semaphore, over) = (semaphore.clone(), over.clone());
            spawn(move || {
                while !over.get() {
                    let _permit = semaphore.acquire();
                    yield_now();
                }
            })
        });
        let third = spawn({
            let (semaphore, over) = (semaphore.clone(), over.clone());
            move || {
                let _permit = semaphore.acquire();
                over.set(true);
            }
        });
        third.join().unwrap();
        joinall(greedy);
    });
}

// ---- lock_tests.py, BaseSemaphoreTests

/// test_acquire
#[test]
fn as_many_permits_are_had_as_there_are() {
    hub(|| {
        let semaphore = Semaphore::new(2);
        let permits = (semaphore.acquire(), semaphore.acquire());
        assert_eq!(semaphore.available_permits(), 0);
        drop(permits);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

/// test_acquire_destroy
#[test]
fn a_semaphore_may_go_with_a_permit_out() {
    hub(|| drop(Arc::new(Semaphore::new(1)).acquire_owned()));
}

/// test_acquire_contended
#[test]
fn of_twenty_acquires_as_many_return_as_permits_are_given() {
    virtual_hub(|| {
        let (semaphore, log) = (Arc::new(Semaphore::new(7)), Log::new());
        semaphore.acquire().forget();
        let all: Vec<_> = (0..10)
            .map(|_| {
                let (semaphore, log) = (semaphore.clone(), log.clone());
                spawn(move || {
                    for _ in 0..2 {
                        semaphore.acquire().forget();
                        log.push("acquired");
                    }
                })
            })
            .collect();
        for (given, returned) in [(0, 6), (7, 13), (6, 19)] {
            (0..given).for_each(|_| semaphore.add_permits(1));
            sleep(ms(1));
            assert_eq!(log.words().len(), returned);
        }
        assert!(semaphore.try_acquire().is_none());
        semaphore.add_permits(1);
        joinall(all).into_iter().for_each(|ended| ended.unwrap());
    });
}

/// test_try_acquire
#[test]
fn a_try_fails_without_a_permit_and_succeeds_with_one() {
    hub(|| {
        let semaphore = Semaphore::new(2);
        let (first, second) = (semaphore.try_acquire().unwrap(), semaphore.try_acquire().unwrap());
        assert!(semaphore.try_acquire().is_none());
        drop(second);
        assert!(semaphore.try_acquire().is_some());
        drop(first);
    });
}

/// test_try_acquire_contended
#[test]
fn three_of_ten_tries_find_the_three_permits_left() {
    hub(|| {
        let semaphore = Arc::new(Semaphore::new(4));
        semaphore.acquire().forget();
        let tries = (0..5).map(|_| {
            let semaphore = semaphore.clone();
            spawn(move || [(); 2].map(|()| semaphore.try_acquire().map(|permit| permit.forget()).is_some()))
        });
        let found = joinall(tries).into_iter().flat_map(Result::unwrap).filter(|found| *found).count();
        assert_eq!(found, 3);
    });
}

/// test_default_value
#[test]
fn the_second_of_two_waits_for_the_only_permit() {
    hub(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.acquire();
        let second = spawn({
            let semaphore = semaphore.clone();
            move || drop(semaphore.acquire())
        });
        yield_now();
        assert!(!second.is_finished());
        drop(permit);
        second.join().unwrap();
    });
}

/// test_with
#[test]
fn a_permit_comes_back_when_its_holder_panics() {
    hub(|| {
        let semaphore = Semaphore::new(2);
        panic_of(|| {
            let _both = (semaphore.acquire(), semaphore.acquire());
            assert!(semaphore.try_acquire().is_none());
            std::panic::resume_unwind(Box::new("expected"))
        });
        assert_eq!(semaphore.available_permits(), 2);
    });
}

/// SemaphoreTests.test_release_unacquired
#[test]
fn a_release_without_a_permit_makes_one_more() {
    hub(|| {
        let semaphore = Semaphore::new(1);
        semaphore.add_permits(1);
        let _both = (semaphore.acquire(), semaphore.acquire());
        assert!(semaphore.try_acquire().is_none());
    });
}

/// BoundedSemaphoreTests.test_release_unacquired
#[test]
fn a_release_past_the_bound_panics_and_changes_nothing() {
    hub(|| {
        let semaphore = BoundedSemaphore::new(1);
        for _ in 0..2 {
            panic_of(|| semaphore.add_permits(1));
            drop(semaphore.acquire());
            assert_eq!(semaphore.available_permits(), 1);
        }
    });
}
