//! Settings of a hub, before it is built.

use std::any::Any;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::hub::{self, Hub, Settings};
use crate::runtime::Runtime;
use crate::stack::Guards;
use crate::thread::Thread;

/// Settings of a hub; made by [`Runtime::builder`].
pub struct Builder {
    pub(super) settings: Settings,
}

impl Builder {
    /// Sets the size of the green threads' stacks in bytes, where [`thread::Builder`](crate::thread::Builder) says nothing else. Default: 256 KiB.
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
    ///
    /// Where larger crowds come again and again, a cache that holds one saves each of them a page from the kernel and a guard:
    /// most of what a short-lived green thread costs then (the bench has both: `timer_fire`, `timer_fire_first`).
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
        hub::forked::check();
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
