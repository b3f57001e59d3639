//! Models of `src/sync/mutex/raw.rs`.

use std::panic::Location;
use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use super::{beside, check};
use crate::park::seat::{self, Victim, unless_killed};
use crate::sync::mutex::raw::{Held, RawMutex, Wish};

/// A number behind the lock. Loom sees two who touch it at once, or one who does not see what the other did.
struct Locked {
    raw: RawMutex,
    number: UnsafeCell<u32>,
}

impl Locked {
    fn new() -> Arc<Locked> {
        Arc::new(Locked { raw: RawMutex::new(), number: UnsafeCell::new(0) })
    }

    fn lock(&self) -> Held {
        self.raw.lock(|| Wish::Always, Location::caller()).expect("a lock without a limit is taken")
    }

    fn lock_soon(&self) -> Option<Held> {
        self.raw.lock(|| Wish::within(Duration::ZERO), Location::caller())
    }

    fn add(&self) {
        let held = self.lock();
        self.touch();
        self.raw.unlock(held);
    }

    /// Whoever calls has the lock.
    fn touch(&self) {
        // A use that is not written as a dereference: the cell notes the access, which is what counts.
        self.number.with_mut(|_| ());
    }

    fn is_free(&self) -> bool {
        self.raw.try_lock(Location::caller()).is_some()
    }
}

/// Preemptions: 3. Seen to fail with a relaxed exchange in `unlock`.
#[test]
fn two_who_lock_exclude_each_other() {
    check(3, || {
        let locked = Locked::new();
        let other = beside(&locked, |locked| {
            for _ in 0..2 {
                locked.add();
            }
        });
        locked.add();
        other.join().unwrap();
        assert!(locked.is_free());
    });
}

/// Preemptions: 2. Seen to fail with a lock taken without the mark though others stand in the line.
#[test]
fn three_who_lock_all_get_it() {
    check(2, || {
        let locked = Locked::new();
        let others = [0, 1].map(|_| beside(&locked, Locked::add));
        locked.add();
        for other in others {
            other.join().unwrap();
        }
        assert!(locked.is_free());
    });
}

/// Preemptions: 3. Seen to fail with a `next` that hands the lock over and marks it as free.
#[test]
fn the_lock_is_handed_to_one_who_has_waited_for_long() {
    check(3, || {
        let locked = Locked::new();
        let held = locked.lock();
        let other = beside(&locked, |locked| {
            seat::become_impatient();
            locked.add();
        });
        locked.touch();
        locked.raw.unlock(held);
        locked.add();
        other.join().unwrap();
        assert!(locked.is_free());
    });
}

/// Preemptions: 2. Seen to fail with a `left` that clears the mark though others stand in the line.
#[test]
fn one_whose_time_is_over_leaves_the_lock_to_the_others() {
    check(2, || {
        let locked = Locked::new();
        let held = locked.lock();
        let hasty = beside(&locked, |locked| {
            if let Some(held) = locked.lock_soon() {
                locked.touch();
                locked.raw.unlock(held);
            }
        });
        let patient = beside(&locked, Locked::add);
        locked.raw.unlock(held);
        hasty.join().unwrap();
        patient.join().unwrap();
        assert!(locked.is_free());
    });
}

/// Preemptions: 3. Seen to fail with a `line::wait` that ends at its limit whatever it was told.
#[test]
fn a_lock_that_is_handed_to_one_whose_time_is_over_is_had_or_free() {
    check(3, || {
        let locked = Locked::new();
        let held = locked.lock();
        let hasty = beside(&locked, |locked| {
            seat::become_impatient();
            if let Some(held) = locked.lock_soon() {
                locked.touch();
                locked.raw.unlock(held);
            }
        });
        locked.touch();
        locked.raw.unlock(held);
        hasty.join().unwrap();
        assert!(locked.is_free());
    });
}

/// One waits and is killed, another waits; who has the lock kills the first, then lets go.
fn a_kill_leaves_the_lock_to_the_others(before: fn()) {
    let (locked, victim) = (Locked::new(), Victim::to_be());
    let held = locked.lock();
    let killed = beside(&locked, {
        let victim = victim.clone();
        move |locked| {
            victim.take_place();
            before();
            unless_killed(|| locked.add());
        }
    });
    let other = beside(&locked, Locked::add);
    victim.kill();
    locked.touch();
    locked.raw.unlock(held);
    killed.join().unwrap();
    other.join().unwrap();
    assert!(locked.is_free());
}

/// Preemptions: 2. Seen to fail with a `pass_on` that does nothing about those who were told to try.
#[test]
fn one_who_was_told_to_try_and_is_killed_leaves_the_lock_to_the_others() {
    check(2, || a_kill_leaves_the_lock_to_the_others(|| ()));
}

/// Preemptions: 2. Seen to fail with a `pass_on` that does nothing about those who were handed the lock.
#[test]
fn one_who_was_handed_the_lock_and_is_killed_leaves_it_to_the_others() {
    check(2, || a_kill_leaves_the_lock_to_the_others(seat::become_impatient));
}
