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
//! * A wait that nothing can ever end lasts for ever: a deadlock is not reported.
//! * A `Runtime` in a thread-local ends while thread-locals are destroyed: if it notices, it leaves its green threads as
//!   they stand instead of unwinding them.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::greenlet::chain;
use crate::hub::remote::Remote;
use crate::hub::task::WaitingFor;
use crate::hub::{self, Hub, Settings};
use crate::park::Manner;
use crate::park::told::park_in;
use crate::stack::Guards;
use crate::thread::{self, JoinHandle, Thread};

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
    /// Panics if `main` does, inside one of the hub's own green threads, and where nothing may switch (inside
    /// [`on_hub_stack`](crate::thread::on_hub_stack), wakers and [`on_panic`](Builder::on_panic)).
    pub fn run<T>(self, main: impl FnOnce() -> T) -> T {
        if let Err(where_) = self.on_root() {
            panic!("Runtime::run {where_}");
        }
        let result = catch_unwind(AssertUnwindSafe(main));
        if result.is_ok() {
            while self.hub.lasting.get() > 0 {
                let _ = park_in(&self.hub.all_ended, Manner::Deaf, WaitingFor::ThreadEnd, None);
            }
        }
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
        let next = self.hub.timers.borrow().next();
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
        if hub::os_thread_ends() {
            // Green threads may hold references into thread-locals that are gone: none of their code runs any more (S5).
            hub::uninstall();
            std::mem::forget(self.hub.clone());
            return;
        }
        if self.on_root().is_err() {
            self.hub.orphaned.set(true);
            self.hub.until_look.set(0);
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

/// Settings of a hub; made by [`Runtime::builder`].
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// Sets the size of the green threads' stacks in bytes, where [`thread::Builder`] says nothing else. Default: 256 KiB.
    ///
    /// Pages are committed as they are used. A size is raised to the smallest that can take a signal and 16 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.settings.stack_size = bytes;
        self
    }

    /// Sets how many green threads may be alive at once. Default: no limit.
    pub fn max_threads(mut self, n: usize) -> Builder {
        self.settings.max_threads = n;
        self
    }

    /// Sets how many idle stacks of each size keep their pages. Default: 4,096.
    pub fn stack_cache(mut self, n: usize) -> Builder {
        self.settings.stack_cache = n;
        self
    }

    /// Sets how many events of descriptors a turn takes in, at least 1. Default: 1,024.
    pub fn event_capacity(mut self, n: usize) -> Builder {
        self.settings.event_capacity = n.max(1);
        self
    }

    /// Sets how many OS threads may do blocking work for this hub at once, at least 1. Default: 64.
    ///
    /// So far the only such work is looking names up, for which the whole process has at most four OS threads.
    pub fn blocking_threads(mut self, n: usize) -> Builder {
        self.settings.blocking_threads = n.max(1);
        self
    }

    /// Reports, on standard error, each green thread that keeps the OS thread longer than `limit` without parking.
    /// Default: off.
    ///
    /// The report has its name, its spawn site, and how long. It costs an OS thread, and a lock and a clock reading a
    /// switch.
    pub fn watchdog(mut self, limit: Duration) -> Builder {
        self.settings.watchdog = Some(limit);
        self
    }

    /// Calls `f` for each green thread that panics, after the panic hook. Default: nothing is called.
    ///
    /// What would park in `f` panics, and what `f` panics with is dropped.
    pub fn on_panic(mut self, f: impl Fn(&Thread, &(dyn Any + Send)) + 'static) -> Builder {
        self.settings.on_panic =
            Some(Box::new(move |task, payload| f(&Thread::new(hub::identity(task)), payload)));
        self
    }

    /// Shuffles the ready queue, the same way for the same seed: finds bugs of order in tests. Default: first in, first
    /// out.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.settings.seed = Some(seed);
        self
    }

    /// Lets time jump to the next deadline when all are parked: a day of sleeps takes a millisecond. Default: off.
    ///
    /// It is meant for tests that wait for nothing but time. `Instant::now` does not jump.
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = greenroom::Runtime::builder().virtual_time(true).build()?;
    /// runtime.run(|| greenroom::sleep(std::time::Duration::from_secs(86_400)));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn virtual_time(mut self, on: bool) -> Builder {
        self.settings.virtual_time = on;
        self
    }

    /// Guards stacks with mprotect, as on kernels that know nothing better. For tests of that path.
    #[doc(hidden)]
    pub fn mprotect_guards(mut self) -> Builder {
        self.settings.guards = Guards::Mprotect;
        self
    }

    /// Makes the hub, and claims the OS thread for it.
    ///
    /// # Errors
    ///
    /// Fails if the OS thread has a hub already; an implicit one that has no living green thread makes room. Fails if the
    /// kernel gives no poller, or no OS thread for the watchdog, or if no address space could hold a stack of that size.
    pub fn build(self) -> io::Result<Runtime> {
        hub::retire_implicit()?;
        let hub = Hub::new(self.settings)?;
        hub::install(&hub);
        Ok(Runtime { hub })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("Builder")
            .field("stack_size", &settings.stack_size)
            .field("max_threads", &settings.max_threads)
            .field("stack_cache", &settings.stack_cache)
            .field("event_capacity", &settings.event_capacity)
            .field("blocking_threads", &settings.blocking_threads)
            .field("watchdog", &settings.watchdog)
            .field("seed", &settings.seed)
            .field("virtual_time", &settings.virtual_time)
            .finish_non_exhaustive()
    }
}

/// A hub, seen from any OS thread: `Send`, `Sync`, and harmless once the hub has ended.
#[derive(Clone)]
pub struct Handle {
    remote: Arc<Remote>,
}

impl Handle {
    /// Returns that of this OS thread's hub, which is made if there is none.
    ///
    /// # Panics
    ///
    /// Panics if a hub is to be made and cannot.
    pub fn current() -> Handle {
        Handle { remote: hub::current().remote.clone() }
    }

    /// Returns what the hub has counted so far; its last state, once it has ended.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.remote)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("metrics", &self.metrics()).finish()
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

/// What a hub has counted; from [`Runtime::metrics`] and [`Handle::metrics`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Green threads that were spawned.
    pub spawned: u64,
    /// Those of them that are alive.
    pub alive: u64,
    /// How often one was given the OS thread.
    pub switches: u64,
    /// Looks at the clock, at descriptors and at other OS threads.
    pub turns: u64,
    /// Those of them that asked the kernel.
    pub polls: u64,
    /// Wake-ups that came from other OS threads.
    pub remote_wakes: u64,
    /// Timers that were armed.
    pub timers: u64,
    /// Stacks in use.
    pub stacks: u64,
}

impl Metrics {
    fn of(remote: &Remote) -> Metrics {
        let counters = &remote.counters;
        Metrics {
            spawned: counters.spawned.get(),
            alive: counters.alive.get(),
            switches: counters.switches.get(),
            turns: counters.turns.get(),
            polls: counters.polls.get(),
            remote_wakes: counters.remote_wakes.get(),
            timers: counters.timers.get(),
            stacks: counters.stacks.get(),
        }
    }
}
