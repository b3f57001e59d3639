//! The pool itself: order, threads, panics, shutdown; and that nothing is run or dropped twice, or never.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use greenroom::executor::{Future, ThreadPoolExecutor};
use greenroom::{joinall, sleep, spawn, timeout, yield_now};

use super::{busy_pool, gate};
use crate::support::{self, Log, ms, panic_of};

#[test]
fn jobs_of_one_worker_run_in_order_on_a_thread_with_our_name() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let jobs: Vec<_> = (0..50)
            .map(|n| {
                let order = order.clone();
                pool.submit(move || {
                    order.lock().unwrap().push(n);
                    std::thread::current().name().map(String::from)
                })
            })
            .collect();
        for job in jobs {
            assert_eq!(job.result().unwrap().as_deref(), Some("greenroom-worker"));
        }
        assert!(order.lock().unwrap().iter().copied().eq(0..50));
    });
}

#[test]
fn a_pool_of_no_workers_is_refused() {
    assert!(panic_of(|| ThreadPoolExecutor::new(0)).contains("at least one worker"));
}

#[test]
fn no_more_jobs_run_at_once_than_there_are_workers() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(3);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let three = Arc::new(std::sync::Barrier::new(3));
        let jobs = (0..12).map(|_| {
            let (now, most, three) = (now.clone(), most.clone(), three.clone());
            pool.submit(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                three.wait();
                now.fetch_sub(1, Ordering::SeqCst);
            })
        });
        jobs.collect::<Vec<_>>().into_iter().for_each(|job| job.result().unwrap());
        assert_eq!(most.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn others_run_while_a_job_does() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        let log = Log::new();
        let ticks = spawn({
            let words = log.clone();
            move || {
                (0..3).for_each(|_| {
                    words.push("tick");
                    yield_now();
                });
                gate.open();
            }
        });
        job.result().unwrap();
        log.push("done");
        ticks.join().unwrap();
        assert_eq!(log.words(), ["tick", "tick", "tick", "done"]);
        drop(pool);
    });
}

#[test]
fn a_panic_is_in_the_result_with_its_payload_and_costs_no_thread() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        let id = || std::thread::current().id();
        let before = pool.submit(id).result().unwrap();
        let error = pool.submit(|| -> u8 { resume_unwind(Box::new(7_u8)) }).result().unwrap_err();
        assert!(error.is_panic());
        assert_eq!(*error.into_panic().downcast::<u8>().unwrap(), 7);
        assert_eq!(pool.submit(id).result().unwrap(), before);
    });
}

#[test]
fn a_result_whose_destructor_panics_hurts_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("in a destructor"));
        }
    }
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        drop(pool.submit(|| Bomb));
        pool.submit(|| ()).result().unwrap();
        let unread = pool.submit(|| Bomb);
        unread.wait();
        drop(unread);
        let (busy, mut gate, _job) = busy_pool();
        let bomb = Bomb;
        assert!(busy.submit(move || drop(bomb)).cancel());
        gate.open();
    });
}

#[test]
fn map_gives_results_in_the_order_of_the_items() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(4);
        let results = pool.map(0..20_u64, |n| {
            std::thread::sleep(Duration::from_micros((20 - n) * 50));
            assert!(n != 13, "unlucky");
            n * n
        });
        for (n, result) in (0..).zip(results) {
            match result {
                Ok(square) => assert_eq!(square, n * n),
                Err(error) => assert!(n == 13 && error.is_panic() && error.message() == "unlucky"),
            }
        }
    });
}

#[test]
fn map_submits_all_at_once_and_may_be_given_up() {
    support::hub(|| {
        let (pool, mut gate, _job) = busy_pool();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = ran.clone();
        drop(pool.map(0..5, move |_| count.fetch_add(1, Ordering::SeqCst)));
        gate.open();
        pool.shutdown(true);
        assert_eq!(ran.load(Ordering::SeqCst), 5);
    });
}

#[test]
fn shutdown_waits_for_what_was_submitted_and_refuses_what_comes_later() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        let queued = pool.submit(|| "queued");
        pool.shutdown(false);
        let late = pool.submit(|| "late").result().unwrap_err();
        assert!(late.is_refused() && late.message().contains("shut down"), "{late:?}");
        let opener = spawn(move || {
            sleep(ms(2));
            gate.open();
        });
        pool.shutdown(true);
        assert!(job.is_done() && queued.is_done() && opener.is_finished());
        assert_eq!(queued.result().unwrap(), "queued");
        pool.shutdown(true);
    });
}

#[test]
fn shutdown_of_a_pool_that_never_ran_returns_at_once() {
    support::hub(|| ThreadPoolExecutor::new(9).shutdown(true));
    support::watch(|| ThreadPoolExecutor::new(9).shutdown(true));
}

#[test]
fn a_kill_and_an_expiry_end_the_wait_for_a_shutdown_and_the_jobs_run_on() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        assert!(timeout(ms(1), || pool.shutdown(true)).is_err());
        let pool = Arc::new(pool);
        let waiter = spawn({
            let pool = pool.clone();
            move || pool.shutdown(true)
        });
        yield_now();
        waiter.kill();
        assert!(waiter.join().unwrap_err().is_killed());
        assert!(job.is_running());
        gate.open();
        pool.shutdown(true);
        assert!(job.is_done());
    });
}

#[test]
fn a_job_that_waits_for_the_end_of_its_own_pool_panics() {
    support::hub(|| {
        let pool = Arc::new(ThreadPoolExecutor::new(1));
        let own = pool.clone();
        let error = pool.submit(move || own.shutdown(true)).result().unwrap_err();
        assert!(error.message().contains("own pool"), "{error}");
    });
}

#[test]
fn a_dropped_pool_does_what_is_queued() {
    support::hub(|| {
        let (pool, mut gate, job) = busy_pool();
        let queued: Vec<_> = (0..3).map(|n| pool.submit(move || n)).collect();
        drop(pool);
        gate.open();
        job.result().unwrap();
        assert!(queued.into_iter().map(|job| job.result().unwrap()).eq(0..3));
    });
}

#[test]
fn a_pool_may_be_dropped_by_its_own_job_and_a_job_may_submit_others() {
    support::hub(|| {
        let pool = Arc::new(ThreadPoolExecutor::new(1));
        let (mut gate, barrier) = gate();
        let own = pool.clone();
        let job = pool.submit(move || {
            barrier.pass();
            let inner = own.submit(|| "inner");
            drop(own);
            inner
        });
        drop(pool);
        gate.open();
        assert_eq!(job.result().unwrap().result().unwrap(), "inner");
    });
}

#[test]
fn pools_work_without_a_hub_and_between_two() {
    support::watch(|| {
        let pool = Arc::new(ThreadPoolExecutor::new(2));
        assert_eq!(pool.submit(|| 1).result().unwrap(), 1);
        let future = pool.submit(|| {
            std::thread::sleep(ms(2));
            "far"
        });
        let own = pool.clone();
        let elsewhere = std::thread::spawn(move || {
            greenroom::run(move || {
                let own = own.submit(|| "own");
                (future.result().unwrap(), own.result().unwrap())
            })
        });
        let here = greenroom::run(|| pool.submit(|| "here").result().unwrap());
        assert_eq!((here, elsewhere.join().unwrap()), ("here", ("far", "own")));
    });
}

#[test]
fn a_job_may_run_a_hub_of_its_own() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(1);
        let sum = pool.submit(|| {
            greenroom::run(|| {
                joinall((0..10).map(|n| spawn(move || n))).into_iter().map(Result::unwrap).sum()
            })
        });
        let sum: i32 = sum.result().unwrap();
        assert_eq!(sum, 45);
    });
}

/// Counts runs and drops of closures and results.
#[derive(Default)]
struct Ledger {
    runs: AtomicUsize,
    closures: AtomicUsize,
    results: AtomicUsize,
}

struct Counted(Arc<Ledger>, fn(&Ledger) -> &AtomicUsize);

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_add(1, Ordering::SeqCst);
    }
}

/// reliability.md, P23 and L1: one in ten panics, the waiter of one in ten is killed, one in ten is cancelled, one in ten not
/// waited for.
#[test]
fn each_closure_and_each_result_is_dropped_once_whatever_happens() {
    let mut killed_in_all = 0;
    for workers in [1, 4, 64] {
        let ledger = Arc::new(Ledger::default());
        let jobs: usize = 7_000;
        let (mut cancelled, mut killed) = (0, 0);
        support::hub(|| {
            let pool = ThreadPoolExecutor::new(workers);
            for batch in 0..jobs / 100 {
                let submit = |n: usize| {
                    let closure = Counted(ledger.clone(), |ledger| &ledger.closures);
                    pool.submit(move || {
                        closure.0.runs.fetch_add(1, Ordering::SeqCst);
                        if n % 10 == 5 {
                            // Long enough for its waiter to be killed in the wait.
                            std::thread::sleep(Duration::from_micros(50));
                        }
                        if n % 10 == 3 {
                            resume_unwind(Box::new("on purpose"));
                        }
                        Counted(closure.0.clone(), |ledger| &ledger.results)
                    })
                };
                let futures: Vec<Future<Counted>> = (0..100).map(|n| submit(batch * 100 + n)).collect();
                let mut waiters = Vec::new();
                for (n, future) in futures.into_iter().enumerate() {
                    match n % 10 {
                        0 => cancelled += usize::from(future.cancel()),
                        1 => drop(future),
                        5 => {
                            let victim = spawn(move || drop(future.result()));
                            yield_now();
                            victim.kill();
                            killed += usize::from(victim.join().is_err());
                        }
                        _ => waiters.push((n, future)),
                    }
                }
                for (n, future) in waiters {
                    assert_eq!(future.result().is_err(), n % 10 == 3);
                }
            }
            pool.shutdown(true);
        });
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        assert_eq!(count(&ledger.closures), jobs, "{workers} workers");
        assert_eq!(count(&ledger.runs), jobs - cancelled);
        assert_eq!(count(&ledger.results), jobs - cancelled - jobs / 10);
        assert_eq!(Arc::strong_count(&ledger), 1);
        killed_in_all += killed;
    }
    assert!(killed_in_all > 0, "somebody was killed in the wait");
}

#[test]
fn the_threads_of_a_dropped_pool_end_at_once() {
    support::watch(|| {
        let pool = ThreadPoolExecutor::new(8);
        drop(pool.map(0..8, |_| std::thread::sleep(ms(1))));
        let ids: HashSet<_> = pool.map(0..8, |_| std::thread::current().id()).map(Result::unwrap).collect();
        assert!(!ids.is_empty());
        let begun = Instant::now();
        pool.shutdown(true);
        assert!(begun.elapsed() < ms(5_000), "it waited until idle threads end by themselves");
    });
}

#[test]
fn two_jobs_that_come_at_once_get_a_worker_each_though_one_was_idle() {
    support::hub(|| {
        for _ in 0..20 {
            let pool = ThreadPoolExecutor::new(2);
            pool.submit(|| ()).result().unwrap();
            let (tell, told) = std::sync::mpsc::channel();
            let first = pool.submit(move || told.recv_timeout(Duration::from_secs(5)));
            let second = pool.submit(move || tell.send(7));
            assert_eq!(first.result().unwrap(), Ok(7));
            second.result().unwrap().unwrap();
        }
    });
}
