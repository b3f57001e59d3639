//! The line: who waits for something that any OS thread may bring about; first come, first told.
//!
//! What is waited for (a lock, a permit, an item) keeps its state beside the lists of those who wait, behind one latch. An
//! entry is a [`Waiter`] in the frame of whoever waits, so a wait allocates nothing and leaving the middle of a list is
//! O(1).
//!
//! ```text
//!   waiter                                      teller
//!   latch; not to be had: join a list; unlatch
//!   wait in the seat                            latch; take the first out; fill its data; verdict; letter; unlatch
//!   woken by the teller: read the verdict       ring
//!   woken otherwise: latch; verdict? it counts. None? leave
//! ```
//!
//! Invariants. *A waiter is linked as long as its verdict is WAITING*; whoever takes it out tells it, under the same latch.
//! *The last thing a teller does to a waiter is to tell it*: what wakes it was fetched before. *A waiter that was woken by
//! something else than its teller takes the latch before it leaves*, so its letter is posted by then, and can be withdrawn.
//! *Whoever was told and will not act on it passes it on*: by [`Policy::pass_on`], when it unwinds or is left standing at the
//! end of its hub.

use std::cell::Cell;
use std::mem::ManuallyDrop;
#[cfg(any(feature = "monkey", loom))]
use std::ops::ControlFlow;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;

use crate::park::seat::{Call, Interruption, Limit, Manner, Outer, Seat, Standing, WaitingFor, Woken};
use crate::shim::sync::atomic::{AtomicU8, Ordering};
use crate::shim::{Latch, Latched, UnsafeCell, const_fn};

/// What a waiter was told. Each line has its own meanings; zero says that it was told nothing yet.
pub(crate) type Verdict = u8;

const WAITING: Verdict = 0;

/// The state `S` of something, and `N` lists of those who wait for it, each with a `D` that tellers may look at and change.
pub(crate) struct Line<S, D = (), const N: usize = 1> {
    latch: Latch,
    inside: UnsafeCell<Inside<S, D, N>>,
}

// SAFETY: what is inside is touched under the latch only; the data of waiters goes from thread to thread (S15).
unsafe impl<S: Send, D: Send, const N: usize> Send for Line<S, D, N> {}
// SAFETY: as above.
unsafe impl<S: Send, D: Send, const N: usize> Sync for Line<S, D, N> {}

// No user code runs under the latch, so no panic leaves the lists half changed.
impl<S: RefUnwindSafe, D, const N: usize> RefUnwindSafe for Line<S, D, N> {}
impl<S: UnwindSafe, D, const N: usize> UnwindSafe for Line<S, D, N> {}

/// What the latch guards.
pub(crate) struct Inside<S, D, const N: usize> {
    pub(crate) state: S,
    lists: [Ends<D>; N],
    /// What the holder of the latch does once it has given it back. Here and not in the guard, which is handed about.
    calls: Calls,
}

struct Ends<D> {
    first: *const Waiter<D>,
    last: *const Waiter<D>,
}

impl<D> Clone for Ends<D> {
    fn clone(&self) -> Ends<D> {
        *self
    }
}

impl<D> Copy for Ends<D> {}

/// One who waits. Only the data crosses OS threads otherwise than under the latch: the verdict hands it over.
pub(crate) struct Waiter<D> {
    seat: Seat,
    verdict: AtomicU8,
    data: UnsafeCell<ManuallyDrop<D>>,
    /// Neighbours in the list. They have meaning while it is linked.
    previous: Cell<*const Waiter<D>>,
    next: Cell<*const Waiter<D>>,
}

impl<S, D, const N: usize> Line<S, D, N> {
    const_fn! {
        pub(crate) const fn new(state: S) -> Line<S, D, N> {
            let lists = [Ends { first: ptr::null(), last: ptr::null() }; N];
            let calls = Calls { first: None, others: None };
            Line { latch: Latch::new(), inside: UnsafeCell::new(Inside { state, lists, calls }) }
        }
    }

    /// Takes the latch. Until it is given back nothing may wait and nobody else's code may run.
    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, S, D, N> {
        let latched = self.latch.lock();
        Guard { inside: self.inside.with_mut(|inside| inside), latched: ManuallyDrop::new(latched) }
    }
}

/// The right to what is inside. Dropping it gives the latch back, then rings for those who were told meanwhile.
pub(crate) struct Guard<'a, S, D, const N: usize> {
    inside: *mut Inside<S, D, N>,
    /// Dropped when the guard is, once.
    latched: ManuallyDrop<Latched<'a>>,
}

/// Calls that are left for after the latch. Neighbours need none; one is usual, more are rare.
#[derive(Default)]
struct Calls {
    first: Option<Call>,
    /// Boxed: every lock and queue has room for this.
    #[expect(clippy::box_collection, reason = "as above")]
    others: Option<Box<Vec<Call>>>,
}

impl<S, D, const N: usize> Deref for Guard<'_, S, D, N> {
    type Target = Inside<S, D, N>;

    #[inline(always)]
    fn deref(&self) -> &Inside<S, D, N> {
        // SAFETY: the latch is held (S7).
        unsafe { &*self.inside }
    }
}

impl<S, D, const N: usize> DerefMut for Guard<'_, S, D, N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Inside<S, D, N> {
        // SAFETY: the latch is held, by this guard alone (S7).
        unsafe { &mut *self.inside }
    }
}

impl<S, D, const N: usize> Drop for Guard<'_, S, D, N> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.calls.first.is_some() {
            return self.end_and_ring();
        }
        // SAFETY: the guard goes, and nobody looks at its latch again.
        unsafe { ManuallyDrop::drop(&mut self.latched) };
    }
}

impl Calls {
    #[cold]
    fn add(&mut self, call: Call) {
        match &mut self.first {
            None => self.first = Some(call),
            Some(_) => self.others.get_or_insert_default().push(call),
        }
    }
}

impl<S, D, const N: usize> Guard<'_, S, D, N> {
    /// The drop, for one who has told others.
    #[cold]
    fn end_and_ring(&mut self) {
        let Calls { first, others } = std::mem::take(&mut self.calls);
        // SAFETY: as in `drop`.
        unsafe { ManuallyDrop::drop(&mut self.latched) };
        first.into_iter().chain(others.map(|others| *others).unwrap_or_default()).for_each(Call::ring);
    }

    /// Tells the first in `list`, after `fill` has seen to its data; None if there is nobody.
    #[inline(always)]
    pub(crate) fn tell_first<R>(
        &mut self,
        list: usize,
        verdict: Verdict,
        fill: impl FnOnce(&mut D) -> R,
    ) -> Option<R> {
        Some(self.tell_first_of(list, verdict, fill)?.0)
    }

    /// As [`tell_first`](Self::tell_first); says, too, whether that one is on another OS thread.
    #[inline(always)]
    pub(crate) fn tell_first_of<R>(
        &mut self,
        list: usize,
        verdict: Verdict,
        fill: impl FnOnce(&mut D) -> R,
    ) -> Option<(R, bool)> {
        debug_assert!(verdict != WAITING);
        // SAFETY: a linked waiter stays where it is, and the latch is held (S15).
        let first = unsafe { self.lists[list].first.as_ref() }?;
        self.unlink_first(list, first);
        // Copied before: once told it may leave.
        let seat = first.seat;
        if !seat.is_neighbour() {
            return Some((self.tell_far(first, verdict, fill), true));
        }
        let filled = first.tell(verdict, fill);
        seat.wake_neighbour();
        Some((filled, false))
    }

    /// Tells one on another OS thread, which was in a list until now.
    #[cold]
    fn tell_far<R>(&mut self, waiter: &Waiter<D>, verdict: Verdict, fill: impl FnOnce(&mut D) -> R) -> R {
        // SAFETY: it is linked no more, but it cannot know before it is told (S15).
        let call = unsafe { waiter.seat.call() };
        let filled = waiter.tell(verdict, fill);
        call.post();
        self.calls.add(call);
        filled
    }

    /// Tells those in `list` whom `pick` says to, first come, first told. It looks at one after the other until `pick` breaks.
    #[cfg(any(feature = "monkey", loom))]
    #[allow(dead_code, reason = "unused where `monkey` has no calls")]
    pub(crate) fn tell_those(
        &mut self,
        list: usize,
        verdict: Verdict,
        mut pick: impl FnMut(Seat, &mut D) -> ControlFlow<(), bool>,
    ) {
        let mut next = self.lists[list].first;
        // SAFETY: a linked waiter stays where it is, and the latch is held (S15).
        while let Some(waiter) = unsafe { next.as_ref() } {
            next = waiter.next.get();
            // SAFETY: its owner does not touch the data before it is told.
            match waiter.data.with_mut(|data| pick(waiter.seat, unsafe { &mut *data })) {
                ControlFlow::Break(()) => return,
                ControlFlow::Continue(false) => continue,
                ControlFlow::Continue(true) => {}
            }
            self.unlink(list, waiter);
            // Copied before: once told it may leave.
            let seat = waiter.seat;
            if seat.is_neighbour() {
                waiter.tell(verdict, |_| ());
                seat.wake_neighbour();
            } else {
                self.tell_far(waiter, verdict, |_| ());
            }
        }
    }

    /// Tells all who are in `list` now.
    pub(crate) fn tell_all(&mut self, list: usize, verdict: Verdict) {
        while self.tell_first(list, verdict, |_| ()).is_some() {}
    }

    #[inline(always)]
    fn unlink_first(&mut self, list: usize, first: &Waiter<D>) {
        let next = first.next.get();
        let ends = &mut self.lists[list];
        ends.first = next;
        // SAFETY: neighbours of a linked waiter are linked (S15).
        match unsafe { next.as_ref() } {
            Some(next) => next.previous.set(ptr::null()),
            None => ends.last = ptr::null(),
        }
    }

    fn unlink(&mut self, list: usize, waiter: &Waiter<D>) {
        let (previous, next) = (waiter.previous.get(), waiter.next.get());
        let ends = &mut self.lists[list];
        // SAFETY: neighbours of a linked waiter are linked (S15).
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(next),
            None => ends.first = next,
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.previous.set(previous),
            None => ends.last = previous,
        }
    }

    #[inline(always)]
    fn link(&mut self, turn: Turn, waiter: &Waiter<D>) {
        let ends = &mut self.lists[turn.list];
        let (previous, next) = if turn.first { (ptr::null(), ends.first) } else { (ends.last, ptr::null()) };
        waiter.previous.set(previous);
        waiter.next.set(next);
        // SAFETY: who is linked stays where it is (S15).
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(waiter),
            None => ends.first = waiter,
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.previous.set(waiter),
            None => ends.last = waiter,
        }
    }
}

impl<S, D, const N: usize> Inside<S, D, N> {
    #[inline(always)]
    pub(crate) fn is_empty(&self, list: usize) -> bool {
        self.lists[list].first.is_null()
    }

    /// Looks at the first in `list`: where it waits, and its data.
    #[inline(always)]
    pub(crate) fn first<R>(&mut self, list: usize, look: impl FnOnce(Seat, &mut D) -> R) -> Option<R> {
        // SAFETY: a linked waiter stays where it is, and the latch is held (S15).
        let first = unsafe { self.lists[list].first.as_ref() }?;
        // SAFETY: its owner does not touch the data before it is told.
        Some(first.data.with_mut(|data| look(first.seat, unsafe { &mut *data })))
    }
}

/// Where in a line one queues up.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) list: usize,
    /// Before all others: it had its turn, and somebody else was faster.
    pub(crate) first: bool,
}

/// At the end of `list`.
pub(crate) const fn at_the_end_of(list: usize) -> Turn {
    Turn { list, first: false }
}

/// How one waits: what may interrupt it, what reports say, and until when.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) manner: Manner,
    pub(crate) what: WaitingFor,
    pub(crate) limit: Option<Limit>,
}

/// What a wait came to. The waiter has left the line, and has its data back.
pub(crate) enum Waited<D> {
    Told(Verdict, D),
    Deadline(D),
    Interrupted(Interruption, D),
}

/// What something that is waited for does about those who leave.
pub(crate) trait Policy<const N: usize = 1> {
    type State;
    type Data;

    fn line(&self) -> &Line<Self::State, Self::Data, N>;

    /// Under the latch: somebody has left `list` untold. If that lets others go on, they are told.
    fn left(&self, _guard: &mut Guard<'_, Self::State, Self::Data, N>, _list: usize) {}

    /// Somebody was told `verdict`, and then its wait was ended by an expired scope, which drops whatever comes of it. What
    /// would be lost that way goes on as in [`pass_on`](Self::pass_on), and the wait failed: `Err`. Else it did not.
    fn too_late(&self, _verdict: Verdict, data: Self::Data) -> Result<Self::Data, Self::Data> {
        Ok(data)
    }

    /// Somebody was told `verdict` and will not act on it: what it was given goes to the next, or back.
    fn pass_on(&self, verdict: Verdict, data: Self::Data);
}

/// Queues up and waits. The guard shows that what is wanted cannot be had; it is given back once the caller is in the line.
#[inline(always)]
pub(crate) fn wait<P: Policy<N> + ?Sized, const N: usize>(
    policy: &P,
    guard: Guard<'_, P::State, P::Data, N>,
    turn: Turn,
    data: P::Data,
    how: How,
) -> Waited<P::Data> {
    wait_announced(policy, guard, turn, data, how, || false)
}

/// As [`wait`], for one whose coming is news to others: `announce` runs once it is in the line, the latch given back, and
/// says whether it told anybody. Who is told may tell the caller at once, which is not parked yet.
#[inline(always)]
pub(crate) fn wait_announced<P: Policy<N> + ?Sized, const N: usize>(
    policy: &P,
    mut guard: Guard<'_, P::State, P::Data, N>,
    turn: Turn,
    data: P::Data,
    how: How,
    announce: impl FnOnce() -> bool,
) -> Waited<P::Data> {
    let seat = Seat::here();
    let waiter = Waiter {
        seat,
        verdict: AtomicU8::new(WAITING),
        data: UnsafeCell::new(ManuallyDrop::new(data)),
        previous: Cell::new(ptr::null()),
        next: Cell::new(ptr::null()),
    };
    let stay = Stay { policy, waiter: &waiter, list: turn.list, outer: Cell::default() };
    guard.link(turn, &waiter);
    drop(guard);
    // SAFETY: `stay` goes on every way out of here, and takes this back (S15).
    stay.outer.set(unsafe { seat.stands(&stay) });
    if announce() {
        let verdict = waiter.verdict.load(Ordering::Acquire);
        if verdict != WAITING {
            stay.leave();
            std::mem::forget(stay);
            return Waited::Told(verdict, waiter.take());
        }
    }
    loop {
        match seat.wait(how.manner, how.what, how.limit) {
            Ok(Woken::Condition) => {
                // Pairs with the store that told it: the data is as the teller left it.
                let verdict = waiter.verdict.load(Ordering::Acquire);
                if verdict != WAITING {
                    seat.stands_no_more(stay.outer.get());
                    std::mem::forget(stay);
                    return Waited::Told(verdict, waiter.take());
                }
            }
            Ok(Woken::Request) => {}
            ended => {
                let left = stay.leave();
                std::mem::forget(stay);
                let data = waiter.take();
                return match (left, ended) {
                    (Some(verdict), Err(Interruption::Elapsed)) => match policy.too_late(verdict, data) {
                        Ok(data) => Waited::Told(verdict, data),
                        Err(data) => Waited::Interrupted(Interruption::Elapsed, data),
                    },
                    (Some(verdict), _) => Waited::Told(verdict, data),
                    (None, Err(interruption)) => Waited::Interrupted(interruption, data),
                    (None, Ok(_)) => Waited::Deadline(data),
                };
            }
        }
    }
}

impl<D> Waiter<D> {
    /// The last that a teller does to it.
    #[inline(always)]
    fn tell<R>(&self, verdict: Verdict, fill: impl FnOnce(&mut D) -> R) -> R {
        // SAFETY: its owner does not touch the data before it is told.
        let filled = self.data.with_mut(|data| fill(unsafe { &mut *data }));
        self.verdict.store(verdict, Ordering::Release);
        filled
    }

    /// Takes the data out: once it was told, or has left.
    #[inline(always)]
    fn take(&self) -> D {
        // SAFETY: it is its owner's again, which takes it once.
        self.data.with_mut(|data| unsafe { ManuallyDrop::take(&mut *data) })
    }
}

/// Somebody's place in a line, from joining to leaving, on every way out.
struct Stay<'a, P: Policy<N> + ?Sized, const N: usize> {
    policy: &'a P,
    waiter: &'a Waiter<P::Data>,
    list: usize,
    outer: Cell<Outer>,
}

impl<P: Policy<N> + ?Sized, const N: usize> Stay<'_, P, N> {
    /// Leaves, not having been woken by a teller; what it was told meanwhile, if anything.
    #[cold]
    fn leave(&self) -> Option<Verdict> {
        self.waiter.seat.stands_no_more(self.outer.get());
        let mut guard = self.policy.line().lock();
        let verdict = self.waiter.verdict.load(Ordering::Acquire);
        if verdict != WAITING {
            drop(guard);
            self.waiter.seat.withdraw_letter();
            return Some(verdict);
        }
        guard.unlink(self.list, self.waiter);
        self.policy.left(&mut guard, self.list);
        None
    }
}

impl<P: Policy<N> + ?Sized, const N: usize> Drop for Stay<'_, P, N> {
    /// The waiter unwinds.
    fn drop(&mut self) {
        let left = self.leave();
        let data = self.waiter.take();
        match left {
            Some(verdict) => self.policy.pass_on(verdict, data),
            None => drop(data),
        }
    }
}

impl<P: Policy<N> + ?Sized, const N: usize> Standing for Stay<'_, P, N> {
    /// The waiter never runs again. What is in its frame stays there, but for what it was given.
    fn abandon(&self) {
        if let Some(verdict) = self.leave() {
            self.policy.pass_on(verdict, self.waiter.take());
        }
    }
}
