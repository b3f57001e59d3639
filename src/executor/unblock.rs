//! Blocking calls off the hub.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};

use crate::executor::crew::{Crew, Refusal};
use crate::executor::future::{Future, Shared};
use crate::hub;
use crate::park::error::JoinError;
use crate::park::seat::WaitingFor;
use crate::park::{self, Interruption, Manner};

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
    let future = submit_to_the_hubs_own(f);
    match future.await_end(Manner::Infallible, WaitingFor::Job, None).map(|_| future.take()) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
        Ok(Err(error)) => panic!("unblock: {}", error.message()),
        Err(_) => unreachable!("it may wait"),
    }
}

fn submit_to_the_hubs_own<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Future<T> {
    let hub = hub::current();
    let crew = hub.offload.get_or_init(|| Box::new(Crew::new("greenroom-worker", hub.blocking_threads)));
    submit(crew.downcast_ref().expect("nobody else puts anything there"), job)
}

fn submit<T: Send + 'static>(crew: &Crew, job: impl FnOnce() -> T + Send + 'static) -> Future<T> {
    let shared = Shared::new(job);
    let future = Future::of(&shared);
    let submitted = crew.submit(shared.clone(), usize::MAX);
    if let Err(refusal) = submitted {
        shared.fail(refusal.into());
    }
    future
}

/// Runs a job whose effect its caller has to know, on an OS thread of the hub's own pool, and parks until it has ended.
///
/// Nothing ends that wait: a request to do so acts before the job begins, or at the caller's next wait. Where nobody could
/// run meanwhile the job runs right there, as for [`unblock`].
///
/// # Errors
///
/// What the request comes to; and if the system starts no OS thread and there is none.
pub(crate) fn finish<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    if !park::may_wait() {
        return Ok(job());
    }
    park::heed(Manner::Fallible)?;
    let future = submit_to_the_hubs_own(job);
    future.await_end(Manner::Deaf, WaitingFor::Job, None)?;
    match future.take() {
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        ended => ended.map_err(io::Error::other),
    }
}

/// The one OS thread that reads standard input.
static READER: LazyLock<Crew> = LazyLock::new(|| Crew::new("greenroom-stdin", 1));

/// Has the reader of standard input do a job, after those it has.
pub(crate) fn have_read<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Future<T> {
    submit(&READER, job)
}

/// The process's pool for name look-ups. It is apart from other blocking work, so that a dead name server,
/// whose look-ups last many seconds, holds up nothing but look-ups.
static LOOKUPS: LazyLock<Crew> = LazyLock::new(|| Crew::new("greenroom-lookup", 4));

/// Runs a name look-up on an OS thread and parks the calling green thread until it has ended.
///
/// An interrupted caller leaves the job behind: its result is dropped where it was made.
pub(crate) fn lookup<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    match lookup_as(Manner::Fallible, job) {
        Ok(ended) => ended.map_err(|_| io::Error::other("the name look-up panicked")),
        Err(NotLookedUp::NoThread(error)) => Err(error),
        Err(NotLookedUp::Interrupted(interruption)) => Err(interruption.into()),
    }
}

/// Why a look-up has no end.
pub(crate) enum NotLookedUp {
    NoThread(io::Error),
    Interrupted(Interruption),
}

/// The same in another manner.
pub(crate) fn lookup_as<T: Send + 'static>(
    manner: Manner,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<Result<T, JoinError>, NotLookedUp> {
    let shared: Arc<Shared<T>> = Shared::new(job);
    let future = Future::of(&shared);
    match LOOKUPS.submit(shared, hub::current().blocking_threads) {
        Ok(()) => {}
        Err(Refusal::NoThread(error)) => return Err(NotLookedUp::NoThread(error)),
        Err(Refusal::Closed) => unreachable!("nobody closes it"),
    }
    future.await_end(manner, WaitingFor::Job, None).map_err(NotLookedUp::Interrupted)?;
    Ok(future.take())
}
