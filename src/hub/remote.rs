//! The hub as other OS threads see it: where they leave wake-ups, and what they can read of its counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use mio::Waker;

use crate::hub::Hub;
use crate::hub::inbox::{Inbox, Sent, Signal};
use crate::hub::mailbox::Mailbox;
use crate::hub::task::TaskPtr;
use crate::hub::token::Token;
use crate::shim::sync::Mutex;

/// Whom a signal means when it means the root.
pub(crate) const TO_ROOT: u64 = u64::MAX;
/// What a signal says when it says that there is mail.
pub(crate) const MAIL: u64 = u64::MAX - 1;

/// What other OS threads put into the mailbox.
pub(crate) enum Letter {
    /// One who waits in a line was told. It is there: it withdraws the letter, if need be, before it goes.
    Wake(TaskPtr),
    /// To be run by the hub, between two green threads. It does not unwind.
    Errand(Errand),
}

pub(crate) type Errand = Box<dyn FnOnce() + Send>;

// SAFETY: the pointer is followed by the hub's own OS thread only (S1).
unsafe impl Send for Letter {}

impl Letter {
    pub(crate) fn is_for(&self, task: TaskPtr) -> bool {
        matches!(self, Letter::Wake(other) if *other == task)
    }
}

/// Lives as long as anybody on any OS thread holds it; inert once the hub has ended (S24).
pub(crate) struct Remote {
    pub(crate) inbox: Inbox,
    pub(crate) counters: Counters,
    pub(crate) mail: Mailbox<Letter>,
    mail_has_come: Arc<Signal>,
    waker: Waker,
}

impl Remote {
    pub(crate) fn new(waker: Waker) -> Remote {
        Remote {
            inbox: Inbox::new(),
            counters: Counters::default(),
            mail: Mailbox::new(),
            mail_has_come: Signal::new(MAIL),
            waker,
        }
    }

    /// Says that a letter was posted.
    pub(crate) fn announce_mail(&self) {
        self.send(&self.mail_has_come);
    }

    /// Has the hub run `errand`; gives it back if the hub has ended.
    pub(crate) fn run(&self, errand: Errand) -> Result<(), Errand> {
        match self.mail.post(Letter::Errand(errand)) {
            Ok(()) => {
                self.announce_mail();
                Ok(())
            }
            Err(Letter::Errand(errand)) => Err(errand),
            Err(Letter::Wake(_)) => unreachable!("what comes back is what was posted"),
        }
    }

    /// Leaves a wake-up; nothing if the hub has ended.
    fn send(&self, signal: &Arc<Signal>) {
        match self.inbox.send(signal) {
            Sent::Wake => self.ring(),
            Sent::Seen | Sent::Closed => {}
        }
    }

    /// Makes the hub's descriptor readable.
    pub(crate) fn ring(&self) {
        // An eventfd takes a wake-up at any time; mio resets a counter that is full (F10). What is left is a broken
        // descriptor, and there is nobody to tell here: the hub finds out at its next look.
        let _ = self.waker.wake();
    }
}

/// A green thread, or a root, as other OS threads see it.
pub(crate) struct Identity {
    pub(crate) id: u64,
    pub(crate) name: Option<Box<str>>,
    /// The token of `park` and `unpark`.
    pub(crate) token: Token,
    home: Mutex<Option<Home>>,
}

/// Where to leave a wake-up for it. A root has none before its first hub and after its last, and a signal of its own for
/// each: one that is on its way into the inbox of an ended hub says "queued", and must say so to nobody else.
#[derive(Clone)]
struct Home {
    hub: Arc<Remote>,
    signal: Arc<Signal>,
}

impl Identity {
    pub(crate) fn new(id: u64, name: Option<Box<str>>) -> Arc<Identity> {
        Arc::new(Identity { id, name, token: Token::new(), home: Mutex::new(None) })
    }

    /// It lives in `hub` from now on, where signals for it say `to`.
    pub(crate) fn move_in(&self, hub: Arc<Remote>, to: u64) {
        *self.lock() = Some(Home { hub, signal: Signal::new(to) });
    }

    /// It has ended, or its hub has.
    pub(crate) fn move_out(&self) {
        *self.lock() = None;
    }

    /// Wakes it, if it waits for something from other OS threads. `here` is the hub of the calling OS thread: what is
    /// left for that one needs no inbox.
    pub(crate) fn wake(&self, here: Option<&Hub>) {
        let Some(home) = self.lock().clone() else { return };
        match here {
            Some(hub) if Arc::ptr_eq(&hub.remote, &home.hub) => hub.signal(home.signal.to()),
            _ => home.hub.send(&home.signal),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Home>> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a hub has counted. Written by its own OS thread only, readable from all.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) spawned: Counter,
    pub(crate) alive: Counter,
    pub(crate) switches: Counter,
    pub(crate) turns: Counter,
    pub(crate) polls: Counter,
    pub(crate) remote_wakes: Counter,
    pub(crate) timers: Counter,
    pub(crate) stacks: Counter,
    pub(crate) descriptors: Counter,
}

/// A number with one writer: no read-modify-write is needed, and a reader sees some recent value.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline(always)]
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
