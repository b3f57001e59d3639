//! The permit of a semaphore: borrowed from it, or holding it.

use std::fmt;
use std::sync::Arc;

use super::raw::RawSemaphore;
use super::{BoundedSemaphore, Semaphore};

/// A permit of a [`Semaphore`] or [`BoundedSemaphore`]; dropping it gives it back.
///
/// It belongs to nobody in particular: it may be dropped on another OS thread than the one that took it.
///
/// # Examples
///
/// ```
/// let tickets = greenroom::sync::Semaphore::new(2);
/// drop(tickets.acquire());
/// tickets.acquire().forget();
/// assert_eq!(tickets.available_permits(), 1);
/// ```
#[must_use = "the permit is given back when it is dropped"]
pub struct Permit<'a> {
    semaphore: &'a RawSemaphore,
}

impl<'a> Permit<'a> {
    #[inline(always)]
    pub(super) fn new(semaphore: &'a RawSemaphore) -> Permit<'a> {
        Permit { semaphore }
    }

    /// Drops the permit without giving it back: from now on there is one fewer.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        give_back(self.semaphore);
    }
}

/// Shows how many permits its semaphore has left.
impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("available", &self.semaphore.available()).finish_non_exhaustive()
    }
}

/// A permit that keeps its semaphore alive; dropping it gives it back.
///
/// # Examples
///
/// ```
/// use greenroom::sync::{Arc, Semaphore};
///
/// let tickets = Arc::new(Semaphore::new(1));
/// let mine = tickets.clone().acquire_owned();
/// std::thread::spawn(move || drop(mine)).join().unwrap();
/// assert_eq!(tickets.available_permits(), 1);
/// ```
#[must_use = "the permit is given back when it is dropped"]
pub struct OwnedPermit {
    /// None once it was forgotten.
    semaphore: Option<Shared>,
}

enum Shared {
    Semaphore(Arc<Semaphore>),
    Bounded(Arc<BoundedSemaphore>),
}

impl Shared {
    fn raw(&self) -> &RawSemaphore {
        match self {
            Shared::Semaphore(semaphore) => &semaphore.raw,
            Shared::Bounded(semaphore) => &semaphore.raw,
        }
    }
}

impl OwnedPermit {
    pub(super) fn of_semaphore(semaphore: Arc<Semaphore>) -> OwnedPermit {
        OwnedPermit { semaphore: Some(Shared::Semaphore(semaphore)) }
    }

    pub(super) fn of_bounded(semaphore: Arc<BoundedSemaphore>) -> OwnedPermit {
        OwnedPermit { semaphore: Some(Shared::Bounded(semaphore)) }
    }

    /// Drops the permit without giving it back: from now on there is one fewer.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn forget(mut self) {
        self.semaphore = None;
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            give_back(semaphore.raw());
        }
    }
}

/// Shows how many permits its semaphore has left.
impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let available = self.semaphore.as_ref().map(|semaphore| semaphore.raw().available());
        f.debug_struct("OwnedPermit")
            .field("available", &available.unwrap_or_default())
            .finish_non_exhaustive()
    }
}

#[inline]
fn give_back(semaphore: &RawSemaphore) {
    // False if all are there already, as others were added in its stead: then it vanishes.
    semaphore.add(1);
}
