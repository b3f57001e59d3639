//! Blocking calls off the hub.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};

use crate::executor::crew::{Crew, Refusal};
use crate::executor::future::{Future, Shared};
use crate::hub;
use crate::park::seat::WaitingFor;
use crate::park::{self, Manner};

/// Runs `f`, which may block, on an OS thread of the hub's own pool, and parks until it has returned.
///
/// The hub starts threads as needed, up to [`blocking_threads`](crate::runtime::Builder::blocking_threads); they end when
/// idle, and with the hub. When all are busy jobs wait in order. gevent's `threadpool.apply`.
///
/// Where nobody could run meanwhile, `f` runs right there and blocks the OS thread: on one without a hub (such as the pool's
/// own), while the caller is unwinding, and where nothing may switch.
///
/// # Switching
///
/// Always, except in those places.
///
/// # Panics
///
/// A panic of `f` goes on in the caller. Panics if the system starts no OS thread and there is none; `f` is dropped then.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here; `f` runs all the same, and its result is dropped on its OS thread.
///
/// # Examples
///
/// ```
/// greenroom::run(|| {
///     let text = greenroom::unblock(|| std::fs::read_to_string("Cargo.toml"));
///     assert!(text.unwrap().contains("greenroom"));
/// });
/// ```
pub fn unblock<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    if !park::may_wait() {
        return f();
    }
    let shared = Shared::new(f);
    let future = Future::of(&shared);
    let hub = hub::current();
    let crew = hub.offload.get_or_init(|| Box::new(Crew::new("greenroom-worker", hub.blocking_threads)));
    let crew = crew.downcast_ref::<Crew>().expect("nobody else puts anything there");
    let submitted = crew.submit(shared.clone(), usize::MAX);
    if let Err(refusal) = submitted {
        shared.fail(refusal.into());
    }
    drop(shared);
    match future.await_end(Manner::Infallible, WaitingFor::Job, None).map(|_| future.take()) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
        Ok(Err(error)) => panic!("unblock: {}", error.message()),
        Err(_) => unreachable!("it may wait"),
    }
}

/// The process's pool for name look-ups. It is apart from other blocking work, so that a dead name server,
/// whose look-ups last many seconds, holds up nothing but look-ups.
static LOOKUPS: LazyLock<Crew> = LazyLock::new(|| Crew::new("greenroom-lookup", 4));

/// Runs a name look-up on an OS thread and parks the calling green thread until it has ended.
///
/// An interrupted caller leaves the job behind: its result is dropped where it was made.
pub(crate) fn lookup<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let shared: Arc<Shared<T>> = Shared::new(job);
    let future = Future::of(&shared);
    match LOOKUPS.submit(shared, hub::current().blocking_threads) {
        Ok(()) => {}
        Err(Refusal::NoThread(error)) => return Err(error),
        Err(Refusal::Closed) => unreachable!("nobody closes it"),
    }
    future.await_end(Manner::Fallible, WaitingFor::Job, None)?;
    future.take().map_err(|_| io::Error::other("the name look-up panicked"))
}
