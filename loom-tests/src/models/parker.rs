//! Models of `src/park/parker.rs`.

use std::time::Instant;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use super::{beside, check};
use crate::park::parker::Parker;

/// Preemptions: 3. Seen to fail with an `unpark` that rings before it sets the bit.
#[test]
fn an_unpark_before_while_or_after_the_park_ends_it() {
    check(3, || {
        let shared = Arc::new((Parker::new(), AtomicUsize::new(0)));
        let unparker = beside(&shared, |(parker, letter)| {
            letter.store(1, Ordering::Relaxed);
            parker.unpark();
        });
        assert!(shared.0.park(None));
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        unparker.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `park` that leaves the bit as it is.
#[test]
fn a_park_takes_the_bit() {
    check(3, || {
        let parker = Arc::new(Parker::new());
        let unparker = beside(&parker, Parker::unpark);
        assert!(parker.park(None));
        unparker.join().unwrap();
        assert!(!parker.park(Some(Instant::now())));
    });
}

/// Preemptions: 3. Seen to fail with a `park` that takes the bit when it begins, told or not.
#[test]
fn of_two_unparks_the_second_is_seen_by_some_park() {
    check(3, || {
        let shared = Arc::new((Parker::new(), [AtomicUsize::new(0), AtomicUsize::new(0)]));
        let unparkers = [0, 1].map(|number| {
            beside(&shared, move |(parker, letters)| {
                letters[number].store(1, Ordering::Relaxed);
                parker.unpark();
            })
        });
        while shared.1.iter().map(|letter| letter.load(Ordering::Relaxed)).sum::<usize>() < 2 {
            shared.0.park(None);
        }
        for unparker in unparkers {
            unparker.join().unwrap();
        }
    });
}
