//! Models of `src/sync/semaphore/raw.rs`.

use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use super::rest::Rest;
use super::{beside, check};
use crate::park::seat::{Seat, Victim, unless_killed};
use crate::sync::semaphore::{MOST, RawSemaphore};

/// Something that only who has the one permit may touch.
struct Guarded {
    semaphore: RawSemaphore,
    cell: UnsafeCell<()>,
}

impl Guarded {
    fn new(permits: usize) -> Arc<Guarded> {
        Arc::new(Guarded { semaphore: RawSemaphore::new(permits, MOST), cell: UnsafeCell::new(()) })
    }

    fn acquire(&self) {
        assert!(self.semaphore.acquire(|| None));
    }

    fn acquire_soon(&self) -> bool {
        self.semaphore.acquire(|| Seat::here().limit(Duration::ZERO))
    }

    fn give(&self, permits: usize) {
        assert!(self.semaphore.add(permits));
    }

    fn touch(&self) {
        self.acquire();
        self.cell.with_mut(|_| ());
        self.give(1);
    }

    fn touch_soon(&self) {
        if self.acquire_soon() {
            self.cell.with_mut(|_| ());
            self.give(1);
        }
    }

    /// All permits that there are.
    fn drain(&self) -> usize {
        std::iter::from_fn(|| self.semaphore.try_acquire().then_some(())).count()
    }
}

/// Preemptions: 3. Seen to fail with a relaxed exchange in `add`.
#[test]
fn two_who_acquire_the_one_permit_exclude_each_other() {
    check(3, || {
        let guarded = Guarded::new(1);
        let other = beside(&guarded, |guarded| {
            guarded.touch();
            guarded.touch();
        });
        guarded.touch();
        other.join().unwrap();
        assert_eq!(guarded.drain(), 1);
    });
}

/// Preemptions: 2. Seen to fail with a `settle` that clears the mark though others stand in the line.
#[test]
fn three_who_acquire_the_one_permit_all_get_it() {
    check(2, || {
        let guarded = Guarded::new(1);
        let others = [0, 1].map(|_| beside(&guarded, Guarded::touch));
        guarded.touch();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(guarded.drain(), 1);
    });
}

/// Preemptions: 2. Seen to fail with a `hand_out` that gives a single permit.
#[test]
fn two_permits_given_at_once_let_two_go_on() {
    check(2, || {
        let guarded = Guarded::new(0);
        let others = [0, 1].map(|_| beside(&guarded, Guarded::acquire));
        guarded.give(2);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(guarded.drain(), 0);
    });
}

/// Preemptions: 3. Seen to fail with a `line::wait` that ends at its limit whatever it was told.
#[test]
fn a_permit_given_to_one_whose_time_is_over_is_had_or_kept() {
    check(3, || {
        let guarded = Guarded::new(0);
        let giver = beside(&guarded, |guarded| guarded.give(1));
        let had = guarded.acquire_soon();
        giver.join().unwrap();
        assert_eq!(guarded.drain(), usize::from(!had));
    });
}

/// Preemptions: 2. Seen to fail with a `left` that clears the mark though others stand in the line.
#[test]
fn one_whose_time_is_over_leaves_the_permits_to_the_others() {
    check(2, || {
        let guarded = Guarded::new(0);
        let hasty = beside(&guarded, Guarded::touch_soon);
        let patient = beside(&guarded, Guarded::touch);
        guarded.give(1);
        hasty.join().unwrap();
        patient.join().unwrap();
        assert_eq!(guarded.drain(), 1);
    });
}

/// Preemptions: 2. Seen to fail with a `pass_on` that does nothing.
#[test]
fn a_permit_of_one_who_is_killed_goes_to_the_next() {
    check(2, || {
        let (guarded, victim) = (Guarded::new(0), Victim::to_be());
        let killed = beside(&guarded, {
            let victim = victim.clone();
            move |guarded| {
                victim.take_place();
                unless_killed(|| guarded.touch());
            }
        });
        let other = beside(&guarded, Guarded::touch);
        victim.kill();
        guarded.give(1);
        killed.join().unwrap();
        other.join().unwrap();
        assert_eq!(guarded.drain(), 1);
    });
}

/// Preemptions: 3. Seen to fail with an `is_ready_after_watching` that leaves no mark.
#[test]
fn a_permit_is_seen_by_one_who_comes_to_watch_meanwhile() {
    check(3, || {
        let guarded = Guarded::new(0);
        let giver = beside(&guarded, |guarded| guarded.give(1));
        let rest = Rest::new();
        guarded.semaphore.watchers().add(rest.waker());
        while !guarded.semaphore.is_ready_after_watching() {
            rest.sleep();
        }
        giver.join().unwrap();
    });
}
