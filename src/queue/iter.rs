//! The items of a queue, one after the other.

use std::fmt;

use crate::park::seat::{self, Manner};
use crate::queue::raw::Core;
use crate::queue::store::Store;
use crate::queue::wish::Wish;

/// The items of a queue as they come, until it is closed and drained; made by `iter` of each kind of queue.
///
/// An interruption ends it as well: who needs to tell calls `get`.
pub struct Iter<'a, T> {
    source: &'a dyn Source<T>,
}

/// A queue of whatever kind.
trait Source<T> {
    fn get(&self) -> Option<T>;
}

impl<T, S: Store<T>> Source<T> for Core<T, S> {
    fn get(&self) -> Option<T> {
        seat::spend();
        Core::get(self, Wish::endless(Manner::Fallible)).ok()
    }
}

impl<'a, T> Iter<'a, T> {
    pub(crate) fn over<S: Store<T>>(core: &'a Core<T, S>) -> Iter<'a, T> {
        Iter { source: core }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    /// Waits for the next item.
    ///
    /// # Switching
    ///
    /// May, if there is none.
    ///
    /// # Cancellation
    ///
    /// A kill unwinds here; a cancel and an expired timeout end the iteration.
    fn next(&mut self) -> Option<T> {
        self.source.get()
    }
}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
