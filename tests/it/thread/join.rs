//! Joining: by call, by waiting, by link, as a future.

use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use greenroom::thread::Builder;
use greenroom::{JoinHandle, sleep, spawn, yield_now};

use crate::support::{self, Log, ms};

#[test]
fn the_value_of_one_that_has_ended_is_there_at_once() {
    support::hub(|| {
        let child = spawn(|| "value");
        yield_now();
        assert!(child.is_finished());
        let switches = || greenroom::Handle::current().metrics().switches;
        let before = switches();
        child.wait();
        assert!(child.wait_timeout(Duration::ZERO));
        assert_eq!(child.join().unwrap(), "value");
        assert_eq!(switches(), before, "nobody had to run");
    });
}

#[test]
fn a_wait_with_a_timeout_says_whether_it_has_ended() {
    support::hub(|| {
        let child = spawn(greenroom::thread::park);
        let asked = Instant::now();
        assert!(!child.wait_timeout(ms(3)));
        assert!(asked.elapsed() >= ms(3));
        assert!(!child.wait_timeout(Duration::ZERO));
        child.thread().unpark();
        assert!(child.wait_timeout(Duration::MAX));
        child.join().unwrap();
    });
}

#[test]
fn several_may_wait_for_one_and_are_woken_in_order() {
    support::virtual_hub(|| {
        let log = Log::new();
        let child = Rc::new(spawn(|| sleep(ms(1))));
        let waiters = ["first", "second", "third"].map(|name| {
            let (child, words) = (child.clone(), log.clone());
            spawn(move || {
                child.wait();
                words.push(name);
            })
        });
        greenroom::joinall(waiters);
        assert_eq!(log.words(), ["first", "second", "third"]);
    });
}

/// reliability.md, A4.
#[test]
fn joining_oneself_is_refused_at_once() {
    support::virtual_hub(|| {
        let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        let child = spawn({
            let own = own.clone();
            move || {
                let handle = own.borrow_mut().take().expect("my own handle");
                assert!(handle.join().unwrap_err().is_refused());
            }
        });
        let id = child.thread().clone();
        *own.borrow_mut() = Some(child);
        sleep(ms(1));
        assert!(own.borrow().is_none(), "{:?} ran", id.id());
        assert_eq!(greenroom::thread::active_count(), 0);
    });
}

#[test]
fn a_link_runs_in_a_green_thread_with_the_result_and_may_park() {
    support::virtual_hub(|| {
        let log = Log::new();
        let link = |child: JoinHandle<&'static str>, log: &Log| {
            let words = log.clone();
            child.link(move |ended| {
                sleep(ms(1));
                words.push(match ended {
                    Ok(value) => value.to_owned(),
                    Err(error) if error.is_killed() => "killed".into(),
                    Err(error) => error.message().to_owned(),
                });
            });
        };
        let until = |count| {
            while log.words().len() < count {
                sleep(ms(1));
            }
        };
        link(spawn(|| "value"), &log);
        until(1);
        link(spawn(|| panic!("panicked")), &log);
        until(2);
        let victim = spawn(|| "never");
        victim.kill();
        link(victim, &log);
        until(3);
        let ended = spawn(|| "ended before");
        yield_now();
        link(ended, &log);
        until(4);
        assert_eq!(log.words(), ["value", "panicked", "killed", "ended before"]);
    });
}

#[test]
fn run_waits_for_links_too() {
    let log = Log::new();
    support::virtual_hub(|| {
        let words = log.clone();
        spawn(|| sleep(ms(1))).link(move |_| {
            sleep(ms(1));
            words.push("linked");
        });
    });
    assert_eq!(log.words(), ["linked"]);
}

#[test]
fn a_link_that_panics_hurts_nobody() {
    support::virtual_hub(|| {
        spawn(|| 1).link(|_| panic!("in the link"));
        let neighbour = spawn(|| {
            sleep(ms(2));
            "unharmed"
        });
        assert_eq!(neighbour.join().unwrap(), "unharmed");
    });
}

struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_handle_is_a_future_whose_waker_is_called_when_it_ends() {
    support::virtual_hub(|| {
        let woken = Arc::new(Count(AtomicU32::new(0)));
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut child = Box::pin(spawn(|| {
            yield_now();
            "value"
        }));
        for _ in 0..3 {
            assert!(child.as_mut().poll(&mut context).is_pending());
        }
        sleep(ms(1));
        assert_eq!(woken.0.load(Ordering::SeqCst), 1, "three polls are one registration");
        match child.as_mut().poll(&mut context) {
            Poll::Ready(ended) => assert_eq!(ended.unwrap(), "value"),
            Poll::Pending => panic!("it has ended"),
        }
    });
}

#[test]
fn a_future_that_is_dropped_takes_its_waker_along() {
    support::virtual_hub(|| {
        let woken = Arc::new(Count(AtomicU32::new(0)));
        let waker = Waker::from(woken.clone());
        let mut child = Box::pin(spawn(|| sleep(ms(1))));
        assert!(child.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(child);
        drop(waker);
        assert_eq!(Arc::strong_count(&woken), 1);
        sleep(ms(2));
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_handle_may_be_moved_between_two_polls_whatever_the_result() {
    const fn is_unpin<T: Unpin>() {}
    const { is_unpin::<greenroom::JoinHandle<std::marker::PhantomPinned>>() };
    const { is_unpin::<greenroom::thread::ScopedJoinHandle<'static, std::marker::PhantomPinned>>() };
}

struct Malicious;

impl Wake for Malicious {
    fn wake(self: Arc<Self>) {
        let parks = std::panic::catch_unwind(AssertUnwindSafe(|| sleep(ms(1))));
        assert!(parks.is_err(), "a waker may not park");
        panic!("in a waker");
    }
}

/// reliability.md, P21 and K9.
#[test]
fn a_waker_that_parks_is_refused_and_one_that_panics_is_contained() {
    support::virtual_hub(|| {
        let waker = Waker::from(Arc::new(Malicious));
        let mut child = Box::pin(Builder::new().name("ends").spawn(yield_now).unwrap());
        assert!(child.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let neighbour = spawn(|| {
            sleep(ms(2));
            "unharmed"
        });
        assert_eq!(neighbour.join().unwrap(), "unharmed");
        assert!(matches!(child.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Ok(()))));
    });
}
