//! The hub of this OS thread, if it has one, and the root, which outlives it.

use std::cell::{Cell, OnceCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::greenlet::chain;
use crate::hub::remote::{Identity, TO_ROOT};
use crate::hub::task::{KnownOutside, State, Task};
use crate::hub::{Hub, Settings};

thread_local! {
    /// The hub of this OS thread, if it has one.
    static HUB: Cell<*const Hub> = const { Cell::new(std::ptr::null()) };
    /// The number of this OS thread's root, once somebody has asked.
    static ROOT_ID: Cell<u64> = const { Cell::new(0) };
    /// How other OS threads see this OS thread's root: the same before, during and after a hub.
    static ROOT: OnceCell<Arc<Identity>> = const { OnceCell::new() };
    /// Registered when a hub is installed: destroyed before what was registered earlier.
    static MARKER: Marker = const { Marker };
}

/// Has a destructor, and so can tell when thread-locals are being destroyed. An implicit hub has come to its end then: what
/// its green threads wait for in lines goes to others (S5).
struct Marker;

impl Drop for Marker {
    fn drop(&mut self) {
        // One without green threads can go; else an OS thread that came and went would leave its descriptors behind.
        let hub = try_current().filter(|hub| hub.implicit.get());
        if let Some(hub) = hub.filter(|_| retire_implicit().is_err()) {
            hub.leave_all_standing();
            uninstall();
        }
    }
}

/// How other OS threads see a green thread of the current hub, or its root.
pub(crate) fn identity(task: &Task) -> Arc<Identity> {
    if task.is_root() && task.state.get() != State::Ended {
        return root_identity();
    }
    if let Some(known) = task.rare().known_outside.get() {
        return known.identity.clone();
    }
    let identity = Identity::new(task.id, task.label.name().map(Box::from));
    if let Some(hub) = try_current().filter(|_| task.state.get() != State::Ended) {
        let number = hub.living.number(task);
        identity.move_in(hub.remote.clone(), task.signal(number));
        let known = KnownOutside { identity: identity.clone(), number };
        assert!(task.rare().known_outside.set(known).is_ok(), "nobody else makes one meanwhile");
    }
    identity
}

/// How other OS threads see the root of this OS thread, hub or not.
pub(crate) fn root_identity() -> Arc<Identity> {
    let make = || {
        let identity = Identity::new(root_id(), std::thread::current().name().map(Box::from));
        if let Some(hub) = try_current() {
            identity.move_in(hub.remote.clone(), TO_ROOT);
        }
        identity
    };
    // Once this OS thread's thread-locals are gone nobody can wake it any more; the number still is the same.
    ROOT.try_with(|root| root.get_or_init(make).clone()).unwrap_or_else(|_| make())
}

/// The hub of this OS thread; made if there is none.
///
/// The reference is good until user code runs outside the turn: see the head of [`hub`](crate::hub).
#[inline(always)]
pub(crate) fn current<'a>() -> &'a Hub {
    match try_current() {
        Some(hub) => hub,
        None => make_implicit(),
    }
}

/// The hub of this OS thread, if there is one.
#[inline(always)]
pub(crate) fn try_current<'a>() -> Option<&'a Hub> {
    // SAFETY: the pointer is set by who owns the hub and cleared before the hub goes (S5).
    unsafe { HUB.get().as_ref() }
}

#[cold]
fn make_implicit<'a>() -> &'a Hub {
    let hub = match Hub::new(Settings::default()) {
        Ok(hub) => hub,
        Err(error) => panic!("cannot start a hub on this OS thread: {error}"),
    };
    hub.implicit.set(true);
    install(&hub);
    // Its green threads are abandoned at the end of the OS thread, never unwound: so it is never freed (S5).
    let leaked: *const Hub = Rc::into_raw(hub);
    // SAFETY: leaked, so it stays.
    unsafe { &*leaked }
}

/// Makes `hub` the hub of this OS thread. It stays so until [`uninstall`].
pub(crate) fn install(hub: &Rc<Hub>) {
    let _ = MARKER.try_with(|_| ());
    HUB.set(Rc::as_ptr(hub));
    let _ = ROOT.try_with(|root| root.get().map(|root| root.move_in(hub.remote.clone(), TO_ROOT)));
}

pub(crate) fn uninstall() {
    HUB.set(std::ptr::null());
    let _ = ROOT.try_with(|root| root.get().map(|root| root.move_out()));
}

/// Lets an implicit hub go that has no living green threads, to make room for an owned one or because the OS thread ends; any
/// other hub stays.
pub(crate) fn retire_implicit() -> io::Result<()> {
    let Some(hub) = try_current() else { return Ok(()) };
    let idle = hub.alive() == 0 && !hub.turning.get() && !chain::switching_forbidden();
    if !hub.implicit.get() || !idle {
        return Err(io::Error::other("this OS thread has a hub already"));
    }
    hub.close();
    uninstall();
    // SAFETY: an implicit hub is one count that was leaked on purpose. Nobody uses it: the root is here, outside the turn,
    // and there are no green threads (see the head of `hub`).
    drop(unsafe { Rc::from_raw(hub) });
    Ok(())
}

/// Whether this OS thread is destroying its thread-locals.
pub(crate) fn os_thread_ends() -> bool {
    MARKER.try_with(|_| ()).is_err()
}

/// The number of this OS thread's root.
pub(crate) fn root_id() -> u64 {
    if ROOT_ID.get() == 0 {
        ROOT_ID.set(reserve_ids(1).0);
    }
    ROOT_ID.get()
}

/// Takes numbers nobody has had: for green threads and roots.
pub(crate) fn reserve_ids(count: u64) -> (u64, u64) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    (first, first + count)
}

/// The number of a new hub.
pub(crate) fn next_hub_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
