//! The timers of a hub: what is due when. No clock is read in here; whoever has one passes in what it shows.
//!
//! ```text
//!   arm ──▶ last ──▶ wheel: nine rings of 64 slots, each 64 times as wide as those before ──▶ run: sorted ──▶ due
//!             │        │            ▲ │                                  when its slot begins
//!             ▼        ▼            └─┘ filed again, on a finer ring, when its slot begins
//!          cancel   cancel
//! ```
//!
//! Nearly every timer is a timeout that is cancelled soon, among any number of others: so arming and cancelling link and
//! unlink one entry in one slot, however many there are. The order that firing needs is made only for those whose slot of
//! 4 µs has begun: they are sorted, once. Who is armed for that very slot, or for the past, stands beside them in a heap, and
//! whichever of the two comes first fires. (G. Varghese, T. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987; but
//! nothing is rounded: timers fire in the order of their deadlines, and none before its own.)
//!
//! Who was armed last stands aside until another is armed or somebody asks what is due: most timeouts are around what need not
//! wait at all, and such a one is taken away again before it has touched the wheel.
//!
//! The ring of a timer is that of the highest digit, to the base of 64, in which its deadline differs from `base`. So what
//! stands on a finer ring is due before all that stands on coarser ones, and on one ring what stands in an earlier slot.

use std::num::NonZeroU32;
use std::ptr;

use slab::Slab;

use crate::hub::clock::Patience;
use crate::sys;

/// How many children a node of the heap has.
const CHILDREN: usize = 4;
/// The width of a slot of the finest ring: two to this power, in nanoseconds.
const FINEST: u32 = 12;
/// A ring has two to this power of slots.
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
const RINGS: usize = (u64::BITS - FINEST).div_ceil(DIGIT) as usize;
/// So many timers of a slot are looked through for the earliest.
const FEW: usize = 64;
/// How many timers ahead of the one that is filed the processor is told to fetch: they lie anywhere, and without that each
/// would have to come before the next is known.
const AHEAD: usize = 8;

/// So many may be armed for a slot that has begun before the heap needs more room.
const FEW_NEAR: usize = 16;

/// Names an armed timer, until it is cancelled or has fired; after that it may name another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct TimerKey(NonZeroU32);

impl TimerKey {
    fn from_index(index: usize) -> TimerKey {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        TimerKey(number.expect("fewer than 2^32 timers are armed"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One that is due soon. They fire in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    deadline: u64,
    /// Counts armings, so that equal deadlines fire in that order.
    order: u64,
    key: TimerKey,
}

/// What a key leads to. It lies in one line of memory; in debug builds anywhere, for those copy it on a stack that is to be one
/// page.
#[cfg_attr(not(debug_assertions), repr(align(64)))]
struct Armed<D> {
    deadline: u64,
    order: u64,
    place: Place,
    /// Neighbours in its slot. They have meaning while it stands in one.
    previous: Option<TimerKey>,
    next: Option<TimerKey>,
    /// How far from here lies who came into its slot [`AHEAD`] after it, or has lain there. 0: nobody has.
    ahead: i32,
    patience: Patience,
    due: D,
}

/// Those of a slot who are to know of one that has come.
#[derive(Clone, Copy)]
struct Neighbours {
    previous: Option<TimerKey>,
    /// Who came [`AHEAD`] before. It may have gone since, and its key name another.
    older: Option<TimerKey>,
}

impl<D> Armed<D> {
    #[inline(always)]
    fn stand_at(&mut self, number: SlotNumber, neighbours: Neighbours) {
        self.place = Place::Slot(number);
        (self.previous, self.next, self.ahead) = (neighbours.previous, None, 0);
    }

    /// Has the processor fetch the one that lies so many places further, or the place for one: they lie side by side.
    #[inline(always)]
    fn fetch_other(&self, distance: i32) {
        sys::prefetch(ptr::from_ref(self).wrapping_offset(distance as isize).cast());
    }
}

/// Where a timer stands.
#[derive(Clone, Copy)]
enum Place {
    /// Aside, as the last that was armed.
    Aside,
    /// In the run, where the order says.
    Run,
    /// In the heap, at this position.
    Near(u32),
    Slot(SlotNumber),
}

/// Which slot of which ring: the slots of all rings, the finest first, are counted through.
#[derive(Clone, Copy)]
struct SlotNumber(u16);

/// The timers of one stretch of time, in the order in which they were put here.
#[derive(Clone, Copy)]
struct Slot {
    first: Option<TimerKey>,
    last: Option<TimerKey>,
    /// Who came last, in a circle, and at which place of it the very last.
    latest: [Option<TimerKey>; AHEAD],
    came: u8,
    /// No timer in here is due before this. None is due just then, perhaps, if the earliest was cancelled.
    earliest: u64,
    /// One is.
    exact: bool,
}

struct Wheel {
    /// One bit for each ring that is not empty.
    taken: u32,
    /// Of each ring, one bit for each slot that is not empty.
    taken_slots: [u64; RINGS],
    slots: Box<[Slot; RINGS * SLOTS]>,
}

impl SlotNumber {
    #[inline(always)]
    const fn of(ring: u32, slot: u32) -> SlotNumber {
        SlotNumber((ring * SLOTS as u32 + slot) as u16)
    }

    fn index(self) -> usize {
        usize::from(self.0)
    }

    fn ring(self) -> usize {
        self.index() / SLOTS
    }

    fn slot(self) -> usize {
        self.index() % SLOTS
    }
}

/// How far from a timer another lies.
#[inline(always)]
fn distance(one: usize, other: usize) -> i32 {
    other.wrapping_sub(one) as i32
}

/// Where a timer stands on the wheel that is due after `base`; None if in the slot of that moment.
#[inline(always)]
fn slot_of(deadline: u64, base: u64) -> Option<SlotNumber> {
    /// By the highest bit in which a deadline differs: the width of the slots of its ring, and the number of the first.
    const RING_OF: [(u8, u16); u64::BITS as usize] = {
        let mut rings = [(0, 0); u64::BITS as usize];
        let mut bit = 0;
        while bit < u64::BITS - FINEST {
            let ring = bit / DIGIT;
            rings[bit as usize] = ((FINEST + ring * DIGIT) as u8, SlotNumber::of(ring, 0).0);
            bit += 1;
        }
        rings
    };
    let differs = (deadline ^ base) >> FINEST;
    let (width, first) = RING_OF[differs.checked_ilog2()? as usize];
    let slot = (deadline >> width) % SLOTS as u64;
    Some(SlotNumber(first + slot as u16))
}

impl Wheel {
    fn new() -> Wheel {
        const EMPTY: Slot =
            Slot { first: None, last: None, latest: [None; AHEAD], came: 0, earliest: u64::MAX, exact: true };
        Wheel { taken: 0, taken_slots: [0; RINGS], slots: Box::new([EMPTY; RINGS * SLOTS]) }
    }

    /// Puts a timer at the end of a slot. If nobody stands there yet, [`begin`](Self::begin) is due.
    #[inline(always)]
    fn link(&mut self, number: SlotNumber, key: TimerKey, deadline: u64) -> Neighbours {
        let slot = &mut self.slots[number.index()];
        if deadline <= slot.earliest {
            (slot.earliest, slot.exact) = (deadline, true);
        }
        let mut neighbours = Neighbours { previous: slot.last.replace(key), older: None };
        // Those of the finest ring are few, and were looked at just before.
        if number.ring() > 0 {
            let place = (usize::from(slot.came) + 1) % AHEAD;
            slot.came = place as u8;
            neighbours.older = slot.latest[place].replace(key);
        }
        neighbours
    }

    /// Somebody stands in a slot again: this one.
    #[inline(always)]
    fn begin(&mut self, number: SlotNumber, first: TimerKey) {
        self.slot(number).first = Some(first);
        self.taken_slots[number.ring()] |= 1 << number.slot();
        self.taken |= 1 << number.ring();
    }

    /// Empties a slot; returns the first of those that stood there.
    fn empty(&mut self, number: SlotNumber) -> Option<TimerKey> {
        let taken = &mut self.taken_slots[number.ring()];
        *taken &= !(1 << number.slot());
        if *taken == 0 {
            self.taken &= !(1 << number.ring());
        }
        let place = self.slot(number);
        (place.last, place.earliest, place.exact) = (None, u64::MAX, true);
        place.first.take()
    }

    /// The slot in which the earliest timer stands.
    fn first_slot(&self) -> Option<SlotNumber> {
        let ring = NonZeroU32::new(self.taken)?.trailing_zeros();
        let slot = self.taken_slots[ring as usize].trailing_zeros();
        Some(SlotNumber::of(ring, slot))
    }

    fn slot(&mut self, number: SlotNumber) -> &mut Slot {
        &mut self.slots[number.index()]
    }
}

/// The armed timers, each with what is due at its deadline.
pub(crate) struct Timers<D> {
    /// Those whose slot has begun, in their order, after so many that have fired.
    run: Vec<Entry>,
    fired: usize,
    /// Those that were armed for a slot that had begun: a heap.
    near: Vec<Entry>,
    wheel: Wheel,
    /// All that is due in the slot of this moment, or before, is in the run or near.
    base: u64,
    armed: Slab<Armed<D>>,
    /// Who was armed last, if it stands aside.
    last: Option<TimerKey>,
    /// How many of them are for somebody who has so much patience.
    patient: [usize; Patience::DEGREES],
    /// How many times a timer was armed.
    armings: u64,
}

impl<D: Copy> Timers<D> {
    pub(crate) fn new() -> Timers<D> {
        Timers {
            run: Vec::new(),
            fired: 0,
            near: Vec::with_capacity(FEW_NEAR),
            wheel: Wheel::new(),
            base: 0,
            armed: Slab::new(),
            last: None,
            patient: [0; Patience::DEGREES],
            armings: 0,
        }
    }

    /// Arms a timer. Deadlines are nanoseconds since a moment of the caller's choice.
    #[inline]
    pub(crate) fn arm(&mut self, deadline: u64, patience: Patience, due: D) -> TimerKey {
        let alone = self.last.is_none();
        self.settle();
        let key = self.put_aside(deadline, patience, due);
        // Where each is taken away before the next is armed, all lie at the same place.
        if !alone {
            self.fetch_vacant(key);
        }
        key
    }

    /// The last that was armed: nobody stands aside.
    #[inline]
    fn put_aside(&mut self, deadline: u64, patience: Patience, due: D) -> TimerKey {
        let order = self.armings;
        self.armings = order + 1;
        self.patient[patience.degree()] += 1;
        let armed = Armed {
            deadline,
            order,
            place: Place::Aside,
            previous: None,
            next: None,
            ahead: 0,
            patience,
            due,
        };
        let key = TimerKey::from_index(self.armed.insert(armed));
        self.last = Some(key);
        key
    }

    /// Has the processor fetch the place for the next.
    #[inline]
    fn fetch_vacant(&self, last: TimerKey) {
        let (last, vacant) = (last.index(), self.armed.vacant_key());
        self.armed[last].fetch_other(distance(last, vacant));
    }

    /// Takes a timer away and gives back what would have been due.
    ///
    /// # Panics
    ///
    /// If no timer has this key.
    #[inline]
    pub(crate) fn cancel(&mut self, key: TimerKey) -> D {
        if self.last == Some(key) {
            self.last = None;
            return self.remove(key);
        }
        self.take_away(key)
    }

    #[inline(never)]
    fn take_away(&mut self, key: TimerKey) -> D {
        let Armed { deadline, order, place, previous, next, .. } = self.armed[key.index()];
        let due = self.remove(key);
        match place {
            Place::Aside => unreachable!("who stands aside is the last"),
            Place::Run => self.take_out_of_run(Entry { deadline, order, key }),
            Place::Near(position) => self.close_gap(position as usize),
            Place::Slot(number) => self.unlink(number, previous, next, deadline),
        }
        due
    }

    /// Forgets one that stands nowhere any more.
    #[inline(always)]
    fn remove(&mut self, key: TimerKey) -> D {
        let Armed { due, patience, .. } = self.armed[key.index()];
        self.armed.remove(key.index());
        self.patient[patience.degree()] -= 1;
        due
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    /// How much patience all have for whom one is armed.
    pub(crate) fn patience(&self) -> Patience {
        let degree = self.patient.iter().position(|those| *those > 0);
        degree.map_or(Patience::NONE, Patience::of_degree)
    }

    /// The earliest deadline; or, if the earliest timer among many was cancelled, the deadline it had.
    pub(crate) fn next(&mut self) -> Option<u64> {
        self.settle();
        if let Some(soonest) = self.soonest() {
            return Some(soonest.deadline);
        }
        let number = self.wheel.first_slot()?;
        if !self.wheel.slot(number).exact {
            self.look_through(number);
        }
        Some(self.wheel.slot(number).earliest)
    }

    /// Takes the earliest timer, if its deadline is not after `now`. Equal deadlines come in the order of arming. `fetch` has
    /// the processor fetch what will be touched when one fires: each is shown to it shortly before.
    #[inline(always)]
    pub(crate) fn pop_due(&mut self, now: u64, fetch: impl Fn(&D)) -> Option<D> {
        self.settle();
        if self.run.len() == self.fired && self.near.is_empty() {
            self.advance(now, fetch);
        }
        // What stands there is due before all else.
        match (self.run.get(self.fired), self.near.first()) {
            (Some(entry), near) if near.is_none_or(|near| entry < near) => {
                let key = entry.key;
                (entry.deadline <= now).then(|| {
                    self.fired += 1;
                    self.remove(key)
                })
            }
            (_, Some(entry)) => {
                let key = entry.key;
                (entry.deadline <= now).then(|| self.take_away(key))
            }
            (_, None) => None,
        }
    }

    /// Nobody stands aside after this.
    #[inline(always)]
    fn settle(&mut self) {
        if let Some(last) = self.last.take() {
            self.stand(last);
        }
    }

    /// Puts one that stood aside where it belongs.
    #[inline(never)]
    fn stand(&mut self, key: TimerKey) {
        let armed = &mut self.armed[key.index()];
        let (deadline, order) = (armed.deadline, armed.order);
        let Some(number) = slot_of(deadline, self.base).filter(|_| deadline > self.base) else {
            return self.come_near(Entry { deadline, order, key });
        };
        let neighbours = self.wheel.link(number, key, deadline);
        armed.stand_at(number, neighbours);
        self.tell(number, neighbours, key);
    }

    /// The next to fire, but for what stands on the wheel.
    fn soonest(&self) -> Option<Entry> {
        match (self.run.get(self.fired), self.near.first()) {
            (Some(one), Some(other)) => Some(*one.min(other)),
            (one, other) => one.or(other).copied(),
        }
    }

    // ---- the wheel ----

    /// Files again what stands in the slots that have begun by `now`. All of the run have fired.
    #[inline(never)]
    fn advance(&mut self, now: u64, fetch: impl Fn(&D)) {
        self.run.clear();
        self.fired = 0;
        while let Some(number) = self.wheel.first_slot() {
            let begin = self.begin_of(number);
            if begin > now {
                break;
            }
            // All others begin later, so they stand where they would be filed from here, too.
            self.base = begin;
            let mut at = self.wheel.empty(number);
            while let Some(key) = at {
                at = self.file(key, now, &fetch);
            }
        }
        self.base = self.base.max(now);
        self.run.sort_unstable_by_key(|entry| (entry.deadline, entry.order));
    }

    /// Puts a timer of a slot that has begun where it belongs now; what is due by `now`, into the run. Returns the next of the
    /// slot.
    #[inline(always)]
    fn file(&mut self, key: TimerKey, now: u64, fetch: &impl Fn(&D)) -> Option<TimerKey> {
        let armed = &mut self.armed[key.index()];
        let (deadline, order, next) = (armed.deadline, armed.order, armed.next);
        armed.fetch_other(armed.ahead);
        let later = if deadline > now { slot_of(deadline, self.base) } else { None };
        match later {
            Some(number) => {
                let neighbours = self.wheel.link(number, key, deadline);
                armed.stand_at(number, neighbours);
                self.tell(number, neighbours, key);
            }
            None => {
                armed.place = Place::Run;
                fetch(&armed.due);
                self.run.push(Entry { deadline, order, key });
            }
        }
        next
    }

    /// Tells a slot, and those who stand there, of one that has come.
    #[inline(always)]
    fn tell(&mut self, number: SlotNumber, neighbours: Neighbours, key: TimerKey) {
        match neighbours.previous {
            Some(previous) => self.armed[previous.index()].next = Some(key),
            None => self.wheel.begin(number, key),
        }
        if let Some(older) = neighbours.older
            && let Some(armed) = self.armed.get_mut(older.index())
        {
            armed.ahead = distance(older.index(), key.index());
        }
    }

    fn take_out_of_run(&mut self, entry: Entry) {
        let place = self.run[self.fired..].binary_search(&entry);
        self.run.remove(self.fired + place.expect("what is in the run is where its order says"));
    }

    fn come_near(&mut self, entry: Entry) {
        self.near.push(entry);
        self.rise(self.near.len() - 1, entry);
    }

    /// Takes a timer that is not armed any more out of its slot.
    fn unlink(
        &mut self,
        number: SlotNumber,
        previous: Option<TimerKey>,
        next: Option<TimerKey>,
        deadline: u64,
    ) {
        match (previous, next) {
            (None, None) => drop(self.wheel.empty(number)),
            (Some(previous), None) => {
                self.armed[previous.index()].next = None;
                self.wheel.slot(number).last = Some(previous);
            }
            (None, Some(next)) => {
                self.armed[next.index()].previous = None;
                self.wheel.slot(number).first = Some(next);
            }
            (Some(previous), Some(next)) => {
                self.armed[previous.index()].next = Some(next);
                self.armed[next.index()].previous = Some(previous);
            }
        }
        let place = self.wheel.slot(number);
        place.exact &= place.first.is_none() || deadline != place.earliest;
    }

    /// When a slot begins that is not empty: `base`, but for the digit of its ring and those below.
    fn begin_of(&self, number: SlotNumber) -> u64 {
        let width = FINEST + number.ring() as u32 * DIGIT;
        let above = u64::MAX.checked_shl(width + DIGIT).unwrap_or(0);
        self.base & above | (number.slot() as u64) << width
    }

    /// Finds the earliest of a slot, unless there are too many for that.
    #[cold]
    fn look_through(&mut self, number: SlotNumber) {
        let mut at = self.wheel.slot(number).first;
        let mut earliest = u64::MAX;
        for _ in 0..FEW {
            let Some(key) = at else {
                let place = self.wheel.slot(number);
                (place.earliest, place.exact) = (earliest, true);
                return;
            };
            let armed = &self.armed[key.index()];
            earliest = earliest.min(armed.deadline);
            at = armed.next;
        }
    }

    // ---- the heap ----

    /// Fills the place of an entry that is gone with the last one, moved to where it belongs.
    fn close_gap(&mut self, gap: usize) {
        let last = self.near.pop().expect("an armed timer has an entry");
        if gap == self.near.len() {
            return;
        }
        if gap > 0 && last < self.near[(gap - 1) / CHILDREN] {
            self.rise(gap, last);
        } else {
            self.sink(gap, last);
        }
    }

    /// Puts `entry` at `position` or above, moving down those that fire later.
    fn rise(&mut self, mut position: usize, entry: Entry) {
        while position > 0 {
            let parent = (position - 1) / CHILDREN;
            if entry > self.near[parent] {
                break;
            }
            self.place(position, self.near[parent]);
            position = parent;
        }
        self.place(position, entry);
    }

    /// Puts `entry` at `position` or below, moving up those that fire earlier.
    fn sink(&mut self, mut position: usize, entry: Entry) {
        while let Some(child) = self.earliest_child(position) {
            if self.near[child] > entry {
                break;
            }
            self.place(position, self.near[child]);
            position = child;
        }
        self.place(position, entry);
    }

    fn earliest_child(&self, position: usize) -> Option<usize> {
        let first = position * CHILDREN + 1;
        let end = self.near.len().min(first + CHILDREN);
        (first..end).reduce(|best, child| if self.near[child] < self.near[best] { child } else { best })
    }

    fn place(&mut self, position: usize, entry: Entry) {
        self.near[position] = entry;
        self.armed[entry.key.index()].place = Place::Near(position as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fires all that is due at `now`.
    fn fired<D: Copy>(timers: &mut Timers<D>, now: u64) -> Vec<D> {
        std::iter::from_fn(|| timers.pop_due(now, |_| ())).collect()
    }

    /// Marsaglia's xorshift64: the same numbers in each run.
    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn timers_fire_in_the_order_of_their_deadlines_and_not_before() {
        let mut timers = Timers::new();
        for deadline in [30, 10, 50, 20, 40] {
            timers.arm(deadline, Patience::NONE, deadline);
        }
        assert_eq!(timers.next(), Some(10));
        assert_eq!(fired(&mut timers, 9), []);
        assert_eq!(fired(&mut timers, 30), [10, 20, 30]);
        assert_eq!(timers.next(), Some(40));
        assert_eq!(fired(&mut timers, u64::MAX), [40, 50]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn equal_deadlines_fire_in_the_order_of_arming() {
        let mut timers = Timers::new();
        let keys: Vec<TimerKey> = (0..100).map(|number| timers.arm(7, Patience::NONE, number)).collect();
        for key in keys.iter().skip(1).step_by(3) {
            timers.cancel(*key);
        }
        let expected: Vec<i32> = (0..100).filter(|number| number % 3 != 1).collect();
        assert_eq!(fired(&mut timers, 7), expected);
    }

    #[test]
    fn the_order_of_arming_holds_beyond_32_bits() {
        let mut timers = Timers::new();
        timers.armings = u64::from(u32::MAX) - 2;
        for number in 0..6 {
            timers.arm(7, Patience::NONE, number);
        }
        assert_eq!(fired(&mut timers, 7), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn extreme_deadlines_are_deadlines_like_others() {
        let mut timers = Timers::new();
        timers.arm(u64::MAX, Patience::NONE, "never");
        timers.arm(0, Patience::NONE, "at once");
        timers.arm(u64::MAX - 1, Patience::NONE, "almost never");
        assert_eq!(fired(&mut timers, 0), ["at once"]);
        assert_eq!(fired(&mut timers, u64::MAX - 1), ["almost never"]);
        assert_eq!(fired(&mut timers, u64::MAX), ["never"]);
    }

    #[test]
    fn a_key_used_again_names_the_new_timer() {
        let mut timers = Timers::new();
        let first = timers.arm(10, Patience::NONE, "first");
        assert_eq!(timers.cancel(first), "first");
        let second = timers.arm(20, Patience::NONE, "second");
        assert_eq!(first, second);
        assert_eq!(timers.next(), Some(20));
        assert_eq!(timers.cancel(second), "second");
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn who_was_armed_last_stands_aside_and_is_due_like_the_others() {
        for (ends, number) in [("cancelled", 0), ("asked for", 1), ("due", 2), ("followed", 3)] {
            let mut timers = Timers::new();
            let (first, second) =
                (timers.arm(1 << 20, Patience::NONE, "first"), timers.arm(1 << 13, Patience::NONE, "second"));
            assert_eq!((timers.last, timers.armed.len()), (Some(second), 2));
            let taken = timers.wheel.taken;
            match number {
                0 => assert_eq!(timers.cancel(second), "second"),
                1 => assert_eq!(timers.next(), Some(1 << 13)),
                2 => assert_eq!(fired(&mut timers, 1 << 14), ["second"]),
                _ => {
                    assert_eq!(
                        timers.arm(1 << 30, Patience::NONE, "third"),
                        timers.last.expect("it is the last now")
                    )
                }
            }
            assert_eq!(timers.last.is_some(), number == 3, "{ends}");
            assert_eq!(timers.wheel.taken == taken, [0, 2].contains(&number), "{ends}");
            assert_eq!(timers.cancel(first), "first");
            let left = fired(&mut timers, 1 << 31);
            assert_eq!(left, [&[][..], &["second"], &[], &["second", "third"]][number], "{ends}");
        }
    }

    #[test]
    fn the_least_patient_is_known_as_long_as_it_is_armed() {
        let mut timers = Timers::new();
        let [none, much] = [0, 2].map(Patience::of_degree);
        timers.arm(1, much, "patient");
        timers.arm(4, much, "patient");
        assert_eq!(timers.patience(), much);
        let keys = [2, 3, 1 << 20, 1 << 30].map(|deadline| timers.arm(deadline, none, "brief"));
        // The last, one on the wheel, one in the run and one by firing.
        timers.cancel(keys[3]);
        timers.cancel(keys[2]);
        assert_eq!(timers.pop_due(4, |_| ()), Some("patient"));
        timers.cancel(keys[1]);
        assert_eq!(timers.patience(), none);
        assert_eq!((timers.pop_due(4, |_| ()), timers.patience()), (Some("brief"), much));
    }

    #[test]
    #[should_panic(expected = "invalid key")]
    fn a_key_of_a_timer_that_has_fired_is_refused() {
        let mut timers = Timers::new();
        let key = timers.arm(1, Patience::NONE, ());
        timers.pop_due(1, |_| ());
        timers.cancel(key);
    }

    #[test]
    fn arming_and_cancelling_below_the_peak_asks_for_no_memory() {
        let mut timers = Timers::new();
        let keys: Vec<TimerKey> =
            (0..1_000).map(|deadline| timers.arm(deadline, Patience::NONE, ())).collect();
        let room = (timers.near.capacity(), timers.armed.capacity());
        keys.into_iter().for_each(|key| timers.cancel(key));
        for deadline in 0..10_000 {
            let key = timers.arm(deadline, Patience::NONE, ());
            timers.cancel(key);
        }
        assert_eq!((timers.near.capacity(), timers.armed.capacity()), room);
        assert!(timers.near.is_empty() && timers.armed.is_empty());
    }

    #[test]
    fn a_timer_takes_no_more_than_it_must() {
        assert_eq!((size_of::<Entry>(), size_of::<Slot>(), size_of::<Armed<[u64; 3]>>()), (24, 56, 64));
        assert_eq!(size_of::<Option<TimerKey>>(), 4);
        let mut timers = Timers::new();
        let places = [1, 2].map(|deadline| timers.arm(deadline, Patience::NONE, [0u64; 3]).index());
        let [first, second] = places.map(|place| std::ptr::from_ref(&timers.armed[place]).addr());
        assert_eq!(second - first, 64);
    }

    /// Deadlines up to `spread` bits away; `step` bits pass between two looks.
    fn agrees_with_a_sorted_list(spread: u32, step: u32, arms: u64) {
        let mut timers = Timers::new();
        // (deadline, order of arming), which is also what is due, and its key.
        let mut model: Vec<((u64, u64), TimerKey)> = Vec::new();
        let mut state = 0x9E37_79B9_7F4A_7C15 ^ u64::from(spread);
        let mut now = 0u64;
        for count in 0..20_000 {
            match random(&mut state) % 8 {
                choice if choice < arms => {
                    // As many near ones as far ones.
                    let bits = random(&mut state) % u64::from(spread) + 1;
                    let wait = random(&mut state) >> (64 - bits);
                    let due = (now.saturating_add(wait), count);
                    model.push((due, timers.arm(due.0, Patience::NONE, due)));
                }
                4..7 if !model.is_empty() => {
                    let chosen = random(&mut state) as usize % model.len();
                    let (due, key) = model.swap_remove(chosen);
                    assert_eq!(timers.cancel(key), due);
                }
                _ => {
                    now = now.saturating_add(random(&mut state) >> (64 - step));
                    let mut expected: Vec<_> =
                        model.extract_if(.., |timer| timer.0.0 <= now).map(|timer| timer.0).collect();
                    expected.sort_unstable();
                    assert_eq!(fired(&mut timers, now), expected);
                }
            }
            // To ask is to put where it belongs who stands aside.
            if random(&mut state).is_multiple_of(2) {
                continue;
            }
            let earliest = model.iter().map(|timer| timer.0.0).min();
            match timers.next() {
                // Among many it need not be found; but nothing that was armed is later than what is said.
                Some(next) if model.len() > FEW => {
                    assert!(next <= earliest.unwrap() && next >= timers.base.min(next))
                }
                next => assert_eq!(next, earliest),
            }
            assert_eq!(timers.is_empty(), model.is_empty());
        }
    }

    #[test]
    fn a_random_life_agrees_with_a_sorted_list() {
        for (spread, step, arms) in
            [(6, 3, 4), (20, 14, 4), (40, 30, 4), (63, 50, 4), (34, 12, 3), (30, 20, 5)]
        {
            agrees_with_a_sorted_list(spread, step, arms);
        }
    }

    /// Lives as the hub does: arms and cancels while it is awake, sleeps until the next deadline and a little longer.
    fn sleeps_until_the_next(seed: u64, spread: u32, crowd: usize) {
        let mut timers = Timers::new();
        let mut model: Vec<((u64, u64), TimerKey)> = Vec::new();
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let (mut now, mut count, mut in_vain) = (random(&mut state) >> 20, 0, 0);
        for _ in 0..400 {
            for _ in 0..random(&mut state) % 64 {
                // A batch takes its time; the deadlines of timeouts stand close together, some are past already.
                now += random(&mut state) % 3_000;
                let cancels = model.len() > crowd || random(&mut state).is_multiple_of(3);
                if cancels && !model.is_empty() {
                    // Often the earliest: what the wheel said of it has to be forgotten.
                    let chosen = match random(&mut state) % 2 {
                        0 => (0..model.len()).min_by_key(|&at| model[at].0).expect("somebody is there"),
                        _ => random(&mut state) as usize % model.len(),
                    };
                    let (due, key) = model.swap_remove(chosen);
                    assert_eq!(timers.cancel(key), due);
                    in_vain = 0;
                } else {
                    let bits = random(&mut state) % u64::from(spread) + 1;
                    let wait = random(&mut state) >> (64 - bits);
                    let deadline = match random(&mut state) % 8 {
                        0 => now.saturating_sub(wait),
                        1..4 => now + (1 << spread) + wait % 4_096,
                        _ => now + wait,
                    };
                    count += 1;
                    model.push(((deadline, count), timers.arm(deadline, Patience::NONE, (deadline, count))));
                }
            }
            let earliest = model.iter().map(|timer| timer.0.0).min();
            let next = timers.next();
            assert_eq!(next.is_some(), earliest.is_some());
            let (Some(next), Some(earliest)) = (next, earliest) else { continue };
            assert!(next <= earliest, "it would sleep past {earliest}, until {next}");
            now = now.max(next) + random(&mut state) % 60_000;
            let mut expected: Vec<_> =
                model.extract_if(.., |timer| timer.0.0 <= now).map(|timer| timer.0).collect();
            expected.sort_unstable();
            in_vain = if expected.is_empty() { in_vain + 1 } else { 0 };
            assert!(in_vain <= 1, "it wakes for nobody again and again");
            assert_eq!(fired(&mut timers, now), expected);
        }
    }

    #[test]
    fn who_sleeps_until_the_next_deadline_oversleeps_none() {
        for seed in 0..4 {
            for (spread, crowd) in [(8, 4), (13, 40), (21, 300), (30, 2 * FEW), (36, 10 * FEW), (45, 8)] {
                sleeps_until_the_next(seed, spread, crowd);
            }
        }
    }

    #[test]
    fn the_earliest_of_many_is_found_again_after_it_was_cancelled() {
        let second = 1_000_000_000;
        let mut timers = Timers::new();
        let keys: Vec<TimerKey> =
            (0..10 * FEW as u64).map(|n| timers.arm(30 * second + n * 5_000, Patience::NONE, n)).collect();
        assert_eq!(timers.next(), Some(30 * second));
        for key in &keys[..7] {
            timers.cancel(*key);
        }
        // Too many to look through: who sleeps until that moment wakes in vain, once.
        assert_eq!(timers.next(), Some(30 * second));
        assert_eq!(fired(&mut timers, 30 * second), []);
        assert_eq!(timers.next(), Some(30 * second + 7 * 5_000));
        assert_eq!(fired(&mut timers, 30 * second + 7 * 5_000), [7]);
        let left: Vec<u64> = (8..10 * FEW as u64).collect();
        assert_eq!(fired(&mut timers, 31 * second), left);
    }

    #[test]
    fn a_slot_is_emptied_whole_however_many_stand_in_it() {
        let width = 1 << (FINEST + 2 * DIGIT);
        for (count, cancelled) in (1..=6).flat_map(|count| (0..1u64 << count).map(move |set| (count, set))) {
            let mut timers = Timers::new();
            // Two for each moment, the latest first.
            let deadline = |number| width + (count - number) / 2 * (width / 4);
            let keys: Vec<TimerKey> =
                (0..count).map(|number| timers.arm(deadline(number), Patience::NONE, number)).collect();
            let stays = |number: &u64| cancelled >> number & 1 == 0;
            (0..count)
                .filter(|number| !stays(number))
                .for_each(|number| _ = timers.cancel(keys[number as usize]));
            let mut left: Vec<u64> = (0..count).filter(stays).collect();
            left.sort_by_key(|number| deadline(*number));
            for now in [width, width + width / 4, 2 * width] {
                let due = left.iter().take_while(|number| deadline(**number) <= now).count();
                assert_eq!(fired(&mut timers, now), left.drain(..due).collect::<Vec<_>>());
                assert_eq!(timers.next(), left.first().map(|number| deadline(*number)));
            }
            assert!(timers.is_empty());
        }
    }

    #[test]
    fn a_million_timers_fire_in_order() {
        let mut timers = Timers::new();
        let mut state = 88_172_645_463_325_252;
        for _ in 0..1_000_000 {
            let deadline = random(&mut state) >> 1;
            timers.arm(deadline, Patience::NONE, deadline);
        }
        let fired = fired(&mut timers, u64::MAX);
        assert_eq!(fired.len(), 1_000_000);
        assert!(fired.is_sorted());
    }
}
