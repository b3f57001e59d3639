//! The parker: how an OS thread without a hub waits; one bit that says "go on", and a place to sleep until it is set.

use std::sync::PoisonError;
use std::time::Instant;

use crate::shim::sync::{Condvar, Mutex, MutexGuard};

/// Belongs to one OS thread, which alone parks in it; any may unpark.
pub(crate) struct Parker {
    told: Mutex<bool>,
    bell: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { told: Mutex::new(false), bell: Condvar::new() }
    }

    /// Sleeps until it is told or the time has come; takes what it was told. True if it was told.
    pub(crate) fn park(&self, until: Option<Instant>) -> bool {
        let mut told = self.lock();
        while !*told {
            told = match until {
                None => self.bell.wait(told).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.bell.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        std::mem::take(&mut *told)
    }

    /// Lets the owner go on: now, or at its next park.
    pub(crate) fn unpark(&self) {
        *self.lock() = true;
        self.bell.notify_one();
    }

    /// Nothing is called under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
