//! A green thread, or a root, by its name and number.

use std::fmt;
use std::sync::Arc;

use crate::hub;
use crate::hub::remote::Identity;

/// Names a green thread, or a root, and can unpark it, from any OS thread.
#[derive(Clone)]
pub struct Thread {
    identity: Arc<Identity>,
}

/// The number of a green thread or of an OS thread's root; none is given twice in a process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ThreadId(u64);

impl Thread {
    pub(crate) fn new(identity: Arc<Identity>) -> Thread {
        Thread { identity }
    }

    /// Returns the number of this green thread or root; a root has the same before, during and after a hub.
    pub fn id(&self) -> ThreadId {
        ThreadId(self.identity.id)
    }

    /// Returns the name it was given; a root has that of its OS thread.
    pub fn name(&self) -> Option<&str> {
        self.identity.name.as_deref()
    }

    /// Lets its present or next [`park`](crate::thread::park) return; std's `unpark`.
    ///
    /// Tokens do not add up. Once it has ended, nothing happens.
    ///
    /// # Switching
    ///
    /// Never. It may be called on any OS thread; a hub that sleeps is woken.
    pub fn unpark(&self) {
        if self.identity.token.set() {
            self.identity.wake(hub::try_current());
        }
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("id", &self.id()).field("name", &self.name()).finish()
    }
}
