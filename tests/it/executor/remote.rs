//! Green threads that other OS threads ask for.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::thread::Thread;
use greenroom::{Handle, Runtime, sleep, spawn, unblock};

use super::add_one;
use crate::support::{self, OnDrop, ms};

#[test]
fn what_another_os_thread_asks_for_runs_as_a_green_thread_here() {
    support::hub(|| {
        let (hub, root) = (Handle::current(), greenroom::current().id());
        let here = std::thread::current().id();
        let far = move || {
            let job = hub.spawn(move || {
                assert_eq!(std::thread::current().id(), here);
                assert_ne!(greenroom::current().id(), root);
                sleep(ms(1));
                let local = Rc::new(2);
                spawn(move || *local).join().unwrap()
            });
            job.result().unwrap()
        };
        assert_eq!(unblock(far), 2);
    });
}

#[test]
fn they_begin_in_the_order_in_which_they_were_asked_for() {
    support::hub(|| {
        let (hub, order) = (Handle::current(), Arc::new(Mutex::new(Vec::new())));
        let asked = order.clone();
        unblock(move || {
            let ask = |n| {
                let order = asked.clone();
                hub.spawn(move || order.lock().unwrap().push(n))
            };
            let jobs: Vec<_> = (0..100).map(ask).collect();
            jobs.into_iter().for_each(|job| job.result().unwrap());
        });
        assert!(order.lock().unwrap().iter().copied().eq(0..100));
    });
}

#[test]
fn the_hubs_own_green_threads_may_ask_too() {
    support::hub(|| {
        let job = Handle::current().spawn(|| 7);
        assert!(!job.is_done());
        assert_eq!(job.result().unwrap(), 7);
    });
}

#[test]
fn a_panic_is_in_the_result_and_the_hub_hears_of_it() {
    support::watch(|| {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let hook = move |_: &Thread, payload: &(dyn std::any::Any + Send)| {
            assert_eq!(payload.downcast_ref(), Some(&"far"));
            count.fetch_add(1, Ordering::SeqCst);
        };
        Runtime::builder().on_panic(hook).build().unwrap().run(|| {
            let error = Handle::current().spawn(|| std::panic::resume_unwind(Box::new("far"))).result();
            let error = error.unwrap_err();
            assert!(error.is_panic() && error.message() == "far");
        });
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn after_the_hubs_end_it_is_killed_and_its_closure_dropped_once() {
    support::watch(|| {
        let hub = greenroom::run(Handle::current);
        let drops = Arc::new(AtomicUsize::new(0));
        let count = drops.clone();
        let closure = OnDrop(move || add_one(&count));
        let job = hub.spawn(move || drop(closure));
        assert!(job.is_done());
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        assert!(job.result().unwrap_err().is_killed());
    });
}

#[test]
fn what_the_hub_has_not_taken_in_or_ended_at_its_end_is_killed() {
    support::watch(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = || {
            let count = drops.clone();
            OnDrop(move || add_one(&count))
        };
        let runtime = Runtime::new().unwrap();
        let hub = runtime.handle();
        let (one, two) = (counted(), counted());
        let parked = hub.spawn(move || {
            let _one = one;
            sleep(Duration::MAX);
        });
        while !parked.is_running() {
            runtime.turn(Some(ms(1))).unwrap();
        }
        let unread = hub.spawn(move || drop(two));
        let waiter = std::thread::spawn(move || (parked.result(), unread.result()));
        std::thread::sleep(ms(1));
        drop(runtime);
        let (parked, unread) = waiter.join().unwrap();
        assert!(parked.unwrap_err().is_killed());
        assert!(unread.unwrap_err().is_killed());
        assert_eq!(drops.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn what_an_implicit_hub_leaves_standing_at_the_end_of_its_os_thread_is_killed() {
    support::guard(|| {
        let (tell, told) = std::sync::mpsc::channel();
        let far = std::thread::spawn(move || {
            let hub = Handle::current();
            let parked = hub.spawn(|| sleep(Duration::MAX));
            while !parked.is_running() {
                sleep(ms(1));
            }
            tell.send((parked, hub.spawn(|| ()))).unwrap();
        });
        let (parked, unread) = told.recv().unwrap();
        far.join().unwrap();
        assert!(parked.result().unwrap_err().is_killed());
        assert!(unread.result().unwrap_err().is_killed());
    });
}

#[test]
fn it_is_cancelled_before_it_begins_and_not_after() {
    support::hub(|| {
        let hub = Handle::current();
        let never = hub.spawn(|| unreachable!("it was cancelled"));
        assert!(never.cancel());
        assert!(never.result().unwrap_err().is_refused());
        let begun = hub.spawn(|| sleep(ms(1)));
        while !begun.is_running() {
            greenroom::yield_now();
        }
        assert!(!begun.cancel());
        begun.result().unwrap();
    });
}

#[test]
fn one_for_which_there_is_no_stack_is_refused() {
    support::watch(|| {
        Runtime::builder().max_threads(1).build().unwrap().run(|| {
            let only = spawn(|| sleep(ms(3)));
            let error = Handle::current().spawn(|| ()).result().unwrap_err();
            assert!(error.is_refused() && error.message().contains("max_threads"), "{error}");
            only.join().unwrap();
            Handle::current().spawn(|| ()).result().unwrap();
        });
    });
}

#[test]
fn its_future_may_be_dropped_and_it_runs_on() {
    let ran = Arc::new(AtomicUsize::new(0));
    support::hub(|| {
        let (count, dropped) = (ran.clone(), ran.clone());
        drop(Handle::current().spawn(move || {
            sleep(ms(1));
            count.fetch_add(1, Ordering::SeqCst);
            OnDrop(move || add_one(&dropped))
        }));
        greenroom::yield_now();
    });
    assert_eq!(ran.load(Ordering::SeqCst), 2);
}

#[test]
fn two_hubs_may_ask_each_other_in_a_storm() {
    support::hub(|| {
        let here = Handle::current();
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            greenroom::run(move || {
                tell.send(Handle::current()).unwrap();
                unblock(move || stopped.recv().is_err());
            })
        });
        let there = unblock(move || told.recv().unwrap());
        let mut sum = 0;
        for n in 0..300_u64 {
            let back = here.clone();
            sum += there.spawn(move || back.spawn(move || n).result().unwrap()).result().unwrap();
        }
        assert_eq!(sum, 299 * 300 / 2);
        drop(stop);
        unblock(move || other.join().unwrap());
    });
}
