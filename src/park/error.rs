//! The errors of waits that were interrupted, and of green threads that have no result.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, PoisonError};

use crate::greenlet::unwind::discard;
use crate::shim::sync::Mutex;

/// The inner error of an [`io::Error`](std::io::Error) from a call that [`cancel`](crate::JoinHandle::cancel) refused.
///
/// The kind of the outer error is [`Other`](std::io::ErrorKind::Other), never `Interrupted`, which callers retry.
///
/// # Examples
///
/// ```
/// use greenroom::thread::Cancelled;
/// let error = std::io::Error::other(Cancelled);
/// assert!(error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the green thread was cancelled")
    }
}

impl Error for Cancelled {}

/// The time of a [`timeout`](crate::timeout) scope is over.
///
/// It is what `timeout` returns, and the inner error of an [`io::Error`](std::io::Error) of kind
/// [`TimedOut`](std::io::ErrorKind::TimedOut) from a call that failed on the scope's account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time of the enclosing timeout is over")
    }
}

impl Error for Elapsed {}

/// Why a green thread, or a job elsewhere, has no result.
///
/// Clones share what they are about: the payload of a panic goes to the first clone that asks for it.
#[derive(Clone)]
pub struct JoinError {
    /// Behind one pointer: results are moved about on the hot path of every green thread.
    reason: Arc<Reason>,
}

enum Reason {
    /// It panicked, and the hook has reported it.
    Panic {
        message: Box<str>,
        payload: Mutex<Payload>,
    },
    Killed,
    /// It could not be asked for or run.
    Refused(Box<str>),
    /// Somebody said so.
    Failed(Box<str>),
}

/// What was thrown, until somebody takes it. Its destructor may throw in turn, which goes no further (S11).
struct Payload(Option<Box<dyn Any + Send>>);

impl Drop for Payload {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            discard(payload);
        }
    }
}

impl JoinError {
    fn because(reason: Reason) -> JoinError {
        JoinError { reason: Arc::new(reason) }
    }

    /// Makes an error with a message of one's own, which is neither a panic, nor a kill, nor a refusal.
    pub fn new(message: impl Into<String>) -> JoinError {
        JoinError::because(Reason::Failed(message.into().into()))
    }

    /// Makes the error of a panic with this payload.
    pub fn from_panic(payload: Box<dyn Any + Send>) -> JoinError {
        let message = match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
            (Some(message), _) => Box::from(*message),
            (_, Some(message)) => Box::from(message.as_str()),
            _ => Box::from("Box<dyn Any>"),
        };
        JoinError::because(Reason::Panic { message, payload: Mutex::new(Payload(Some(payload))) })
    }

    pub(crate) fn killed() -> JoinError {
        JoinError::because(Reason::Killed)
    }

    pub(crate) fn refused(why: impl Into<String>) -> JoinError {
        JoinError::because(Reason::Refused(why.into().into()))
    }

    /// Shows the payload of a panic, if nobody has taken it.
    pub(crate) fn with_payload(&self, look: impl FnOnce(&(dyn Any + Send))) {
        if let Reason::Panic { payload, .. } = &*self.reason
            && let Some(payload) = &payload.lock().unwrap_or_else(PoisonError::into_inner).0
        {
            look(&**payload);
        }
    }

    /// Tells whether it panicked.
    pub fn is_panic(&self) -> bool {
        matches!(*self.reason, Reason::Panic { .. })
    }

    /// Tells whether it was killed, or left standing at the end of its hub.
    pub fn is_killed(&self) -> bool {
        matches!(*self.reason, Reason::Killed)
    }

    /// Tells whether the question could not be put, or the green thread not run.
    ///
    /// Who is unwinding does not wait, and nobody can wait for its own end; there may have been no stack to run it on, or
    /// its hub was ending.
    pub fn is_refused(&self) -> bool {
        matches!(*self.reason, Reason::Refused(_))
    }

    /// Returns the message of the panic or of the error; "Box&lt;dyn Any&gt;" for a payload that is not a string, as std
    /// has it.
    pub fn message(&self) -> &str {
        match &*self.reason {
            Reason::Panic { message, .. } | Reason::Refused(message) | Reason::Failed(message) => message,
            Reason::Killed => "the green thread was killed",
        }
    }

    /// Returns the payload, to be raised again or looked at.
    ///
    /// The first clone that asks gets the panic's own; later ones, and those that are not about a panic, get the message
    /// as a `String`.
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        let own = match &*self.reason {
            Reason::Panic { payload, .. } => payload.lock().unwrap_or_else(PoisonError::into_inner).0.take(),
            _ => None,
        };
        own.unwrap_or_else(|| Box::new(self.message().to_owned()))
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.reason {
            Reason::Panic { message, .. } => write!(f, "the green thread panicked: {message}"),
            Reason::Killed | Reason::Failed(_) => f.write_str(self.message()),
            Reason::Refused(why) => write!(f, "refused: {why}"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.reason {
            Reason::Panic { .. } => "Panic",
            Reason::Killed => "Killed",
            Reason::Refused(_) => "Refused",
            Reason::Failed(_) => "Failed",
        };
        f.debug_tuple(&format!("JoinError::{kind}")).field(&self.message()).finish()
    }
}

impl Error for JoinError {}
