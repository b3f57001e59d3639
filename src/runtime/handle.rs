//! A hub as other OS threads see it.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::executor;
use crate::executor::future::Shared;
use crate::hub;
use crate::hub::remote::Remote;
use crate::runtime::Metrics;
use crate::runtime::errand::Errand;

/// A hub, seen from any OS thread: `Send`, `Sync`, and harmless once the hub has ended.
#[derive(Clone)]
pub struct Handle {
    pub(super) remote: Arc<Remote>,
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

    /// Has `f` run as a green thread of that hub, on its OS thread; from any OS thread.
    ///
    /// What one OS thread asks for begins in the order in which it asked. The hub takes it in between two turns, also when the
    /// caller is one of its own green threads. Like any other, the green thread is waited for at the end of
    /// [`run`](crate::run), once the hub has taken it in; what it has not taken in when it ends never runs.
    ///
    /// If the hub has ended, or `f` is killed at its end, the result is an error with
    /// [`is_killed`](crate::JoinError::is_killed); if there is no stack for it, a refusal. [`cancel`](executor::Future::cancel)
    /// prevents it until it begins. What never runs is dropped on the caller's OS thread or the hub's.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// greenroom::run(|| {
    ///     let hub = greenroom::Handle::current();
    ///     let far = std::thread::spawn(move || hub.spawn(|| "on the hub").result().unwrap());
    ///     assert_eq!(greenroom::unblock(|| far.join().unwrap()), "on the hub");
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> executor::Future<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = Shared::new(f);
        let future = executor::Future::of(&shared);
        let errand = Errand { shared, site: Location::caller() };
        // What comes back is dropped, and so counts as killed.
        drop(self.remote.run(Box::new(move || errand.arrive())));
        future
    }

    /// Returns what the hub has counted so far; its last state, once it has ended.
    ///
    /// On another OS thread the counts are those of the hub's last look outside: at most 61 switches ago, unless its root runs.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.remote)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("metrics", &self.metrics()).finish()
    }
}
