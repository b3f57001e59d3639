//! Results: set once, waited for by green threads, OS threads and futures.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use greenroom::sync::{Arc, AsyncResult};
use greenroom::{JoinError, joinall, sleep, spawn, timeout, yield_now};

use super::{Plain, waiting};
use crate::support::{self, Log, OnDrop, ms};

#[test]
fn it_is_set_once_and_all_who_wait_get_it() {
    support::hub(|| {
        let result = AsyncResult::new();
        let all = [(); 3].map(|()| {
            let result = result.clone();
            waiting(move || result.get().unwrap())
        });
        assert!(!result.is_ready() && !result.wait_timeout(Duration::ZERO));
        assert!(result.get_timeout(Duration::from_nanos(1)).is_none());
        assert_eq!(result.set("first"), Ok(()));
        assert_eq!(result.set("second"), Err("second"));
        assert_eq!(result.fail(JoinError::new("third")).unwrap_err().message(), "third");
        for value in joinall(all) {
            assert_eq!(value.unwrap(), "first");
        }
        result.wait();
        assert!(result.is_ready() && result.wait_timeout(Duration::MAX));
        assert_eq!(result.get_timeout(Duration::ZERO).unwrap().unwrap(), "first");
    });
}

#[test]
fn a_failure_is_everybodys() {
    support::hub(|| {
        let result = AsyncResult::<u8>::default();
        let inner = result.clone();
        let waiter = waiting(move || inner.get());
        result.fail(JoinError::new("no")).unwrap();
        assert_eq!(waiter.join().unwrap().unwrap_err().message(), "no");
        assert_eq!(result.get().unwrap_err().message(), "no");
        assert_eq!(result.set(1), Err(1));
    });
}

#[test]
fn it_shows_how_it_stands_and_nothing_else() {
    let result = AsyncResult::new();
    assert_eq!(format!("{result:?}"), "AsyncResult { state: pending, .. }");
    assert!(result.set(Plain).is_ok());
    assert_eq!(format!("{result:?}"), "AsyncResult { state: set, .. }");
    let result = AsyncResult::<Plain>::new();
    result.fail(JoinError::new("no")).unwrap();
    assert_eq!(format!("{result:?}"), "AsyncResult { state: failed, .. }");
}

#[test]
fn those_who_leave_are_not_missed_and_the_value_waits_for_the_rest() {
    support::hub(|| {
        let result = AsyncResult::new();
        let wait = || {
            let result = result.clone();
            waiting(move || result.get())
        };
        let (killed, cancelled) = (wait(), wait());
        killed.kill();
        cancelled.cancel();
        assert!(timeout(ms(1), || result.wait()).is_err());
        assert!(!cancelled.is_finished());
        result.set(5).unwrap();
        assert!(killed.join().unwrap_err().is_killed());
        assert_eq!(cancelled.join().unwrap().unwrap(), 5);
    });
}

#[test]
fn who_unwinds_is_refused_or_gets_what_is_there() {
    support::virtual_hub(|| {
        let (result, log) = (AsyncResult::new(), Log::new());
        let (inner, words) = (result.clone(), log.clone());
        let child = spawn(move || {
            let _asks = OnDrop(move || {
                inner.wait();
                assert!(!inner.wait_timeout(ms(60_000)) && inner.get_timeout(ms(60_000)).is_none());
                words.push(format!("{}", inner.get().unwrap_err().is_refused()));
                inner.set("value").unwrap();
                words.push(inner.get().unwrap());
            });
            panic!("on purpose");
        });
        assert!(child.join().unwrap_err().is_panic());
        assert_eq!(log.words(), ["true", "value"]);
        drop(result);
    });
}

/// Its clone does what a closure says.
struct Curious(Rc<dyn Fn()>);

impl Clone for Curious {
    fn clone(&self) -> Curious {
        (self.0)();
        Curious(self.0.clone())
    }
}

#[test]
fn clones_are_made_outside_any_lock_and_may_park_panic_and_ask_again() {
    support::virtual_hub(|| {
        let (result, calls) = (AsyncResult::<Curious>::new(), Rc::new(Cell::new(0)));
        let (itself, count) = (result.clone(), calls.clone());
        let on_clone = move || {
            count.set(count.get() + 1);
            match count.get() {
                1 => {
                    sleep(ms(1));
                    assert!(itself.get().is_ok() && itself.set(Curious(Rc::new(|| ()))).is_err());
                }
                3 => panic!("on purpose"),
                _ => {}
            }
        };
        assert!(result.set(Curious(Rc::new(on_clone))).is_ok());
        let inner = result.clone();
        spawn(move || assert!(inner.get().is_ok())).join().unwrap();
        let inner = result.clone();
        assert!(spawn(move || drop(inner.get())).join().unwrap_err().is_panic());
        assert!(result.get().is_ok());
        assert_eq!(calls.get(), 4);
    });
}

/// Counts how often it was woken.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Counting>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_handle_that_is_polled_keeps_its_last_waker_only_and_takes_it_along() {
    let result = AsyncResult::new();
    let (first, second) = (Arc::new(Counting::default()), Arc::new(Counting::default()));
    let wakers = [Waker::from(first.clone()), Waker::from(second.clone())];
    let mut polled = result.clone();
    for waker in [&wakers[0], &wakers[0], &wakers[1]] {
        let poll = Pin::new(&mut polled).poll(&mut Context::from_waker(waker));
        assert!(poll.is_pending());
    }
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 3));
    let mut dropped = result.clone();
    assert!(Pin::new(&mut dropped).poll(&mut Context::from_waker(&wakers[0])).is_pending());
    assert_eq!(Arc::strong_count(&first), 3);
    drop(dropped);
    assert_eq!(Arc::strong_count(&first), 2);
    result.set(3).unwrap();
    assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (0, 1));
    assert_eq!(Arc::strong_count(&second), 2);
    for _ in 0..2 {
        let poll = Pin::new(&mut polled).poll(&mut Context::from_waker(&wakers[0]));
        assert!(matches!(poll, Poll::Ready(Ok(3))));
    }
    assert_eq!(Arc::strong_count(&first), 2);
}

/// Sets a result when its waker is dropped, cloned or woken.
struct Meddling(AsyncResult<u8>);

impl Wake for Meddling {
    fn wake(self: Arc<Meddling>) {
        assert!(self.0.set(1).is_err());
        panic!("on purpose");
    }
}

#[test]
fn wakers_that_meddle_or_panic_harm_nobody() {
    let result = AsyncResult::new();
    let (waker, counting) = (Waker::from(Arc::new(Meddling(result.clone()))), Arc::new(Counting::default()));
    let (mut one, mut two) = (result.clone(), result.clone());
    assert!(Pin::new(&mut one).poll(&mut Context::from_waker(&waker)).is_pending());
    let well = Waker::from(counting.clone());
    assert!(Pin::new(&mut two).poll(&mut Context::from_waker(&well)).is_pending());
    result.set(2).unwrap();
    assert_eq!(counting.0.load(Ordering::SeqCst), 1);
}

/// Unparks an OS thread.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

#[test]
fn an_executor_on_another_os_thread_is_woken() {
    support::hub(|| {
        for _ in 0..100 {
            let result = AsyncResult::new();
            let far = result.clone();
            let other = std::thread::spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
                let mut future = pin!(far);
                loop {
                    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        Poll::Ready(value) => return value.unwrap(),
                        Poll::Pending => std::thread::park(),
                    }
                }
            });
            yield_now();
            result.set(9).unwrap();
            assert_eq!(other.join().unwrap(), 9);
        }
    });
}

#[test]
fn hubs_and_os_threads_wait_for_one_value_and_one_of_many_sets_it() {
    support::watch(|| {
        for _ in 0..20 {
            let result = AsyncResult::new();
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    let result = result.clone();
                    std::thread::spawn(move || {
                        let set_and_get = || {
                            let won = result.set(number).is_ok();
                            (won, result.get().unwrap())
                        };
                        if number % 2 == 0 { set_and_get() } else { greenroom::run(set_and_get) }
                    })
                })
                .collect();
            let value = greenroom::run(|| result.get().unwrap());
            let got: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            assert_eq!(got.iter().filter(|(won, _)| *won).count(), 1);
            assert!(got.iter().all(|(_, seen)| *seen == value));
        }
    });
}
