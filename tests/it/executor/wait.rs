//! Waiting for several futures.

use std::time::{Duration, Instant};

use greenroom::executor::{Future, ReturnWhen, ThreadPoolExecutor, as_completed, wait};
use greenroom::sync::Event;
use greenroom::{Waitable, sleep, spawn, timeout, yield_now};

use super::{Gate, gate};
use crate::support::{self, ms};

/// Jobs that end when their gates are opened, with their numbers; odd ones panic.
fn gated(pool: &ThreadPoolExecutor, n: usize) -> (Vec<Gate>, Vec<Future<usize>>) {
    let one = |n: usize| {
        let (gate, barrier) = gate();
        let job = pool.submit(move || {
            barrier.pass();
            match n % 2 {
                0 => n,
                _ => std::panic::resume_unwind(Box::new("odd")),
            }
        });
        (gate, job)
    };
    (0..n).map(one).unzip()
}

#[test]
fn all_of_none_and_all_that_have_ended_are_there_at_once() {
    let case = || {
        let none: [Future<u8>; 0] = [];
        for when in [ReturnWhen::AllCompleted, ReturnWhen::FirstCompleted, ReturnWhen::FirstFailed] {
            assert_eq!(wait(&none, None, when), (vec![], vec![]));
        }
        let pool = ThreadPoolExecutor::new(2);
        let jobs: Vec<_> = (0..5).map(|n| pool.submit(move || n)).collect();
        assert_eq!(wait(&jobs, None, ReturnWhen::AllCompleted), ((0..5).collect(), vec![]));
        assert_eq!(wait(&jobs, Some(Duration::ZERO), ReturnWhen::FirstCompleted).0, [0, 1, 2, 3, 4]);
    };
    support::hub(case);
    support::watch(case);
}

#[test]
fn the_first_the_first_failure_and_the_time_end_a_wait() {
    let case = || {
        let pool = ThreadPoolExecutor::new(4);
        let (mut gates, jobs) = gated(&pool, 4);
        let begun = Instant::now();
        assert_eq!(wait(&jobs, Some(ms(2)), ReturnWhen::FirstCompleted), (vec![], vec![0, 1, 2, 3]));
        assert!(begun.elapsed() >= ms(2));
        gates[2].open();
        assert_eq!(wait(&jobs, None, ReturnWhen::FirstCompleted), (vec![2], vec![0, 1, 3]));
        assert_eq!(wait(&jobs, Some(ms(1)), ReturnWhen::FirstFailed), (vec![2], vec![0, 1, 3]));
        gates[3].open();
        assert_eq!(wait(&jobs, None, ReturnWhen::FirstFailed), (vec![2, 3], vec![0, 1]));
        drop(gates);
        assert_eq!(wait(&jobs, Some(Duration::MAX), ReturnWhen::AllCompleted).0, [0, 1, 2, 3]);
    };
    support::hub(case);
    support::watch(case);
}

#[test]
fn results_come_as_their_jobs_end() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(3);
        let (mut gates, jobs) = gated(&pool, 5);
        let last = jobs[4].cancel();
        assert!(last, "three workers, and each is held up");
        let mut results = as_completed(jobs);
        assert!(results.next().unwrap().unwrap_err().is_refused());
        for n in [2, 0] {
            gates[n].open();
            assert_eq!(results.next().unwrap().unwrap(), n);
        }
        drop(gates);
        assert!(results.next().unwrap().unwrap_err().is_panic());
        assert!(results.next().unwrap().unwrap_err().is_panic());
        assert!(results.next().is_none() && results.next().is_none());
    });
}

#[test]
fn a_killed_and_an_expired_waiter_let_go_of_what_they_waited_for() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(2);
        let (gates, jobs) = gated(&pool, 2);
        assert!(timeout(ms(1), || wait(&jobs, None, ReturnWhen::AllCompleted)).is_err());
        let victim = spawn(move || {
            drop(wait(&jobs, Some(Duration::MAX), ReturnWhen::AllCompleted));
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        let (_more, jobs) = gated(&pool, 1);
        let victim = spawn(move || drop(as_completed(jobs).next()));
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        drop(gates);
    });
}

#[test]
fn as_completed_may_be_given_up_half_way() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(2);
        let (mut gates, jobs) = gated(&pool, 2);
        let mut results = as_completed(jobs);
        gates[0].open();
        assert_eq!(results.next().unwrap().unwrap(), 0);
        drop(results);
        sleep(ms(1));
    });
}

#[test]
fn futures_are_waited_for_among_other_things() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(2);
        let (mut gates, jobs) = gated(&pool, 2);
        let (green, event) = (spawn(|| sleep(Duration::MAX)), Event::new());
        let objects: [&dyn Waitable; 4] = [&green, &jobs[0], &event, &jobs[1]];
        assert_eq!(greenroom::wait(&objects, Some(ms(1)), None), []);
        let mut ready = greenroom::iwait(&objects);
        gates[0].open();
        assert_eq!(ready.next(), Some(1));
        event.set();
        assert_eq!(ready.next(), Some(2));
        gates[1].open();
        assert_eq!(ready.next(), Some(3));
        drop(ready);
        green.kill();
        assert_eq!(greenroom::wait(&objects, None, None).len(), 4);
    });
}

#[test]
fn a_storm_of_jobs_is_gathered_by_several() {
    support::hub(|| {
        let pool = std::rc::Rc::new(ThreadPoolExecutor::new(4));
        let sums = (0..4).map(|_| {
            let pool = pool.clone();
            spawn(move || {
                as_completed((0..500_u64).map(|n| pool.submit(move || n))).map(Result::unwrap).sum::<u64>()
            })
        });
        for sum in greenroom::joinall(sums) {
            assert_eq!(sum.unwrap(), 499 * 500 / 2);
        }
    });
}
