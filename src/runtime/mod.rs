//! The roof: a hub as a value that a program owns, runs, or turns from a loop of its own.
//!
//! ```
//! use greenroom::runtime::Runtime;
//!
//! let runtime = Runtime::builder().stack_size(64 << 10).build()?;
//! let answer = runtime.run(|| greenroom::spawn(|| 42).join().unwrap());
//! assert_eq!(answer, 42);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Traps
//!
//! * Without [`run`] or a [`Runtime`] the first call that needs a hub makes one. Its green threads live only while the
//!   root parks: a `main` that returns without joining them ends the process, and nothing else runs.
//! * A deadlock is told to the root, by a panic that lists all green threads: see [`run`]. It is noticed only if nobody is
//!   ready, no timer is armed and nobody waits for a descriptor, and not between the [turns](Runtime::turn) of a program's own
//!   loop.
//! * A `Runtime` in a thread-local ends while thread-locals are destroyed: if it notices, it leaves its green threads as
//!   they stand instead of unwinding them.

mod builder;
mod errand;
mod handle;
mod metrics;

pub use builder::Builder;
pub use handle::Handle;
pub use metrics::Metrics;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::greenlet::chain;
use crate::hub::task::WaitingFor;
use crate::hub::{self, Hub, Settings};
use crate::park::Manner;
use crate::park::told::park_in;
use crate::thread::{self, JoinHandle};

/// Runs `main` as the root of a new hub, then waits for every green thread that is not a daemon, kills the daemons, and
/// ends the hub: every destructor has run when this returns.
///
/// Green threads that have not unwound 5 seconds after they were killed are left as they stand, with a line on standard
/// error for each. If `main` panics, all are killed, and the panic goes on.
///
/// # Switching
///
/// May: `main` is the root, and parks like any green thread.
///
/// # Panics
///
/// Panics if `main` does. Panics if this OS thread has a hub, unless that was made implicitly and has no living green
/// thread; and if a hub cannot be made (no descriptor is left, say). [`Runtime::new`] gives these errors instead.
///
/// Panics in the root on a deadlock: nothing can ever end what it waits for. The text says who waits for what. What another
/// OS thread could end is no deadlock while the process has one, idle ones of this crate aside (where the system tells: on
/// Linux); nor is a sleep without end. Green threads that wait in a ring for each other's locks, beside others that go on,
/// are reported on standard error.
///
/// # Examples
///
/// ```
/// let mut seen = Vec::new();
/// greenroom::run(|| seen.push(greenroom::spawn(|| "a green thread").join().unwrap()));
/// assert_eq!(seen, ["a green thread"]);
/// ```
pub fn run<T>(main: impl FnOnce() -> T) -> T {
    match Runtime::new() {
        Ok(runtime) => runtime.run(main),
        Err(error) => panic!("cannot run a hub here: {error}"),
    }
}

/// A hub, owned; it claims its OS thread until it is dropped, and is not `Send`.
///
/// Dropping it kills its green threads and waits until they have unwound, for at most 5 seconds. Dropped by one of them,
/// it kills them once that one parks or ends.
///
/// # Examples
///
/// ```
/// let runtime = greenroom::Runtime::builder().max_threads(1_000).build()?;
/// let answer = runtime.run(|| greenroom::spawn(|| 42).join().unwrap());
/// assert_eq!(answer, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime {
    hub: Rc<Hub>,
}

impl Runtime {
    /// Returns the default settings, to be changed before the hub is built.
    pub fn builder() -> Builder {
        Builder { settings: Settings::default() }
    }

    /// Makes a hub with the default settings.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Runtime> {
        Runtime::builder().build()
    }

    /// Runs `main` as the root, then ends the hub, as [`run`] does.
    ///
    /// # Switching
    ///
    /// May: `main` is the root, and parks like any green thread.
    ///
    /// # Panics
    ///
    /// Panics if `main` does, on a deadlock (see [`run`]), inside one of the hub's own green threads, and where nothing may
    /// switch (inside [`on_hub_stack`](crate::thread::on_hub_stack), wakers and [`on_panic`](Builder::on_panic)).
    pub fn run<T>(self, main: impl FnOnce() -> T) -> T {
        if let Err(where_) = self.on_root() {
            panic!("Runtime::run {where_}");
        }
        let main_and_all = || {
            let value = main();
            while self.hub.lasting.get() > 0 {
                let _ = park_in(&self.hub, &self.hub.all_ended, Manner::Deaf, WaitingFor::AllEnds, None);
            }
            value
        };
        let result = catch_unwind(AssertUnwindSafe(main_and_all));
        drop(self);
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// Makes one turn, for a program that has its own loop.
    ///
    /// It takes in what came from other OS threads and from descriptors, fires due timers, and runs each green thread
    /// that is ready once. If none is ready it waits at most `max_wait` (None: until something happens).
    ///
    /// # Switching
    ///
    /// May, if a green thread is ready.
    ///
    /// # Errors
    ///
    /// Fails inside one of the hub's own green threads, in a waker, in [`on_panic`](Builder::on_panic), and inside
    /// [`on_hub_stack`](crate::thread::on_hub_stack).
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = greenroom::Runtime::new()?;
    /// let green = runtime.spawn(|| greenroom::yield_now());
    /// while runtime.turn(None)?.alive > 0 {}
    /// assert!(green.is_finished());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn turn(&self, max_wait: Option<Duration>) -> io::Result<Turn> {
        self.on_root().map_err(|where_| io::Error::other(format!("Runtime::turn {where_}")))?;
        let hub = &self.hub;
        let limit = max_wait.and_then(|wait| u64::try_from(wait.as_nanos()).ok());
        hub.turning.set(true);
        hub.look(limit);
        let ran = hub.run_those_ready();
        hub.turning.set(false);
        if hub.orphaned.get() {
            hub.end_orphans();
        }
        hub.ring_if_called();
        Ok(Turn { ran, ready: hub.ready.len(), alive: hub.alive() })
    }

    /// Spawns a green thread, before the hub is run or between turns; elsewhere [`spawn`](crate::spawn) does it.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        thread::spawn(f)
    }

    /// Returns when the next [`turn`](Self::turn) is due on account of time: now, if green threads are ready; None if no
    /// timer is set.
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.hub.ready.is_empty() {
            return Some(Instant::now());
        }
        let next = self.hub.earliest_deadline();
        next.and_then(|moment| self.hub.clock.instant(moment))
    }

    /// Returns the hub as other OS threads may see it.
    pub fn handle(&self) -> Handle {
        Handle { remote: self.hub.remote.clone() }
    }

    /// Returns what the hub has counted so far.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.hub.remote)
    }

    fn on_root(&self) -> Result<(), &'static str> {
        if !self.hub.running().is_root() || self.hub.turning.get() {
            return Err("does not work inside one of the hub's own green threads");
        }
        if chain::switching_forbidden() {
            return Err("does not work where nothing may switch: on_hub_stack, wakers, hooks");
        }
        Ok(())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if hub::os_thread_ends() || hub::forked::happened() {
            // Green threads may hold references into thread-locals that are gone, or need OS threads that this process has
            // not: none of their code runs any more (S5).
            self.hub.leave_all_standing();
            hub::uninstall();
            std::mem::forget(self.hub.clone());
            return;
        }
        if self.on_root().is_err() {
            self.hub.orphaned.set(true);
            self.hub.look_at_once();
            std::mem::forget(self.hub.clone());
            return;
        }
        self.hub.close();
        hub::uninstall();
    }
}

/// Readable when [`turn`](Runtime::turn) would find something that came from descriptors or other OS threads: nest it in any
/// poll loop, with [`next_deadline`](Runtime::next_deadline) as the loop's timeout.
impl AsFd for Runtime {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.hub.lent.set(true);
        self.hub.ring_if_called();
        self.hub.reactor.as_fd()
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("metrics", &self.metrics()).finish()
    }
}

/// What one [`turn`](Runtime::turn) came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Turn {
    /// How many green threads have run.
    pub ran: usize,
    /// How many are ready to run in the next.
    pub ready: usize,
    /// How many are alive.
    pub alive: usize,
}
