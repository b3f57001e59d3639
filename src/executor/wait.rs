//! Waiting for several futures: all, the first, each as it comes.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::executor::future::Future;
use crate::park::Manner;
use crate::park::bell::{Bell, Heard};
use crate::park::error::JoinError;
use crate::park::line::How;
use crate::park::seat::{Limit, Seat, WaitingFor};
use crate::shim::sync::Mutex;

/// What [`wait`] waits for.
///
/// # Examples
///
/// ```
/// use greenroom::executor::{self, ReturnWhen, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::new(1);
/// let jobs = [pool.submit(|| "first"), pool.submit(|| "second")];
/// let (done, _open) = executor::wait(&jobs, None, ReturnWhen::FirstCompleted);
/// assert_eq!(done[0], 0);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReturnWhen {
    /// Until all have ended.
    AllCompleted,
    /// Until one has ended, whichever way.
    FirstCompleted,
    /// Until one has failed (panicked, or was killed, cancelled or refused), or all have ended.
    FirstFailed,
}

/// Waits for futures, at most for `timeout` (None: for ever); `concurrent.futures.wait`.
///
/// Returns the places of those that have ended, and of those that have not, each in ascending order. The results stay where
/// they are.
///
/// # Switching
///
/// May, if what it waits for has not come. On an OS thread without a hub it blocks that thread instead. Returns at once
/// while the caller is unwinding.
///
/// # Cancellation
///
/// A kill and an expired timeout scope unwind here; the jobs go on.
///
/// # Examples
///
/// ```
/// use greenroom::executor::{self, ReturnWhen, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::new(2);
/// let jobs = [pool.submit(|| "one"), pool.submit(|| "two")];
/// let (done, open) = executor::wait(&jobs, None, ReturnWhen::AllCompleted);
/// assert_eq!((done, open), (vec![0, 1], vec![]));
/// ```
pub fn wait<T>(
    futures: &[Future<T>],
    timeout: Option<Duration>,
    return_when: ReturnWhen,
) -> (Vec<usize>, Vec<usize>) {
    let limit = timeout.and_then(|limit| Seat::here().limit(limit));
    let mut arrivals = Arrivals::of(futures);
    while let Some(index) = arrivals.next(limit) {
        let enough = match return_when {
            ReturnWhen::AllCompleted => false,
            ReturnWhen::FirstCompleted => true,
            ReturnWhen::FirstFailed => futures[index].has_failed() == Some(true),
        };
        if enough {
            break;
        }
    }
    drop(arrivals);
    (0..futures.len()).partition(|index| futures[*index].is_done())
}

/// Returns the results, each as soon as its job has ended; `concurrent.futures.as_completed`.
///
/// # Switching
///
/// `next` may, if none has ended. While the caller is unwinding it gives only what is there.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind in `next`; the jobs go on.
///
/// # Examples
///
/// ```
/// use greenroom::executor::{self, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::new(2);
/// let jobs = (1..4).map(|n| pool.submit(move || n));
/// let sum: i32 = executor::as_completed(jobs).map(Result::unwrap).sum();
/// assert_eq!(sum, 6);
/// ```
pub fn as_completed<T>(
    futures: impl IntoIterator<Item = Future<T>>,
) -> impl Iterator<Item = Result<T, JoinError>> {
    let mut arrivals = Arrivals::of(futures.into_iter().collect::<Vec<_>>());
    std::iter::from_fn(move || {
        let index = arrivals.next(None)?;
        Some(arrivals.futures.all()[index].take())
    })
}

/// The futures of one wait, borrowed or owned.
trait Several {
    type Value;

    fn all(&self) -> &[Future<Self::Value>];
}

impl<T> Several for &[Future<T>] {
    type Value = T;

    fn all(&self) -> &[Future<T>] {
        self
    }
}

impl<T> Several for Vec<Future<T>> {
    type Value = T;

    fn all(&self) -> &[Future<T>] {
        self
    }
}

/// Futures, in the order in which they end.
struct Arrivals<F: Several> {
    futures: F,
    board: Arc<Board>,
    /// Where the waker of each stands among those who watch it; none once it has been returned.
    keys: Vec<Option<u64>>,
    /// How many have not been returned.
    left: usize,
}

/// Where those that end are written down.
struct Board {
    ended: Mutex<VecDeque<usize>>,
    bell: Bell,
}

/// Writes one of them down.
struct Entry {
    board: Arc<Board>,
    index: usize,
}

impl Board {
    fn add(&self, index: usize) {
        self.lock().push_back(index);
        self.bell.ring();
    }

    /// No user code runs under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Entry {
    fn wake(self: Arc<Entry>) {
        self.board.add(self.index);
    }
}

impl<F: Several> Arrivals<F> {
    fn of(futures: F) -> Arrivals<F> {
        let board = Arc::new(Board { ended: Mutex::default(), bell: Bell::new() });
        let watch = |(index, future): (usize, &Future<F::Value>)| {
            let waker = Waker::from(Arc::new(Entry { board: board.clone(), index }));
            let key = future.watchers().add(waker);
            // It may have ended before anybody watched; or since, and then it is written down twice.
            if future.is_done() {
                board.add(index);
            }
            Some(key)
        };
        let keys: Vec<_> = futures.all().iter().enumerate().map(watch).collect();
        Arrivals { left: keys.len(), futures, board, keys }
    }

    /// The next that has ended; None once all were returned, at the limit, or while the caller is unwinding.
    fn next(&mut self, limit: Option<Limit>) -> Option<usize> {
        let how = How { manner: Manner::Infallible, what: WaitingFor::AFuture, limit };
        while self.left > 0 {
            let ended = self.board.lock().pop_front();
            match ended {
                Some(index) if self.forget(index) => {
                    self.left -= 1;
                    return Some(index);
                }
                Some(_) => {}
                None => match self.board.bell.wait(how) {
                    Ok(Heard::AtOnce | Heard::Waiting) => {}
                    Ok(Heard::Not) | Err(_) if self.board.lock().is_empty() => return None,
                    Ok(Heard::Not) | Err(_) => {}
                },
            }
        }
        None
    }

    /// Watches one of them no longer; false if it did not.
    fn forget(&mut self, index: usize) -> bool {
        let key = self.keys[index].take();
        key.inspect(|key| self.futures.all()[index].watchers().remove(*key)).is_some()
    }
}

impl<F: Several> Drop for Arrivals<F> {
    fn drop(&mut self) {
        for index in 0..self.keys.len() {
            self.forget(index);
        }
    }
}
