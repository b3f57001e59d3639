//! The models, one file for each file under test.
//!
//! One who only looks is the thread that is started, beside one who writes: loom keeps but the last access to each atomic,
//! so of a writer that looks first itself it does not notice who has looked before.

mod barrier;
mod bell;
mod condvar;
mod event;
mod futex;
mod inbox;
mod line;
mod mailbox;
mod mutex;
mod once;
mod parker;
mod promise;
mod queue;
mod reentrant;
mod rest;
mod rwlock;
mod semaphore;
pub(crate) mod sleeper;
mod token;
mod watchers;

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

/// Checks `claim` in every order of its threads with at most `preemptions` preemptions.
fn check(preemptions: usize, claim: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(claim);
}

/// Another thread that does something to what all share.
fn beside<S: 'static, R: 'static>(shared: &Arc<S>, f: impl FnOnce(&S) -> R + 'static) -> JoinHandle<R> {
    let shared = shared.clone();
    thread::spawn(move || f(&shared))
}
