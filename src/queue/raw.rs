//! The queue without its face: what it holds, and the lines of those who want to put, to get, or to see all done.
//!
//! ```text
//!                     GETTERS                               PUTTERS
//!   put               hands its value to the first          (nobody waits while there is room)
//!   get               (nobody waits while there is an item) the value of the first moves into the store
//!   close             all are told CLOSED                   all are told CLOSED, and have their values back
//! ```
//!
//! Each operation is one short section under the latch of the line. Whoever waits has its value, or the place for one, in
//! its own frame, where others fill or empty it: so what is handed over belongs to somebody at each moment, and who is
//! interrupted after that passes it on.
//!
//! Code of the items (`Ord`, `Clone`) never runs under the latch. The store is taken out for it, and the queue is *claimed*
//! meanwhile: nobody switches there, so only other OS threads can find it claimed, and wait as for a latch; and the code of
//! the items itself, which is refused.

use std::ops::Range;

use crate::greenlet::chain;
use crate::park::line::{Guard, How, Line, Policy, Verdict, Waited, at_the_end_of, wait, wait_announced};
use crate::park::seat::{self, Limit, Manner, WaitingFor};
use crate::park::watchers::Watchers;
use crate::queue::error::{GetError, PutError};
use crate::queue::store::Store;
use crate::queue::wish::Wish;
use crate::shim::{Latch, Latched};

const GETTERS: usize = 0;
const PUTTERS: usize = 1;
const JOINERS: usize = 2;
const LISTS: usize = 3;

/// To a getter: your parcel has an item. To a putter: your parcel is empty, the value was accepted. To a joiner: all is done.
const DONE: Verdict = 1;
/// The queue was closed. A putter has its value still.
const CLOSED: Verdict = 2;

/// How often a queue whose other side is on another OS thread is looked at before its waiter goes to sleep.
const SPINS: u32 = 8;
/// At most two to this power is the first pause of a putter.
const LONGEST_FIRST: u32 = 6;

pub(crate) struct Core<T, S> {
    line: Line<State<S>, Parcel<T>, LISTS>,
    /// Held as long as the queue is claimed; others wait here.
    claim: Latch,
    watchers: Watchers,
    capacity: Option<usize>,
}

pub(crate) struct State<S> {
    store: S,
    /// Who has claimed the queue; 0 if nobody has. How many items the store had that is out.
    claimed_by: u64,
    out: usize,
    closed: bool,
    /// How many items were ever accepted, and for how many of them somebody has called `task_done`.
    accepted: u64,
    done: u64,
    /// Where who found the other side waiting last runs, if on another OS thread: whether it pays to look twice before waiting.
    last_putter: u64,
    last_getter: u64,
}

impl<S> State<S> {
    fn unfinished(&self) -> u64 {
        self.accepted - self.done
    }
}

/// What a putter brings, or a getter gets.
pub(crate) struct Parcel<T> {
    value: Option<T>,
    /// Which of the items that were ever accepted it is.
    number: u64,
}

impl<T> Parcel<T> {
    const EMPTY: Parcel<T> = Parcel { value: None, number: 0 };

    /// Field by field: a parcel that is made elsewhere, and copied while it is fresh, stalls the processor.
    #[inline(always)]
    fn fill(&mut self, value: T, number: u64) {
        debug_assert!(self.value.is_none(), "who waits for an item has none");
        self.value = Some(value);
        self.number = number;
    }
}

type Held<'a, T, S> = Guard<'a, State<S>, Parcel<T>, LISTS>;

/// Why a value was not taken at once.
enum Refused<'a, T, S> {
    Full(Held<'a, T, S>, T),
    Closed(T),
}

/// Why there was no item at once.
enum Nothing<'a, T, S> {
    Empty(Held<'a, T, S>),
    Closed,
}

impl<T, S: Store<T>> Core<T, S> {
    pub(crate) fn new(capacity: Option<usize>) -> Core<T, S> {
        let state = State {
            store: capacity.map_or_else(S::default, S::of),
            claimed_by: 0,
            out: 0,
            closed: false,
            accepted: 0,
            done: 0,
            last_putter: 0,
            last_getter: 0,
        };
        Core { line: Line::new(state), claim: Latch::new(), watchers: Watchers::new(), capacity }
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    #[inline(always)]
    fn limit(&self) -> usize {
        self.capacity.unwrap_or(usize::MAX)
    }

    // ---- put ----

    #[inline]
    pub(crate) fn put(&self, value: T, wish: Wish) -> Result<(), PutError<T>> {
        match self.offer(self.enter(), value) {
            Ok(()) => Ok(()),
            Err(Refused::Full(guard, value)) => self.put_slowly(guard, value, wish),
            Err(Refused::Closed(value)) => Err(PutError::Closed(value)),
        }
    }

    /// Gives the value to the first who waits for one, or to the store.
    #[inline(always)]
    fn offer<'a>(&'a self, mut guard: Held<'a, T, S>, value: T) -> Result<(), Refused<'a, T, S>> {
        if guard.state.closed {
            return Err(Refused::Closed(value));
        }
        if !guard.is_empty(GETTERS) {
            guard.state.accepted += 1;
            let number = guard.state.accepted;
            let told = guard.tell_first_of(GETTERS, DONE, |place| place.fill(value, number));
            guard.state.last_putter = where_from(told.is_some_and(|(_, far)| far));
            return Ok(());
        }
        if guard.state.store.len() >= self.limit() {
            return Err(Refused::Full(guard, value));
        }
        if S::ASKS {
            // Should it throw, the value is dropped here, when the claim has ended.
            let mut value = Some(value);
            (guard, ()) = self.claimed(guard, |store| store.insert(&mut value));
        } else {
            guard.state.store.push(value);
        }
        guard.state.accepted += 1;
        let watched = self.watchers.any();
        drop(guard);
        if watched {
            self.watchers.wake_all();
        }
        Ok(())
    }

    /// The pauses of a putter for whom the queue is too full. The first is so long that the other side may take half of what is
    /// there, for who looks earlier is in its way.
    fn looks_for_room(&self) -> Range<u32> {
        let first = (self.limit() / 2).checked_ilog2().map_or(0, |pause| pause.min(LONGEST_FIRST));
        first..first.max(SPINS - 3) + 3
    }

    #[inline(never)]
    fn put_slowly<'a>(
        &'a self,
        mut guard: Held<'a, T, S>,
        mut value: T,
        wish: Wish,
    ) -> Result<(), PutError<T>> {
        if !wish.waits() {
            return Err(PutError::Full(value));
        }
        let mut rounds =
            if seat::may_come_from(guard.state.last_getter) { self.looks_for_room() } else { 0..0 };
        let mut limit = None;
        if !rounds.is_empty() || wish.is_limited() {
            drop(guard);
            limit = wish.limit();
            (guard, value) = loop {
                let (guard, back) = match self.offer(self.enter(), value) {
                    Ok(()) => return Ok(()),
                    Err(Refused::Closed(value)) => return Err(PutError::Closed(value)),
                    Err(Refused::Full(guard, back)) => (guard, back),
                };
                let Some(round) = rounds.next() else { break (guard, back) };
                drop(guard);
                value = back;
                pause(round);
            };
        }
        // Where nothing is held, one who waits to put is an item.
        let watched = self.limit() == 0 && self.watchers.any();
        let announce = || {
            if watched {
                self.watchers.wake_all();
            }
            watched
        };
        let how = How { manner: wish.manner, what: WaitingFor::RoomInAQueue, limit };
        let parcel = Parcel { value: Some(value), number: 0 };
        let (error, parcel): (fn(T) -> PutError<T>, _) =
            match wait_announced(self, guard, at_the_end_of(PUTTERS), parcel, how, announce) {
                Waited::Told(DONE, _) => return Ok(()),
                Waited::Told(_, parcel) => (PutError::Closed, parcel),
                Waited::Deadline(parcel) => (PutError::Full, parcel),
                Waited::Interrupted(_, parcel) => (PutError::Interrupted, parcel),
            };
        parcel.value.map_or(Ok(()), |value| Err(error(value)))
    }

    // ---- get ----

    #[inline(always)]
    pub(crate) fn get(&self, wish: Wish) -> Result<T, GetError> {
        match self.take(self.enter()) {
            Ok(item) => Ok(item),
            // What is nearly always so has a path of its own, without questions.
            Err(Nothing::Empty(guard))
                if wish.is_plain() && !seat::may_come_from(guard.state.last_putter) =>
            {
                self.wait_to_get(guard)
            }
            Err(Nothing::Empty(guard)) => self.get_slowly(guard, wish),
            Err(Nothing::Closed) => Err(GetError::Closed),
        }
    }

    #[inline(always)]
    fn take<'a>(&'a self, mut guard: Held<'a, T, S>) -> Result<T, Nothing<'a, T, S>> {
        let item;
        if S::ASKS && guard.state.store.len() > 0 {
            (guard, item) = self.claimed(guard, S::pop);
        } else {
            item = guard.state.store.pop();
        }
        match item {
            Some(item) => {
                if !guard.is_empty(PUTTERS) {
                    self.let_a_putter_in(&mut guard);
                }
                Ok(item)
            }
            // Those who wait to put find no room for a single item, then.
            None if !guard.is_empty(PUTTERS) => self.accept(&mut guard).ok_or(Nothing::Closed),
            None if guard.state.closed => Err(Nothing::Closed),
            None => Err(Nothing::Empty(guard)),
        }
    }

    /// There is room now, unless items that were put back fill it.
    fn let_a_putter_in(&self, guard: &mut Held<'_, T, S>) {
        if guard.state.store.len() < self.limit()
            && let Some(value) = self.accept(guard)
        {
            guard.state.store.push(value);
        }
    }

    /// Takes the value of the first who waits to put.
    fn accept(&self, guard: &mut Held<'_, T, S>) -> Option<T> {
        let (value, far) = guard.tell_first_of(PUTTERS, DONE, |parcel| parcel.value.take())?;
        guard.state.last_getter = where_from(far);
        guard.state.accepted += u64::from(value.is_some());
        value
    }

    #[inline(never)]
    fn get_slowly<'a>(&'a self, mut guard: Held<'a, T, S>, wish: Wish) -> Result<T, GetError> {
        if !wish.waits() {
            return Err(GetError::Empty);
        }
        let spins = if seat::may_come_from(guard.state.last_putter) { SPINS } else { 0 };
        let mut limit = None;
        if spins > 0 || wish.is_limited() {
            drop(guard);
            limit = wish.limit();
            let mut round = 0;
            guard = loop {
                match self.take(self.enter()) {
                    Ok(item) => return Ok(item),
                    Err(Nothing::Closed) => return Err(GetError::Closed),
                    Err(Nothing::Empty(guard)) if round >= spins => break guard,
                    Err(Nothing::Empty(_)) => {}
                }
                pause(round);
                round += 1;
            };
        }
        self.get_in_line(guard, wish.manner, limit)
    }

    /// In its caller, down to where the stacks are switched: whoever returns from a call that has switched returns to where the
    /// processor does not expect it, which costs as much as half of all this.
    #[inline(always)]
    fn wait_to_get(&self, guard: Held<'_, T, S>) -> Result<T, GetError> {
        self.get_in_line(guard, Manner::Fallible, None)
    }

    #[inline(always)]
    fn get_in_line(
        &self,
        guard: Held<'_, T, S>,
        manner: Manner,
        limit: Option<Limit>,
    ) -> Result<T, GetError> {
        let how = How { manner, what: WaitingFor::AnItem, limit };
        match wait(self, guard, at_the_end_of(GETTERS), Parcel::EMPTY, how) {
            Waited::Told(_, parcel) => parcel.value.ok_or(GetError::Closed),
            Waited::Deadline(_) => Err(GetError::Empty),
            Waited::Interrupted(..) => Err(GetError::Interrupted),
        }
    }

    /// What `get` would give, for a moment, to `look`.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        let guard = self.enter();
        match guard.state.store.len() {
            0 => None,
            _ => self.claimed(guard, |store| store.first().map(look)).1,
        }
    }

    // ---- join ----

    /// False, and nothing has changed, if all are done already.
    pub(crate) fn task_done(&self) -> bool {
        let mut guard = self.line.lock();
        let any = guard.state.unfinished() > 0;
        if any {
            guard.state.done += 1;
            tell_joiners(&mut guard);
        }
        any
    }

    /// Waits until all are done. False at the deadline, and while the caller is unwinding.
    pub(crate) fn join(&self, wish: Wish) -> bool {
        let limit = wish.limit();
        let guard = self.line.lock();
        let unfinished = guard.state.unfinished();
        if unfinished == 0 || !wish.waits() {
            return unfinished == 0;
        }
        let how = How { manner: wish.manner, what: WaitingFor::QueueDone, limit };
        let waited = wait(self, guard, at_the_end_of(JOINERS), Parcel::EMPTY, how);
        matches!(waited, Waited::Told(..))
    }

    pub(crate) fn unfinished(&self) -> usize {
        self.line.lock().state.unfinished() as usize
    }

    // ---- close ----

    pub(crate) fn close(&self) {
        self.shut(self.enter());
    }

    /// Closes, and takes all that is held.
    pub(crate) fn close_now(&self) -> Vec<T> {
        let (mut guard, items) = self.claimed(self.enter(), S::drain);
        guard.state.done += guard.state.unfinished().min(items.len() as u64);
        tell_joiners(&mut guard);
        self.shut(guard);
        items
    }

    fn shut(&self, mut guard: Held<'_, T, S>) {
        guard.state.closed = true;
        guard.tell_all(GETTERS, CLOSED);
        guard.tell_all(PUTTERS, CLOSED);
        let watched = self.watchers.any();
        drop(guard);
        if watched {
            self.watchers.wake_all();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.line.lock().state.closed
    }

    // ---- looks from outside ----

    pub(crate) fn len(&self) -> usize {
        let guard = self.line.lock();
        let held = guard.state.store.len() + guard.state.out;
        // What was put back may come on top.
        held.min(self.limit())
    }

    /// Would a `get` return at once?
    pub(crate) fn is_ready(&self) -> bool {
        let guard = self.line.lock();
        let held = guard.state.store.len() + guard.state.out;
        held > 0 || guard.state.closed || !guard.is_empty(PUTTERS)
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    // ---- the latch and the claim ----

    /// Takes the latch, of a queue that nobody has claimed.
    #[inline(always)]
    fn enter(&self) -> Held<'_, T, S> {
        let guard = self.line.lock();
        if guard.state.claimed_by == 0 { guard } else { self.enter_later(guard) }
    }

    #[cold]
    fn enter_later<'a>(&'a self, mut guard: Held<'a, T, S>) -> Held<'a, T, S> {
        while guard.state.claimed_by != 0 {
            let mine = seat::is_same(guard.state.claimed_by, seat::me());
            drop(guard);
            if mine {
                panic!("the queue is in use by the Ord or Clone of its own items");
            }
            drop(self.claim.lock());
            guard = self.line.lock();
        }
        guard
    }

    /// Lends the store to `work`, which may ask the items. The guard that comes back is of the moment at which the claim ends.
    fn claimed<'a, R>(
        &'a self,
        mut guard: Held<'a, T, S>,
        work: impl FnOnce(&mut S) -> R,
    ) -> (Held<'a, T, S>, R) {
        // Who holds this without having claimed the queue lets go of it at once.
        let latched = self.claim.lock();
        guard.state.claimed_by = seat::me();
        guard.state.out = guard.state.store.len();
        let store = std::mem::take(&mut guard.state.store);
        drop(guard);
        let mut claim = Claim { core: self, store, latched: Some(latched) };
        let no_switch = chain::forbid();
        let result = work(&mut claim.store);
        drop(no_switch);
        (claim.give_back(), result)
    }
}

/// The store, taken out of the queue; goes back on every way out.
struct Claim<'a, T, S: Store<T>> {
    core: &'a Core<T, S>,
    store: S,
    /// Taken once it was given back.
    latched: Option<Latched<'a>>,
}

impl<'a, T, S: Store<T>> Claim<'a, T, S> {
    fn give_back(&mut self) -> Held<'a, T, S> {
        let mut guard = self.core.line.lock();
        let store = std::mem::take(&mut self.store);
        let put_back_meanwhile = std::mem::replace(&mut guard.state.store, store);
        guard.state.store.absorb(put_back_meanwhile);
        guard.state.claimed_by = 0;
        guard.state.out = 0;
        self.latched = None;
        guard
    }
}

impl<T, S: Store<T>> Drop for Claim<'_, T, S> {
    fn drop(&mut self) {
        if self.latched.is_some() {
            self.give_back();
        }
    }
}

impl<T, S: Store<T>> Policy<LISTS> for Core<T, S> {
    type State = State<S>;
    type Data = Parcel<T>;

    fn line(&self) -> &Line<State<S>, Parcel<T>, LISTS> {
        &self.line
    }

    /// An item would be dropped with the result of the scope; a value that was accepted is where it is.
    fn too_late(&self, verdict: Verdict, parcel: Parcel<T>) -> Result<Parcel<T>, Parcel<T>> {
        if verdict == DONE && parcel.value.is_some() {
            self.pass_on(verdict, parcel);
            return Err(Parcel::EMPTY);
        }
        Ok(parcel)
    }

    /// An item goes to the next who waits for one, or back. A value that was not accepted is its putter's, and goes with it.
    fn pass_on(&self, verdict: Verdict, parcel: Parcel<T>) {
        let Parcel { value: Some(item), number } = parcel else { return };
        if verdict != DONE {
            return;
        }
        let mut guard = self.line.lock();
        if !guard.is_empty(GETTERS) {
            guard.tell_first(GETTERS, DONE, |place| place.fill(item, number));
            return;
        }
        guard.state.store.put_back(item, number);
        let watched = self.watchers.any();
        drop(guard);
        if watched {
            self.watchers.wake_all();
        }
    }
}

fn tell_joiners<S, D>(guard: &mut Guard<'_, State<S>, D, LISTS>) {
    if guard.state.unfinished() == 0 && !guard.is_empty(JOINERS) {
        guard.tell_all(JOINERS, DONE);
    }
}

/// Where the caller runs, for one whom it has told; nowhere, if that is on the same OS thread: neither will look for the other.
#[inline(always)]
fn where_from(far: bool) -> u64 {
    if far { seat::place() } else { 0 }
}

/// Each twice as long as the one before.
fn pause(round: u32) {
    (0..1 << round).for_each(|_| std::hint::spin_loop());
}
