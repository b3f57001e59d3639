//! The table of descriptors: what the hooks have seen of each, by its number.
//!
//! ```text
//!   number ─▶ page (the first is static, the others are mapped when needed) ─▶ Entry
//!                 Entry: what it is | non-blocking? | seen from its beginning? | timeouts | generation | next duplicate
//! ```
//!
//! `socket`, `accept` and their like write an entry, `close` empties it, `dup` copies it; mode and timeouts belong to the
//! open file, so the duplicates of a descriptor stand in a ring, and a change is written to all of them. What was made
//! behind our back (before the patch, by another process, by a system call of somebody's own) is looked at when it is first used,
//! and marked: others may change it unseen, so its mode is asked for again before each wait. Before a hub was seen nothing is written
//! down.
//!
//! An entry may be wrong if its number was closed behind our back and is another file now. Then calls are made that do not
//! fit, fail as such calls do (`ENOTSOCK`), and make us [look](Descriptor::look_anew) again; a wait is confirmed by the kernel (see
//! `park::source::lent`).
//!
//! Every field is an atomic, and each call reads what it needs once: a program whose threads close a descriptor under each
//! other's calls gets answers about the one or the other file, as from the kernel.

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::hub;
use crate::monkey::{asked, flip, raw};

const ENTRIES_A_PAGE: usize = 1024;
const PAGES: usize = 1024;

/// What a descriptor is, as far as calls that wait are concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Kind {
    /// Nobody has looked.
    Unknown = 0,
    /// A file on disk, or what else never makes anybody wait. It passes, as do 0 to 2.
    Passing = 1,
    /// A TCP socket: a read that does not fill its buffer has emptied it.
    Tcp = 2,
    /// Another socket of bytes in a row.
    Stream = 3,
    /// A socket of messages.
    Messages = 4,
    /// A pipe or a terminal: it can be polled, and is no socket.
    Pollable = 5,
    /// A socket of messages to other processes here: whether its receiver has room it does not tell.
    LocalMessages = 6,
    /// An eventfd, a timerfd and their like: no other process has it, as a rule.
    Nameless = 7,
}

const KIND: u32 = 0b111;
/// The program has set O_NONBLOCK.
const NONBLOCKING: u32 = 1 << 3;
/// Not seen from its beginning.
const STRANGE: u32 = 1 << 4;
/// The kernel has no read or write of it that does not wait (`RWF_NOWAIT`).
const NO_NOWAIT: u32 = 1 << 5;

struct Entry {
    state: AtomicU32,
    /// Counts what the number has meant.
    generation: AtomicU32,
    /// The next duplicate in the ring; its own number if it is alone. Has meaning while the kind is known.
    next: AtomicI32,
    /// SO_RCVTIMEO and SO_SNDTIMEO in nanoseconds; 0 is none.
    receive: AtomicU64,
    send: AtomicU64,
}

type Page = [Entry; ENTRIES_A_PAGE];

static FIRST: Page = [const { Entry::new() }; ENTRIES_A_PAGE];
static MORE: [AtomicPtr<Page>; PAGES] = [const { AtomicPtr::new(ptr::null_mut()) }; PAGES];
/// A hub was seen: from now on descriptors are written down.
static AWAKE: AtomicBool = AtomicBool::new(false);

impl Entry {
    const fn new() -> Entry {
        Entry {
            state: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            next: AtomicI32::new(0),
            receive: AtomicU64::new(0),
            send: AtomicU64::new(0),
        }
    }
}

/// A descriptor as it was when somebody looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    pub(crate) number: c_int,
    state: u32,
    pub(crate) generation: u32,
}

/// In which direction a timeout counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timeout {
    Receive,
    Send,
}

/// A hub was seen.
#[inline(always)]
pub(crate) fn wake_up() {
    if !AWAKE.load(Ordering::Relaxed) {
        AWAKE.store(true, Ordering::Relaxed);
    }
}

#[inline(always)]
pub(crate) fn is_awake() -> bool {
    AWAKE.load(Ordering::Relaxed)
}

/// The same, if there is none on this OS thread now.
fn is_awake_here() -> bool {
    if !is_awake() && hub::try_current().is_some() {
        wake_up();
    }
    is_awake()
}

#[inline(always)]
fn entry(number: c_int) -> Option<&'static Entry> {
    let index = usize::try_from(number).ok()?;
    match FIRST.get(index) {
        Some(entry) => Some(entry),
        None => entry_beyond(index),
    }
}

#[cold]
fn entry_beyond(index: usize) -> Option<&'static Entry> {
    let place = MORE.get(index / ENTRIES_A_PAGE)?;
    // SAFETY: a page that was put there stays for ever.
    let page = unsafe { place.load(Ordering::Acquire).as_ref() };
    Some(&page.or_else(|| new_page(place))?[index % ENTRIES_A_PAGE])
}

/// Maps a page: past the allocator, for it may be the one that calls.
#[cold]
fn new_page(place: &AtomicPtr<Page>) -> Option<&'static Page> {
    let bytes = size_of::<Page>();
    let access = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    // SAFETY: the kernel chooses addresses at which nothing is mapped.
    let mapped = unsafe { raw::call(libc::SYS_mmap, [0, bytes, access, flags, usize::MAX, 0]) }.ok()?;
    let new = ptr::with_exposed_provenance_mut::<Page>(mapped);
    let page = match place.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => new,
        Err(others) => {
            // SAFETY: mapped above, and nobody has seen it.
            let _ = unsafe { raw::call(libc::SYS_munmap, [mapped, bytes]) };
            others
        }
    };
    // SAFETY: zeroes are a page of entries, and it stays for ever.
    unsafe { page.as_ref() }
}

/// What is known of a descriptor. None if it is beyond the table, or no descriptor.
#[inline(always)]
pub(crate) fn find(number: c_int) -> Option<Descriptor> {
    let entry = entry(number)?;
    let state = entry.state.load(Ordering::Relaxed);
    Some(Descriptor { number, state, generation: entry.generation.load(Ordering::Relaxed) })
}

/// Is there anything written down about it?
pub(crate) fn is_known(number: c_int) -> bool {
    is_awake() && find(number).is_some_and(|found| found.kind() != Kind::Unknown)
}

/// What a descriptor is, if a call on it may have to wait, as far as is known. None if the call is to pass.
#[inline(always)]
pub(crate) fn find_waiting(number: c_int) -> Option<Descriptor> {
    let found = find(number)?;
    let passes = number <= 2 || found.is_nonblocking() || found.kind() == Kind::Passing;
    (!passes).then_some(found)
}

/// Whether the number means what it meant.
#[inline(always)]
pub(crate) fn is_still(descriptor: Descriptor) -> bool {
    entry(descriptor.number)
        .is_some_and(|entry| entry.generation.load(Ordering::Relaxed) == descriptor.generation)
}

/// Writes down a descriptor that was made just now.
pub(crate) fn begin(number: c_int, kind: Kind, nonblocking: bool) {
    if !is_awake_here() {
        return;
    }
    let Some(entry) = entry(number) else { return };
    leave_ring(number, entry);
    entry.next.store(number, Ordering::Relaxed);
    entry.receive.store(0, Ordering::Relaxed);
    entry.send.store(0, Ordering::Relaxed);
    entry.generation.fetch_add(1, Ordering::Relaxed);
    entry.state.store(kind as u32 | if nonblocking { NONBLOCKING } else { 0 }, Ordering::Relaxed);
}

/// The number will mean something else, or nothing.
pub(crate) fn forget(number: c_int) {
    if !is_awake() {
        return;
    }
    let Some(entry) = entry(number) else { return };
    leave_ring(number, entry);
    entry.generation.fetch_add(1, Ordering::Relaxed);
    entry.state.store(0, Ordering::Relaxed);
}

/// `copy` is a duplicate of `number`.
pub(crate) fn duplicate(number: c_int, copy: c_int) {
    if !is_awake() {
        return;
    }
    forget(copy);
    let (Some(from), Some(to)) = (entry(number), entry(copy)) else { return };
    let state = from.state.load(Ordering::Relaxed);
    if state & KIND == 0 || number == copy {
        return;
    }
    to.receive.store(from.receive.load(Ordering::Relaxed), Ordering::Relaxed);
    to.send.store(from.send.load(Ordering::Relaxed), Ordering::Relaxed);
    flip::alone(|| {
        to.next.store(from.next.load(Ordering::Relaxed), Ordering::Relaxed);
        from.next.store(copy, Ordering::Relaxed);
    });
    to.state.store(state, Ordering::Relaxed);
}

/// The mode of the open file was set by the program.
pub(crate) fn set_nonblocking(number: c_int, on: bool) {
    change(number, |entry| {
        let bits = entry.state.load(Ordering::Relaxed) & !NONBLOCKING;
        entry.state.store(bits | if on { NONBLOCKING } else { 0 }, Ordering::Relaxed);
    });
}

/// A timeout of the socket was set by the program.
pub(crate) fn set_timeout(number: c_int, which: Timeout, timeout: Option<Duration>) {
    let nanoseconds =
        timeout.map_or(0, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).max(1));
    change(number, |entry| which.of(entry).store(nanoseconds, Ordering::Relaxed));
}

/// Changes an entry and those of its duplicates, if it is known.
fn change(number: c_int, change: impl Fn(&Entry)) {
    let Some(first) = entry(number) else { return };
    if !is_awake() || first.state.load(Ordering::Relaxed) & KIND == 0 {
        return;
    }
    flip::alone(|| walk(number, |_, entry| change(entry)));
}

/// More duplicates than any program has; and the end of the walk should the ring be broken.
const MOST_DUPLICATES: usize = 1 << 20;

/// Calls `visit` for each in the ring of `number`. The caller is alone.
fn walk(number: c_int, mut visit: impl FnMut(c_int, &Entry)) {
    let mut at = number;
    for _ in 0..MOST_DUPLICATES {
        let Some(here) = entry(at) else { return };
        let next = here.next.load(Ordering::Relaxed);
        visit(at, here);
        if next == number {
            return;
        }
        at = next;
    }
}

fn leave_ring(number: c_int, leaving: &Entry) {
    let is_known = leaving.state.load(Ordering::Relaxed) & KIND != 0;
    if !is_known || leaving.next.load(Ordering::Relaxed) == number {
        return;
    }
    flip::alone(|| {
        let next = leaving.next.load(Ordering::Relaxed);
        walk(number, |_, entry| {
            if entry.next.load(Ordering::Relaxed) == number {
                entry.next.store(next, Ordering::Relaxed);
            }
        });
        leaving.next.store(number, Ordering::Relaxed);
    });
}

impl Timeout {
    fn of(self, entry: &Entry) -> &AtomicU64 {
        match self {
            Timeout::Receive => &entry.receive,
            Timeout::Send => &entry.send,
        }
    }
}

impl Descriptor {
    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        match self.state & KIND {
            1 => Kind::Passing,
            2 => Kind::Tcp,
            3 => Kind::Stream,
            4 => Kind::Messages,
            5 => Kind::Pollable,
            6 => Kind::LocalMessages,
            7 => Kind::Nameless,
            _ => Kind::Unknown,
        }
    }

    #[inline(always)]
    pub(crate) fn is_nonblocking(self) -> bool {
        self.state & NONBLOCKING != 0
    }

    #[inline(always)]
    pub(crate) fn is_strange(self) -> bool {
        self.state & STRANGE != 0
    }

    pub(crate) fn is_socket(self) -> bool {
        !matches!(self.kind(), Kind::Unknown | Kind::Passing | Kind::Pollable | Kind::Nameless)
    }

    pub(crate) fn is_of_messages(self) -> bool {
        matches!(self.kind(), Kind::Messages | Kind::LocalMessages)
    }

    /// Can it be read and written with `RWF_NOWAIT`, as far as is known?
    pub(crate) fn takes_nowait(self) -> bool {
        self.state & NO_NOWAIT == 0
    }

    pub(crate) fn takes_no_nowait(self) {
        if let Some(entry) = entry(self.number).filter(|_| is_still(self)) {
            entry.state.fetch_or(NO_NOWAIT, Ordering::Relaxed);
        }
    }

    /// How long a call in this direction may wait. A socket that others may have changed unseen is asked.
    pub(crate) fn timeout(self, which: Timeout) -> Option<Duration> {
        if !self.is_socket() {
            return None;
        }
        let nanoseconds = match self.is_strange() {
            true => asked::timeout(self.number, which),
            false => entry(self.number).map_or(0, |entry| which.of(entry).load(Ordering::Relaxed)),
        };
        (nanoseconds != 0).then(|| Duration::from_nanos(nanoseconds))
    }

    /// Whether the program believes that calls on it wait: asked before each wait, if others may have changed that unseen.
    pub(crate) fn is_blocking_still(self) -> bool {
        if !self.is_strange() {
            return true;
        }
        let is = flip::alone(|| asked::is_nonblocking(self.number));
        if is == Some(true) {
            set_nonblocking(self.number, true);
        }
        is != Some(true)
    }

    /// The same, looked at if nobody has before. None if a call is to pass.
    #[inline]
    pub(crate) fn looked_at(self) -> Option<Descriptor> {
        if self.kind() != Kind::Unknown {
            return Some(self);
        }
        self.look().filter(|looked| looked.kind() != Kind::Passing && !looked.is_nonblocking())
    }

    /// Looks at one that was made behind our back.
    #[cold]
    fn look(self) -> Option<Descriptor> {
        wake_up();
        let entry = entry(self.number)?;
        let kind = asked::kind(self.number)?;
        let nonblocking = flip::alone(|| asked::is_nonblocking(self.number))?;
        entry.next.store(self.number, Ordering::Relaxed);
        let state = kind as u32 | STRANGE | if nonblocking { NONBLOCKING } else { 0 };
        entry.state.store(state, Ordering::Relaxed);
        Some(Descriptor { state, ..self })
    }

    /// It is not what it was taken for: the number was closed behind our back, and is another file.
    #[cold]
    pub(crate) fn look_anew(self) -> Option<Descriptor> {
        forget(self.number);
        find(self.number)?.looked_at()
    }
}
