//! The errand: a closure from any OS thread, on its way to become a green thread of one hub.

use std::cell::Cell;
use std::future::Future as _;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use crate::executor::future::Shared;
use crate::hub;
use crate::park::error::JoinError;
use crate::thread::{self, JoinHandle};

/// Whoever drops it without having run it has killed it.
pub(super) struct Errand<T: Send + 'static> {
    pub(super) shared: Arc<Shared<T>>,
    /// Where it was asked for.
    pub(super) site: &'static Location<'static>,
}

/// What the green thread keeps until it begins, and who made it if it cannot be made. The handle is its own, with a waker: so
/// its end is heard of even if it is left standing at the end of its hub.
struct Kept<T: Send + 'static> {
    errand: Cell<Option<Errand<T>>>,
    own: Cell<Option<JoinHandle<()>>>,
}

impl<T: Send + 'static> Errand<T> {
    /// Spawns the green thread. Called by the hub, between two others.
    pub(super) fn arrive(self) {
        let (shared, site) = (self.shared.clone(), self.site);
        let kept = Rc::new(Kept { errand: Cell::new(Some(self)), own: Cell::new(None) });
        let spawned = thread::try_spawn_at(site, {
            let kept = kept.clone();
            move || kept.errand.take().into_iter().for_each(Errand::run)
        });
        match spawned {
            Ok(mut handle) => {
                let waker = Waker::from(shared);
                let ended = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
                debug_assert!(ended.is_pending(), "it has not begun");
                kept.own.set(Some(handle));
            }
            Err(_) if hub::current().closing.get() => {}
            Err(error) => shared.fail(JoinError::refused(error.to_string())),
        }
    }

    /// In the green thread.
    fn run(self) {
        let Some(work) = self.shared.begin() else { return };
        let hub = hub::current();
        let result = thread::outcome(hub.running().id, work);
        if let Err(error) = &result {
            error.with_payload(|payload| {
                let hub = hub::current();
                hub.report_panic(hub.running(), payload);
            });
        }
        self.shared.finish(result);
    }
}

impl<T: Send + 'static> Drop for Errand<T> {
    fn drop(&mut self) {
        self.shared.fail(JoinError::killed());
    }
}
