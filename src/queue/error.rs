//! The errors of queues: one a verb, the value handed back.

use std::error::Error;
use std::fmt;

/// Why a value was not put; it is inside.
///
/// # Examples
///
/// ```
/// use greenroom::queue::{PutError, Queue};
///
/// let queue = Queue::bounded(1);
/// assert!(queue.try_put("first").is_ok());
/// assert_eq!(queue.try_put("second"), Err(PutError::Full("second")));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutError<T> {
    /// There is no room, or was none in time.
    Full(T),
    /// The queue takes nothing any more.
    Closed(T),
    /// The wait for room was ended by [`cancel`](crate::JoinHandle::cancel) or an expired [`timeout`](crate::timeout); or
    /// the caller is unwinding, and does not wait.
    Interrupted(T),
}

impl<T> PutError<T> {
    /// Returns the value that was not put.
    pub fn into_inner(self) -> T {
        match self {
            PutError::Full(value) | PutError::Closed(value) | PutError::Interrupted(value) => value,
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PutError::Full(_) => "the queue is full",
            PutError::Closed(_) => "the queue is closed",
            PutError::Interrupted(_) => "the wait for room in the queue was interrupted",
        })
    }
}

/// Shows the kind only: the value need not be `Debug`.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PutError::Full(_) => "Full(..)",
            PutError::Closed(_) => "Closed(..)",
            PutError::Interrupted(_) => "Interrupted(..)",
        })
    }
}

impl<T> Error for PutError<T> {}

/// Why there is no item.
///
/// # Examples
///
/// ```
/// use greenroom::queue::{GetError, Queue};
///
/// let queue = Queue::<u8>::unbounded();
/// assert_eq!(queue.try_get(), Err(GetError::Empty));
/// queue.close();
/// assert_eq!(queue.get(), Err(GetError::Closed));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GetError {
    /// There is none, or was none in time.
    Empty,
    /// There is none, and none will come.
    Closed,
    /// The wait for an item was ended by [`cancel`](crate::JoinHandle::cancel) or an expired
    /// [`timeout`](crate::timeout); or the caller is unwinding, and does not wait.
    Interrupted,
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GetError::Empty => "the queue is empty",
            GetError::Closed => "the queue is closed and empty",
            GetError::Interrupted => "the wait for an item was interrupted",
        })
    }
}

impl Error for GetError {}
