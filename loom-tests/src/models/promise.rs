//! Models of `src/executor/promise.rs`.

use loom::sync::Arc;

use super::rest::Rest;
use super::{beside, check};
use crate::executor::promise::{Progress, Promise};
use crate::park::line::How;
use crate::park::seat::{Manner, Victim, WaitingFor, unless_killed};

/// Loom looks at each for leaks.
type Value = Arc<u8>;

fn promise() -> Arc<Promise<(), Value>> {
    Arc::new(Promise::new(()))
}

fn keep(promise: &Promise<(), Value>) -> Option<Value> {
    promise.begin()?;
    promise.finish(Arc::new(1))
}

fn wait(promise: &Promise<(), Value>) {
    let how = How { manner: Manner::Infallible, what: WaitingFor::Job, limit: None };
    assert_eq!(promise.wait(how), Ok(true));
}

/// Preemptions: 3. Seen to fail with a `finish` that tells nobody.
#[test]
fn the_value_is_there_for_one_who_comes_to_wait_meanwhile() {
    check(3, || {
        let promise = promise();
        let worker = beside(&promise, keep);
        wait(&promise);
        assert_eq!(promise.take().as_deref(), Some(&1));
        assert!(worker.join().unwrap().is_none());
    });
}

/// Preemptions: 3. Seen to fail with a `begin` that leaves the stage it found as running.
#[test]
fn of_two_who_begin_one_has_the_job() {
    check(3, || {
        let promise = promise();
        let worker = beside(&promise, |promise| {
            let has_job = promise.begin().is_some();
            if has_job {
                promise.finish(Arc::new(1));
            }
            has_job
        });
        if promise.begin().is_some() {
            assert!(!worker.join().unwrap());
        } else {
            assert!(worker.join().unwrap());
            assert_eq!(promise.take().as_deref(), Some(&1));
        }
    });
}

/// Preemptions: 3. Seen to fail with a `disown` that takes the value before it says that nobody wants it.
#[test]
fn a_value_that_meets_a_disowner_comes_to_one_of_the_two() {
    check(3, || {
        let promise = promise();
        let worker = beside(&promise, keep);
        let mine = promise.disown();
        let the_workers = worker.join().unwrap();
        assert!(mine.is_some() != the_workers.is_some());
        assert!(promise.take().is_none());
    });
}

/// Preemptions: 2. Seen to fail with a `finish` that tells but the first.
#[test]
fn one_who_is_told_and_killed_leaves_the_value_to_the_others() {
    check(2, || {
        let (promise, victim) = (promise(), Victim::to_be());
        let killed = beside(&promise, {
            let victim = victim.clone();
            move |promise| {
                victim.take_place();
                unless_killed(|| wait(promise));
            }
        });
        let other = beside(&promise, |promise| {
            wait(promise);
            promise.take().is_some()
        });
        assert!(keep(&promise).is_none());
        victim.kill();
        killed.join().unwrap();
        assert!(other.join().unwrap());
    });
}

/// Preemptions: 3. Seen to fail with a `finish` that asks whether anybody watches before it takes the latch.
#[test]
fn the_value_is_there_for_one_who_comes_to_watch_meanwhile() {
    check(3, || {
        let promise = promise();
        let worker = beside(&promise, keep);
        let rest = Rest::new();
        promise.watchers().add(rest.waker());
        while promise.progress() != Progress::Done {
            rest.sleep();
        }
        worker.join().unwrap();
        assert!(promise.take().is_some());
    });
}
