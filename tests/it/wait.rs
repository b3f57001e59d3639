//! `greenroom::wait`: several at once.

mod shared;

use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::time::Timer;
use greenroom::wait::{Waitable, as_completed, iwait, joinall, killall, try_joinall, wait};
use greenroom::{JoinHandle, sleep, spawn, spawn_later, thread, timeout, yield_now};

use crate::support::{self, Tally, ms};

/// Green threads that end after these many milliseconds, with that number.
fn ending_after<const N: usize>(delays: [u64; N]) -> [JoinHandle<u64>; N] {
    delays.map(|n| spawn_later(ms(n), move || n))
}

#[test]
fn joinall_gives_the_results_in_the_order_of_the_handles() {
    support::hub(|| {
        let ended = joinall(ending_after([6, 1, 3]));
        let values: Vec<_> = ended.into_iter().map(Result::unwrap).collect();
        assert_eq!(values, [6, 1, 3]);
        assert!(joinall::<()>([]).is_empty());
    });
}

#[test]
fn joinall_goes_on_past_panics_and_kills() {
    support::hub(|| {
        let killed = spawn(|| sleep(ms(60_000)));
        killed.kill();
        let ended = joinall([spawn(|| panic!("on purpose")), killed, spawn(|| ())]);
        assert!(ended[0].as_ref().unwrap_err().is_panic());
        assert!(ended[1].as_ref().unwrap_err().is_killed());
        assert!(ended[2].is_ok());
    });
}

#[test]
fn joinall_takes_green_threads_as_they_are_spawned() {
    support::hub(|| {
        let squares = joinall((0..100_u32).map(|n| spawn(move || n * n)));
        assert_eq!(squares.into_iter().map(Result::unwrap).sum::<u32>(), 328_350);
    });
}

#[test]
fn try_joinall_returns_at_the_first_failure_and_the_rest_run_on() {
    support::hub(|| {
        let slow = spawn(thread::park);
        let observer = slow.thread().clone();
        let begun = Instant::now();
        let fails = spawn(|| {
            sleep(ms(1));
            panic!("the first")
        });
        let error = try_joinall([slow, fails]).unwrap_err();
        assert_eq!(error.message(), "the first");
        assert!(begun.elapsed() < ms(30_000));
        assert_eq!(thread::enumerate().iter().filter(|other| other.id() == observer.id()).count(), 1);
        observer.unpark();
        yield_now();
        assert_eq!(thread::active_count(), 0);
        assert_eq!(try_joinall(ending_after([2, 1])).unwrap(), [2, 1]);
    });
}

#[test]
fn as_completed_gives_them_in_the_order_of_their_ends() {
    support::hub(|| {
        let values: Vec<_> = as_completed(ending_after([90, 1, 40])).map(Result::unwrap).collect();
        assert_eq!(values, [1, 40, 90]);
        assert_eq!(as_completed::<()>([]).count(), 0);
    });
}

#[test]
fn as_completed_dropped_early_lets_the_rest_run_on() {
    support::virtual_hub(|| {
        let tally = Tally::new();
        let all = [1, 3, 5].map(|n| {
            let value = tally.one();
            spawn(move || {
                sleep(ms(n));
                value
            })
        });
        let first = as_completed(all).next();
        assert!(first.is_some());
        sleep(ms(10));
        assert_eq!((thread::active_count(), tally.alive()), (0, 1));
    });
}

#[test]
fn wait_gives_the_indices_in_the_order_of_becoming_ready() {
    support::hub(|| {
        let all = ending_after([6, 1, 3]);
        let objects: Vec<&dyn Waitable> = all.iter().map(|handle| handle as &dyn Waitable).collect();
        assert_eq!(wait(&objects, None, None), [1, 2, 0]);
        assert_eq!(wait(&objects, None, None).len(), 3, "they stay ready");
        assert_eq!(wait(&objects, Some(Duration::ZERO), None).len(), 3);
        assert_eq!(wait(&[], None, None), [0; 0]);
    });
}

#[test]
fn wait_stops_at_the_count_or_at_the_time() {
    support::hub(|| {
        let all = ending_after([60_000, 1, 3]);
        let objects: Vec<&dyn Waitable> = all.iter().map(|handle| handle as &dyn Waitable).collect();
        assert_eq!(wait(&objects, None, Some(1)), [1]);
        assert_eq!(wait(&objects, None, Some(2)), [1, 2]);
        let begun = Instant::now();
        assert_eq!(wait(&objects, Some(ms(3)), None), [1, 2]);
        assert!(begun.elapsed() >= ms(3));
        assert_eq!(wait(&objects, Some(ms(60_000)), Some(0)), [0; 0]);
        assert_eq!(wait(&objects, Some(Duration::ZERO), None), [1, 2]);
        killall(&all);
    });
}

#[test]
fn the_killed_and_the_panicked_have_ended_too() {
    support::hub(|| {
        let all = [spawn(|| panic!("on purpose")), spawn(|| sleep(ms(60_000)))];
        all[1].kill();
        let ready = wait(&[&all[0], &all[1]], None, None);
        assert_eq!(ready.len(), 2);
    });
}

#[test]
fn kinds_may_be_mixed() {
    support::virtual_hub(|| {
        let job = spawn(|| sleep(ms(4)));
        let timer = Timer::new(ms(1), || ());
        assert_eq!(wait(&[&job, &timer], None, None), [1, 0]);
        assert_eq!(iwait(&[&job, &timer]).count(), 2);
    });
}

#[test]
fn one_object_twice_is_ready_twice() {
    support::virtual_hub(|| {
        let job = spawn(|| sleep(ms(1)));
        assert_eq!(wait(&[&job, &job], None, None), [0, 1]);
    });
}

#[test]
fn iwait_yields_each_as_it_becomes_ready_while_others_are_still_at_work() {
    support::hub(|| {
        let all = [(); 3].map(|()| spawn(thread::park));
        let objects: Vec<&dyn Waitable> = all.iter().map(|handle| handle as &dyn Waitable).collect();
        let mut ready = iwait(&objects);
        all[1].thread().unpark();
        assert_eq!(ready.next(), Some(1));
        assert!(!all[0].is_finished());
        all[2].thread().unpark();
        all[0].thread().unpark();
        assert_eq!(ready.collect::<Vec<_>>(), [2, 0]);
    });
}

#[test]
fn dropping_iwait_unlinks_it_from_all() {
    support::hub(|| {
        let all: Vec<_> = (0..100).map(|_| spawn(thread::park)).collect();
        let objects: Vec<&dyn Waitable> = all.iter().map(|handle| handle as &dyn Waitable).collect();
        for _ in 0..1_000 {
            assert!(timeout(Duration::ZERO, || iwait(&objects).next()).is_err());
        }
        let mut ready = iwait(&objects);
        all[7].thread().unpark();
        assert_eq!(ready.next(), Some(7));
        drop(ready);
        killall(&all);
    });
}

#[test]
fn several_may_wait_for_the_same_objects() {
    support::hub(|| {
        let objects = Rc::new(ending_after([2, 1]));
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let objects = objects.clone();
                spawn(move || wait(&[&objects[0], &objects[1]], None, None))
            })
            .collect();
        for ready in try_joinall(waiters).unwrap() {
            assert_eq!(ready, [1, 0]);
        }
    });
}

#[test]
fn killall_of_the_unstarted_the_parked_and_the_finished_returns() {
    support::hub(|| {
        let finished = spawn(|| ());
        let parked = spawn(thread::park);
        yield_now();
        let unstarted = spawn(|| ());
        killall(&[finished, parked, unstarted]);
        assert_eq!(thread::active_count(), 0);
        killall::<()>(&[]);
    });
}
