//! Settings for one green thread, before it is spawned.

use std::io;
use std::panic::Location;

use crate::thread::job::{Options, ready};
use crate::thread::{JoinHandle, Scope, ScopedJoinHandle, scope};

/// Spawns green threads with a name, another size of stack, or as daemons. std's `Builder`, and more.
///
/// # Examples
///
/// ```
/// use greenroom::thread::{self, Builder};
///
/// let worker = Builder::new().name("worker").stack_size(64 << 10).spawn(|| {
///     thread::current().name().map(String::from)
/// })?;
/// assert_eq!(worker.join().unwrap().as_deref(), Some("worker"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// Starts with the defaults: no name, the hub's size of stack, not a daemon.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the green thread, for [`Thread::name`](crate::thread::Thread::name) and for reports.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.options.name = Some(name.into().into_boxed_str());
        self
    }

    /// Sets the size of its stack in bytes.
    ///
    /// It is raised to the smallest that can take a signal and 16 KiB, and rounded up to pages. Memory is committed page
    /// by page, as the stack is used.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.options.stack_size = Some(bytes);
        self
    }

    /// Makes it a daemon, or not: [`run`](crate::run) does not wait for daemons, it kills them at its end; Python's
    /// `daemon`.
    pub fn daemon(mut self, daemon: bool) -> Builder {
        self.options.daemon = daemon;
        self
    }

    /// Spawns the green thread.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// Fails if there is no stack for it: the error names the limit that is reached, the kernel's or that of
    /// [`max_threads`](crate::runtime::Builder::max_threads). Fails while the hub is ending.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        Ok(JoinHandle::new(ready(self.options, Location::caller(), f)?))
    }

    /// Spawns a green thread that may borrow what outlives `scope`, as [`Scope::spawn`] does.
    ///
    /// # Switching
    ///
    /// Never; but while the caller is unwinding, or where nothing may switch, the closure runs at once, inside this
    /// call.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        scope::spawn_in(scope, self.options, Location::caller(), f)
    }
}
