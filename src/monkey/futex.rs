//! The futex: how a green thread waits for a lock of std's without its OS thread.
//!
//! std's `Mutex`, `RwLock`, `Condvar`, `Once` and what is made of them wait with `syscall(SYS_futex, FUTEX_WAIT_BITSET |
//! FUTEX_PRIVATE_FLAG, …)`, after a few looks of their own, and look again whenever they come back. Such a call of a green
//! thread parks it in a table by the address of the word; a wake-up goes to the kernel *and* to the table. So OS threads are
//! woken as they were before, and none depends on a hub that is busy.
//!
//! Left to the kernel, in green threads too:
//!
//! - what has another shape than std's calls. parking_lot, for one, queues up with something that it keeps in a thread-local,
//!   which a second green thread would overwrite;
//! - `thread::park`, see [`patch_sync`]. The word of a park says so before the call: `u32::MAX`. A second park on the same OS
//!   thread makes that `u32::MAX - 1`, and std's loop then turns in user space until somebody else's unpark, which it takes;
//! - what the runtime waits for itself, hooks and wakers, and the panic hook: others would see what is half done, and
//!   a second panic while the hook of a first is parked ends the process.

use std::cell::Cell;
use std::ffi::{c_int, c_long};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{panic, ptr, thread};

use crate::hub::{self, Hub, forked};
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, Errno};
use crate::monkey::words::{Bucket, Ended, Word};
use crate::park::seat::{Manner, Seat};
use crate::park::yield_turn;
use crate::shim::own;
use crate::sys;

/// How often a green thread parked for a lock of std's.
pub(crate) static SYSCALL: Hits = Hits::new("syscall");

/// Words of one bucket share its latch, and are passed over when somebody else's word is looked for.
const BUCKETS: usize = 256;

static WORDS: [Bucket; BUCKETS] = [const { Bucket::new() }; BUCKETS];

const PRIVATE_WAIT: c_int = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
const PRIVATE_WAKE: c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

thread_local! {
    /// Who was woken last, and for which word.
    static WOKEN_LAST: Cell<(u64, usize)> = const { Cell::new((0, 0)) };
    /// Who is inside the panic hook: there is at most one, or std ends the process.
    static IN_PANIC_HOOK: Cell<Option<u64>> = const { Cell::new(None) };
    /// The word of this OS thread's own `thread::park`, once it is known.
    static PARKER: Cell<usize> = const { Cell::new(0) };
    /// Somebody finds out: what is woken is that word.
    static PROBES: Cell<bool> = const { Cell::new(false) };
}

/// What the word of `thread::park` is while it waits. Few other words ever are.
const PARKED: u32 = u32::MAX;

/// Patches waits for std's locks, as an experiment: a green thread that waits for one leaves the OS thread to others.
///
/// It is about `std::sync`'s `Mutex`, `RwLock`, `Condvar`, `Once`, `OnceLock`, `LazyLock` and `Barrier`: what is held across a
/// sleep or a call of a socket no longer hangs the OS thread. Green threads of any hub and OS threads may share them. A lock
/// that is free costs what it did, to the instruction; one that is not costs more than this crate's own (0.4 µs for 0.06, where two
/// green threads take turns). [`patch_all`](super::patch_all) does not include this.
///
/// # What is not patched
///
/// * `std::thread::park`, and what waits by it: `recv`, and `send` into a full channel, of `std::sync::mpsc`; the end of
///   `std::thread::scope`. They block the OS thread as before, for it cannot be made right: green threads of one OS thread share
///   its one token, so that two who park at once lose wake-ups; and a channel wakes no receiver whose thread is the
///   sender's. Use [`thread::park`](crate::thread::park), [`sync::mpsc`](crate::sync::mpsc),
///   [`thread::scope`](fn@crate::thread::scope). Other crates' channels that park so (crossbeam's) are no better.
/// * parking_lot, and the locks of C (`pthread_mutex_lock`): they keep for each OS thread what green threads would have to have
///   for themselves, or do not call `syscall`. `JoinHandle::join` of std.
/// * Waits on the hub's own stack, where nothing may switch, in hooks and wakers, on the root outside of a hub. If the lock
///   is a green thread's of that very hub, none of these ever ends.
///
/// # Switching
///
/// Never. From then on a wait for such a lock does; and giving one back may, if a green thread of the same hub has been woken for
/// it before and came too late: else whoever takes a lock again at once would have it for ever.
///
/// # Cancellation
///
/// A kill, a cancel and an expired [`timeout`](fn@crate::timeout) do not end such a wait: std knows no error of a lock, and would
/// wait again. They are met at the next park. A green thread that waits for a condition nobody notifies is left standing at the
/// end of its hub, after five seconds, with a message. Limits of `wait_timeout` hold.
///
/// A green thread that is killed with a lock in its hands poisons it, as by a panic. So does, as everywhere, one of its
/// neighbours that gives a lock back while a destructor of the killed one waits: std counts panics by OS thread.
///
/// # Traps
///
/// * Code that keeps its state in thread-locals while it waits for a lock finds that others of its OS thread were there: tokio's
///   `block_on`, in two green threads at once, panics.
/// * A global allocator that itself takes locks of std's is not for programs that call this: it would give the OS thread away
///   in the middle of the runtime.
/// * A notification may wake one waiter of each hub, beside one OS thread; std allows for that. The first `thread::park` of a green
///   thread on each OS thread may return early, as any may.
/// * This wraps the panic hook, to know when it runs. A hook that is set later without the one before it should take no lock that
///   others hold.
///
/// # Examples
///
/// ```
/// # #[cfg(all(target_os = "linux", target_env = "gnu"))] {
/// use std::sync::{Arc, Mutex};
///
/// greenroom::monkey::patch_sync();
/// greenroom::run(|| {
///     let number = Arc::new(Mutex::new(1));
///     let held = number.lock().unwrap();
///     let doubles = greenroom::spawn({
///         let number = number.clone();
///         move || *number.lock().unwrap() *= 2
///     });
///     greenroom::yield_now(); // It wants the lock, and this goes on.
///     drop(held);
///     doubles.join().unwrap();
///     assert_eq!(*number.lock().unwrap(), 2);
/// });
/// # }
/// ```
pub fn patch_sync() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !thread::panicking() {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let _inside = InPanicHook::enter();
                before(info);
            }));
        }
        gate::patch(Group::Sync);
    });
}

struct InPanicHook(Option<u64>);

impl InPanicHook {
    fn enter() -> InPanicHook {
        InPanicHook(IN_PANIC_HOOK.replace(hub::try_current().map(|hub| hub.running().id)))
    }
}

impl Drop for InPanicHook {
    fn drop(&mut self) {
        IN_PANIC_HOOK.set(self.0);
    }
}

/// What `syscall` comes to for a futex: with the arguments, and in the place, of a call of that.
pub(crate) extern "C" fn on_futex(
    number: c_long,
    address: c_long,
    what: c_long,
    value: c_long,
    limit: c_long,
    other: c_long,
    bits: c_long,
) -> c_long {
    let arguments = [address, what, value, limit, other, bits].map(|argument| argument as usize);
    // SAFETY: the caller's.
    let ask_kernel = || unsafe { raw::call(number, arguments) };
    let [address, _, _, limit, ..] = arguments;
    let answer = match what as c_int {
        _ if !gate::is_patched(Group::Sync) => ask_kernel(),
        PRIVATE_WAIT if other == 0 && bits as u32 == u32::MAX => {
            // SAFETY: the caller asks for the word to be read, and the limit if there is one.
            let waited = unsafe { wait(address, value as u32, ptr::with_exposed_provenance(limit)) };
            waited.unwrap_or_else(ask_kernel)
        }
        PRIVATE_WAKE => wake(address, value as c_int, ask_kernel),
        _ => ask_kernel(),
    };
    raw::to_c(answer) as c_long
}

/// Parks the caller until it is woken for the word at `address`. None if this is for the kernel.
///
/// A kill, a cancel or the end of a `timeout` has to wait: there is no error that std would not take for a reason to wait
/// again, and no unwinding through its frames.
///
/// # Safety
///
/// The word is there, and so is the limit, if it is not null.
unsafe fn wait(address: usize, expected: u32, limit: *const libc::timespec) -> Option<Answer> {
    let hub = hub_to_leave().filter(|_| address != 0 && address.is_multiple_of(align_of::<AtomicU32>()))?;
    // SAFETY: null, or there (caller).
    let limit = match unsafe { limit.as_ref() } {
        Some(until) => Some(left_until(until)?),
        None => None,
    };
    if expected == PARKED && is_own_parker(address) {
        return None;
    }
    let before = raw::errno();
    let whose = (hub.running().id, address);
    let word = Word { address, lost: WOKEN_LAST.get() == whose };
    // SAFETY: the word is there (caller); std changes it as an atomic only.
    let now = unsafe { AtomicU32::from_ptr(ptr::with_exposed_provenance_mut(address)) };
    let limit = limit.and_then(|left| Seat::here().limit(left));
    match bucket(address).wait(word, || now.load(Ordering::Relaxed) == expected, limit) {
        Ended::Changed => Some(Err(Errno(libc::EAGAIN))),
        Ended::Deadline => Some(Err(Errno(libc::ETIMEDOUT))),
        Ended::Woken => {
            SYSCALL.count();
            WOKEN_LAST.set(whose);
            raw::set_errno(before);
            Some(Ok(0))
        }
    }
}

/// Wakes those who wait for the word at `address`, here and in the kernel, and says how many there. The others are not
/// counted: they could as well have seen the new word, and not waited.
fn wake(address: usize, most: c_int, ask_kernel: impl FnOnce() -> Answer) -> Answer {
    let bucket = bucket(address);
    if PROBES.get() {
        PARKER.set(address);
    }
    // The kernel first: whoever has the latch of the bucket may wait there for a lock of the runtime's, and for this caller.
    let answer = ask_kernel();
    let may_look = !own::is_business() && !forked::happened();
    let starved = bucket.is_waited_at() && may_look && bucket.wake(address, most != 1);
    if starved && !thread::panicking() && hub_to_leave().is_some() {
        // Else the caller could have the lock again before the one that lost it has had a turn, each time, for ever.
        let before = raw::errno();
        yield_turn(Manner::Deaf);
        raw::set_errno(before);
    }
    answer
}

fn bucket(address: usize) -> &'static Bucket {
    // Fibonacci hashing: the upper bits of the product depend on all of the address.
    let mixed = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    &WORDS[(mixed >> 32) as usize % BUCKETS]
}

/// The hub that the caller may leave to others, if there is one.
fn hub_to_leave<'a>() -> Option<&'a Hub> {
    let hub = gate::enter(Group::Sync)?;
    // Borrowed: somebody's allocator waits, in the middle of the runtime.
    let is_at_rest = hub.timers.try_borrow_mut().is_ok();
    let is_in_hook = IN_PANIC_HOOK.get() == Some(hub.running().id);
    (is_at_rest && !is_in_hook && !hub::os_thread_ends() && !gate::in_handler(hub)).then_some(hub)
}

/// How long it is until the system's monotonic clock shows that. None for what the kernel does not take for a time.
fn left_until(until: &libc::timespec) -> Option<Duration> {
    let nanoseconds = u32::try_from(until.tv_nsec).ok().filter(|part| *part < 1_000_000_000)?;
    let until = Duration::new(u64::try_from(until.tv_sec).ok()?, nanoseconds);
    Some(until.saturating_sub(Duration::from_nanos(sys::monotonic_clock())))
}

/// Is that the word of this OS thread's own `thread::park`? Whoever waits there is in the middle of it, so that an unpark
/// wakes that very word. The token it leaves if nobody is makes a later park return early, as any may.
fn is_own_parker(address: usize) -> bool {
    if PARKER.get() != address {
        PROBES.set(true);
        thread::current().unpark();
        PROBES.set(false);
    }
    PARKER.get() == address
}
