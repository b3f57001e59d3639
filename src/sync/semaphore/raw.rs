//! The semaphore itself: a count, and those who wait for a part of it.
//!
//! ```text
//!   word = permits             nobody waits: taking and giving back are one exchange each
//!   word = permits | WAITERS   somebody stands in the line, or watches: who gives back settles with them
//! ```
//!
//! While the mark is there permits are taken under the latch only, and settling gives them to the first in the line before
//! anybody else: first come, first served, on whatever OS threads they wait.

use crate::park::line::{Guard, How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::{self, Limit, Manner, WaitingFor};
use crate::park::watchers::Watchers;
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicUsize, Ordering};

/// Somebody stands in the line, or watches.
const WAITERS: usize = 1;
/// One permit, in the word.
const ONE: usize = 2;

/// As many permits as a word can count.
pub(crate) const MOST: usize = usize::MAX >> 1;

/// A permit is yours.
const GRANTED: Verdict = 1;

pub(crate) struct RawSemaphore {
    word: AtomicUsize,
    /// More permits than that are never to be had.
    bound: usize,
    line: Line<()>,
    watchers: Watchers,
}

// Memory ordering. Giving back releases, and taking acquires: from all who gave back since the count was last zero, as the
// word is only changed by exchanges. A permit that is handed over under the latch goes by the latch and the verdict.
impl RawSemaphore {
    const_fn! {
        /// `permits` and `bound` are at most [`MOST`].
        pub(crate) const fn new(permits: usize, bound: usize) -> RawSemaphore {
            RawSemaphore {
                word: AtomicUsize::new(permits << 1),
                bound,
                line: Line::new(()),
                watchers: Watchers::new(),
            }
        }
    }

    pub(crate) fn available(&self) -> usize {
        self.word.load(Ordering::Relaxed) >> 1
    }

    /// Those who watch. They look by [`is_ready_after_watching`](Self::is_ready_after_watching), once they are in.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    /// Looks under the latch whether a newcomer would get a permit; if not, leaves the mark for who gives one back.
    pub(crate) fn is_ready_after_watching(&self) -> bool {
        let mut guard = self.line.lock();
        self.hand_out(&mut guard);
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if guard.is_empty(0) && word >= ONE {
                return true;
            }
            if word & WAITERS != 0 {
                return false;
            }
            match self.word.compare_exchange(word, word | WAITERS, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return false,
                Err(actual) => word = actual,
            }
        }
    }

    /// Takes a permit if there is one and nobody waits for it.
    #[inline(always)]
    pub(crate) fn try_acquire(&self) -> bool {
        self.take_unmarked().unwrap_or_else(|| self.try_acquire_slowly())
    }

    #[cold]
    fn try_acquire_slowly(&self) -> bool {
        let mut guard = self.line.lock();
        self.hand_out(&mut guard);
        self.take_or_mark(&guard)
    }

    /// Waits for a permit; false if the limit has passed.
    #[inline(always)]
    pub(crate) fn acquire(&self, limit: impl FnOnce() -> Option<Limit>) -> bool {
        seat::spend();
        self.take_unmarked() == Some(true) || self.acquire_slowly(limit())
    }

    #[cold]
    fn acquire_slowly(&self, limit: Option<Limit>) -> bool {
        let mut guard = self.line.lock();
        self.hand_out(&mut guard);
        if self.take_or_mark(&guard) {
            return true;
        }
        let how = How { manner: Manner::Lock, what: WaitingFor::Permit, limit };
        match wait(self, guard, at_the_end_of(0), (), how) {
            Waited::Told(..) => true,
            Waited::Deadline(()) | Waited::Interrupted(..) => false,
        }
    }

    /// Takes a permit if there is one; None if there is the mark, and so the line to be looked into.
    #[inline(always)]
    fn take_unmarked(&self) -> Option<bool> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & WAITERS != 0 {
                return None;
            }
            if word == 0 {
                return Some(false);
            }
            match self.word.compare_exchange_weak(word, word - ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(true),
                Err(actual) => word = actual,
            }
        }
    }

    /// Under the latch: takes a permit if there is one and nobody stands before the caller; else leaves the mark.
    fn take_or_mark(&self, guard: &Guard<'_, (), (), 1>) -> bool {
        let nobody_waits = guard.is_empty(0);
        let mark = if nobody_waits && !self.watchers.any() { 0 } else { WAITERS };
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let taken = nobody_waits && word >= ONE;
            let next = if taken { ((word - ONE) & !WAITERS) | mark } else { word | WAITERS };
            match self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(actual) => word = actual,
            }
        }
    }

    /// Gives `count` permits back, or new ones; false, and nothing is changed, if that were more than the bound.
    #[inline(always)]
    pub(crate) fn add(&self, count: usize) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if count > self.bound - (word >> 1) {
                return false;
            }
            let next = word + (count << 1);
            match self.word.compare_exchange_weak(word, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(actual) => word = actual,
            }
        }
        if word & WAITERS != 0 {
            self.settle();
        }
        true
    }

    /// Permits came back while somebody waited or watched.
    #[cold]
    fn settle(&self) {
        let mut guard = self.line.lock();
        self.hand_out(&mut guard);
        let watched = self.watchers.any();
        let ready = guard.is_empty(0) && self.available() > 0;
        // Watchers who are told now look again, and mark it again.
        if guard.is_empty(0) && (ready || !watched) {
            self.unmark();
        }
        drop(guard);
        if ready && watched {
            self.watchers.wake_all();
        }
    }

    /// Under the latch: gives what is there to those who wait, in order.
    fn hand_out(&self, guard: &mut Guard<'_, (), (), 1>) {
        let mut word = self.word.load(Ordering::Relaxed);
        while !guard.is_empty(0) && word >= ONE {
            match self.word.compare_exchange(word, word - ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    guard.tell_first(0, GRANTED, |()| ());
                    word -= ONE;
                }
                Err(actual) => word = actual,
            }
        }
    }

    fn unmark(&self) {
        self.word.fetch_and(!WAITERS, Ordering::Relaxed);
    }
}

impl Policy for RawSemaphore {
    type State = ();
    type Data = ();

    fn line(&self) -> &Line<()> {
        &self.line
    }

    fn left(&self, guard: &mut Guard<'_, (), (), 1>, _list: usize) {
        if guard.is_empty(0) && !self.watchers.any() {
            self.unmark();
        }
    }

    /// The permit comes back; if others wait the mark is there, so it goes to the next.
    fn pass_on(&self, _verdict: Verdict, _data: ()) {
        self.add(1);
    }
}
