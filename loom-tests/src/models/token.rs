//! Models of `src/hub/token.rs`, together with the signal that follows a set.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::check;
use super::sleeper::Sleeper;
use crate::inbox::Signal;
use crate::token::Token;

/// A green thread as its unparkers see it. Its hub has nobody else.
struct Parked {
    hub: Arc<Sleeper>,
    token: Token,
    signal: Arc<Signal>,
}

impl Parked {
    fn new() -> Arc<Parked> {
        Arc::new(Parked { hub: Sleeper::new(), token: Token::new(), signal: Signal::new(1) })
    }

    fn unpark(&self) {
        if self.token.set() {
            self.hub.send(&self.signal);
        }
    }

    fn park(&self) {
        while !self.token.take() {
            self.hub.turn(|_| ());
        }
    }
}

/// No race, no fault planted: what the calls mean.
#[test]
fn a_token_is_one_however_often_it_is_set() {
    check(3, || {
        let token = Token::new();
        assert!(!token.take());
        assert!(token.set());
        assert!(!token.set());
        assert!(token.take());
        assert!(!token.take());
        assert!(token.set());
    });
}

/// Preemptions: 3. Seen to fail with a `set` that reports the opposite.
#[test]
fn an_unpark_before_while_or_after_the_park_is_never_lost() {
    check(3, || {
        let parked = Parked::new();
        let unparker = thread::spawn({
            let parked = parked.clone();
            move || parked.unpark()
        });
        parked.park();
        unparker.join().unwrap();
        assert!(!parked.token.take());
    });
}

/// Preemptions: 2. Seen to fail with a `take` that is a load and a store: it wipes out a set that sent no signal.
#[test]
fn what_was_written_before_each_unpark_is_seen() {
    check(2, || {
        let (parked, letters) = (Parked::new(), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
        let unparkers = [0, 1].map(|number| {
            let (parked, letters) = (parked.clone(), letters.clone());
            thread::spawn(move || {
                letters[number].store(1, Ordering::Relaxed);
                parked.unpark();
            })
        });
        while letters.iter().map(|letter| letter.load(Ordering::Relaxed)).sum::<usize>() < 2 {
            parked.park();
        }
        for unparker in unparkers {
            unparker.join().unwrap();
        }
    });
}
