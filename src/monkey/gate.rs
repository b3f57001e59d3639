//! The gate: whether a call is one of a green thread, that may wait here, or passes through to the kernel as it is.
//!
//! A call passes if its group is not patched; on an OS thread without a hub, be it one of the executor's; on the hub's own
//! stack, where the hub's and mio's calls are made; where nothing may switch; in a forked child; in a handler of a signal
//! that has a stack of its own. What the descriptor says about it comes after that: see [`table`](super::table).
//!
//! A call that passes costs what the C library's own costs, and one look at a word more; once patched at most two or three
//! nanoseconds more, for the table and the hub are looked at in turn (measured with `recv` and `read`, beside glibc's).
//!
//! Signals: a handler that runs on the stack which it interrupted looks like the code it interrupted. Its calls are first tried
//! without waiting, as everybody's, and so the usual byte written to a pipe goes through; a handler which *waits* in a call
//! must be installed with `SA_ONSTACK`.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::greenlet::{chain, switch};
use crate::hub::task::{State, Task};
use crate::hub::{self, Hub, forked};
use crate::monkey::raw;
use crate::shim::own;

/// Calls that are patched together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Group {
    Socket = 1,
    Time = 2,
    Dns = 4,
    Sync = 8,
}

/// Which groups are patched. Set for good.
static PATCHED: AtomicU32 = AtomicU32::new(0);

/// Which process that was.
static PROCESS: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn process() -> usize {
    PROCESS.load(Ordering::Relaxed)
}

/// From now on the calls of this group may wait in the place of their OS thread.
pub(crate) fn patch(group: Group) {
    PROCESS.store(raw::process(), Ordering::Relaxed);
    PATCHED.fetch_or(group as u32, Ordering::Relaxed);
}

#[inline(always)]
pub(crate) fn is_patched(group: Group) -> bool {
    PATCHED.load(Ordering::Relaxed) & group as u32 != 0
}

/// Makes a call as it is, or lets it `wait` where `find` finds that it may have to, once its group is patched. The wait stands
/// apart, so that the frame of a call which passes is as small as the C library's, and it returns as straight: a processor that has
/// just been in the kernel mispredicts each return.
#[inline(always)]
pub(crate) fn pass_or<F, R>(
    group: Group,
    pass: impl Fn() -> R,
    find: impl FnOnce() -> Option<F>,
    wait: impl FnOnce(F) -> R,
) -> R {
    if !is_patched(group) {
        return pass();
    }
    match find() {
        None => pass(),
        Some(found) => apart(move || wait(found)),
    }
}

#[inline(never)]
fn apart<R>(call: impl FnOnce() -> R) -> R {
    call()
}

/// Does what there is to be done about a call once its group is patched.
#[inline(always)]
pub(crate) fn if_patched(group: Group, note: impl FnOnce()) {
    if is_patched(group) {
        apart(note);
    }
}

/// The hub that runs others while the caller waits in a call of this group. None if the call is to pass.
#[inline]
pub(crate) fn enter<'a>(group: Group) -> Option<&'a Hub> {
    if !is_patched(group) {
        return None;
    }
    hub::try_current().filter(|hub| may_switch(hub))
}

/// Is this the code of a green thread, or the root's?
#[inline(always)]
fn may_switch(hub: &Hub) -> bool {
    let task = hub.running();
    let is_its_code = match task.yielder.get().is_null() {
        // Else it is the hub's.
        true => !hub.turning.get(),
        // Greenlets and generators have stacks of their own.
        false => {
            task.state.get() == State::Awake && (stands_on_its_stack(task) || !task.strand.top().is_null())
        }
    };
    is_its_code && !chain::switching_forbidden() && !forked::happened() && !own::is_business()
}

/// Does the caller stand on the stack of the green thread that runs? The other end of it is near where its way out is kept.
#[inline(always)]
fn stands_on_its_stack(task: &Task) -> bool {
    let depth = task.yielder.get().addr().wrapping_sub(switch::stack_pointer());
    depth < task.label.stack_size()
}

/// Does the caller run in the handler of a signal, on the stack that was given to such? Asked before each wait, where it takes a
/// system call only of the root and of greenlets and generators.
pub(crate) fn in_handler(hub: &Hub) -> bool {
    if stands_on_its_stack(hub.running()) {
        return false;
    }
    let mut now = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: with no new stack the kernel only fills the struct it is given; zeroes are one.
    let now = unsafe {
        let asked = raw::call(libc::SYS_sigaltstack, [0, now.as_mut_ptr().expose_provenance()]);
        asked.map(|_| now.assume_init())
    };
    now.is_ok_and(|now| now.ss_flags & libc::SS_ONSTACK != 0)
}

/// Counts a call that does not wait, if one that does could wait here.
pub(crate) fn count(group: Group, hits: &Hits) {
    if enter(group).is_some() {
        hits.count();
    }
}

/// How often a call was made where it could wait.
#[derive(Debug)]
pub(crate) struct Hits {
    pub(crate) name: &'static str,
    count: AtomicU64,
}

impl Hits {
    pub(crate) const fn new(name: &'static str) -> Hits {
        Hits { name, count: AtomicU64::new(0) }
    }

    #[inline(always)]
    pub(crate) fn count(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
