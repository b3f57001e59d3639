//! The pool: OS threads that a program has for itself.

use std::fmt;
use std::sync::Arc;

use crate::executor::crew::{Crew, Refusal};
use crate::executor::future::{Future, Shared};
use crate::park::error::JoinError;

/// A pool of OS threads for work that blocks or computes; `concurrent.futures.ThreadPoolExecutor`.
///
/// Threads are started as jobs come, up to a limit, and end when they have been idle for 5 seconds. Jobs begin in the order in
/// which they were submitted. Dropping the pool is [`shutdown(false)`](Self::shutdown): jobs that are queued still run.
///
/// It may be used from any OS thread, hub or not. A job may submit others, but a job that waits for another of the same pool
/// can wait for ever: that one may never get a thread.
///
/// # Examples
///
/// ```
/// use greenroom::executor::ThreadPoolExecutor;
///
/// let pool = ThreadPoolExecutor::new(4);
/// let squares = pool.map(1..4, |n| n * n);
/// assert!(squares.map(Result::unwrap).eq([1, 4, 9]));
/// ```
pub struct ThreadPoolExecutor {
    crew: Crew,
    max_workers: usize,
}

impl ThreadPoolExecutor {
    /// Makes a pool of at most `max_workers` OS threads; none is started yet.
    ///
    /// # Panics
    ///
    /// Panics if `max_workers` is 0.
    pub fn new(max_workers: usize) -> ThreadPoolExecutor {
        assert!(max_workers > 0, "a ThreadPoolExecutor needs at least one worker");
        ThreadPoolExecutor { crew: Crew::new("greenroom-worker", max_workers), max_workers }
    }

    /// Has `f` run on one of the pool's OS threads.
    ///
    /// A panic of `f` is in the result, and costs no thread. If the pool is shut down, or the system starts no thread and
    /// the pool has none, `f` is dropped by the caller, and the result is a refusal that says why.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::executor::ThreadPoolExecutor;
    ///
    /// let pool = ThreadPoolExecutor::new(2);
    /// let squares: Vec<_> = (1..4).map(|n| pool.submit(move || n * n)).collect();
    /// let squares: Vec<i32> = squares.into_iter().map(|square| square.result().unwrap()).collect();
    /// assert_eq!(squares, [1, 4, 9]);
    /// ```
    pub fn submit<F, T>(&self, f: F) -> Future<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = Shared::new(f);
        let future = Future::of(&shared);
        if let Err(refusal) = self.crew.submit(shared.clone(), self.max_workers) {
            shared.fail(refusal.into());
        }
        future
    }

    /// Has `f` run on each of the items, and returns the results in the order of the items.
    ///
    /// All items are submitted before this returns. Dropping the iterator leaves the jobs running.
    ///
    /// # Switching
    ///
    /// `next` may, if the result is not there.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind in `next`.
    pub fn map<I, F, R>(&self, items: I, f: F) -> impl Iterator<Item = Result<R, JoinError>> + use<I, F, R>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + 'static,
    {
        let f = Arc::new(f);
        let submit = |item| {
            let f = f.clone();
            self.submit(move || f(item))
        };
        let futures: Vec<Future<R>> = items.into_iter().map(submit).collect();
        futures.into_iter().map(Future::result)
    }

    /// Takes no more jobs; if `wait`, waits until those that were submitted have ended and the OS threads with them.
    ///
    /// What is submitted later is refused. Idle threads end at once.
    ///
    /// # Switching
    ///
    /// May, if `wait` and jobs are left. On an OS thread without a hub it blocks that thread instead. Returns at once while
    /// the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if a job of this pool waits for the end of them all.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the pool stays shut.
    pub fn shutdown(&self, wait: bool) {
        self.crew.close();
        if wait {
            assert!(!self.crew.is_mine(), "a job waits for the end of all jobs of its own pool");
            self.crew.await_end();
        }
    }
}

impl From<Refusal> for JoinError {
    fn from(refusal: Refusal) -> JoinError {
        match refusal {
            Refusal::Closed => JoinError::refused("the pool was shut down"),
            Refusal::NoThread(error) => JoinError::refused(format!("no OS thread can be started: {error}")),
        }
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workers, jobs) = self.crew.workers_and_jobs();
        f.debug_struct("ThreadPoolExecutor")
            .field("max_workers", &self.max_workers)
            .field("workers", &workers)
            .field("queued", &jobs)
            .finish()
    }
}
