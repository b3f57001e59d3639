//! The promise of a result: kept, broken by a panic or a kill, or by never being run, but never forgotten.

use crate::greenlet::unwind::contain;
use crate::hub;
use crate::hub::requests::Requests;
use crate::park::error::JoinError;
use crate::sync::AsyncResult;
use crate::thread::outcome;

/// Sets its result once; dropped before that, it fails.
pub(super) struct Promise<R>(Option<AsyncResult<R>>);

impl<R> Promise<R> {
    pub(super) fn new(result: AsyncResult<R>) -> Promise<R> {
        Promise(Some(result))
    }

    /// Runs `f` and says how it ended. What it throws ends here, reported as if its green thread had ended by it.
    pub(super) fn fulfil(mut self, f: impl FnOnce() -> R) {
        let hub = hub::current();
        let task = hub.running();
        let ended = outcome(task.id, f);
        if let Err(error) = &ended {
            error.with_payload(|payload| hub.report_panic(task, payload));
        }
        let Some(result) = self.0.take() else { return };
        match ended {
            // Somebody else may have set it: then this value is not wanted.
            Ok(value) => contain(|| drop(result.set(value))),
            Err(error) => drop(result.fail(error)),
        }
    }
}

impl<R> Drop for Promise<R> {
    fn drop(&mut self) {
        if let Some(result) = self.0.take() {
            let killed = hub::current().running().requests.get().meets(Requests::KILL);
            let why = if killed {
                JoinError::killed()
            } else {
                JoinError::refused("there was no stack to run it on")
            };
            drop(result.fail(why));
        }
    }
}
