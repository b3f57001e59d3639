//! The future: the right to the result of one job that runs elsewhere.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::executor::crew::Job;
use crate::executor::promise::{Progress, Promise};
use crate::greenlet::unwind::contain;
use crate::hub;
use crate::park::error::JoinError;
use crate::park::line::How;
use crate::park::seat::{Interruption, Seat, WaitingFor};
use crate::park::watchers::Watchers;
use crate::park::{self, Manner};
use crate::thread;

/// What is to be run.
pub(crate) type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// A job and its result, as whoever runs it and whoever waits for it share them.
pub(crate) struct Shared<T>(Promise<Work<T>, Result<T, JoinError>>);

impl<T: Send + 'static> Shared<T> {
    pub(crate) fn new(work: impl FnOnce() -> T + Send + 'static) -> Arc<Shared<T>> {
        Arc::new(Shared(Promise::new(Box::new(work))))
    }
}

impl<T> Shared<T> {
    pub(crate) fn begin(&self) -> Option<Work<T>> {
        self.0.begin()
    }

    /// Ends it. What nobody wants is dropped here, where it was made.
    pub(crate) fn finish(&self, result: Result<T, JoinError>) {
        let unwanted = self.0.finish(result);
        contain(|| drop(unwanted));
    }

    /// Ends it without a result. The work, if nobody has begun it, is dropped here.
    pub(crate) fn fail(&self, why: JoinError) {
        let work = self.begin();
        self.finish(Err(why));
        contain(|| drop(work));
    }
}

impl<T: Send> Job for Shared<T> {
    fn run(&self) {
        if let Some(work) = self.begin() {
            self.finish(catch_unwind(AssertUnwindSafe(work)).map_err(JoinError::from_panic));
        }
    }
}

/// Woken at the end of the green thread that was to run it, whichever way that ended.
impl<T: Send> Wake for Shared<T> {
    fn wake(self: Arc<Shared<T>>) {
        self.fail(JoinError::killed());
    }
}

/// Owns the right to the result of a job that runs elsewhere: on an OS thread of a pool, or in a green thread of another hub;
/// `concurrent.futures.Future`.
///
/// It may be sent to other OS threads, if the result may. Dropping it leaves the job running; the result is then dropped
/// where it was made. It is also a [future](std::future::Future), for any executor.
///
/// # Examples
///
/// ```
/// use greenroom::executor::ThreadPoolExecutor;
///
/// let pool = ThreadPoolExecutor::new(2);
/// let answer = pool.submit(|| 6 * 7);
/// assert_eq!(answer.result().unwrap(), 42);
/// ```
#[must_use = "the result is lost when the future is dropped"]
pub struct Future<T> {
    shared: Arc<Shared<T>>,
    /// Where its waker stands among those who watch.
    waker: Option<u64>,
}

impl<T> Future<T> {
    pub(crate) fn of(shared: &Arc<Shared<T>>) -> Future<T> {
        Future { shared: shared.clone(), waker: None }
    }

    /// Waits for the end, at most for `limit`; false if it was not in time.
    pub(crate) fn await_end(
        &self,
        manner: Manner,
        what: WaitingFor,
        limit: Option<Duration>,
    ) -> Result<bool, Interruption> {
        let limit = limit.and_then(|limit| Seat::here().limit(limit));
        self.shared.0.wait(How { manner, what, limit })
    }

    /// The result, once it has ended.
    pub(crate) fn take(&self) -> Result<T, JoinError> {
        let result = self.shared.0.take();
        result.unwrap_or_else(|| Err(JoinError::refused("its result was taken before")))
    }

    /// Has it failed? None as long as it has not ended.
    pub(crate) fn has_failed(&self) -> Option<bool> {
        match self.shared.0.peek(Result::is_err) {
            None if self.is_done() => Some(false),
            failed => failed,
        }
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        self.shared.0.watchers()
    }

    /// Waits for the end and takes the result: what the job returned, or why there is nothing.
    ///
    /// # Switching
    ///
    /// May, if it has not ended. On an OS thread without a hub it blocks that thread instead.
    ///
    /// # Errors
    ///
    /// The [`JoinError`] tells a panic of the job from a kill of the green thread that ran it. It is a refusal if the job was
    /// never run: it was [cancelled](Self::cancel), its pool was shut down, there was no OS thread for it. It is a
    /// refusal, too, if the caller is unwinding and the job has not ended.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the job goes on, and its result is dropped where it was made.
    pub fn result(self) -> Result<T, JoinError> {
        match self.await_end(Manner::Infallible, WaitingFor::AFuture, None) {
            Ok(_) => self.take(),
            Err(_) => Err(park::unwinding()),
        }
    }

    /// Waits for the end and leaves the result where it is.
    ///
    /// # Switching
    ///
    /// May, if it has not ended. Returns at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait(&self) {
        let _ = self.await_end(Manner::Infallible, WaitingFor::AFuture, None);
    }

    /// Waits for the end, at most for `limit`; returns true if it has ended.
    ///
    /// # Switching
    ///
    /// May, if it has not ended. Returns at once while the caller is unwinding.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.await_end(Manner::Infallible, WaitingFor::AFuture, Some(limit)).unwrap_or(false)
    }

    /// Tells whether it has ended: run, or cancelled, or refused.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn is_done(&self) -> bool {
        self.shared.0.progress() == Progress::Done
    }

    /// Tells whether it has begun and not ended.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn is_running(&self) -> bool {
        self.shared.0.progress() == Progress::Running
    }

    /// Prevents the job, if it has not begun; returns true if so.
    ///
    /// Its closure is dropped by the caller, and its result is a refusal. A job that has begun cannot be stopped.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn cancel(&self) -> bool {
        let Some(work) = self.shared.begin() else { return false };
        self.shared.finish(Err(JoinError::refused("the job was cancelled before it began")));
        contain(|| drop(work));
        true
    }

    /// Runs `f` with the result, in a green thread of the caller's hub, once the job has ended.
    ///
    /// So `f` need not be `Send`, and may park. [`run`](crate::run) waits for that green thread, as for any other. On an OS
    /// thread without a hub nobody would be there to run `f` later: the call itself waits for the end and runs it.
    ///
    /// # Switching
    ///
    /// Never; but an OS thread without a hub is blocked until `f` has returned.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::executor::ThreadPoolExecutor;
    ///
    /// greenroom::run(|| {
    ///     let pool = ThreadPoolExecutor::new(1);
    ///     pool.submit(|| 6 * 7).add_done_callback(|ended| assert_eq!(ended.unwrap(), 42));
    /// });
    /// ```
    #[track_caller]
    pub fn add_done_callback(self, f: impl FnOnce(Result<T, JoinError>) + 'static)
    where
        T: 'static,
    {
        match hub::try_current() {
            Some(_) => drop(thread::spawn(move || f(self.result()))),
            None => f(self.result()),
        }
    }

    fn forget_waker(&mut self) {
        if let Some(key) = self.waker.take() {
            self.watchers().remove(key);
        }
    }
}

impl<T> Drop for Future<T> {
    fn drop(&mut self) {
        self.forget_waker();
        let unread = self.shared.0.disown();
        contain(|| drop(unread));
    }
}

/// Ready with the result once the job has ended. Polled again after that, it gives a refusal: the result was taken.
impl<T> std::future::Future for Future<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // The waker first, the look after that: see the head of `park::watchers`.
        let waker: Waker = context.waker().clone();
        self.forget_waker();
        self.waker = Some(self.watchers().add(waker));
        if !self.is_done() {
            return Poll::Pending;
        }
        self.forget_waker();
        Poll::Ready(self.take())
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Future").field("progress", &self.shared.0.progress()).finish()
    }
}
