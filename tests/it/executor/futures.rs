//! The future: waiting, taking, cancelling, callbacks, wakers; and what happens to those who wait.

use std::cell::Cell;
use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use greenroom::executor::{Future, ThreadPoolExecutor};
use greenroom::{sleep, spawn, timeout, yield_now};

use super::{add_one, busy_pool};
use crate::support::{self, Log, OnDrop, ms};

#[test]
fn a_future_says_how_far_its_job_has_come() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        let next = pool.submit(|| 1);
        assert!(job.is_running() && !job.is_done());
        assert!(!next.is_running() && !next.is_done());
        assert_eq!(format!("{next:?}"), "Future { progress: Waiting }");
        assert!(format!("{pool:?}").contains("queued: 1"));
        gate.open();
        next.wait();
        assert!(next.is_done() && !next.is_running() && job.is_done());
        next.wait();
        assert!(next.wait_timeout(Duration::ZERO));
        assert_eq!(next.result().unwrap(), 1);
    });
}

#[test]
fn a_wait_with_a_timeout_says_whether_it_has_ended() {
    let case = || {
        let (_pool, mut gate, job) = busy_pool();
        let asked = Instant::now();
        assert!(!job.wait_timeout(ms(3)));
        assert!(asked.elapsed() >= ms(3));
        assert!(!job.wait_timeout(Duration::ZERO) && !job.wait_timeout(Duration::from_nanos(1)));
        gate.open();
        assert!(job.wait_timeout(Duration::MAX));
    };
    support::hub(case);
    support::watch(case);
}

#[test]
fn several_may_wait_for_one_and_are_told_in_order() {
    support::hub(|| {
        let (_pool, mut gate, job) = busy_pool();
        let (log, job) = (Log::new(), Rc::new(job));
        let waiters = ["first", "second", "third"].map(|name| {
            let (words, job) = (log.clone(), job.clone());
            spawn(move || {
                job.wait();
                words.push(name);
            })
        });
        yield_now();
        waiters[1].kill();
        yield_now();
        gate.open();
        greenroom::joinall(waiters);
        assert_eq!(log.words(), ["first", "third"]);
    });
}

#[test]
fn a_killed_or_expired_waiter_leaves_the_job_running_and_its_result_is_dropped_there() {
    support::hub(|| {
        for by_kill in [true, false] {
            let (pool, mut gate, _job) = busy_pool();
            let (dropped, drops) = mpsc::channel();
            let value =
                || OnDrop(move || dropped.send(std::thread::current().name().map(String::from)).unwrap());
            let future = pool.submit(value);
            let waiter = spawn(move || match by_kill {
                true => drop(future.result()),
                false => assert!(timeout(ms(1), || drop(future.result())).is_err()),
            });
            yield_now();
            if by_kill {
                waiter.kill();
                assert!(waiter.join().unwrap_err().is_killed());
            } else {
                waiter.join().unwrap();
            }
            assert!(drops.try_recv().is_err());
            gate.open();
            pool.shutdown(true);
            assert_eq!(drops.recv().unwrap().as_deref(), Some("greenroom-worker"));
            assert!(drops.recv().is_err(), "once");
        }
    });
}

#[test]
fn a_waiter_that_is_killed_after_it_was_told_drops_the_result_once() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        let drops = Arc::new(AtomicUsize::new(0));
        for _ in 0..50 {
            let count = drops.clone();
            let future = pool.submit(move || OnDrop(move || add_one(&count)));
            let waiter = spawn(move || drop(future.result()));
            yield_now();
            // The OS thread is kept: the job ends, and nobody here can run before the kill.
            std::thread::sleep(Duration::from_micros(300));
            waiter.kill();
            let _ = waiter.join();
        }
        pool.shutdown(true);
        assert_eq!(drops.load(Ordering::SeqCst), 50);
    });
}

#[test]
fn cancel_does_not_end_the_wait_for_a_result() {
    support::hub(|| {
        let (_pool, mut gate, job) = busy_pool();
        let waiter = spawn(move || job.result().unwrap());
        yield_now();
        waiter.cancel();
        sleep(ms(1));
        assert!(!waiter.is_finished());
        gate.open();
        waiter.join().unwrap();
    });
}

#[test]
fn a_job_is_cancelled_before_it_begins_and_never_after() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        let here = std::thread::current().id();
        let dropped_here = Arc::new(AtomicUsize::new(0));
        let count = dropped_here.clone();
        let closure = OnDrop(move || {
            count.fetch_add(usize::from(std::thread::current().id() == here), Ordering::SeqCst);
        });
        let queued = pool.submit(move || {
            let _closure = closure;
            unreachable!("it was cancelled")
        });
        assert!(queued.cancel());
        assert_eq!(dropped_here.load(Ordering::SeqCst), 1);
        assert!(!queued.cancel(), "once");
        assert!(queued.is_done());
        let error = queued.result().unwrap_err();
        assert!(error.is_refused() && error.message().contains("cancelled"), "{error}");
        assert!(!job.cancel());
        gate.open();
        job.result().unwrap();
        let ended = pool.submit(|| 1);
        ended.wait();
        assert!(!ended.cancel());
        assert_eq!(ended.result().unwrap(), 1);
    });
}

#[test]
fn who_unwinds_is_refused_what_is_not_there_and_gets_what_is() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        let (said, ended) = (Rc::new(Cell::new(None)), ThreadPoolExecutor::new(1).submit(|| 7));
        ended.wait();
        let note = said.clone();
        let (mut ended, mut queued) = (Some(ended), Some(pool.submit(|| 8)));
        let victim = spawn(move || {
            let _asks = OnDrop(move || {
                job.wait();
                assert!(!job.wait_timeout(ms(1_000)));
                let there = ended.take().map(|ended| ended.result().unwrap());
                let refused = queued.take().is_some_and(|queued| queued.result().unwrap_err().is_refused());
                note.set(Some((there, refused)));
            });
            panic!("on purpose");
        });
        assert!(victim.join().unwrap_err().is_panic());
        assert_eq!(said.get(), Some((Some(7), true)));
        gate.open();
    });
}

#[test]
fn a_callback_runs_in_a_green_thread_here_and_needs_not_be_send() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        let log = Log::new();
        let root = greenroom::current().id();
        for job in [pool.submit(|| "value"), pool.submit(|| panic!("in the job"))] {
            let words = log.clone();
            job.add_done_callback(move |ended| {
                assert_ne!(greenroom::current().id(), root);
                sleep(ms(1));
                words.push(ended.map_or_else(|error| error.message().to_owned(), String::from));
            });
        }
        let (busy, mut gate, _job) = busy_pool();
        let queued = busy.submit(|| ());
        queued.cancel();
        let words = log.clone();
        queued.add_done_callback(move |ended| words.push(format!("{}", ended.unwrap_err())));
        gate.open();
        while greenroom::thread::active_count() > 0 {
            sleep(ms(1));
        }
        let mut words = log.words();
        words.sort();
        assert_eq!(words, ["in the job", "refused: the job was cancelled before it began", "value"]);
    });
}

#[test]
fn a_callback_without_a_hub_runs_before_the_call_returns() {
    support::watch(|| {
        std::thread::spawn(|| {
            let pool = ThreadPoolExecutor::new(1);
            let seen = Rc::new(Cell::new(0));
            let note = seen.clone();
            let slow = pool.submit(|| {
                std::thread::sleep(ms(2));
                7
            });
            slow.add_done_callback(move |ended| note.set(ended.unwrap()));
            assert_eq!(seen.get(), 7);
        })
        .join()
        .unwrap();
    });
}

#[test]
fn a_callback_that_panics_hurts_nobody_and_run_waits_for_callbacks() {
    let log = Log::new();
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        pool.submit(|| ()).add_done_callback(|_| panic!("in the callback"));
        let words = log.clone();
        pool.submit(|| std::thread::sleep(ms(2))).add_done_callback(move |_| words.push("called"));
    });
    assert_eq!(log.words(), ["called"]);
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<T>(future: &mut Future<T>, waker: &Waker) -> Poll<Result<T, greenroom::JoinError>> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn polls_leave_one_waker_which_is_woken_once_and_goes_with_the_future() {
    support::hub(|| {
        let (pool, mut gate, mut job) = busy_pool();
        let mut other = pool.submit(|| 2);
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        for _ in 0..3 {
            assert!(poll(&mut job, &waker).is_pending());
            assert!(poll(&mut other, &waker).is_pending());
        }
        assert_eq!(Arc::strong_count(&count), 4, "one each, mine, and the count itself");
        drop(other);
        assert_eq!(Arc::strong_count(&count), 3);
        gate.open();
        job.wait();
        while count.0.load(Ordering::SeqCst) == 0 {
            sleep(ms(1));
        }
        assert!(matches!(poll(&mut job, &waker), Poll::Ready(Ok(()))));
        match poll(&mut job, &waker) {
            Poll::Ready(Err(error)) => assert!(error.is_refused()),
            again => panic!("{again:?}"),
        }
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert_eq!(Arc::strong_count(&count), 2);
    });
}

struct Malicious;

impl Wake for Malicious {
    fn wake(self: Arc<Malicious>) {
        std::panic::resume_unwind(Box::new("in a waker"));
    }
}

#[test]
fn a_waker_that_panics_costs_neither_the_worker_nor_the_result() {
    support::hub(|| {
        let (pool, mut gate, mut job) = busy_pool();
        assert!(poll(&mut job, &Waker::from(Arc::new(Malicious))).is_pending());
        gate.open();
        job.result().unwrap();
        pool.submit(|| ()).result().unwrap();
    });
}

#[test]
fn a_hub_may_end_while_its_green_threads_wait_and_while_jobs_of_its_run() {
    support::watch(|| {
        let (pool, mut gate, job) = busy_pool();
        let parked = catch_unwind(AssertUnwindSafe(|| {
            greenroom::run(|| {
                let waiter = spawn(move || job.result());
                yield_now();
                assert!(!waiter.is_finished());
                std::panic::resume_unwind(Box::new("the root has had enough"));
            })
        }));
        assert!(parked.is_err());
        gate.open();
        assert_eq!(pool.submit(|| 5).result().unwrap(), 5);
    });
}
