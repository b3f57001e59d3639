//! The post of a worker: what its OS thread and those who wait for it, or stop it, know of each other.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::running::servers_here;
use crate::hub;
use crate::hub::requests::Requests;
use crate::park::error::JoinError;
use crate::runtime::Handle;
use crate::shim::sync::Mutex;
use crate::sync::{AsyncResult, Event};
use crate::thread;

pub(super) struct Post {
    stage: Mutex<Stage>,
    /// The worker's closure has ended.
    returned: Event,
    pub(super) outcome: AsyncResult<()>,
}

#[derive(Default)]
struct Stage {
    /// None until it is there.
    hub: Option<Handle>,
    stopped: bool,
}

impl Post {
    pub(super) fn new() -> Arc<Post> {
        Arc::new(Post { stage: Mutex::default(), returned: Event::new(), outcome: AsyncResult::new() })
    }

    /// The worker's hub is there; false if it was stopped before.
    pub(super) fn take_up(&self) -> bool {
        let mut stage = self.stage();
        stage.hub = Some(Handle::current());
        !stage.stopped
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stage().stopped
    }

    pub(super) fn returns(&self) {
        self.returned.set();
    }

    pub(super) fn ends(&self, outcome: Result<(), JoinError>) {
        // Nobody else says so, but who could not be made.
        let _ = match outcome {
            Ok(()) => self.outcome.set(()).map_err(drop),
            Err(error) => self.outcome.fail(error).map_err(drop),
        };
    }

    pub(super) fn could_not_begin(&self, why: &io::Error) {
        self.ends(Err(JoinError::refused(format!("no OS thread for a worker: {why}"))));
    }

    /// Has the worker end; from any OS thread.
    pub(super) fn stop(self: &Arc<Post>, grace: Duration) {
        let hub = {
            let mut stage = self.stage();
            stage.stopped = true;
            stage.hub.clone()
        };
        if let Some(hub) = hub {
            let post = self.clone();
            drop(hub.spawn(move || post.end_all(grace)));
        }
    }

    /// On the worker's hub: stops its servers, waits until the closure has ended, kills whatever is left.
    fn end_all(&self, grace: Duration) {
        let begun = Instant::now();
        let stops: Vec<_> =
            servers_here().into_iter().map(|server| thread::spawn(move || server.stop(grace))).collect();
        self.returned.wait_timeout(grace.saturating_sub(begun.elapsed()));
        stops.iter().for_each(|stop| stop.wait());
        let hub = hub::current();
        let others = hub.living.everybody();
        let myself = hub.running().id;
        others
            .iter()
            .filter(|body| body.task().id != myself)
            .for_each(|body| hub.request(body.task(), Requests::KILL));
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        // Nothing panics while it is held.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
