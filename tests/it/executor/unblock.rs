//! Blocking calls off the hub: where they run, what interrupts them, and where they run in place.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use greenroom::{Runtime, joinall, sleep, spawn, timeout, unblock, yield_now};

use super::gate;
use crate::support::{self, Log, OnDrop, ms, panic_of};

fn thread_name() -> Option<String> {
    std::thread::current().name().map(String::from)
}

#[test]
fn a_blocking_call_runs_elsewhere_while_the_others_go_on() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let (mut gate, barrier) = gate();
        let neighbour = spawn(move || {
            words.push("meanwhile");
            gate.open();
        });
        let name = unblock(move || {
            barrier.pass();
            thread_name()
        });
        log.push("unblocked");
        assert_eq!(name.as_deref(), Some("greenroom-worker"));
        neighbour.join().unwrap();
        assert_eq!(log.words(), ["meanwhile", "unblocked"]);
    });
}

#[test]
fn a_panic_goes_on_in_the_caller_with_its_payload() {
    support::hub(|| {
        assert_eq!(panic_of(|| unblock(|| resume_unwind(Box::new("from afar")))), "from afar");
        let error = spawn(|| unblock(|| -> u8 { resume_unwind(Box::new(9_u8)) })).join().unwrap_err();
        assert_eq!(*error.into_panic().downcast::<u8>().unwrap(), 9);
        assert_eq!(unblock(|| 1), 1);
    });
}

/// reliability.md, C13.
#[test]
fn a_timeout_and_a_kill_return_on_time_and_the_result_is_dropped_over_there_once() {
    support::hub(|| {
        let (dropped, drops) = mpsc::channel();
        let (mut gate, barrier) = gate();
        let job = move || {
            let (dropped, barrier) = (dropped.clone(), barrier.clone());
            move || {
                barrier.pass();
                OnDrop(move || dropped.send(thread_name()).unwrap())
            }
        };
        let begun = Instant::now();
        let expired = job();
        assert!(timeout(ms(2), || drop(unblock(expired))).is_err());
        assert!(begun.elapsed() >= ms(2));
        let killed = job();
        let victim = spawn(move || drop(unblock(killed)));
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert!(drops.try_recv().is_err());
        drop(job);
        gate.open();
        let all: Vec<_> = drops.iter().collect();
        assert_eq!(all, [Some("greenroom-worker".into()), Some("greenroom-worker".into())]);
    });
}

#[test]
fn at_most_as_many_run_as_the_hub_is_told_and_the_rest_wait_in_order() {
    support::watch(|| {
        Runtime::builder().blocking_threads(2).build().unwrap().run(|| {
            let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let all = (0..10).map(|n| {
                let (now, most) = (now.clone(), most.clone());
                spawn(move || {
                    unblock(move || {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(ms(1));
                        now.fetch_sub(1, Ordering::SeqCst);
                        n
                    })
                })
            });
            let all = joinall(all).into_iter().map(Result::unwrap);
            assert!(all.eq(0..10));
            assert_eq!(most.load(Ordering::SeqCst), 2);
        });
    });
}

#[test]
fn without_a_hub_it_runs_right_there_and_makes_none() {
    support::watch(|| {
        std::thread::spawn(|| {
            let here = std::thread::current().id();
            assert_eq!(unblock(|| std::thread::current().id()), here);
            assert_eq!(panic_of(|| unblock(|| panic!("here"))), "here");
            assert_eq!(greenroom::thread::active_count(), 0);
        })
        .join()
        .unwrap();
    });
}

/// reliability.md, L2.
#[test]
fn nested_in_itself_it_runs_in_place_and_no_pool_is_too_small() {
    support::watch(|| {
        Runtime::builder().blocking_threads(1).build().unwrap().run(|| {
            let (outer, inner) = unblock(|| {
                let outer = std::thread::current().id();
                (outer, unblock(move || unblock(|| std::thread::current().id())))
            });
            assert_eq!(outer, inner);
        });
    });
}

#[test]
fn who_unwinds_or_must_not_switch_runs_it_in_place() {
    support::hub(|| {
        let here = std::thread::current().id();
        let seen = Rc::new(Cell::new(None));
        let note = seen.clone();
        let victim = spawn(move || {
            let _asks = OnDrop(move || note.set(Some(unblock(|| std::thread::current().id()))));
            sleep(Duration::MAX);
        });
        yield_now();
        victim.kill();
        victim.wait();
        assert_eq!(seen.get(), Some(here));
        let on_hub_stack = greenroom::thread::on_hub_stack(|| unblock(|| std::thread::current().id()));
        assert_eq!(on_hub_stack, here);
    });
}

/// reliability.md, K6.
#[test]
fn a_job_that_ends_after_its_hub_drops_its_result_and_its_thread_ends() {
    support::watch(|| {
        let (dropped, drops) = mpsc::channel();
        let (mut gate, barrier) = gate();
        greenroom::run(move || {
            let daemon = greenroom::thread::Builder::new().daemon(true);
            let job = move || {
                barrier.pass();
                OnDrop(move || dropped.send(thread_name()).unwrap())
            };
            daemon.spawn(move || drop(unblock(job))).unwrap();
            yield_now();
        });
        assert!(drops.try_recv().is_err());
        gate.open();
        assert_eq!(drops.recv().unwrap().as_deref(), Some("greenroom-worker"));
        assert!(drops.recv().is_err());
        // That the thread is gone is seen by the frame.
    });
}

#[test]
fn the_hub_keeps_its_threads_and_they_end_with_it() {
    support::hub(|| {
        let one = unblock(|| std::thread::current().id());
        sleep(ms(1));
        assert_eq!(unblock(|| std::thread::current().id()), one);
    });
}

#[test]
fn cancel_does_not_end_it_and_a_thousand_at_once_all_come_back() {
    support::hub(|| {
        let (mut gate, barrier) = gate();
        let patient = spawn(move || unblock(move || barrier.pass()));
        yield_now();
        patient.cancel();
        sleep(ms(1));
        assert!(!patient.is_finished());
        gate.open();
        patient.join().unwrap();
        let all = joinall((0..1_000).map(|n| spawn(move || unblock(move || n))));
        assert!(all.into_iter().map(Result::unwrap).eq(0..1_000));
    });
}
