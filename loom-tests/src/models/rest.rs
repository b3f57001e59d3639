//! Where one who watches sleeps: a waker, and the parker that it rings.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::park::parker::Parker;

pub(super) struct Rest(Parker);

impl Rest {
    pub(super) fn new() -> Arc<Rest> {
        Arc::new(Rest(Parker::new()))
    }

    pub(super) fn waker(self: &Arc<Rest>) -> Waker {
        Waker::from(self.clone())
    }

    /// Sleeps until its waker is told.
    pub(super) fn sleep(&self) {
        self.0.park(None);
    }
}

impl Wake for Rest {
    fn wake(self: Arc<Rest>) {
        self.0.unpark();
    }
}
