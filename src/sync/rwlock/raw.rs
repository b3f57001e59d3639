//! A readers-writer lock without data: one word that says who has it, and a line of those who want it.
//!
//! ```text
//!   word = 0                             free
//!   word = SHARED + n * READER           n read
//!   word = owner                         the owner writes
//!   either of these two | WAITERS        others stand in the line: newcomers go to its end
//! ```
//!
//! Taking and letting go are one exchange each while nobody waits. While somebody does, the lock is handed over, under the
//! latch, and is never free: to the first of the line and, if that one reads, to all readers up to the next writer. So
//! neither side starves. The mark stands as long as the line is not empty.

use std::panic::Location;
use std::ptr::{self, NonNull};
use std::time::Duration;

use crate::park::line::{Guard, How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::{self, Manner, Seat, WaitingFor};
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Somebody stands in the line.
const WAITERS: u64 = 1;
/// One who reads.
const READER: u64 = 2;
/// The word counts readers. It is no bit of an owner: green threads are numbered from one on.
const SHARED: u64 = 1 << 63;

/// The lock is yours.
const YOURS: Verdict = 1;

// Its head is laid out as `hub::task::Taken`, for reports.
#[repr(C)]
pub(crate) struct RawRwLock {
    word: AtomicU64,
    /// Where it was taken to write. Has meaning while it is; written after that, so a reader may see the place before.
    place: AtomicPtr<Location<'static>>,
    line: Line<(), Claim>,
}

/// What somebody who waits wants.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Claim {
    Read,
    /// To write, in the name of this owner.
    Write(u64),
}

/// The right to let go of the lock after writing: what the word says without the mark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing(u64);

// Memory ordering. Who takes the lock acquires what all before have released with their exchanges: those of readers are
// read-modify-writes, so the last one's carries what the others released. A hand-over under the latch acquires the word,
// and goes on by the verdict; the stores in it release, for newcomers who join the readers without the latch.
impl RawRwLock {
    const_fn! {
        pub(crate) const fn new() -> RawRwLock {
            RawRwLock {
                word: AtomicU64::new(0),
                place: AtomicPtr::new(ptr::null_mut()),
                line: Line::new(()),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn try_read(&self) -> bool {
        self.word.fetch_update(Ordering::Acquire, Ordering::Relaxed, with_a_reader).is_ok()
    }

    #[inline(always)]
    pub(crate) fn try_write(&self, place: &'static Location<'static>) -> Option<Writing> {
        let me = seat::me();
        let free = self.word.load(Ordering::Relaxed) == 0;
        if free && self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            self.note(place);
            return Some(Writing(me));
        }
        None
    }

    /// Takes the lock to read; false if that cannot be had for `limit`. Without one, a wait for oneself panics.
    #[inline(always)]
    pub(crate) fn read(&self, limit: Option<Duration>) -> bool {
        self.try_read() || self.queue_up(Claim::Read, limit)
    }

    /// Takes the lock to write; None if that cannot be had for `limit`. Without one, a wait for oneself panics.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        limit: Option<Duration>,
        place: &'static Location<'static>,
    ) -> Option<Writing> {
        match self.try_write(place) {
            Some(writing) => Some(writing),
            None => self.write_slowly(limit, place),
        }
    }

    #[cold]
    fn write_slowly(&self, limit: Option<Duration>, place: &'static Location<'static>) -> Option<Writing> {
        let me = seat::me();
        self.queue_up(Claim::Write(me), limit).then(|| {
            self.note(place);
            Writing(me)
        })
    }

    #[cold]
    fn queue_up(&self, claim: Claim, limit: Option<Duration>) -> bool {
        if limit.is_none() && seat::is_same(self.writer(), seat::me()) {
            refuse_second(self.place());
        }
        let limit = limit.and_then(|limit| Seat::here().limit(limit));
        let guard = self.line.lock();
        let taken = |word| match claim {
            Claim::Read => with_a_reader(word),
            Claim::Write(me) => (word == 0).then_some(me),
        };
        let mark_or_take = |word| Some(taken(word).unwrap_or(word | WAITERS));
        let (Ok(word) | Err(word)) =
            self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, mark_or_take);
        if taken(word).is_some() {
            return true;
        }
        let what = if word & SHARED == 0 { self.waiting_for_writer() } else { WaitingFor::SharedLock };
        let how = How { manner: Manner::Lock, what, limit };
        matches!(wait(self, guard, at_the_end_of(0), claim, how), Waited::Told(..))
    }

    /// Lets go of it after reading.
    #[inline(always)]
    pub(crate) fn unlock_read(&self) {
        if self.word.fetch_update(Ordering::Release, Ordering::Relaxed, without_a_reader).is_err() {
            self.unlock_read_slowly();
        }
    }

    #[cold]
    fn unlock_read_slowly(&self) {
        let mut guard = self.line.lock();
        // Who waited may have left meanwhile, or readers may have joined.
        if self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, without_a_reader).is_err() {
            self.next(&mut guard);
        }
    }

    /// Lets go of it after writing.
    #[inline(always)]
    pub(crate) fn unlock_write(&self, writing: Writing) {
        if self.word.compare_exchange(writing.0, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.unlock_write_slowly();
        }
    }

    #[cold]
    fn unlock_write_slowly(&self) {
        self.next(&mut self.line.lock());
    }

    /// Under the latch, the lock being the caller's alone to give: hands it to those whose turn it is, or frees it.
    fn next(&self, guard: &mut Guard<'_, (), Claim, 1>) {
        // The word says whose it is before they are told: from then on they may let go of it.
        match guard.first(0, |_, claim| *claim) {
            None => self.word.store(0, Ordering::Release),
            Some(Claim::Write(me)) => {
                self.word.store(me | WAITERS, Ordering::Release);
                guard.tell_first(0, YOURS, |_| ());
                self.unmark_if_empty(guard);
            }
            Some(Claim::Read) => {
                self.word.store(SHARED | WAITERS, Ordering::Release);
                self.admit_readers(guard);
            }
        }
    }

    /// Under the latch, while the lock is shared: lets those at the head of the line in who want to read.
    fn admit_readers(&self, guard: &mut Guard<'_, (), Claim, 1>) {
        while guard.first(0, |_, claim| *claim) == Some(Claim::Read) {
            self.word.fetch_add(READER, Ordering::AcqRel);
            guard.tell_first(0, YOURS, |_| ());
        }
        self.unmark_if_empty(guard);
    }

    fn unmark_if_empty(&self, guard: &Guard<'_, (), Claim, 1>) {
        if guard.is_empty(0) {
            self.word.fetch_and(!WAITERS, Ordering::Release);
        }
    }

    #[inline(always)]
    fn note(&self, place: &'static Location<'static>) {
        self.place.store(ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
    }

    fn place(&self) -> Option<&'static Location<'static>> {
        // SAFETY: null, or what `note` made of a reference for ever.
        unsafe { self.place.load(Ordering::Relaxed).as_ref() }
    }

    /// The word of whoever writes; 0 if nobody does.
    fn writer(&self) -> u64 {
        let word = self.word.load(Ordering::Relaxed);
        if word & SHARED == 0 { word & !WAITERS } else { 0 }
    }

    /// Once readers have the lock the word names nobody that lives.
    fn waiting_for_writer(&self) -> WaitingFor {
        WaitingFor::Lock(NonNull::from(self).cast())
    }
}

/// The word after one more began to read, if it may without queueing up.
#[inline(always)]
fn with_a_reader(word: u64) -> Option<u64> {
    let open = word == 0 || word & (SHARED | WAITERS) == SHARED;
    open.then_some((word | SHARED) + READER)
}

/// The word after one has stopped to read; None if it is the last one, and others wait.
#[inline(always)]
fn without_a_reader(word: u64) -> Option<u64> {
    match word - READER {
        SHARED => Some(0),
        left if left == SHARED | WAITERS => None,
        left => Some(left),
    }
}

impl Policy for RawRwLock {
    type State = ();
    type Data = Claim;

    fn line(&self) -> &Line<(), Claim> {
        &self.line
    }

    fn left(&self, guard: &mut Guard<'_, (), Claim, 1>, _list: usize) {
        // A writer that has left the head of the line held up the readers behind it.
        if self.word.load(Ordering::Acquire) & SHARED != 0 {
            self.admit_readers(guard);
        } else {
            self.unmark_if_empty(guard);
        }
    }

    fn pass_on(&self, _verdict: Verdict, claim: Claim) {
        match claim {
            Claim::Read => self.unlock_read(),
            Claim::Write(me) => self.unlock_write(Writing(me)),
        }
    }
}

#[cold]
fn refuse_second(first: Option<&'static Location<'static>>) -> ! {
    match first {
        Some(place) => panic!("a second lock of an RwLock by its writer, which has locked it at {place}"),
        None => panic!("a second lock of an RwLock by its writer"),
    }
}
