//! What can happen to who is parked, and what must come of it, for every row.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::queue::GetError;
use greenroom::thread::{Cancelled, JoinError};
use greenroom::{Elapsed, JoinHandle, Runtime, sleep, spawn, timeout, yield_now};

use super::rows::all;
use super::{Manner, Row, Stage};
use crate::support::{self, OnDrop, Tally, error_of, ms};

/// What the call returned, once it has.
type Outcome = Rc<RefCell<Option<io::Result<()>>>>;

/// Whether what was to happen happened during the wait. A brief one may be over too soon, and is tried again.
#[derive(PartialEq)]
enum Met {
    InTime,
    TooLate,
}

/// One run: a victim that is parked in the call of a row, and a neighbour that must not notice anything.
struct Run {
    row: &'static Row,
    stage: Rc<Stage>,
    neighbour: JoinHandle<u32>,
    tally: Tally,
    outcome: Outcome,
}

impl Run {
    fn of(row: &'static Row) -> Run {
        let stage = Rc::<Stage>::default();
        let shared = stage.clone();
        let neighbour = spawn(move || {
            (0..5).for_each(|_| sleep(ms(1)));
            while shared.unwinds.get() {
                sleep(ms(1));
            }
            assert!(!std::thread::panicking());
            77
        });
        Run { row, stage, neighbour, tally: Tally::new(), outcome: Outcome::default() }
    }

    /// A green thread that makes the call, by way of `around`.
    fn spawn(&self, around: impl FnOnce(&mut dyn FnMut()) + 'static) -> JoinHandle<()> {
        let mut call = (self.row.prepare)(&self.stage);
        let (value, outcome) = (self.tally.one(), self.outcome.clone());
        spawn(move || {
            let _value = value;
            around(&mut || {
                let returned = call();
                *outcome.borrow_mut() = Some(returned);
            });
        })
    }

    /// As [`spawn`](Self::spawn), and it has come to its wait; None if that is over already.
    fn parked(&self, around: impl FnOnce(&mut dyn FnMut()) + 'static) -> Option<JoinHandle<()>> {
        let victim = self.spawn(around);
        yield_now();
        if self.outcome.borrow().is_none() && !victim.is_finished() {
            return Some(victim);
        }
        let (name, outcome) = (self.row.name, self.outcome.borrow());
        assert!(self.row.manner == Manner::FallibleAndBrief, "{name}: the call does not park: {outcome:?}");
        victim.kill();
        victim.wait();
        None
    }

    /// Waits for the end of a victim that makes the call while it unwinds.
    fn wait_for_unwinding(&self, victim: &JoinHandle<()>) {
        if self.row.manner == Manner::Lock {
            self.stage.unwinds.set(true);
            self.settle();
            assert!(!victim.is_finished(), "{}: it did not wait for the lock", self.row.name);
            self.stage.over.set(true);
        }
        victim.wait();
        self.stage.unwinds.set(false);
    }

    fn settle(&self) {
        sleep(ms(1));
        yield_now();
    }

    /// Ends the victim, if it has not; everybody else is unharmed, and what it held has been dropped once.
    fn assert_clean_after(self, victim: JoinHandle<()>) -> Met {
        victim.kill();
        victim.wait();
        self.stage.over.set(true);
        let name = self.row.name;
        assert_eq!(self.neighbour.join().expect(name), 77, "{name}");
        assert_eq!((self.tally.alive(), self.tally.dropped()), (0, 1), "{name}");
        Met::InTime
    }
}

/// Runs a scenario for every row, each in a hub of its own; a failure names the row.
#[track_caller]
fn for_every_row(scenario: fn(Run) -> Met) {
    for row in all() {
        let begun = Instant::now();
        // The answer of a look-up may come before the caller parks, on a busy machine many times over.
        while support::hub(|| scenario(Run::of(row))) != Met::InTime {
            assert!(begun.elapsed() < ms(60_000), "{}: it was never met in its wait", row.name);
        }
    }
}

fn join_of(victim: JoinHandle<()>, row: &Row) -> JoinError {
    match victim.join() {
        Err(error) => error,
        Ok(()) => panic!("{}: the victim went on", row.name),
    }
}

#[test]
fn a_panic_beside_it_does_not_end_a_wait() {
    for_every_row(|run| {
        let Some(victim) = run.parked(|call| call()) else { return Met::TooLate };
        assert!(error_of(spawn(|| panic!("on purpose"))).is_panic());
        if run.row.manner != Manner::FallibleAndBrief {
            run.settle();
            assert!(!victim.is_finished(), "{}: {:?}", run.row.name, run.outcome.borrow());
        }
        run.assert_clean_after(victim)
    });
}

#[test]
fn a_kill_unwinds_every_wait() {
    for_every_row(|run| {
        let Some(victim) = run.parked(|call| call()) else { return Met::TooLate };
        victim.kill();
        victim.kill();
        victim.wait();
        assert!(run.outcome.borrow().is_none(), "{} returned all the same", run.row.name);
        assert!(join_of(victim, run.row).is_killed(), "{}", run.row.name);
        run.assert_clean_after(spawn(|| ()))
    });
}

#[test]
fn a_cancel_fails_what_can_fail_ends_sleeps_and_leaves_the_rest() {
    for_every_row(|run| {
        let Some(victim) = run.parked(|call| call()) else { return Met::TooLate };
        victim.cancel();
        run.settle();
        assert_cancelled(run.row, run.outcome.take());
        run.assert_clean_after(victim)
    });
}

#[test]
fn a_call_made_after_a_cancel_ends_in_the_same_way() {
    for_every_row(|run| {
        let victim = run.spawn(|call| call());
        victim.cancel();
        run.settle();
        match (run.row.manner, run.outcome.take()) {
            // It need not have waited at all.
            (Manner::FallibleAndBrief, Some(Ok(())) | None) => {}
            (_, outcome) => assert_cancelled(run.row, outcome),
        }
        run.assert_clean_after(victim)
    });
}

#[track_caller]
fn assert_cancelled(row: &Row, outcome: Option<io::Result<()>>) {
    match (row.manner, outcome) {
        (Manner::Fallible | Manner::FallibleAndBrief, Some(Err(error))) => {
            let inner = error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()) || is_a_queues(&error);
            assert!(inner && error.kind() != io::ErrorKind::Interrupted, "{}: {error:?}", row.name);
        }
        (Manner::Sleep, Some(Ok(()))) | (Manner::Infallible | Manner::Lock, None) => {}
        (_, outcome) => panic!("{}: cancelled, it came to {outcome:?}", row.name),
    }
}

/// Queues have one word for both.
fn is_a_queues(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<GetError>());
    inner == Some(&GetError::Interrupted)
}

#[test]
fn an_expiry_fails_what_can_fail_and_unwinds_the_rest_and_is_the_scopes_error() {
    for_every_row(|run| {
        let scope: Rc<Cell<Result<(), Elapsed>>> = Rc::new(Cell::new(Ok(())));
        let note = scope.clone();
        let limit = if run.row.manner == Manner::FallibleAndBrief { Duration::ZERO } else { ms(1) };
        let victim = run.spawn(move |call| {
            note.set(timeout(limit, call));
            let begun = Instant::now();
            sleep(ms(1));
            assert!(begun.elapsed() >= ms(1), "the scope is over and disturbs nobody");
        });
        victim.wait();
        match (run.row.manner, scope.get(), run.outcome.take()) {
            // The second: the answer came together with the expiry.
            (Manner::FallibleAndBrief, Ok(()) | Err(_), Some(Ok(()))) => return Met::TooLate,
            (Manner::Fallible | Manner::FallibleAndBrief, Err(_), Some(Err(error))) => {
                let inner = error.get_ref().is_some_and(|inner| inner.is::<Elapsed>());
                let told = inner && error.kind() == io::ErrorKind::TimedOut;
                assert!(told || is_a_queues(&error), "{}: {error:?}", run.row.name);
            }
            (Manner::Infallible | Manner::Lock | Manner::Sleep, Err(_), None) => {}
            (_, scope, outcome) => {
                panic!("{}: the scope gave {scope:?}, the call {outcome:?}", run.row.name)
            }
        }
        victim.join().expect(run.row.name);
        run.assert_clean_after(spawn(|| ()))
    });
}

#[test]
fn a_destructor_that_makes_the_call_while_a_kill_unwinds_gets_out_of_it() {
    for_every_row(|run| {
        let (parks, out) = parks_when_dropped(&run);
        let victim = run.parked(move |call| {
            let _parks = parks;
            call();
        });
        let Some(victim) = victim else { return Met::TooLate };
        victim.kill();
        run.wait_for_unwinding(&victim);
        assert_refused(run.row, out.take());
        assert!(join_of(victim, run.row).is_killed(), "{}", run.row.name);
        run.assert_clean_after(spawn(|| ()))
    });
}

#[test]
fn a_destructor_that_makes_the_call_while_a_panic_unwinds_gets_out_of_it() {
    for_every_row(|run| {
        let (parks, out) = parks_when_dropped(&run);
        let victim = run.spawn(move |_| {
            let _parks = parks;
            panic!("on purpose");
        });
        run.wait_for_unwinding(&victim);
        assert_refused(run.row, out.take());
        assert!(join_of(victim, run.row).is_panic(), "{}", run.row.name);
        run.assert_clean_after(spawn(|| ()))
    });
}

/// Makes the call of the row when it is dropped; and where to read what that came to.
fn parks_when_dropped(run: &Run) -> (impl Drop + 'static, Outcome) {
    let mut again = (run.row.prepare)(&run.stage);
    let out = Outcome::default();
    let note = out.clone();
    let parks = OnDrop(move || {
        let returned = again();
        *note.borrow_mut() = Some(returned);
    });
    (parks, out)
}

#[track_caller]
fn assert_refused(row: &Row, outcome: Option<io::Result<()>>) {
    match (row.manner, outcome) {
        (Manner::Fallible | Manner::FallibleAndBrief, Some(Err(_))) => {}
        (Manner::Infallible | Manner::Lock | Manner::Sleep, Some(Ok(()))) => {}
        // What does not have to wait succeeds, unwinding or not.
        (Manner::FallibleAndBrief, Some(Ok(()))) => {}
        (_, outcome) => panic!("{}: while unwinding it came to {outcome:?}", row.name),
    }
}

#[test]
fn the_end_of_the_runtime_unwinds_every_wait() {
    for row in all() {
        support::watch(|| {
            let runtime = Runtime::new().unwrap();
            let run = Run::of(row);
            drop(run.parked(|call| call()));
            // Those that were made to outlive a kill are another test's business.
            run.stage.over.set(true);
            drop(runtime);
            assert_eq!((run.tally.alive(), run.tally.dropped()), (0, 1), "{}", row.name);
            assert!(run.neighbour.is_finished());
        });
    }
}
