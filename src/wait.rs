//! Waiting for several things at once: gevent's `joinall`, `wait` and `iwait`.
//!
//! ```
//! use greenroom::{joinall, spawn};
//!
//! let squares = joinall((1..4).map(|n| spawn(move || n * n)));
//! let squares: Vec<i32> = squares.into_iter().map(Result::unwrap).collect();
//! assert_eq!(squares, [1, 4, 9]);
//! ```
//!
//! # Traps
//!
//! * A panic of a green thread is in its place of the result, and nowhere else but in the panic hook's report: a
//!   `joinall(…);` whose results nobody looks at goes on as if nothing had happened.
//! * A caller that is unwinding does not wait: [`joinall`] gives refusals for those that have not ended, [`wait`] and
//!   [`iwait`] only what is ready, and [`killall`] does not wait for those it kills.
//! * Whoever waits for its own end with [`wait`] or [`iwait`] waits for ever; [`joinall`] refuses.

#[expect(unsafe_code, reason = "queues up in wait lists")]
mod gathering;
mod waitable;

use std::time::Duration;

pub use self::waitable::Waitable;

use self::gathering::Gathering;
use crate::hub;
use crate::park;
use crate::park::error::JoinError;
use crate::thread::JoinHandle;

/// Waits for all and returns their results, in the order given; gevent's `joinall`.
///
/// # Switching
///
/// May, if one has not ended.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here; those that were waited for go on, detached.
///
/// # Examples
///
/// ```
/// use greenroom::{joinall, spawn};
///
/// let words = joinall(["a", "b"].map(|word| spawn(move || word.to_uppercase())));
/// let words: Result<Vec<String>, _> = words.into_iter().collect();
/// assert_eq!(words?, ["A", "B"]);
/// # Ok::<(), greenroom::JoinError>(())
/// ```
pub fn joinall<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<Result<T, JoinError>> {
    let handles: Vec<_> = handles.into_iter().collect();
    handles.into_iter().map(JoinHandle::join).collect()
}

/// Waits for all and returns their values, in the order given; or, as soon as one fails, its error.
///
/// The others go on, detached. gevent's `joinall` with `raise_error`.
///
/// # Switching
///
/// May, if one has not ended.
///
/// # Errors
///
/// The first failure, in the order of time; a refusal if the caller is unwinding.
///
/// # Cancellation
///
/// As [`joinall`].
///
/// # Examples
///
/// ```
/// use greenroom::{spawn, try_joinall};
///
/// assert_eq!(try_joinall([spawn(|| 1), spawn(|| 2)])?, [1, 2]);
/// let failed = try_joinall([spawn(|| 1), spawn(|| panic!("no second"))]);
/// assert_eq!(failed.unwrap_err().message(), "no second");
/// # Ok::<(), greenroom::JoinError>(())
/// ```
pub fn try_joinall<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Result<Vec<T>, JoinError> {
    let handles: Vec<_> = handles.into_iter().collect();
    let mut values: Vec<Option<T>> = handles.iter().map(|_| None).collect();
    let mut ended = 0;
    let mut gathering = Gathering::new(handles);
    while let Some(index) = gathering.next(None) {
        values[index] = Some(gathering.objects()[index].inner.join()?);
        ended += 1;
    }
    match ended == values.len() {
        true => Ok(values.into_iter().flatten().collect()),
        false => Err(park::unwinding()),
    }
}

/// Kills all and waits until all have ended; gevent's `killall`.
///
/// # Switching
///
/// May, if one has not ended.
///
/// # Panics
///
/// As [`JoinHandle::kill`].
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here. If the caller is among them, the others are killed, and then it unwinds.
///
/// # Examples
///
/// ```
/// use greenroom::{killall, spawn, thread, yield_now};
///
/// let sleepers = [spawn(thread::park), spawn(thread::park)];
/// yield_now();
/// killall(&sleepers);
/// for sleeper in sleepers {
///     assert!(sleeper.join().unwrap_err().is_killed());
/// }
/// ```
pub fn killall<T>(handles: &[JoinHandle<T>]) {
    let myself = hub::current().current.get();
    let is_me = |handle: &&JoinHandle<T>| myself.is(handle.inner.job.task());
    handles.iter().filter(|handle| !is_me(handle)).for_each(JoinHandle::kill);
    handles.iter().filter(is_me).for_each(JoinHandle::kill);
    handles.iter().filter(|handle| !is_me(handle)).for_each(JoinHandle::wait);
}

/// Waits until `count` of the objects are ready (None: all), at most for `timeout` (None: for ever); gevent's `wait`.
///
/// Returns the places of the first `count` that are ready, in the order of becoming so.
///
/// # Switching
///
/// May, if fewer are ready.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here.
///
/// # Examples
///
/// ```
/// use greenroom::{spawn_later, wait};
/// use std::time::Duration;
///
/// let (slow, fast) = (spawn_later(Duration::MAX, || ()), spawn_later(Duration::from_millis(1), || ()));
/// assert_eq!(wait(&[&slow, &fast], None, Some(1)), [1]);
/// ```
pub fn wait(objects: &[&dyn Waitable], timeout: Option<Duration>, count: Option<usize>) -> Vec<usize> {
    let deadline = timeout.and_then(|limit| hub::current().clock.limit(limit));
    let mut gathering = Gathering::new(objects);
    let wanted = count.unwrap_or(objects.len());
    let mut ready = Vec::new();
    while ready.len() < wanted {
        match gathering.next(deadline) {
            Some(index) => ready.push(index),
            None => break,
        }
    }
    ready
}

/// Returns the places of the objects, each as soon as it is ready; gevent's `iwait`.
///
/// Dropping the iterator ends its interest.
///
/// # Switching
///
/// `next` may, if none is ready.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind in `next`.
///
/// # Examples
///
/// ```
/// use greenroom::{iwait, spawn_later};
/// use std::time::Duration;
///
/// let (slow, fast) = (spawn_later(Duration::from_millis(2), || ()), spawn_later(Duration::ZERO, || ()));
/// assert_eq!(iwait(&[&slow, &fast]).collect::<Vec<_>>(), [1, 0]);
/// ```
pub fn iwait<'a>(objects: &'a [&'a dyn Waitable]) -> impl Iterator<Item = usize> + 'a {
    let mut gathering = Gathering::new(objects);
    std::iter::from_fn(move || gathering.next(None))
}

/// Returns the results, each as soon as its green thread has ended; Python's `concurrent.futures.as_completed`.
///
/// # Switching
///
/// `next` may, if none has ended.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind in `next`.
pub fn as_completed<T>(
    handles: impl IntoIterator<Item = JoinHandle<T>>,
) -> impl Iterator<Item = Result<T, JoinError>> {
    let mut gathering = Gathering::new(handles.into_iter().collect::<Vec<_>>());
    std::iter::from_fn(move || {
        let index = gathering.next(None)?;
        Some(gathering.objects()[index].inner.join())
    })
}
