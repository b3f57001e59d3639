//! What can happen to who is parked, and what must come of it, for every row.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use greenroom::thread::{Cancelled, JoinError};
use greenroom::{Elapsed, JoinHandle, sleep, spawn, timeout, yield_now};

use super::rows::ROWS;
use super::{Manner, Row, Stage};
use crate::support::{self, OnDrop, Tally, error_of, ms};

/// What the call returned, once it has.
type Outcome = Rc<RefCell<Option<io::Result<()>>>>;

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
        let neighbour = spawn(|| {
            (0..5).for_each(|_| sleep(ms(1)));
            assert!(!std::thread::panicking());
            77
        });
        Run { row, stage: Rc::default(), neighbour, tally: Tally::new(), outcome: Outcome::default() }
    }

    /// A green thread that makes the call, by way of `around`.
    fn spawn(&self, around: impl FnOnce(&mut dyn FnMut()) + 'static) -> JoinHandle<()> {
        let mut call = (self.row.prepare)(&self.stage);
        let (value, outcome) = (self.tally.one(), self.outcome.clone());
        spawn(move || {
            let _value = value;
            around(&mut || *outcome.borrow_mut() = Some(call()));
        })
    }

    /// As [`spawn`](Self::spawn), and it has come to its wait.
    fn parked(&self, around: impl FnOnce(&mut dyn FnMut()) + 'static) -> JoinHandle<()> {
        let victim = self.spawn(around);
        yield_now();
        assert!(!victim.is_finished(), "{}: the call does not park", self.row.name);
        victim
    }

    fn settle(&self) {
        sleep(ms(1));
        yield_now();
    }

    /// Everybody is unharmed, and what the victims held has been dropped once.
    fn assert_clean(self, victims: usize) {
        self.stage.over.set(true);
        let name = self.row.name;
        assert_eq!(self.neighbour.join().expect(name), 77, "{name}");
        assert_eq!((self.tally.alive(), self.tally.dropped()), (0, victims), "{name}");
    }
}

/// Runs a scenario for every row, each in a hub of its own; a failure names the row.
#[track_caller]
fn for_every_row(scenario: fn(&'static Row)) {
    for row in ROWS {
        let begun = Instant::now();
        support::hub(|| scenario(row));
        assert!(begun.elapsed() < ms(20_000), "{} took {:?}", row.name, begun.elapsed());
    }
}

fn join_of(victim: JoinHandle<()>, row: &Row) -> JoinError {
    victim.join().map(|()| panic!("{}: the victim went on", row.name)).unwrap_err()
}

#[test]
fn a_panic_beside_it_does_not_end_a_wait() {
    for_every_row(|row| {
        let run = Run::of(row);
        let victim = run.parked(|call| call());
        assert!(error_of(spawn(|| panic!("on purpose"))).is_panic());
        run.settle();
        if row.manner != Manner::FallibleAndBrief {
            assert!(!victim.is_finished(), "{}: {:?}", row.name, run.outcome.borrow());
        }
        victim.kill();
        victim.wait();
        run.assert_clean(1);
    });
}

#[test]
fn a_kill_unwinds_every_wait() {
    for_every_row(|row| {
        let run = Run::of(row);
        let victim = run.parked(|call| call());
        victim.kill();
        victim.kill();
        assert!(join_of(victim, row).is_killed(), "{}", row.name);
        assert!(run.outcome.borrow().is_none(), "{} returned all the same", row.name);
        run.assert_clean(1);
    });
}

#[test]
fn a_cancel_fails_what_can_fail_ends_sleeps_and_leaves_the_rest() {
    for_every_row(|row| {
        let run = Run::of(row);
        let victim = run.parked(|call| call());
        victim.cancel();
        run.settle();
        match (row.manner, run.outcome.take()) {
            (Manner::Fallible, Some(Err(error))) => assert_cancelled(row, &error),
            (Manner::FallibleAndBrief, Some(Err(error))) => assert_cancelled(row, &error),
            (Manner::Sleep, Some(Ok(()))) | (Manner::Infallible, None) => {}
            (_, outcome) => panic!("{}: cancelled, it came to {outcome:?}", row.name),
        }
        victim.kill();
        victim.wait();
        run.assert_clean(1);
    });
}

#[track_caller]
fn assert_cancelled(row: &Row, error: &io::Error) {
    let inner = error.get_ref().is_some_and(|inner| inner.is::<Cancelled>());
    assert!(inner && error.kind() != io::ErrorKind::Interrupted, "{}: {error:?}", row.name);
}

#[test]
fn a_call_made_after_a_cancel_ends_in_the_same_way() {
    for_every_row(|row| {
        let run = Run::of(row);
        let victim = run.spawn(|call| call());
        victim.cancel();
        run.settle();
        match (row.manner, run.outcome.take()) {
            (Manner::Fallible, Some(Err(error))) => assert_cancelled(row, &error),
            (Manner::FallibleAndBrief, Some(Err(error))) => assert_cancelled(row, &error),
            (Manner::Sleep, Some(Ok(()))) | (Manner::Infallible, None) => {}
            (_, outcome) => panic!("{}: cancelled before, it came to {outcome:?}", row.name),
        }
        victim.kill();
        victim.wait();
        run.assert_clean(1);
    });
}

#[test]
fn an_expiry_fails_what_can_fail_and_unwinds_the_rest_and_is_the_scopes_error() {
    for_every_row(|row| {
        let run = Run::of(row);
        let ended: Rc<RefCell<Option<Result<(), Elapsed>>>> = Rc::default();
        let note = ended.clone();
        let victim = run.parked(move |call| {
            let limit = ms(1);
            *note.borrow_mut() = Some(timeout(limit, call));
            let begun = Instant::now();
            sleep(limit);
            assert!(begun.elapsed() >= limit, "the scope is over and disturbs nobody");
        });
        victim.join().expect(row.name);
        match (row.manner, ended.take(), run.outcome.take()) {
            (Manner::Fallible | Manner::FallibleAndBrief, Some(Err(_)), Some(Err(error))) => {
                let inner = error.get_ref().is_some_and(|inner| inner.is::<Elapsed>());
                assert!(inner && error.kind() == io::ErrorKind::TimedOut, "{}: {error:?}", row.name);
            }
            (Manner::FallibleAndBrief, Some(Ok(())), Some(_)) => {}
            (Manner::Infallible | Manner::Sleep, Some(Err(_)), None) => {}
            (_, scope, outcome) => panic!("{}: the scope gave {scope:?}, the call {outcome:?}", row.name),
        }
        run.assert_clean(1);
    });
}

#[test]
fn a_destructor_that_makes_the_call_while_its_green_thread_unwinds_gets_out_of_it_at_once() {
    for_every_row(|row| {
        for panics in [false, true] {
            let run = Run::of(row);
            let mut again = (row.prepare)(&run.stage);
            let out = Rc::new(RefCell::new(None));
            let note = out.clone();
            let parks = OnDrop(move || *note.borrow_mut() = Some(again()));
            let victim = run.parked(move |call| {
                let _parks = parks;
                if panics {
                    yield_now();
                    panic!("on purpose");
                }
                call();
            });
            if !panics {
                victim.kill();
            }
            let error = join_of(victim, row);
            assert_eq!((error.is_killed(), error.is_panic()), (!panics, panics), "{}: {error:?}", row.name);
            match (row.manner, out.take()) {
                (Manner::Fallible | Manner::FallibleAndBrief, Some(Err(_))) => {}
                (Manner::Infallible | Manner::Sleep, Some(Ok(()))) => {}
                (_, outcome) => panic!("{}: while unwinding it came to {outcome:?}", row.name),
            }
            run.assert_clean(1);
        }
    });
}

#[test]
fn a_wait_outlives_its_runtime_by_nothing() {
    for_every_row(|row| {
        let run = Run::of(row);
        // Nobody ends this one: the hub does, at its end. A daemon, since `run` waits for all others.
        let mut call = (row.prepare)(&run.stage);
        let value = run.tally.one();
        let body = move || {
            let _value = value;
            drop(call());
        };
        greenroom::thread::Builder::new().daemon(true).spawn(body).unwrap();
        yield_now();
        run.stage.over.set(true);
        assert_eq!(run.neighbour.join().unwrap(), 77);
    });
}
