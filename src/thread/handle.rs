//! Handles of green threads: one that owns the result, one that only names and unparks.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::hub;
use crate::hub::clock::Moment;
use crate::hub::requests::Requests;
use crate::hub::task::{State, Task, TaskPtr, WaitingFor, Woken};
use crate::hub::waiters::{Node, Waiter};
use crate::park::error::JoinError;
use crate::park::payload::Unwind;
use crate::park::told::park_in;
use crate::park::{self, Manner};
use crate::thread::Thread;
use crate::thread::job::{Job, Options, dormant, stillborn};

/// Owns the right to the result of a green thread; std's `JoinHandle`, with gevent's `kill` and `link`.
///
/// Dropping it detaches the green thread, which goes on. It is also a future, for executors on the same OS thread.
pub struct JoinHandle<T> {
    pub(crate) inner: Inner<'static, T>,
}

/// What scoped and unscoped handles have in common.
pub(crate) struct Inner<'a, T> {
    pub(crate) job: Job<'a, T>,
    /// Boxed: two words are enough for a handle that is only joined. Dropped by hand, for nearly all have none.
    rare: ManuallyDrop<OnceCell<Box<Rare>>>,
}

/// What few handles ever need.
#[derive(Default)]
struct Rare {
    thread: OnceCell<Thread>,
    /// Where a future's waker stands in the list of those who wait.
    waker: Cell<Option<Box<Node>>>,
}

impl<'a, T> Inner<'a, T> {
    pub(crate) fn new(job: Job<'a, T>) -> Inner<'a, T> {
        Inner { job, rare: ManuallyDrop::new(OnceCell::new()) }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.job.task().state.get() == State::Ended
    }

    #[inline(always)]
    pub(crate) fn join(&self) -> Result<T, JoinError> {
        if !self.is_finished() {
            match await_end(self.job.task()) {
                Ok(()) => {}
                Err(Refusal::OneSelf) => return Err(JoinError::refused(ONESELF)),
                Err(_) => return Err(park::unwinding()),
            }
        }
        match self.job.take() {
            Some(result) => result,
            None => Err(JoinError::refused("its result was taken before")),
        }
    }

    pub(crate) fn wait(&self) {
        if let Err(Refusal::OneSelf) = await_end(self.job.task()) {
            panic!("{ONESELF}");
        }
    }

    pub(crate) fn wait_timeout(&self, limit: Duration) -> bool {
        match await_end_until(self.job.task(), hub::current().clock.limit(limit)) {
            Err(Refusal::OneSelf) => panic!("{ONESELF}"),
            ended => ended.is_ok(),
        }
    }

    pub(crate) fn cancel(&self) {
        if !self.is_finished() {
            hub::current().request(self.job.task(), Requests::CANCEL);
        }
    }

    pub(crate) fn kill(&self) {
        if self.is_finished() {
            return;
        }
        let task = self.job.task();
        if cfg!(panic = "abort") && !task.yielder.get().is_null() {
            panic!("kill needs unwinding, and this program is built with panic = \"abort\"");
        }
        let hub = hub::current();
        hub.request(task, Requests::KILL);
        if hub.current.get().is(task) && !std::thread::panicking() {
            Unwind::Kill { thread: task.id }.raise();
        }
    }

    pub(crate) fn thread(&self) -> &Thread {
        self.rare().thread.get_or_init(|| Thread::new(hub::identity(self.job.task())))
    }

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    /// Takes the waker of a future out of the list of those who wait.
    #[cold]
    fn forget_waker(&self, rare: &Rare) {
        if let Some(node) = rare.waker.take() {
            self.job.task().waiters.leave(&node);
        }
    }
}

impl<T> Drop for Inner<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(rare) = self.rare.take() {
            self.forget_waker(&rare);
        }
        if !self.job.task().is_joined() {
            self.job.detach();
        }
    }
}

/// Waits for the end of a green thread.
fn await_end(task: &Task) -> Result<(), Refusal> {
    await_end_until(task, None)
}

/// The same, until `deadline` at the latest.
#[inline]
fn await_end_until(task: &Task, deadline: Option<Moment>) -> Result<(), Refusal> {
    let has_ended = || task.state.get() == State::Ended;
    if has_ended() {
        return Ok(());
    }
    let hub = hub::current();
    if hub.current.get().is(task) {
        return Err(Refusal::OneSelf);
    }
    let end = WaitingFor::ThreadEnd(TaskPtr::new(task));
    match park_in(hub, &task.waiters, Manner::Infallible, end, deadline) {
        Ok(Woken::Deadline) if !has_ended() => Err(Refusal::TimedOut),
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::Unwinding),
    }
}

/// Why a wait for an end did not come to it.
pub(crate) enum Refusal {
    TimedOut,
    OneSelf,
    Unwinding,
}

const ONESELF: &str = "a green thread cannot wait for its own end";

impl<T> JoinHandle<T> {
    pub(crate) fn new(job: Job<'static, T>) -> JoinHandle<T> {
        JoinHandle { inner: Inner::new(job) }
    }

    /// Waits for the end and takes the result: what the closure returned, or why there is nothing.
    ///
    /// # Switching
    ///
    /// May, if it has not ended.
    ///
    /// # Errors
    ///
    /// The [`JoinError`] tells a panic from a kill. It is a refusal if a green thread joins itself, or if the caller is
    /// unwinding.
    ///
    /// # Cancellation
    ///
    /// A timeout or kill of the caller unwinds it; the green thread that it waits for goes on, detached.
    ///
    /// # Examples
    ///
    /// ```
    /// let good = greenroom::spawn(|| "done");
    /// let bad = greenroom::spawn(|| panic!("no luck"));
    /// assert_eq!(good.join().unwrap(), "done");
    /// assert_eq!(bad.join().unwrap_err().message(), "no luck");
    /// ```
    #[inline(always)]
    pub fn join(self) -> Result<T, JoinError> {
        self.inner.join()
    }

    /// Waits for the end and leaves the result where it is.
    ///
    /// # Switching
    ///
    /// May, if it has not ended. Returns at once while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if a green thread waits for itself.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait(&self) {
        self.inner.wait();
    }

    /// Waits for the end, at most for `limit`; returns true if it has ended.
    ///
    /// # Switching
    ///
    /// May, if it has not ended. Returns at once while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if a green thread waits for itself.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::{spawn, thread};
    /// use std::time::Duration;
    ///
    /// let sleeper = spawn(thread::park);
    /// assert!(!sleeper.wait_timeout(Duration::from_millis(1)));
    /// sleeper.thread().unpark();
    /// assert!(sleeper.wait_timeout(Duration::from_secs(1)));
    /// ```
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.inner.wait_timeout(limit)
    }

    /// Tells whether it has ended.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// Asks it softly to stop.
    ///
    /// From now on those of its waits that can fail fail, with [`Cancelled`](crate::thread::Cancelled) inside, its sleeps
    /// return early, and [`is_cancelled`](crate::thread::is_cancelled) is true in it. Other waits go on.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::{sleep, spawn, thread, yield_now};
    /// use std::time::Duration;
    ///
    /// let worker = spawn(|| {
    ///     sleep(Duration::from_secs(3600));
    ///     thread::is_cancelled()
    /// });
    /// yield_now();
    /// worker.cancel();
    /// assert!(worker.join().unwrap());
    /// ```
    pub fn cancel(&self) {
        self.inner.cancel();
    }

    /// Makes it unwind at its present or next park, and does not wait for that; gevent's `kill(block=False)`.
    ///
    /// Its destructors run, the panic hook stays silent, [`join`](Self::join) gives an error with
    /// [`is_killed`](JoinError::is_killed). One that has not begun never runs. The request stays until it has ended: if
    /// it catches the unwinding, it unwinds again at its next park. Killing one that has ended, or twice, does nothing.
    /// Killing oneself unwinds at once, unless one is unwinding already.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// Panics if the program is built with `panic = "abort"`: there is no unwinding then.
    ///
    /// # Examples
    ///
    /// ```
    /// let sleeper = greenroom::spawn(|| greenroom::thread::park());
    /// greenroom::yield_now();
    /// sleeper.kill();
    /// assert!(sleeper.join().unwrap_err().is_killed());
    /// ```
    pub fn kill(&self) {
        self.inner.kill();
    }

    /// Returns the green thread's id, name and `unpark`.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn thread(&self) -> &Thread {
        self.inner.thread()
    }

    /// Runs `f` with the result, in a green thread of its own, once this one has ended; gevent's `link`.
    ///
    /// The green thread that runs `f` is a daemon if this one is.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// greenroom::run(|| {
    ///     greenroom::spawn(|| 6 * 7).link(|ended| assert_eq!(ended.unwrap(), 42));
    /// });
    /// ```
    #[track_caller]
    pub fn link(self, f: impl FnOnce(Result<T, JoinError>) + 'static)
    where
        T: 'static,
    {
        let site = Location::caller();
        let watched = self.inner.job.record();
        let ended = self.is_finished();
        let options = Options { daemon: watched.task().daemon, ..Options::default() };
        let link = Rc::new(Link { handle: self, node: OnceCell::new() });
        let held = link.clone();
        let made = dormant(options, site, move || {
            let result = held.handle.inner.join();
            drop(held);
            f(result);
        });
        match made {
            Ok(job) => {
                let hub = hub::current();
                let begins = TaskPtr::new(job.task());
                if ended {
                    hub.start(begins);
                } else {
                    // For reports: whose end begins it.
                    job.task().waiting_for.set(WaitingFor::ThreadEnd(TaskPtr::new(watched.task())));
                    let node = link.node.get_or_init(|| Node::new(Waiter::Start(begins)));
                    // SAFETY: both are in shared allocations that the link holds, and its drop leaves (S15).
                    unsafe { watched.task().waiters.join(node) };
                }
                job.detach();
            }
            Err(error) => drop(refused::<()>(site, error)),
        }
    }
}

/// A green thread that begins at the end of another, in the list of those who wait. Its body holds this, so the entry is
/// left when the body is dropped, run or not: before the record goes (S15).
struct Link<T> {
    handle: JoinHandle<T>,
    node: OnceCell<Node>,
}

impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        if let Some(node) = self.node.get() {
            self.handle.inner.job.task().waiters.leave(node);
        }
    }
}

/// The handle of a green thread that could not be made. It panics instead where a panic is what std's users expect.
pub(crate) fn refused<T: 'static>(site: &'static Location<'static>, why: std::io::Error) -> JoinHandle<T> {
    if !std::thread::panicking() && !hub::current().closing.get() {
        panic!("failed to spawn a green thread at {site}: {why}");
    }
    JoinHandle::new(stillborn(site, JoinError::refused(why.to_string())))
}

/// Ready with the result once the green thread has ended. Polled again after that, it gives a refusal: the result was
/// taken.
impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // User code first, which may park: what is true after it stays true.
        let node = Box::new(Node::new(Waiter::Waker(context.waker().clone())));
        if let Some(rare) = self.inner.rare.get() {
            self.inner.forget_waker(rare);
        }
        if self.is_finished() {
            return Poll::Ready(self.inner.join());
        }
        // SAFETY: the box keeps its address, and `forget_waker` leaves before it goes; the handle holds the record (S15).
        unsafe { self.inner.job.task().waiters.join(&node) };
        self.inner.rare().waker.set(Some(node));
        Poll::Pending
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.inner.job.task();
        f.debug_struct("JoinHandle")
            .field("id", &task.id)
            .field("name", &task.label.name())
            .field("finished", &self.is_finished())
            .finish()
    }
}
