//! A lock without data: one word that says who has it, and a line of those who want it.
//!
//! ```text
//!   word = 0                 free
//!   word = owner             taken, nobody waits
//!   word = owner | WAITERS   taken; who lets go looks into the line
//!   word = WAITERS           free, but others stand in the line: one of them was told to try, on its way here
//! ```
//!
//! Taking and letting go are one exchange each while nobody waits. A waiter of the same hub is *handed* the lock: nobody can
//! come in between, so it is first come, first served. Handing it to another OS thread would leave the lock idle until that
//! thread has woken up, and so every later use (a convoy). So a waiter there is told to *try*; it goes back to the head of
//! the line if somebody was faster, and the second time, or if it has waited for long, it is handed the lock.

use std::panic::Location;
use std::ptr::{self, NonNull};
use std::time::Duration;

use crate::park::line::{Guard, How, Line, Policy, Turn, Verdict, Waited, wait};
use crate::park::seat::{self, Limit, Manner, Seat, Since, WaitingFor};
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Somebody stands in the line.
const WAITERS: u64 = 1;

/// The lock is yours.
const OWNER: Verdict = 1;
/// The lock was free just now: try again.
const TRY: Verdict = 2;

/// How often a lock of another OS thread is looked at before its waiter goes to sleep.
const SPINS: u32 = 7;

// Its head is laid out as `hub::task::Taken`, for reports.
#[repr(C)]
pub(crate) struct RawMutex {
    word: AtomicU64,
    /// Where it was taken. Has meaning while it is taken; written after that, so a reader may see the place before.
    place: AtomicPtr<Location<'static>>,
    line: Line<(), Claim>,
}

/// What is known of one who waits.
pub(crate) struct Claim {
    me: u64,
    /// It has tried in vain.
    lost: bool,
    /// Since when it waits, if it is an OS thread.
    since: Since,
}

/// The right to unlock: what the word of the lock says without the mark for waiters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held(u64);

impl Held {
    /// Is it the right of whoever is `me`?
    pub(crate) fn is_of(self, me: u64) -> bool {
        seat::is_same(self.0, me)
    }
}

// Memory ordering. Who takes the lock acquires what the one before released with the exchange or store that let go of it. A
// hand-over under the latch goes by the latch and the verdict.
impl RawMutex {
    const_fn! {
        pub(crate) const fn new() -> RawMutex {
            RawMutex {
                word: AtomicU64::new(0),
                place: AtomicPtr::new(ptr::null_mut()),
                line: Line::new(()),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn try_lock(&self, place: &'static Location<'static>) -> Option<Held> {
        let me = seat::me();
        if self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            self.note(place);
            return Some(Held(me));
        }
        None
    }

    /// Takes the lock; None if `limit` has passed.
    ///
    /// Waiting for what one has oneself ends at the limit, or panics if there is none.
    #[inline(always)]
    pub(crate) fn lock(
        &self,
        limit: impl FnOnce() -> Wish,
        place: &'static Location<'static>,
    ) -> Option<Held> {
        match self.try_lock(place) {
            Some(held) => Some(held),
            None => self.lock_slowly(limit(), place),
        }
    }

    #[cold]
    fn lock_slowly(&self, wish: Wish, place: &'static Location<'static>) -> Option<Held> {
        let me = seat::me();
        let owner = self.owner();
        if seat::is_same(owner, me) && matches!(wish, Wish::Always) {
            refuse_second(self.place());
        }
        let limit = match wish {
            Wish::Always => None,
            Wish::Until(limit) => limit,
        };
        if seat::may_spin(owner) && self.spin(me) {
            self.note(place);
            return Some(Held(me));
        }
        let mut claim = Claim { me, lost: false, since: Since::now() };
        loop {
            let guard = self.line.lock();
            if self.take_or_mark(me, guard.is_empty(0)) {
                drop(guard);
                break;
            }
            let turn = Turn { list: 0, first: claim.lost };
            let how = How { manner: Manner::Lock, what: self.waiting_for(), limit };
            match wait(self, guard, turn, claim, how) {
                Waited::Told(OWNER, _) => break,
                Waited::Told(_, told) => claim = Claim { lost: true, ..told },
                Waited::Deadline(_) | Waited::Interrupted(..) => return None,
            }
        }
        self.note(place);
        Some(Held(me))
    }

    /// Looks again for a moment: who has it is running, elsewhere.
    fn spin(&self, me: u64) -> bool {
        for round in 0..SPINS {
            (0..1 << round).for_each(|_| std::hint::spin_loop());
            let word = self.word.load(Ordering::Relaxed);
            if word == 0 && self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return true;
            }
            if word & WAITERS != 0 && word != WAITERS {
                break;
            }
        }
        false
    }

    /// Under the latch: takes the lock if it is free; else marks it, so that who lets go of it looks into the line.
    #[inline]
    fn take_or_mark(&self, me: u64, nobody_waits: bool) -> bool {
        let mark = if nobody_waits { 0 } else { WAITERS };
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (next, taken) = match word & !WAITERS {
                0 => (me | mark, true),
                _ if word & WAITERS != 0 => return false,
                owner => (owner | WAITERS, false),
            };
            match self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(actual) => word = actual,
            }
        }
    }

    /// Lets go of it.
    #[inline(always)]
    pub(crate) fn unlock(&self, held: Held) {
        if self.word.compare_exchange(held.0, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.unlock_slowly();
        }
    }

    #[cold]
    fn unlock_slowly(&self) {
        self.next(&mut self.line.lock());
    }

    /// Under the latch, the lock being the caller's to give: hands it to the first in the line, or frees it.
    fn next(&self, guard: &mut Guard<'_, (), Claim, 1>) {
        let handed = guard.first(0, |seat, claim| {
            let at_once = seat.is_neighbour() || claim.lost || claim.since.is_long_ago();
            at_once.then_some(claim.me)
        });
        match handed {
            None => self.word.store(0, Ordering::Release),
            Some(Some(me)) => {
                guard.tell_first(0, OWNER, |_| ());
                let mark = if guard.is_empty(0) { 0 } else { WAITERS };
                self.word.store(me | mark, Ordering::Release);
            }
            Some(None) => {
                guard.tell_first(0, TRY, |_| ());
                let mark = if guard.is_empty(0) { 0 } else { WAITERS };
                self.word.store(mark, Ordering::Release);
            }
        }
    }

    #[inline(always)]
    fn note(&self, place: &'static Location<'static>) {
        self.place.store(ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
    }

    /// Where it was taken last, if ever.
    pub(crate) fn place(&self) -> Option<&'static Location<'static>> {
        // SAFETY: null, or what `note` made of a reference for ever.
        unsafe { self.place.load(Ordering::Relaxed).as_ref() }
    }

    /// The right of whoever has it, if anybody has. Only the owner may use it.
    pub(crate) fn held(&self) -> Option<Held> {
        Some(self.owner()).filter(|owner| *owner != 0).map(Held)
    }

    /// The word of whoever has it; 0 if nobody has.
    pub(crate) fn owner(&self) -> u64 {
        self.word.load(Ordering::Relaxed) & !WAITERS
    }

    fn waiting_for(&self) -> WaitingFor {
        WaitingFor::Lock(NonNull::from(self).cast())
    }
}

/// Until when somebody wants a lock.
pub(crate) enum Wish {
    Always,
    /// None: no clock will ever show it.
    Until(Option<Limit>),
}

impl Wish {
    pub(crate) fn within(wait: Duration) -> Wish {
        Wish::Until(Seat::here().limit(wait))
    }
}

impl Policy for RawMutex {
    type State = ();
    type Data = Claim;

    fn line(&self) -> &Line<(), Claim> {
        &self.line
    }

    fn left(&self, guard: &mut Guard<'_, (), Claim, 1>, _list: usize) {
        // The mark goes with the last of the line; else the next who lets go looks in vain, once.
        if guard.is_empty(0) {
            self.word.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }

    fn pass_on(&self, verdict: Verdict, claim: Claim) {
        let mut guard = self.line.lock();
        // Who was told to try may find it taken: then whoever has it tells the next.
        if verdict == OWNER || self.take_or_mark(claim.me, guard.is_empty(0)) {
            self.next(&mut guard);
        } else if guard.is_empty(0) {
            self.word.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }
}

#[cold]
fn refuse_second(first: Option<&'static Location<'static>>) -> ! {
    match first {
        Some(place) => panic!("a second lock of a Mutex by its owner, which has locked it at {place}"),
        None => panic!("a second lock of a Mutex by its owner"),
    }
}
