//! `timeout`: a limit on all that a closure waits for.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::greenlet::chain;
use crate::hub::requests::Requests;
use crate::hub::scopes::Scope;
use crate::hub::task::{Task, TaskPtr};
use crate::hub::{self, Due, Hub};
use crate::park::error::Elapsed;
use crate::park::payload::Unwind;

/// Runs `f`, and lets what it waits for, from `limit` on, fail or unwind. gevent's `Timeout`.
///
/// A wait that can fail (a socket's) fails with [`TimedOut`](std::io::ErrorKind::TimedOut), [`Elapsed`] inside, and so
/// does each later one in `f`; one that cannot (a sleep, a join) unwinds to this call. What need not wait succeeds, so a
/// limit of zero still lets `f` use what is ready. Scopes nest, and each knows its own expiry; once this call has
/// returned, its expiry disturbs nothing. A limit beyond the clock's range never expires; one of several seconds may last
/// longer by its 256th part, for it is counted by a clock that is quicker to read (man 2 clock_gettime,
/// `CLOCK_MONOTONIC_COARSE`). None ends early.
///
/// # Switching
///
/// Never by itself.
///
/// # Errors
///
/// [`Elapsed`] if and only if the expiry was delivered to a wait of `f`; what `f` returned is dropped then.
///
/// # Cancellation
///
/// If `f` catches the unwinding, its next wait that cannot fail unwinds again. With `panic = "abort"` there is no
/// unwinding: only waits that can fail are limited.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let napped = greenroom::timeout(Duration::from_millis(1), || greenroom::sleep(Duration::MAX));
/// assert_eq!(napped.unwrap_err().to_string(), "the time of the enclosing timeout is over");
/// ```
pub fn timeout<T>(limit: Duration, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    let (owner, id) = open(limit);
    let result = catch_unwind(AssertUnwindSafe(f));
    let delivered = close(owner, id).is_some_and(|scope| scope.delivered);
    match result {
        Ok(value) if !delivered => Ok(value),
        Ok(_) => Err(Elapsed),
        Err(payload) => match Unwind::of(&*payload) {
            Some(Unwind::Expiry { thread, scope }) if (thread, scope) == (owner, id) => Err(Elapsed),
            _ => resume_unwind(payload),
        },
    }
}

/// Opens a scope for whoever runs; returns the numbers of both.
fn open(limit: Duration) -> (u64, u64) {
    let hub = hub::current();
    let task = hub.running();
    let id = hub.next_id();
    let expired = limit.is_zero();
    let timer = match hub.clock.limit(limit) {
        Some(moment) if !expired => Some(hub.arm(moment, Due::Expire(TaskPtr::new(task), id))),
        _ => None,
    };
    if expired {
        task.requests.set(task.requests.get().and(Requests::EXPIRY));
    }
    let scope = Scope { id, link: chain::innermost(), timer, expired, delivered: false };
    task.rare().scopes.borrow_mut().open(scope);
    (task.id, id)
}

/// Closes a scope. Its owner need not be who runs now (a generator may have carried the frame elsewhere), nor be alive.
fn close(owner: u64, id: u64) -> Option<Scope> {
    let hub = hub::try_current()?;
    let running = hub.running();
    if running.id == owner {
        return close_of(hub, running, id);
    }
    let body = hub.living.everybody().into_iter().find(|body| body.task().id == owner);
    match &body {
        Some(body) => close_of(hub, body.task(), id),
        None if hub.root().id == owner => close_of(hub, hub.root(), id),
        None => None,
    }
}

fn close_of(hub: &Hub, task: &Task, id: u64) -> Option<Scope> {
    let mut scopes = task.rare().scopes.borrow_mut();
    let scope = scopes.close(id)?;
    if let Some(key) = scope.timer {
        hub.timers.borrow_mut().cancel(key);
    }
    if task.requests.get().meets(Requests::EXPIRY) && !scopes.any_expired() {
        task.requests.set(task.requests.get().without(Requests::EXPIRY));
    }
    Some(scope)
}
