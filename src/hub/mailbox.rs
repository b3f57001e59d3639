//! The mailbox: what other OS threads leave for one hub that does not fit into a signal.
//!
//! A letter is put in first, and the hub's signal for mail is sent after that: the hub empties the box whenever that
//! signal comes. The box keeps its memory, so in the steady state posting allocates nothing.

use std::sync::PoisonError;

use crate::shim::sync::{Mutex, MutexGuard};

pub(crate) struct Mailbox<L> {
    /// None once the hub has ended.
    letters: Mutex<Option<Vec<L>>>,
}

impl<L> Mailbox<L> {
    pub(crate) fn new() -> Mailbox<L> {
        Mailbox { letters: Mutex::new(Some(Vec::new())) }
    }

    /// Puts a letter in; gives it back if the hub has ended.
    pub(crate) fn post(&self, letter: L) -> Result<(), L> {
        match &mut *self.lock() {
            Some(letters) => {
                letters.push(letter);
                Ok(())
            }
            None => Err(letter),
        }
    }

    /// Takes all letters out, in exchange for `empty`, whose memory the box goes on with.
    pub(crate) fn take_all(&self, empty: Vec<L>) -> Vec<L> {
        match &mut *self.lock() {
            Some(letters) => std::mem::replace(letters, empty),
            None => empty,
        }
    }

    /// Takes out the letters that `unwanted` picks.
    pub(crate) fn withdraw(&self, unwanted: impl Fn(&L) -> bool) {
        if let Some(letters) = &mut *self.lock() {
            letters.retain(|letter| !unwanted(letter));
        }
    }

    /// Is there a letter such as this?
    pub(crate) fn holds(&self, such: impl Fn(&L) -> bool) -> bool {
        self.lock().as_ref().is_some_and(|letters| letters.iter().any(such))
    }

    /// Takes nothing more; returns what nobody will read.
    pub(crate) fn close(&self) -> Vec<L> {
        self.lock().take().unwrap_or_default()
    }

    /// No letter is made or dropped under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Option<Vec<L>>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
