//! Models of `src/park/slot.rs`, together with the signal that follows a put or a close.

use loom::sync::Arc;
use loom::thread;

use super::check;
use super::sleeper::Sleeper;
use crate::inbox::Signal;
use crate::slot::{Slot, Taken};

/// Looks again after each signal, until there is an answer.
fn receive<T>(hub: &Sleeper, slot: &Slot<T>) -> Option<T> {
    loop {
        match slot.take() {
            Taken::Value(value) => return Some(value),
            Taken::Gone => return None,
            Taken::Pending => hub.turn(|_| ()),
        }
    }
}

/// No race, no fault planted: what the calls mean.
#[test]
fn a_value_is_taken_once() {
    check(3, || {
        let slot = Slot::new();
        assert_eq!(slot.take(), Taken::Pending);
        slot.put(1);
        slot.put(2);
        slot.close();
        assert_eq!(slot.take(), Taken::Value(1));
        assert_eq!(slot.take(), Taken::Gone);
        slot.put(3);
        assert_eq!(slot.take(), Taken::Gone);
    });
}

/// Preemptions: 3. Seen to fail with a relaxed store of `FULL`.
#[test]
fn a_value_is_seen_by_a_receiver_that_looks_after_the_signal() {
    check(3, || {
        let (hub, slot) = (Sleeper::new(), Arc::new(Slot::new()));
        let sender = thread::spawn({
            let (hub, slot) = (hub.clone(), slot.clone());
            move || {
                slot.put(Arc::new("made elsewhere"));
                slot.close();
                hub.send(&Signal::new(1));
            }
        });
        assert_eq!(receive(&hub, &slot).as_deref(), Some(&"made elsewhere"));
        sender.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `close` that does nothing.
#[test]
fn the_end_of_the_sender_is_seen_by_a_receiver_that_looks_after_the_signal() {
    check(3, || {
        let (hub, slot) = (Sleeper::new(), Arc::new(Slot::<u8>::new()));
        let sender = thread::spawn({
            let (hub, slot) = (hub.clone(), slot.clone());
            move || {
                slot.close();
                hub.send(&Signal::new(1));
            }
        });
        assert_eq!(receive(&hub, &slot), None);
        sender.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `put` that forgets its value: loom reports the leak.
#[test]
fn a_value_that_meets_a_receiver_who_leaves_is_dropped() {
    check(3, || {
        let slot = Arc::new(Slot::new());
        let sender = thread::spawn({
            let slot = slot.clone();
            move || slot.put(Arc::new("too late"))
        });
        slot.close();
        drop(slot);
        sender.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with `put` changing the state by a load and a store: both touch the cell.
#[test]
fn of_two_puts_one_is_taken() {
    check(3, || {
        let slot = Arc::new(Slot::new());
        let sender = thread::spawn({
            let slot = slot.clone();
            move || slot.put(1)
        });
        slot.put(2);
        sender.join().unwrap();
        assert!(matches!(slot.take(), Taken::Value(1 | 2)));
        assert_eq!(slot.take(), Taken::Gone);
    });
}
