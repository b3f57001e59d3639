//! Models of `src/hub/inbox.rs`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::check;
use super::sleeper::Sleeper;
use crate::inbox::{Inbox, Sent, Signal};

fn drained(inbox: &Inbox) -> Vec<u64> {
    let mut delivered = Vec::new();
    inbox.drain(|to| delivered.push(to));
    delivered
}

/// No race, no fault planted: what the calls mean.
#[test]
fn signals_come_out_once_and_the_oldest_first() {
    check(3, || {
        let (inbox, signals) = (Inbox::new(), [1, 2, 3].map(Signal::new));
        assert!(inbox.is_empty());
        for signal in &signals {
            assert_eq!(inbox.send(signal), Sent::Seen);
            assert_eq!(inbox.send(signal), Sent::Seen);
        }
        assert!(!inbox.is_empty());
        assert!(!inbox.fall_asleep());
        assert_eq!(drained(&inbox), [1, 2, 3]);
        assert!(inbox.is_empty());
        assert_eq!(drained(&inbox), []);
        assert_eq!(inbox.send(&signals[1]), Sent::Seen);
        assert_eq!(drained(&inbox), [2]);
    });
}

/// No race, no fault planted: a hub that is up again needs no wake-up.
#[test]
fn a_hub_that_woke_on_its_own_is_not_woken() {
    check(3, || {
        let (inbox, signal) = (Inbox::new(), Signal::new(1));
        assert!(inbox.fall_asleep());
        assert!(inbox.is_empty());
        inbox.wake_up();
        assert_eq!(inbox.send(&signal), Sent::Seen);
        inbox.wake_up();
        assert_eq!(drained(&inbox), [1]);
    });
}

/// No race. Seen to fail without the drop of the inbox.
#[test]
fn an_inbox_that_is_dropped_lets_go_of_its_signals() {
    check(3, || {
        let (inbox, signal) = (Inbox::new(), Signal::new(1));
        assert_eq!(inbox.send(&signal), Sent::Seen);
        assert_eq!(Arc::strong_count(&signal), 2);
        drop(inbox);
        assert_eq!(Arc::strong_count(&signal), 1);
    });
}

/// Preemptions: 3. Seen to fail with `fall_asleep` as a load and a store.
#[test]
fn a_signal_sent_while_the_hub_falls_asleep_is_seen() {
    check(3, || {
        let hub = Sleeper::new();
        let sender = thread::spawn({
            let hub = hub.clone();
            move || hub.send(&Signal::new(7))
        });
        let mut delivered = Vec::new();
        while delivered.is_empty() {
            hub.turn(|to| delivered.push(to));
        }
        assert_eq!(delivered, [7]);
        sender.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a sender that judges by the word it loaded first, not by the one it exchanged.
#[test]
fn one_sender_is_told_to_wake_a_hub_that_sleeps() {
    check(3, || {
        let inbox = Arc::new(Inbox::new());
        assert!(inbox.fall_asleep());
        let sender = thread::spawn({
            let inbox = inbox.clone();
            move || inbox.send(&Signal::new(1))
        });
        let told = [inbox.send(&Signal::new(2)), sender.join().unwrap()];
        assert_eq!(told.iter().filter(|sent| **sent == Sent::Wake).count(), 1);
        inbox.wake_up();
        assert_eq!(drained(&inbox).len(), 2);
    });
}

/// Preemptions: 3. Seen to fail with a list that clears `queued` after the delivery.
#[test]
fn a_signal_sent_again_while_it_is_delivered_comes_again() {
    check(3, || {
        let (hub, signal, steps) = (Sleeper::new(), Signal::new(1), Arc::new(AtomicUsize::new(0)));
        let sender = thread::spawn({
            let (hub, steps) = (hub.clone(), steps.clone());
            move || {
                for _ in 0..2 {
                    steps.fetch_add(1, Ordering::Relaxed);
                    hub.send(&signal);
                }
            }
        });
        let mut seen = 0;
        while seen < 2 {
            hub.turn(|_| seen = steps.load(Ordering::Relaxed));
        }
        sender.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with relaxed exchanges of both `queued` and `head`.
#[test]
fn what_was_written_before_a_send_is_there_after_the_drain() {
    check(3, || {
        let (hub, letter) = (Sleeper::new(), Arc::new(AtomicUsize::new(0)));
        let sender = thread::spawn({
            let (hub, letter) = (hub.clone(), letter.clone());
            move || {
                letter.store(1, Ordering::Relaxed);
                hub.send(&Signal::new(1));
            }
        });
        let mut read = None;
        while read.is_none() {
            hub.turn(|_| read = Some(letter.load(Ordering::Relaxed)));
        }
        assert_eq!(read, Some(1));
        sender.join().unwrap();
    });
}

/// Preemptions: 2. Seen to fail with relaxed exchanges of `queued`: the second sender touches nothing else.
#[test]
fn what_was_written_before_a_send_of_a_queued_signal_is_seen_too() {
    check(2, || {
        let (hub, signal) = (Sleeper::new(), Signal::new(1));
        let letters = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let senders = [0, 1].map(|number| {
            let (hub, signal, letters) = (hub.clone(), signal.clone(), letters.clone());
            thread::spawn(move || {
                letters[number].store(1, Ordering::Relaxed);
                hub.send(&signal);
            })
        });
        let mut read = 0;
        while read < 2 {
            hub.turn(|_| read = letters.iter().map(|letter| letter.load(Ordering::Relaxed)).sum());
        }
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// Preemptions: 3. Seen to fail with `queued` as a load and a store.
#[test]
fn a_signal_sent_by_two_at_once_comes_once() {
    check(3, || {
        let (inbox, signal) = (Arc::new(Inbox::new()), Signal::new(1));
        let sender = thread::spawn({
            let (inbox, signal) = (inbox.clone(), signal.clone());
            move || inbox.send(&signal)
        });
        assert_eq!(inbox.send(&signal), Sent::Seen);
        assert_eq!(sender.join().unwrap(), Sent::Seen);
        assert_eq!(drained(&inbox), [1]);
        assert_eq!(Arc::strong_count(&signal), 1);
    });
}

/// Preemptions: 3. Seen to fail with `close` as a load and a store: the signal is leaked.
#[test]
fn a_send_that_meets_a_close_is_delivered_to_nobody_and_leaks_nothing() {
    check(3, || {
        let (inbox, signal) = (Arc::new(Inbox::new()), Signal::new(1));
        let sender = thread::spawn({
            let (inbox, signal) = (inbox.clone(), signal.clone());
            move || inbox.send(&signal)
        });
        inbox.close();
        assert_eq!(drained(&inbox), []);
        assert_ne!(sender.join().unwrap(), Sent::Wake);
        assert_eq!(drained(&inbox), []);
        assert_eq!(Arc::strong_count(&signal), 1);
        assert_eq!(inbox.send(&signal), Sent::Closed);
        assert_eq!(Arc::strong_count(&signal), 1);
        inbox.close();
        assert!(inbox.is_empty());
    });
}
