//! Models of `src/hub/mailbox.rs`, together with the signal that follows a letter.

use loom::sync::Arc;

use super::sleeper::Sleeper;
use super::{beside, check};
use crate::inbox::Signal;
use crate::mailbox::Mailbox;

struct Hub {
    sleeper: Arc<Sleeper>,
    mail: Mailbox<u8>,
    mail_has_come: Arc<Signal>,
}

impl Hub {
    fn new() -> Arc<Hub> {
        Arc::new(Hub { sleeper: Sleeper::new(), mail: Mailbox::new(), mail_has_come: Signal::new(1) })
    }

    fn post(&self, letter: u8) {
        assert_eq!(self.mail.post(letter), Ok(()));
        self.sleeper.send(&self.mail_has_come);
    }
}

/// Preemptions: 2. Seen to fail with a `take_all` that takes the letters out and puts `empty` in under two locks.
#[test]
fn all_letters_are_read_by_a_hub_that_looks_when_the_signal_comes() {
    check(2, || {
        let hub = Hub::new();
        let senders = [1, 2].map(|letter| beside(&hub, move |hub| hub.post(letter)));
        let mut read = Vec::new();
        while read.len() < 2 {
            hub.sleeper.turn(|_| read.extend(hub.mail.take_all(Vec::new())));
        }
        read.sort_unstable();
        assert_eq!(read, [1, 2]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// Preemptions: 3. Seen to fail with a `post` that looks for the end under one lock and pushes under another.
#[test]
fn a_letter_that_meets_the_close_comes_back_or_is_left_over() {
    check(3, || {
        let mail = Arc::new(Mailbox::new());
        let sender = beside(&mail, |mail| mail.post(7));
        let left_over = mail.close();
        match sender.join().unwrap() {
            Ok(()) => assert_eq!(left_over, [7]),
            Err(letter) => {
                assert_eq!(letter, 7);
                assert!(left_over.is_empty());
            }
        }
        assert!(mail.take_all(Vec::new()).is_empty());
        assert_eq!(mail.post(8), Err(8));
    });
}

/// Preemptions: 3. Seen to fail with a `withdraw` that takes the letters out and puts the others back under two locks.
#[test]
fn a_withdrawal_leaves_the_letters_of_others() {
    check(3, || {
        let mail = Arc::new(Mailbox::new());
        assert_eq!(mail.post(1), Ok(()));
        let sender = beside(&mail, |mail| mail.post(2));
        mail.withdraw(|letter| *letter == 1);
        assert_eq!(sender.join().unwrap(), Ok(()));
        assert_eq!(mail.take_all(Vec::new()), [2]);
    });
}
