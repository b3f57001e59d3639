//! The parker: how an OS thread without a hub waits; one bit that says "go on", and a place to sleep until it is set.

use std::sync::PoisonError;
use std::time::Instant;

use crate::shim::sync::{Condvar, Mutex, MutexGuard};
use crate::shim::{LOOKS, LOOKS_ON_CORE, turn_round};

/// Belongs to one OS thread, which alone parks in it; any may unpark.
pub(crate) struct Parker {
    owner: Mutex<Owner>,
    bell: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nobody has said anything to it, and it would see it without being woken.
    Awake,
    Asleep,
    Told,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { owner: Mutex::new(Owner::Awake), bell: Condvar::new() }
    }

    /// Sleeps until it is told or the time has come; takes what it was told. True if it was told.
    pub(crate) fn park(&self, until: Option<Instant>) -> bool {
        // With a deadline the core is not given away: it might be gone for longer than that.
        let looks = if until.is_none() { LOOKS } else { LOOKS_ON_CORE };
        for look in 0..looks {
            let mut owner = self.lock();
            if *owner == Owner::Told {
                *owner = Owner::Awake;
                return true;
            }
            drop(owner);
            turn_round(look);
        }
        self.sleep(until)
    }

    #[cold]
    fn sleep(&self, until: Option<Instant>) -> bool {
        let mut owner = self.lock();
        while *owner != Owner::Told {
            *owner = Owner::Asleep;
            owner = match until {
                None => self.bell.wait(owner).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        *owner = Owner::Awake;
                        return false;
                    }
                    self.bell.wait_timeout(owner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *owner = Owner::Awake;
        true
    }

    /// Lets the owner go on: now, or at its next park.
    pub(crate) fn unpark(&self) {
        let before = std::mem::replace(&mut *self.lock(), Owner::Told);
        // After the lock, which the owner needs first.
        if before == Owner::Asleep {
            self.bell.notify_one();
        }
    }

    /// Nothing is called under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
