//! Scopes: green threads that may borrow, because whoever lends waits for their end.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::greenlet::chain;
use crate::greenlet::unwind;
use crate::hub;
use crate::hub::record::Record;
use crate::hub::requests::Requests;
use crate::hub::task::{State, TaskPtr, WaitingFor};
use crate::park::error::JoinError;
use crate::park::payload::Unwind;
use crate::park::told::park_in;
use crate::park::{self, Manner};
use crate::thread::Thread;
use crate::thread::handle::Inner;
use crate::thread::job::{Job, Options, dormant_borrowing, ended, outcome};

/// A place to spawn green threads that borrow; see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    children: RefCell<Vec<Record>>,
    /// How many the list may hold before those that have ended are looked for.
    roomy: Cell<usize>,
    /// A child that nobody joined has panicked.
    failed: Cell<bool>,
    // Invariant in both, as std's: a child must not make either lifetime shorter.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// Runs `f`, which may spawn green threads that borrow from the caller, and returns when all of them have ended; std's
/// `thread::scope`.
///
/// # Switching
///
/// May, if children are still alive at the end of `f`.
///
/// # Panics
///
/// Panics if `f` does, once the children have ended, and if a child panicked that was not joined.
///
/// # Cancellation
///
/// If a kill or an expired timeout unwinds `f`, or comes while the scope waits for its children, these are killed, and the
/// scope waits for them all the same before the unwinding goes on: nothing cuts that wait short.
///
/// # Examples
///
/// ```
/// let mut words = vec!["b", "a"];
/// let longest = greenroom::scope(|s| {
///     let sorter = s.spawn(|| words.sort());
///     sorter.join().unwrap();
///     s.spawn(|| 1).join().unwrap()
/// });
/// assert_eq!((words, longest), (vec!["a", "b"], 1));
/// ```
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        children: RefCell::new(Vec::new()),
        roomy: Cell::new(16),
        failed: Cell::new(false),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    if let Err(payload) = &result
        && (Unwind::of(&**payload).is_some() || unwind::is_unwind(&**payload))
    {
        scope.kill_children();
    }
    let asked = scope.wait_for_children();
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if scope.failed.get() => panic!("a green thread of the scope panicked"),
        Ok(value) => match asked {
            None => value,
            Some(payload) => {
                drop(value);
                resume_unwind(payload)
            }
        },
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Spawns a green thread that may borrow what outlives the scope.
    ///
    /// # Switching
    ///
    /// Never; but while the caller is unwinding, or where nothing may switch, the closure runs at once, inside this
    /// call.
    ///
    /// # Panics
    ///
    /// Panics if there is no stack for it; [`Builder::spawn_scoped`](crate::thread::Builder::spawn_scoped) gives the
    /// error instead.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        let site = Location::caller();
        match spawn_in(self, Options::default(), site, f) {
            Ok(handle) => handle,
            Err(why) if hub::current().closing.get() => {
                ScopedJoinHandle::new(ended(site, Err(JoinError::refused(why.to_string()))))
            }
            Err(why) => panic!("failed to spawn a green thread at {site}: {why}"),
        }
    }

    fn kill_children(&self) {
        let children = self.children.borrow().clone();
        for child in children.iter().filter(|child| child.task().state.get() != State::Ended) {
            hub::current().request(child.task(), Requests::KILL);
        }
    }

    /// Waits for the end of each child. This is what makes borrowing sound, so it has no other way out (S13). If the
    /// waiter is asked to end meanwhile, so are the children; by what is returned, which goes on after it.
    fn wait_for_children(&self) -> Option<Box<dyn Any + Send>> {
        let sealed = NoWayOut;
        // From now on the list only grows: children may still spawn others.
        self.roomy.set(usize::MAX);
        let mut asked: Option<Box<dyn Any + Send>> = None;
        for next in 0.. {
            let Some(child) = self.children.borrow().get(next).cloned() else { break };
            while child.task().state.get() != State::Ended {
                if asked.is_none() && !std::thread::panicking() {
                    asked = park::asked_to_end().map(|unwind| Box::new(unwind) as Box<dyn Any + Send>);
                    if asked.is_some() {
                        self.kill_children();
                    }
                }
                let manner = if asked.is_none() { Manner::Guardian } else { Manner::Deaf };
                let what = WaitingFor::ScopeEnd(TaskPtr::new(child.task()));
                let wait = || park_in(hub::current(), &child.task().waiters, manner, what, None);
                match catch_unwind(AssertUnwindSafe(wait)) {
                    Ok(waited) => {
                        debug_assert!(waited.is_ok(), "this wait is neither refused nor interrupted")
                    }
                    // A deadlock, of which the root has learned here.
                    Err(payload) => {
                        asked.get_or_insert(payload);
                        self.kill_children();
                    }
                }
            }
            self.note_failure(&child);
        }
        std::mem::forget(sealed);
        asked
    }

    fn adopt(&self, child: Record) {
        let mut children = self.children.borrow_mut();
        if children.len() >= self.roomy.get() {
            children.retain(|child| {
                let task = child.task();
                task.state.get() != State::Ended || (task.panicked.get() && !task.is_joined())
            });
            self.roomy.set(16.max(children.len() * 2));
        }
        children.push(child);
    }

    fn note_failure(&self, child: &Record) {
        if child.task().panicked.get() && !child.task().is_joined() {
            self.failed.set(true);
        }
    }
}

/// Ends the process if the wait for children is left by a panic: their borrows would dangle.
struct NoWayOut;

impl Drop for NoWayOut {
    fn drop(&mut self) {
        eprintln!("greenroom: a scope cannot wait for its green threads any more; aborting");
        std::process::abort();
    }
}

pub(crate) fn spawn_in<'scope, 'env, F, T>(
    scope: &'scope Scope<'scope, 'env>,
    options: Options,
    site: &'static Location<'static>,
    f: F,
) -> io::Result<ScopedJoinHandle<'scope, T>>
where
    F: FnOnce() -> T + 'scope,
    T: 'scope,
{
    // Another may be the one that unwinds; without a hub there is no other.
    let unwinds = std::thread::panicking() && (hub::try_current().is_none() || park::refuses());
    if unwinds || chain::switching_forbidden() {
        // The scope could not wait for it.
        let result = outcome(u64::MAX, f);
        return Ok(ScopedJoinHandle::new(ended(site, result)));
    }
    let mut options = options;
    // `run` does not wait for daemons, nor for what they wait for.
    options.daemon |= hub::current().running().daemon;
    // SAFETY: `wait_for_children` waits for the end of all that `adopt` is given, before the scope, and with it 'scope, ends.
    let job = unsafe { dormant_borrowing(options, site, f) }?;
    let hub = hub::current();
    let pointer = TaskPtr::new(job.task());
    scope.adopt(hub.living.keep(job.task()));
    hub.start(pointer);
    Ok(ScopedJoinHandle::new(job))
}

/// Owns the right to the result of a green thread of a scope; std's `ScopedJoinHandle`.
///
/// Dropping it gives the result up. The scope waits for the green thread all the same.
pub struct ScopedJoinHandle<'scope, T> {
    inner: Inner<'scope, T>,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    fn new(job: Job<'scope, T>) -> ScopedJoinHandle<'scope, T> {
        ScopedJoinHandle { inner: Inner::new(job) }
    }

    /// Waits for the end and takes the result, as [`JoinHandle::join`](crate::JoinHandle::join) does.
    ///
    /// # Switching
    ///
    /// May, if it has not ended.
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join`](crate::JoinHandle::join).
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
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

    /// Asks it softly to stop, as [`JoinHandle::cancel`](crate::JoinHandle::cancel) does.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn cancel(&self) {
        self.inner.cancel();
    }

    /// Makes it unwind at its present or next park, as [`JoinHandle::kill`](crate::JoinHandle::kill) does.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::kill`](crate::JoinHandle::kill).
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
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alive = |child: &&Record| child.task().state.get() != State::Ended;
        f.debug_struct("Scope").field("alive", &self.children.borrow().iter().filter(alive).count()).finish()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}
