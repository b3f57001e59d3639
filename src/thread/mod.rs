//! Green threads: spawning, joining, sleeping, parking; std's `thread` module, cooperatively.
//!
//! ```
//! use greenroom::thread;
//! use std::time::Duration;
//!
//! greenroom::run(|| {
//!     let slow = thread::spawn(|| {
//!         thread::sleep(Duration::from_millis(2));
//!         "slow"
//!     });
//!     let fast = thread::spawn(|| "fast");
//!     assert_eq!(fast.join().unwrap(), "fast");
//!     assert_eq!(slow.join().unwrap(), "slow");
//! });
//! ```
//!
//! # Traps
//!
//! * A green thread gives way only where it parks: each item says so under "Switching". One that computes for long
//!   keeps all others of its OS thread waiting; move such work to another OS thread, or [`yield_now`] in it.
//! * `std::thread::sleep`, std's locks and std's sockets block the OS thread, and with it every green thread.
//! * A std lock held across a park hangs the OS thread as soon as another green thread wants it.
//! * A wait that nothing can ever end is reported to the root, by a panic; a deadlock of some green threads beside others
//!   that go on is not, unless it is a ring of locks. See [`run`](crate::run).
//! * Who is unwinding, for a panic or a kill, does not wait: in a destructor sleeps return at once, joins are refused.

mod builder;
#[expect(unsafe_code, reason = "queues up in wait lists")]
mod handle;
#[expect(unsafe_code, reason = "hides from the hub what a scope's green threads borrow")]
mod job;
mod local;
mod named;
#[expect(unsafe_code, reason = "vouches for what its green threads borrow")]
mod scope;
mod sleep;
#[expect(unsafe_code, reason = "changes stacks")]
mod stack;

pub use builder::Builder;
pub use handle::JoinHandle;
pub use local::{AccessError, LocalKey};
pub use named::{Thread, ThreadId};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use sleep::{park, park_timeout, sleep, sleep_until, yield_now};
pub use stack::on_hub_stack;

pub use std::thread::{available_parallelism, panicking};

pub use crate::park::error::{Cancelled, JoinError};

use std::io;
use std::panic::Location;
use std::time::Duration;

use crate::hub;
use crate::hub::Due;
use crate::hub::requests::Requests;
use crate::hub::task::TaskPtr;
use crate::thread::handle::refused;
pub(crate) use crate::thread::job::outcome;
use crate::thread::job::{Options, dormant, ready, stillborn};

/// Spawns a green thread on the hub of this OS thread; it runs when whoever runs now parks.
///
/// Nothing needs to be `Send`: green threads of one hub share one OS thread. Dropping the handle detaches the green
/// thread. `std::thread::spawn` is the model, gevent's `spawn` the counterpart.
///
/// # Switching
///
/// Never.
///
/// # Panics
///
/// Panics if there is no stack for it, as std's does; [`Builder::spawn`] gives the error instead. When
/// that happens while the caller is unwinding, and always while the hub is ending, nothing panics, but the handle's
/// [`join`](JoinHandle::join) says that it was refused.
///
/// # Examples
///
/// ```
/// let answer = greenroom::spawn(|| 6 * 7).join().unwrap();
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    spawn_at(Location::caller(), f)
}

/// Spawns a green thread that begins once `delay` has passed; gevent's `spawn_later`.
///
/// Until then it has no stack, but it is alive: it can be killed, and [`run`](crate::run) waits for it. A delay beyond
/// the clock's range means never.
///
/// # Switching
///
/// Never.
///
/// # Panics
///
/// As [`spawn`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// let later = greenroom::spawn_later(Duration::from_millis(1), || "now");
/// assert!(!later.is_finished());
/// assert_eq!(later.join().unwrap(), "now");
/// ```
#[track_caller]
pub fn spawn_later<F, T>(delay: Duration, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    dormant_later(Location::caller(), delay, f)
}

pub(crate) fn spawn_at<F, T>(site: &'static Location<'static>, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    match ready(Options::default(), site, f) {
        Ok(job) => JoinHandle::new(job),
        Err(why) => refused(site, why),
    }
}

/// As [`spawn_at`], for one that [`run`](crate::run) does not wait for.
pub(crate) fn spawn_daemon_at<F, T>(site: &'static Location<'static>, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    match ready(Options { daemon: true, ..Options::default() }, site, f) {
        Ok(job) => JoinHandle::new(job),
        Err(why) => refused(site, why),
    }
}

/// The handle of a green thread that was not made, because the caller could not wait until it may be.
pub(crate) fn never_begun<T: 'static>(site: &'static Location<'static>, why: JoinError) -> JoinHandle<T> {
    JoinHandle::new(stillborn(site, why))
}

/// Spawns a green thread for somebody else, at whose place in the source it was asked for.
pub(crate) fn try_spawn_at<F, T>(site: &'static Location<'static>, f: F) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    ready(Options::default(), site, f).map(JoinHandle::new)
}

/// Spawns a green thread that begins at an alarm. Without one (the moment lies beyond the clock) it never does, and can be
/// killed.
pub(crate) fn dormant_later<F, T>(site: &'static Location<'static>, delay: Duration, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    match dormant(Options::default(), site, f) {
        Ok(job) => {
            let hub = hub::current();
            let task = job.task();
            let moment = hub.clock.after(delay);
            task.timer.set(moment.map(|moment| hub.arm(moment, Due::Start(TaskPtr::new(task)))));
            JoinHandle::new(job)
        }
        Err(why) => refused(site, why),
    }
}

/// Returns how others see whoever calls: the green thread, or the root; std's `current`.
///
/// On an OS thread without a hub it is the root that a hub would have, with the same id.
///
/// # Switching
///
/// Never.
///
/// # Examples
///
/// ```
/// let root = greenroom::current().id();
/// let green = greenroom::spawn(|| greenroom::current().id()).join().unwrap();
/// assert_ne!(root, green);
/// ```
pub fn current() -> Thread {
    Thread::new(match hub::try_current() {
        Some(hub) => hub::identity(hub.running()),
        None => hub::root_identity(),
    })
}

/// Returns how many green threads of this hub are alive, begun or not; Python's `threading.active_count`, but the root is
/// not counted.
///
/// # Switching
///
/// Never.
pub fn active_count() -> usize {
    hub::try_current().map_or(0, |hub| hub.alive())
}

/// Returns all green threads of this hub that are alive, begun or not, oldest first; Python's `threading.enumerate`, but
/// the root is not among them.
///
/// # Switching
///
/// Never.
///
/// # Examples
///
/// ```
/// greenroom::run(|| {
///     let clock = greenroom::thread::Builder::new().name("clock").spawn(|| ()).unwrap();
///     let all = greenroom::thread::enumerate();
///     assert_eq!(all[0].name(), Some("clock"));
///     clock.join().unwrap();
/// });
/// ```
pub fn enumerate() -> Vec<Thread> {
    let everybody = hub::try_current().map(|hub| hub.living.everybody()).unwrap_or_default();
    everybody.iter().map(|body| Thread::new(hub::identity(body.task()))).collect()
}

/// Tells whether somebody has called [`cancel`](JoinHandle::cancel) on the green thread that asks: for loops that wait in
/// nothing that could fail.
///
/// # Switching
///
/// Never.
pub fn is_cancelled() -> bool {
    hub::try_current().is_some_and(|hub| hub.running().requests.get().meets(Requests::CANCEL))
}
