//! Models of `src/sync/event/raw.rs`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use super::rest::Rest;
use super::{beside, check};
use crate::park::seat::{Victim, WaitingFor, unless_killed};
use crate::sync::event::RawEvent;

/// An event, and something that is written before it is set.
struct Announced {
    event: RawEvent,
    letter: AtomicUsize,
}

impl Announced {
    fn new() -> Arc<Announced> {
        Arc::new(Announced { event: RawEvent::new(), letter: AtomicUsize::new(0) })
    }

    fn announce(&self) {
        self.letter.store(1, Ordering::Relaxed);
        self.event.set();
    }

    fn wait(&self) {
        assert!(self.event.wait(WaitingFor::Event, || None));
    }

    fn has_letter(&self) -> bool {
        self.letter.load(Ordering::Relaxed) == 1
    }
}

/// Preemptions: 3. Seen to fail with a wait that does not look again under the latch.
#[test]
fn a_set_is_seen_by_one_who_comes_to_wait_meanwhile() {
    check(3, || {
        let announced = Announced::new();
        let setter = beside(&announced, Announced::announce);
        announced.wait();
        assert!(announced.has_letter());
        setter.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a relaxed store of the flag.
#[test]
fn what_was_written_before_a_set_is_seen_by_one_who_only_looks() {
    check(3, || {
        let announced = Announced::new();
        let setter = beside(&announced, Announced::announce);
        assert!(!announced.event.is_set() || announced.has_letter());
        setter.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `clear` without the latch.
#[test]
fn one_who_clears_and_finds_nothing_is_told() {
    check(3, || {
        let announced = Announced::new();
        let setter = beside(&announced, Announced::announce);
        announced.event.clear();
        if !announced.has_letter() {
            announced.wait();
            assert!(announced.has_letter());
        }
        setter.join().unwrap();
    });
}

/// Preemptions: 2. Seen to fail with a `set` that tells but the first.
#[test]
fn one_who_is_told_and_killed_keeps_nobody_waiting() {
    check(2, || {
        let (announced, victim) = (Announced::new(), Victim::to_be());
        let killed = beside(&announced, {
            let victim = victim.clone();
            move |announced| {
                victim.take_place();
                unless_killed(|| announced.wait());
            }
        });
        let other = beside(&announced, Announced::wait);
        announced.event.set();
        victim.kill();
        announced.event.clear();
        announced.event.set();
        killed.join().unwrap();
        other.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with an `is_set_after_watching` that looks without the latch.
#[test]
fn a_set_is_seen_by_one_who_comes_to_watch_meanwhile() {
    check(3, || {
        let announced = Announced::new();
        let setter = beside(&announced, Announced::announce);
        let rest = Rest::new();
        announced.event.watchers().add(rest.waker());
        while !announced.event.is_set_after_watching() {
            rest.sleep();
        }
        assert!(announced.has_letter());
        setter.join().unwrap();
    });
}
