//! The parker: how an OS thread without a hub waits; one bit that says "go on", and a place to sleep until it is set.

use std::sync::PoisonError;
use std::time::Instant;

use crate::shim::sync::atomic::{AtomicU8, Ordering};
use crate::shim::sync::{Condvar, Mutex};
use crate::shim::turn_round;

/// Nobody has said anything.
const EMPTY: u8 = 0;
/// The owner sleeps, or is about to: it must be woken.
const ASLEEP: u8 = 1;
/// The owner may go on.
const TOLD: u8 = 2;

/// How often an owner looks before it sleeps. What it waits for is often done in less time than a sleep takes, or as soon as
/// whoever does it gets the core.
const LOOKS: u32 = 8;
/// If it has a deadline: no look gives the core away, which may be gone for longer than that.
const HASTY_LOOKS: u32 = 4;

/// Belongs to one OS thread, which alone parks in it; any may unpark.
pub(crate) struct Parker {
    state: AtomicU8,
    sleep: Mutex<()>,
    bell: Condvar,
}

// Memory ordering. `unpark` releases what was done before it, with the exchange that says TOLD; the exchange that takes TOLD
// acquires it. Who unparks one that is ASLEEP takes the lock once before it rings: the owner has changed the word under that
// lock, and so it is in the condition's wait by then, or has looked at the word again.
impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { state: AtomicU8::new(EMPTY), sleep: Mutex::new(()), bell: Condvar::new() }
    }

    /// Sleeps until it is told or the time has come; takes what it was told. True if it was told.
    pub(crate) fn park(&self, until: Option<Instant>) -> bool {
        let looks = if until.is_none() { LOOKS } else { HASTY_LOOKS };
        for look in 0..looks {
            if self.take_told() {
                return true;
            }
            turn_round(look);
        }
        self.sleep(until)
    }

    fn take_told(&self) -> bool {
        self.state.compare_exchange(TOLD, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn sleep(&self, until: Option<Instant>) -> bool {
        // Nothing is called under this lock, so poison means nothing.
        let mut asleep = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        // Fails if it is told by now.
        let _ = self.state.compare_exchange(EMPTY, ASLEEP, Ordering::Relaxed, Ordering::Relaxed);
        while !self.take_told() {
            asleep = match until {
                None => self.bell.wait(asleep).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return self.state.swap(EMPTY, Ordering::Acquire) == TOLD;
                    }
                    self.bell.wait_timeout(asleep, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// Lets the owner go on: now, or at its next park.
    pub(crate) fn unpark(&self) {
        if self.state.swap(TOLD, Ordering::Release) == ASLEEP {
            drop(self.sleep.lock());
            self.bell.notify_one();
        }
    }
}
