//! The sides of a channel that send.

use std::fmt;
use std::sync::Arc;

use crate::park::seat::{self, Manner};
use crate::queue::PutError;
use crate::queue::wish::Wish;
use crate::sync::mpsc::{Channel, SendError, TrySendError};

/// The side of a [`channel`](crate::sync::mpsc::channel) that sends.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = greenroom::sync::mpsc::channel();
/// let other = sender.clone();
/// assert!(sender.send(1).is_ok() && other.send(2).is_ok());
/// drop(receiver);
/// assert_eq!(sender.send(3).unwrap_err().0, 3);
/// ```
pub struct Sender<T> {
    channel: Arc<Channel<T>>,
}

/// The side of a [`sync_channel`](crate::sync::mpsc::sync_channel) that sends.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = greenroom::sync::mpsc::sync_channel(0);
/// greenroom::spawn(move || sender.send("by hand").unwrap());
/// assert_eq!(receiver.recv(), Ok("by hand"));
/// ```
pub struct SyncSender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> Sender<T> {
        channel.add_sender();
        Sender { channel }
    }

    /// Sends a value; there is always room.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the value is inside.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.channel.core.put(value, Wish::NO_WAIT).map_err(|error| SendError(error.into_inner()))
    }
}

impl<T> SyncSender<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> SyncSender<T> {
        channel.add_sender();
        SyncSender { channel }
    }

    /// Waits until there is room, and sends a value. Where the bound is 0, that is when it is taken.
    ///
    /// # Switching
    ///
    /// May, if the channel is full, or when the caller has had the OS thread for long.
    ///
    /// # Errors
    ///
    /// If the receiver is gone, also while the caller waits; and if there is no room and the caller is unwinding. The
    /// value is inside.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here, and drop the value unless it was taken.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        seat::spend();
        let wish = Wish::endless(Manner::Infallible);
        self.channel.core.put(value, wish).map_err(|error| SendError(error.into_inner()))
    }

    /// Sends a value if there is room, or somebody waits for one.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// `Full` if there is no room, `Disconnected` if the receiver is gone.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel.core.put(value, Wish::NO_WAIT).map_err(|error| match error {
            PutError::Closed(value) => TrySendError::Disconnected(value),
            PutError::Full(value) | PutError::Interrupted(value) => TrySendError::Full(value),
        })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender::new(self.channel.clone())
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        SyncSender::new(self.channel.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

impl<T> Drop for SyncSender<T> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}
