//! The values of a channel, one after the other.

use crate::sync::mpsc::Receiver;

/// The values of a channel as they come; made by [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The values that are there; made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The values of a channel as they come, with the receiver; made by its `into_iter`.
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn over(receiver: &'a Receiver<T>) -> Iter<'a, T> {
        Iter { receiver }
    }
}

impl<'a, T> TryIter<'a, T> {
    pub(super) fn over(receiver: &'a Receiver<T>) -> TryIter<'a, T> {
        TryIter { receiver }
    }
}

impl<T> IntoIter<T> {
    pub(super) fn over(receiver: Receiver<T>) -> IntoIter<T> {
        IntoIter { receiver }
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    /// Waits for the next value.
    ///
    /// # Switching
    ///
    /// May, if there is none.
    ///
    /// # Cancellation
    ///
    /// As [`Receiver::recv`].
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    /// Waits for the next value.
    ///
    /// # Switching
    ///
    /// May, if there is none.
    ///
    /// # Cancellation
    ///
    /// As [`Receiver::recv`].
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}
