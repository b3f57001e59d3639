//! A hub reduced to its sleep: an inbox, and a poller made of what loom knows.

use std::mem;

use loom::sync::{Arc, Condvar, Mutex};

use crate::inbox::{Inbox, Sent, Signal};

/// Runs its turns on one thread of a model, is sent to by the others.
pub(crate) struct Sleeper {
    pub(crate) inbox: Inbox,
    /// The poller: a bell that stays rung until it is heard, like an eventfd.
    rung: Mutex<bool>,
    bell: Condvar,
}

impl Sleeper {
    pub(crate) fn new() -> Arc<Sleeper> {
        Arc::new(Sleeper { inbox: Inbox::new(), rung: Mutex::new(false), bell: Condvar::new() })
    }

    /// Sends `signal`, and wakes the hub if told to.
    pub(crate) fn send(&self, signal: &Arc<Signal>) {
        if self.inbox.send(signal) == Sent::Wake {
            *self.rung.lock().unwrap() = true;
            self.bell.notify_one();
        }
    }

    /// One turn that has nothing else to do than to sleep until something comes, and to deliver it.
    pub(crate) fn turn(&self, deliver: impl FnMut(u64)) {
        if self.inbox.fall_asleep() {
            self.wait();
            self.inbox.wake_up();
        }
        self.inbox.drain(deliver);
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !mem::take(&mut *rung) {
            rung = self.bell.wait(rung).unwrap();
        }
    }
}
