//! Channels with one receiver; std's `mpsc`, cooperatively.
//!
//! They are [queues](crate::queue) that close by themselves: when the last sender is gone the receiver gets what is there
//! and then learns of it; when the receiver is gone, so is what it did not take, and senders get their values back.
//! The errors are std's own.
//!
//! ```
//! use greenroom::sync::mpsc;
//!
//! let (sender, receiver) = mpsc::channel();
//! for n in 0..3 {
//!     let sender = sender.clone();
//!     greenroom::spawn(move || sender.send(n).unwrap());
//! }
//! drop(sender);
//! assert_eq!(receiver.iter().sum::<i32>(), 3);
//! ```
//!
//! # Traps
//!
//! * A [`cancel`](crate::JoinHandle::cancel) does not end a wait here: std's errors have no word for it. Take a
//!   [`Queue`](crate::queue::Queue) where that matters.
//! * Whoever is unwinding does not wait: it is told that the other side is gone, or that time is over.

mod iter;
mod sender;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::park::seat::{self, Manner};
use crate::queue::GetError;
use crate::queue::raw::Core;
use crate::queue::store::Fifo;
use crate::queue::wish::Wish;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

pub use iter::{IntoIter, Iter, TryIter};
pub use sender::{Sender, SyncSender};

/// Makes a channel that is never full.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = greenroom::sync::mpsc::channel();
/// std::thread::spawn(move || sender.send("from afar").unwrap());
/// assert_eq!(receiver.recv(), Ok("from afar"));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(None));
    (Sender::new(channel.clone()), Receiver::new(channel))
}

/// Makes a channel that holds at most `bound` values; with 0 it holds none, and each goes from hand to hand.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = greenroom::sync::mpsc::sync_channel(1);
/// assert!(sender.try_send(1).is_ok());
/// assert!(sender.try_send(2).is_err());
/// assert_eq!(receiver.recv(), Ok(1));
/// ```
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(Some(bound)));
    (SyncSender::new(channel.clone()), Receiver::new(channel))
}

/// What both sides share.
struct Channel<T> {
    core: Core<T, Fifo<T>>,
    senders: AtomicUsize,
}

impl<T> Channel<T> {
    fn new(bound: Option<usize>) -> Channel<T> {
        Channel { core: Core::new(bound), senders: AtomicUsize::new(0) }
    }

    fn add_sender(&self) {
        self.senders.fetch_add(1, Ordering::Relaxed);
    }

    /// The latch of the queue orders what the senders have put before its close.
    fn remove_sender(&self) {
        if self.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.core.close();
        }
    }
}

/// The side of a channel that receives; one OS thread at a time has it.
///
/// # Examples
///
/// ```
/// use greenroom::sync::mpsc::{self, TryRecvError};
///
/// let (sender, receiver) = mpsc::channel::<u8>();
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
/// ```
pub struct Receiver<T> {
    channel: Arc<Channel<T>>,
    /// Not `Sync`: there is one receiver.
    single: PhantomData<Cell<()>>,
}

impl<T> Receiver<T> {
    fn new(channel: Arc<Channel<T>>) -> Receiver<T> {
        Receiver { channel, single: PhantomData }
    }

    /// Waits for a value and takes it.
    ///
    /// # Switching
    ///
    /// May, if there is none, or when the caller has had the OS thread for long.
    ///
    /// # Errors
    ///
    /// If there is none, and no sender; and at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. A value that was handed over meanwhile goes back.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        seat::spend();
        self.channel.core.get(Wish::endless(Manner::Infallible)).map_err(|_| RecvError)
    }

    /// Takes a value if there is one.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// If there is none: `Disconnected` if there is no sender either, else `Empty`.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel.core.get(Wish::NO_WAIT).map_err(|error| match error {
            GetError::Closed => TryRecvError::Disconnected,
            GetError::Empty | GetError::Interrupted => TryRecvError::Empty,
        })
    }

    /// Waits for a value at most for `limit`.
    ///
    /// # Switching
    ///
    /// May, if there is none, or when the caller has had the OS thread for long.
    ///
    /// # Errors
    ///
    /// `Disconnected` if there is none and no sender; `Timeout` if none came in time, and while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
        if !limit.is_zero() {
            seat::spend();
        }
        self.channel.core.get(Wish::within(limit, Manner::Infallible)).map_err(|error| match error {
            GetError::Closed => RecvTimeoutError::Disconnected,
            GetError::Empty | GetError::Interrupted => RecvTimeoutError::Timeout,
        })
    }

    /// Returns the values as they come, until there is no sender any more.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::over(self)
    }

    /// Returns the values that are there.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter::over(self)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        drop(self.channel.core.close_now());
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter::over(self)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
