//! Waits for what any OS thread may bring about: events, results, permits.

use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::sync::{Arc, AsyncResult, BoundedSemaphore, Event, Semaphore};
use greenroom::wait::{Waitable, iwait, wait};
use greenroom::{JoinError, sleep, spawn, thread, timeout, yield_now};

use crate::support::{self, Log, OnDrop, ms};

#[test]
fn each_kind_tells_and_is_ready_at_once_after_that() {
    support::hub(|| {
        let (event, result, failed) = (Rc::new(Event::new()), AsyncResult::new(), AsyncResult::<u8>::new());
        let (permits, bounded) = (Rc::new(Semaphore::new(0)), Rc::new(BoundedSemaphore::new(1)));
        let out = bounded.clone();
        let brings_about = {
            let (event, result, failed, permits) =
                (event.clone(), result.clone(), failed.clone(), permits.clone());
            move || {
                let held = out.acquire();
                yield_now();
                failed.fail(JoinError::new("no")).unwrap();
                permits.add_permits(1);
                drop(held);
                result.set(1).unwrap();
                event.set();
            }
        };
        spawn(brings_about);
        yield_now();
        let all: [&dyn Waitable; 5] = [&*event, &result, &failed, &*permits, &*bounded];
        assert_eq!(wait(&all, None, None), [2, 3, 4, 1, 0]);
        assert_eq!(wait(&all, Some(Duration::ZERO), None), [0, 1, 2, 3, 4]);
        assert_eq!(
            (permits.available_permits(), bounded.available_permits()),
            (1, 1),
            "waiting takes nothing"
        );
    });
}

#[test]
fn what_is_told_in_one_turn_comes_in_its_order_whatever_its_kind() {
    support::virtual_hub(|| {
        let (first, last) = (Rc::new(Event::new()), Rc::new(Event::new()));
        let (sets_first, sets_last) = (first.clone(), last.clone());
        let ends_first = spawn(|| sleep(ms(1)));
        let (job, other) = (spawn(thread::park), spawn(thread::park));
        let (unparks, then) = (job.thread().clone(), other.thread().clone());
        spawn(move || {
            sleep(ms(2));
            then.unpark();
            sets_first.set();
            yield_now();
            unparks.unpark();
            yield_now();
            sets_last.set();
        });
        let all: [&dyn Waitable; 5] = [&job, &*last, &ends_first, &*first, &other];
        assert_eq!(wait(&all, None, None), [2, 3, 4, 0, 1]);
    });
}

#[test]
fn other_os_threads_are_heard_while_the_hub_sleeps() {
    support::hub(|| {
        for _ in 0..100 {
            let (event, result, permits) =
                (Arc::new(Event::new()), AsyncResult::new(), Arc::new(Semaphore::new(0)));
            let far = (event.clone(), result.clone(), permits.clone());
            let other = std::thread::spawn(move || {
                far.2.add_permits(1);
                far.1.set(1).unwrap();
                far.0.set();
            });
            let mut ready = wait(&[&*event, &result, &*permits], Some(ms(20_000)), None);
            ready.sort_unstable();
            assert_eq!(ready, [0, 1, 2]);
            other.join().unwrap();
        }
    });
}

#[test]
fn a_permit_that_is_gone_again_is_waited_for_once_more() {
    support::virtual_hub(|| {
        let (permits, log) = (Rc::new(Semaphore::new(0)), Log::new());
        let (inner, words) = (permits.clone(), log.clone());
        let waiter = spawn(move || {
            let ready = wait(&[&*inner], None, None);
            words.push(format!("{ready:?} {}", inner.available_permits()));
        });
        yield_now();
        for _ in 0..3 {
            permits.add_permits(1);
            permits.acquire().forget();
            sleep(ms(1));
            log.push("gone");
        }
        permits.add_permits(1);
        waiter.join().unwrap();
        assert_eq!(log.words(), ["gone", "gone", "gone", "[0] 1"]);
    });
}

#[test]
fn one_who_stands_in_the_line_comes_before_those_who_watch() {
    support::virtual_hub(|| {
        let permits = Rc::new(Semaphore::new(0));
        let (takes, watches) = (permits.clone(), permits.clone());
        let watcher = spawn(move || wait(&[&*watches], None, None));
        yield_now();
        let taker = spawn(move || takes.acquire().forget());
        yield_now();
        permits.add_permits(1);
        sleep(ms(1));
        assert!(taker.is_finished() && !watcher.is_finished());
        permits.add_permits(1);
        assert_eq!(watcher.join().unwrap(), [0]);
    });
}

#[test]
fn an_event_that_was_cleared_again_is_waited_for_until_the_time_is_over() {
    support::hub(|| {
        let event = Rc::new(Event::new());
        let inner = event.clone();
        let begun = Instant::now();
        let waiter = spawn(move || wait(&[&*inner, &*inner], Some(ms(5)), None));
        yield_now();
        event.set();
        event.clear();
        assert_eq!(waiter.join().unwrap(), [0; 0]);
        assert!(begun.elapsed() >= ms(5));
        event.set();
        assert_eq!(wait(&[&*event, &*event], None, None), [0, 1]);
        assert_eq!(wait(&[&*event], Some(Duration::from_nanos(1)), Some(7)), [0]);
    });
}

#[test]
fn iwait_looks_again_when_it_is_asked_again() {
    support::hub(|| {
        let (event, permits) = (Event::new(), Semaphore::new(1));
        event.set();
        let both: [&dyn Waitable; 2] = [&event, &permits];
        let mut ready = iwait(&both);
        assert_eq!(ready.next(), Some(0));
        let held = permits.acquire();
        assert!(timeout(ms(1), || ready.next()).is_err(), "the permit is gone");
        drop(held);
        assert_eq!((ready.next(), ready.next()), (Some(1), None));
    });
}

#[test]
fn interrupted_waits_leave_no_trace() {
    support::hub(|| {
        let (event, permits) = (Rc::new(Event::new()), Rc::new(Semaphore::new(0)));
        for _ in 0..100 {
            assert!(timeout(Duration::ZERO, || wait(&[&*event, &*permits], None, None)).is_err());
            assert_eq!(wait(&[&*event, &*permits], Some(Duration::ZERO), None), [0; 0]);
        }
        let (first, second) = (event.clone(), permits.clone());
        let victim = spawn(move || wait(&[&*first, &*second], None, None));
        yield_now();
        permits.add_permits(1);
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert!(permits.try_acquire().is_some(), "a watcher takes nothing along");
    });
}

#[test]
fn who_unwinds_is_told_only_what_is_ready() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let child = spawn(move || {
            let _waits = OnDrop(move || {
                let (set, unset, permits) = (Event::new(), Event::new(), Semaphore::new(1));
                set.set();
                words.push(format!("{:?}", wait(&[&unset, &permits, &set], None, None)));
            });
            panic!("on purpose");
        });
        assert!(child.join().unwrap_err().is_panic());
        assert_eq!(log.words(), ["[1, 2]"]);
    });
}

#[test]
fn two_hubs_wait_for_the_same_and_a_third_thread_brings_it_about() {
    support::watch(|| {
        let (event, permits) = (Arc::new(Event::new()), Arc::new(Semaphore::new(0)));
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let (event, permits) = (event.clone(), permits.clone());
                std::thread::spawn(move || {
                    greenroom::run(|| {
                        let inner = event.clone();
                        let child = spawn(move || wait(&[&*inner], None, None));
                        assert_eq!(wait(&[&*permits, &*event, &child], None, None).len(), 3);
                        child.join().unwrap()
                    })
                })
            })
            .collect();
        std::thread::sleep(ms(1));
        event.set();
        permits.add_permits(1);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), [0]);
        }
        assert_eq!(permits.available_permits(), 1);
    });
}

#[test]
fn who_watches_a_semaphore_hears_of_a_permit_though_the_last_who_waited_for_one_has_left() {
    support::hub(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.acquire();
        let theirs = semaphore.clone();
        let watcher = spawn(move || wait(&[&*theirs], None, None));
        let theirs = semaphore.clone();
        let waiter = spawn(move || drop(theirs.acquire()));
        yield_now();
        waiter.kill();
        waiter.wait();
        drop(held);
        assert_eq!(watcher.join().unwrap(), [0]);
    });
}
