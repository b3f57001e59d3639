//! A hub as other OS threads see it.

use std::fmt;
use std::sync::Arc;

use crate::hub;
use crate::hub::remote::Remote;
use crate::runtime::Metrics;

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
