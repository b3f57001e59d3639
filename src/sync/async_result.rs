//! The result that somebody else sets, for green and OS threads alike.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::event::raw::RawEvent;
use super::once::cell::OnceLock;
use crate::park;
use crate::park::error::JoinError;
use crate::park::seat::{Limit, Seat, WaitingFor};
use crate::park::watchers::Watchers;

/// A value, or a failure, that is set once and that many may wait for; gevent's `AsyncResult`.
///
/// Clones are handles of the same result. It is also a future, for executors on any OS thread.
///
/// # Examples
///
/// ```
/// use greenroom::sync::AsyncResult;
///
/// let answer = AsyncResult::new();
/// let asker = greenroom::spawn({
///     let answer = answer.clone();
///     move || answer.get().unwrap()
/// });
/// answer.set(42).unwrap();
/// assert_eq!(asker.join().unwrap(), 42);
/// ```
pub struct AsyncResult<T> {
    shared: Arc<Shared<T>>,
    /// What takes out the waker of this handle, if it was polled.
    waker: Option<u64>,
}

struct Shared<T> {
    /// Written before `ready` is set.
    outcome: OnceLock<Result<T, JoinError>>,
    ready: RawEvent,
}

impl<T> AsyncResult<T> {
    /// Makes one that is not set.
    pub fn new() -> AsyncResult<T> {
        let shared = Shared { outcome: OnceLock::new(), ready: RawEvent::new() };
        AsyncResult { shared: Arc::new(shared), waker: None }
    }

    /// Sets the value, and wakes all who wait.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// The value, if there is a value or a failure already.
    pub fn set(&self, value: T) -> Result<(), T> {
        match self.settle(Ok(value)) {
            Err(Ok(value)) => Err(value),
            _ => Ok(()),
        }
    }

    /// Sets a failure, and wakes all who wait; gevent's `set_exception`.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// The failure, if there is a value or a failure already.
    pub fn fail(&self, error: JoinError) -> Result<(), JoinError> {
        match self.settle(Err(error)) {
            Err(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn settle(&self, outcome: Result<T, JoinError>) -> Result<(), Result<T, JoinError>> {
        // The cell has no initialisers, so this does not wait.
        self.shared.outcome.set(outcome)?;
        self.shared.ready.set();
        Ok(())
    }

    /// Tells whether there is a value or a failure.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn is_ready(&self) -> bool {
        self.shared.outcome.get().is_some()
    }

    /// Waits until there is a value or a failure.
    ///
    /// # Switching
    ///
    /// May, if there is none. Returns at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait(&self) {
        self.outcome_within(|| None);
    }

    /// Waits until there is a value or a failure, at most for `limit`; returns true if there is.
    ///
    /// # Switching
    ///
    /// May, if there is none. Returns at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.outcome_within(|| Seat::here().limit(limit)).is_some()
    }

    fn outcome_within(&self, limit: impl FnOnce() -> Option<Limit>) -> Option<&Result<T, JoinError>> {
        if !self.is_ready() {
            self.shared.ready.wait(WaitingFor::AnAsyncResult, limit);
        }
        self.shared.outcome.get()
    }

    /// For waits for several things: those who watch.
    pub(crate) fn watchers(&self) -> &Watchers {
        self.shared.ready.watchers()
    }

    /// For waits for several things: whether it is set, asked by one who watches already.
    pub(crate) fn is_ready_after_watching(&self) -> bool {
        self.shared.ready.is_set_after_watching()
    }

    fn forget_waker(&mut self) {
        if let Some(key) = self.waker.take() {
            self.watchers().remove(key);
        }
    }
}

impl<T: Clone> AsyncResult<T> {
    /// Waits, and returns a clone of the value, or the failure.
    ///
    /// # Switching
    ///
    /// May, if there is neither.
    ///
    /// # Errors
    ///
    /// The failure; a refusal if there is nothing yet and the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn get(&self) -> Result<T, JoinError> {
        self.outcome_within(|| None).cloned().unwrap_or_else(|| Err(park::unwinding()))
    }

    /// Waits, at most for `limit`; None if there was neither a value nor a failure in time.
    ///
    /// # Switching
    ///
    /// May, if there is neither. Returns at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn get_timeout(&self, limit: Duration) -> Option<Result<T, JoinError>> {
        self.outcome_within(|| Seat::here().limit(limit)).cloned()
    }
}

/// Ready with a clone of the value, or with the failure. A handle keeps one waker, that of its last poll.
impl<T: Clone> Future for AsyncResult<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.is_ready() {
            let waker = context.waker().clone();
            self.forget_waker();
            self.waker = Some(self.watchers().add(waker));
            if !self.is_ready_after_watching() {
                return Poll::Pending;
            }
        }
        self.forget_waker();
        match self.shared.outcome.get() {
            Some(outcome) => Poll::Ready(outcome.clone()),
            None => unreachable!("it is written before it is said to be ready"),
        }
    }
}

/// Another handle of the same result.
impl<T> Clone for AsyncResult<T> {
    fn clone(&self) -> AsyncResult<T> {
        AsyncResult { shared: self.shared.clone(), waker: None }
    }
}

impl<T> Drop for AsyncResult<T> {
    fn drop(&mut self) {
        self.forget_waker();
    }
}

impl<T> Default for AsyncResult<T> {
    fn default() -> AsyncResult<T> {
        AsyncResult::new()
    }
}

/// Shows whether there is a value or a failure; not the value.
impl<T> fmt::Debug for AsyncResult<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.shared.outcome.get() {
            None => "pending",
            Some(Ok(_)) => "set",
            Some(Err(_)) => "failed",
        };
        f.debug_struct("AsyncResult").field("state", &format_args!("{state}")).finish_non_exhaustive()
    }
}
