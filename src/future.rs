//! The bridge to `async`: a green thread that drives a future.
//!
//! ```
//! use greenroom::{block_on, spawn};
//!
//! let sum = block_on(async { spawn(|| 1).await.unwrap() + spawn(|| 2).await.unwrap() });
//! assert_eq!(sum, 3);
//! ```
//!
//! [`JoinHandle`](crate::JoinHandle), [`executor::Future`](crate::executor::Future) and
//! [`sync::AsyncResult`](crate::sync::AsyncResult) are futures themselves, for any executor.
//!
//! # Traps
//!
//! * A future that blocks the OS thread in its `poll` blocks all green threads; one that calls what parks here parks.
//! * Futures that belong to another executor's reactor (tokio's sockets and timers) need that executor running: `block_on` only
//!   polls.
//! * A future that is never woken leaves its green thread parked; [`timeout`](crate::timeout) and kill end that.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::hub;
use crate::park::bell::{Bell, Heard};
use crate::park::line::How;
use crate::park::seat::WaitingFor;
use crate::park::{self, Manner};

/// Polls `f` on the calling green thread until it is ready, and parks between polls; other green threads run meanwhile.
///
/// Wakers may be called on any OS thread, as often as they like, also when `block_on` has returned or its hub has ended. `f`
/// may call whatever parks, and `block_on` itself; a future that wakes itself lets the others have a turn before each poll.
///
/// # Switching
///
/// May, if `f` is not ready at once; also while the caller is unwinding: a destructor waits for its future.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here, and drop `f`.
///
/// # Examples
///
/// ```
/// let words = vec!["borrowed"];
/// let first = greenroom::block_on(async { words.first() });
/// assert_eq!(first, Some(&"borrowed"));
/// ```
pub fn block_on<F: Future>(f: F) -> F::Output {
    // What `f` spawns needs a hub that runs while this waits.
    let _ = hub::current();
    let bell = Arc::new(Bell::new());
    let waker = Waker::from(bell.clone());
    let mut context = Context::from_waker(&waker);
    let mut f = pin!(f);
    loop {
        if let Poll::Ready(value) = f.as_mut().poll(&mut context) {
            return value;
        }
        // As a lock does, it waits while the caller unwinds, too: there is no value to return instead.
        let how = How { manner: Manner::Lock, what: WaitingFor::AFuture, limit: None };
        if let Ok(Heard::AtOnce) = bell.wait(how) {
            park::yield_turn(Manner::Lock);
        }
    }
}
