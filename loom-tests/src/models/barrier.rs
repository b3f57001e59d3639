//! Models of `src/sync/barrier/raw.rs`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use super::{beside, check};
use crate::park::seat::{Victim, unless_killed};
use crate::sync::barrier::RawBarrier;

/// A barrier, and how many have come to it.
struct Counted {
    barrier: RawBarrier,
    come: AtomicUsize,
}

impl Counted {
    fn new(size: usize) -> Arc<Counted> {
        Arc::new(Counted { barrier: RawBarrier::new(size), come: AtomicUsize::new(0) })
    }

    /// Passes once `all` have come; true for the leader.
    fn pass(&self, all: usize) -> bool {
        self.come.fetch_add(1, Ordering::Relaxed);
        let leads = self.barrier.wait();
        assert!(self.come.load(Ordering::Relaxed) >= all);
        leads
    }
}

/// Preemptions: 3. Seen to fail with a `wait` that leaves the count of those who have come when it opens.
#[test]
fn nobody_passes_before_all_have_come_time_after_time() {
    check(3, || {
        let counted = Counted::new(2);
        let other = beside(&counted, |counted| [counted.pass(2), counted.pass(4)]);
        let led = [counted.pass(2), counted.pass(4)];
        let other_led = other.join().unwrap();
        assert!((0..2).all(|round| led[round] != other_led[round]));
    });
}

/// Preemptions: 2. Seen to fail with a `wait` that opens for one less.
#[test]
fn one_of_three_leads() {
    check(2, || {
        let counted = Counted::new(3);
        let others = [0, 1].map(|_| beside(&counted, |counted| counted.pass(3)));
        let mut leaders = usize::from(counted.pass(3));
        for other in others {
            leaders += usize::from(other.join().unwrap());
        }
        assert_eq!(leaders, 1);
    });
}

/// Preemptions: 3. Seen to fail with a `left` that does not count back.
#[test]
fn one_who_is_killed_has_not_come() {
    check(3, || {
        let (counted, victim) = (Counted::new(2), Victim::to_be());
        let killed = beside(&counted, {
            let victim = victim.clone();
            move |counted| {
                victim.take_place();
                unless_killed(|| counted.barrier.wait())
            }
        });
        victim.kill();
        assert_eq!(killed.join().unwrap(), None);
        let other = beside(&counted, |counted| counted.pass(2));
        assert!(counted.pass(2) != other.join().unwrap());
    });
}
