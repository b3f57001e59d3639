//! Cases of gevent's `ThreadPool` and `ThreadPoolExecutor`, rewritten: `src/gevent/tests/test__threadpool.py`.
//! Each names its source.
//!
//! One type plays both parts here. A pool can be used from any OS thread, where gevent's belongs to one.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use greenroom::executor::{self, Future, ReturnWhen, ThreadPoolExecutor};
use greenroom::{sleep, spawn, unblock, wait};

use crate::support::{hub, ms, panic_of, watch};

/// `sqr` of the source, on an OS thread.
fn square_after(number: u64, pause: Duration) -> u64 {
    thread::sleep(pause);
    number * number
}

fn square(number: u64) -> u64 {
    square_after(number, Duration::ZERO)
}

/// A little while that differs from number to number.
fn square_at_some_time(number: u64) -> u64 {
    square_after(number, Duration::from_micros(number * 2_654_435_761 % 1_000))
}

fn squares(count: u64) -> Vec<u64> {
    (0..count).map(|number| number * number).collect()
}

/// Runs `f` on a hub with a pool, which is shut down afterwards.
fn with_pool<T>(size: usize, f: impl FnOnce(&ThreadPoolExecutor) -> T) -> T {
    hub(|| {
        let pool = ThreadPoolExecutor::new(size);
        let value = f(&pool);
        pool.shutdown(true);
        value
    })
}

/// `imap_unordered` of the source: results as they come.
fn as_they_come<T: Send + 'static>(
    pool: &ThreadPoolExecutor,
    numbers: impl IntoIterator<Item = u64>,
    f: fn(u64) -> T,
) -> Vec<T> {
    let futures: Vec<Future<T>> = numbers.into_iter().map(|number| pool.submit(move || f(number))).collect();
    executor::as_completed(futures).map(Result::unwrap).collect()
}

// ---- PoolBasicTests

/// test_execute_async
#[test]
fn whatever_is_submitted_runs_whether_waited_for_or_not() {
    let ran = Arc::new(Mutex::new(Vec::new()));
    with_pool(2, |pool| {
        let push = |number| {
            let ran = ran.clone();
            move || ran.lock().unwrap().push(number)
        };
        pool.submit(push(1)).result().unwrap();
        assert_eq!(*ran.lock().unwrap(), [1]);
        (2..=4).for_each(|number| drop(pool.submit(push(number))));
    });
    let mut ran = ran.lock().unwrap().clone();
    ran.sort();
    assert_eq!(ran, [1, 2, 3, 4]);
}

/// test_apply
#[test]
fn a_job_gives_what_it_returns() {
    with_pool(1, |pool| assert_eq!(pool.submit(|| ("foo", 1)).result().unwrap(), ("foo", 1)));
}

/// test_apply_raises
#[test]
fn a_panic_in_a_job_is_its_result_and_costs_no_worker() {
    with_pool(1, |pool| {
        let failing = pool.submit(|| -> u8 { std::panic::resume_unwind(Box::new("expected")) });
        assert_eq!(failing.result().unwrap_err().message(), "expected");
        assert_eq!(pool.submit(|| 1).result().unwrap(), 1);
    });
}

/// test_apply_raises, of the hub's own pool
#[test]
fn a_panic_in_what_is_unblocked_resumes_in_the_caller() {
    hub(|| {
        assert_eq!(
            panic_of(|| unblock(|| -> u8 { std::panic::resume_unwind(Box::new("expected")) })),
            "expected"
        )
    });
}

/// test_init_valueerror
#[test]
fn a_pool_without_workers_is_refused() {
    panic_of(|| ThreadPoolExecutor::new(0));
}

// ---- TestPool, TestPool2, TestPool3, TestPool10: each claim with each size

macro_rules! sizes {
    ($($module:ident: $size:expr;)+) => { $(
        mod $module {
            use super::*;

            /// test_map
            #[test]
            fn a_map_is_in_order() {
                with_pool($size, |pool| {
                    for count in [10, 100] {
                        let all: Vec<u64> = pool.map(0..count, square).map(Result::unwrap).collect();
                        assert_eq!(all, squares(count));
                    }
                });
            }

            /// test_async
            #[test]
            fn a_result_takes_as_long_as_its_job() {
                with_pool($size, |pool| {
                    let before = Instant::now();
                    assert_eq!(pool.submit(|| square_after(7, ms(4))).result().unwrap(), 49);
                    assert!(before.elapsed() >= ms(4));
                });
            }

            /// test_async_callback
            #[test]
            fn a_callback_gets_the_result() {
                with_pool($size, |pool| {
                    let result = Rc::new(Cell::new(0));
                    let store = result.clone();
                    pool.submit(|| square_after(7, ms(2)))
                        .add_done_callback(move |square| store.set(square.unwrap()));
                    let patience = Instant::now() + Duration::from_secs(20);
                    while result.get() == 0 && Instant::now() < patience {
                        sleep(ms(1));
                    }
                    assert_eq!(result.get(), 49);
                });
            }

            /// test_async_timeout
            #[test]
            fn a_wait_for_a_slow_job_ends_after_its_limit() {
                with_pool($size, |pool| {
                    let (end, ends) = mpsc::channel::<()>();
                    let future = pool.submit(move || ends.recv().is_ok());
                    let before = Instant::now();
                    assert!(!future.wait_timeout(ms(4)));
                    assert!(before.elapsed() >= ms(4) && !future.is_done());
                    end.send(()).unwrap();
                    assert!(future.result().unwrap());
                });
            }

            /// test_imap_it_large
            #[test]
            fn a_thousand_results_come_one_by_one_in_order() {
                with_pool($size, |pool| {
                    let mut all = pool.map(0..1000, square);
                    for number in 0..1000 {
                        assert_eq!(all.next().unwrap().unwrap(), number * number);
                    }
                    assert!(all.next().is_none());
                });
            }

            /// test_imap_random
            #[test]
            fn a_map_is_in_order_however_long_each_takes() {
                with_pool($size, |pool| {
                    let all: Vec<u64> = pool.map(0..10, square_at_some_time).map(Result::unwrap).collect();
                    assert_eq!(all, squares(10));
                });
            }

            /// test_imap_unordered, test_imap_unordered_random
            #[test]
            fn each_result_comes_once_as_they_come() {
                with_pool($size, |pool| {
                    let mut all = as_they_come(pool, 0..100, square_at_some_time);
                    all.sort();
                    assert_eq!(all, squares(100));
                });
            }

            /// test_imap_unordered_sleep
            #[test]
            fn results_come_in_the_order_of_their_completion() {
                with_pool($size, |pool| {
                    let wanted: &[u64] = if $size == 1 { &[9, 1, 3] } else { &[1, 3, 9] };
                    // Where there is room for two, each waits until those before it have been seen.
                    let seen = Arc::new(AtomicUsize::new(0));
                    let job = |number| {
                        let (seen, before) = (seen.clone(), wanted.iter().position(|&other| other == number));
                        pool.submit(move || {
                            while seen.load(SeqCst) < before.unwrap() {
                                thread::sleep(ms(1));
                            }
                            number
                        })
                    };
                    let mut came = Vec::new();
                    for number in executor::as_completed([9, 1, 3].map(job)) {
                        came.push(number.unwrap());
                        seen.fetch_add(1, SeqCst);
                    }
                    assert_eq!(came, wanted);
                });
            }

            /// test_terminate
            #[test]
            fn a_shutdown_waits_for_the_jobs_and_not_for_longer() {
                hub(|| {
                    let pool = ThreadPoolExecutor::new($size);
                    let ran = Arc::new(AtomicUsize::new(0));
                    for _ in 0..$size * 2 {
                        let ran = ran.clone();
                        drop(pool.submit(move || {
                            thread::sleep(ms(2));
                            ran.fetch_add(1, SeqCst);
                        }));
                    }
                    pool.shutdown(true);
                    assert_eq!(ran.load(SeqCst), $size * 2);
                });
            }
        }
    )+ };
}

sizes! {
    of_one: 1;
    of_two: 2;
    of_three: 3;
    of_ten: 10;
}

/// TestPool2.test_recursive_apply
#[test]
fn a_job_may_wait_for_a_job_of_the_same_pool_that_has_room() {
    with_pool(2, |pool| {
        // A pool is shared by reference: the outer job gets its own way in.
        let (send, receive) = mpsc::channel::<Future<&str>>();
        let outer = pool.submit(move || receive.recv().unwrap().result().unwrap());
        send.send(pool.submit(|| "B")).unwrap();
        assert_eq!(outer.result().unwrap(), "B");
    });
}

// ---- TestJoinEmpty, TestSpawn

/// TestJoinEmpty
#[test]
fn the_shutdown_of_a_pool_that_never_worked_returns_at_once() {
    with_pool(1, |_| ());
}

/// test_basics
#[test]
fn one_worker_takes_its_jobs_in_order() {
    let log = Arc::new(Mutex::new(Vec::new()));
    with_pool(1, |pool| {
        let jobs = ["a", "b"].map(|name| {
            let log = log.clone();
            pool.submit(move || {
                thread::sleep(ms(20));
                log.lock().unwrap().push(name);
            })
        });
        jobs[0].wait();
        assert_eq!(*log.lock().unwrap(), ["a"]);
        jobs[1].wait();
        assert_eq!(*log.lock().unwrap(), ["a", "b"]);
    });
}

/// test_cannot_spawn_from_other_thread; ours can
#[test]
fn a_pool_takes_jobs_from_any_os_thread() {
    watch(|| {
        let pool = Arc::new(ThreadPoolExecutor::new(2));
        let there = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(|| "Hi").result().unwrap()
        });
        assert_eq!(there.join().unwrap(), "Hi");
        pool.shutdown(true);
    });
}

// ---- TestErrorInIterator

/// test
#[test]
fn a_panic_of_the_iterator_comes_out_of_the_map() {
    with_pool(3, |pool| {
        let failing = (1..=3).inspect(|number| {
            if *number == 3 {
                std::panic::resume_unwind(Box::new("expected"));
            }
        });
        assert_eq!(panic_of(|| pool.map(failing, square).count()), "expected");
        assert_eq!(pool.submit(|| 1).result().unwrap(), 1);
    });
}

// ---- TestRef

/// test
#[test]
fn a_pool_keeps_neither_what_a_job_took_nor_what_it_gave() {
    with_pool(2, |pool| {
        let (argument, result) = (Arc::new(()), Arc::new(()));
        let (taken, given) = (argument.clone(), result.clone());
        let job = move || {
            let _taken = taken;
            given.clone()
        };
        drop(pool.submit(job).result().unwrap());
        let patience = Instant::now() + Duration::from_secs(20);
        while Arc::strong_count(&argument) + Arc::strong_count(&result) > 2 && Instant::now() < patience {
            sleep(ms(1));
        }
        assert_eq!((Arc::strong_count(&argument), Arc::strong_count(&result)), (1, 1));
    });
}

// ---- TestTPE

/// test_future: a wait that ends early, others that run meanwhile
#[test]
fn green_threads_run_while_a_future_is_waited_for() {
    with_pool(1, |pool| {
        let (go, gate) = std::sync::mpsc::channel();
        let future = pool.submit(move || {
            gate.recv().unwrap();
            36
        });
        assert!(!future.wait_timeout(ms(1)));
        let other = spawn(move || {
            go.send(()).unwrap();
            2016
        });
        future.wait();
        assert!(future.is_done() && !future.is_running() && other.is_finished());
        assert_eq!((future.result().unwrap(), other.join().unwrap()), (36, 2016));
    });
}

/// test_future: a callback that panics, and one that is added afterwards
#[test]
fn a_callback_is_called_once_and_its_panic_hurts_nobody() {
    with_pool(1, |pool| {
        let calls = Rc::new(Cell::new(0));
        let count = || {
            let calls = calls.clone();
            move |_: Result<u64, _>| {
                calls.set(calls.get() + 1);
                std::panic::resume_unwind(Box::new("expected"))
            }
        };
        pool.submit(|| square_after(6, ms(4))).add_done_callback(count());
        let done = pool.submit(|| square(6));
        done.wait();
        done.add_done_callback(count());
        let patience = Instant::now() + Duration::from_secs(20);
        while calls.get() < 2 && Instant::now() < patience {
            sleep(ms(1));
        }
        sleep(ms(2));
        assert_eq!(calls.get(), 2);
    });
}

/// test_future_wait_module_function
#[test]
fn the_executors_wait_tells_the_done_from_the_others() {
    with_pool(1, |pool| {
        let futures = [pool.submit(|| square_after(6, ms(20)))];
        let (none, all) = (Vec::<usize>::new(), vec![0]);
        assert_eq!(
            executor::wait(&futures, Some(ms(1)), ReturnWhen::AllCompleted),
            (none.clone(), all.clone())
        );
        assert_eq!(executor::wait(&futures, None, ReturnWhen::AllCompleted), (all, none));
    });
}

/// test_future_wait_gevent_function
#[test]
fn a_future_is_waited_for_among_several() {
    with_pool(1, |pool| {
        let future = pool.submit(|| square_after(6, ms(10)));
        let other = spawn(|| 2016);
        assert_eq!(wait(&[&future, &other], None, None), [1, 0]);
    });
}

/// test_future: cancelled or not
#[test]
fn only_a_job_that_has_not_begun_is_cancelled() {
    with_pool(1, |pool| {
        let (send, receive) = mpsc::channel::<()>();
        let running = pool.submit(move || receive.recv().is_ok());
        let waiting = pool.submit(|| true);
        let patience = Instant::now() + Duration::from_secs(20);
        while !running.is_running() && Instant::now() < patience {
            sleep(ms(1));
        }
        assert_eq!((running.cancel(), waiting.cancel()), (false, true));
        send.send(()).unwrap();
        assert!(running.result().unwrap());
        assert!(waiting.result().is_err());
    });
}
