//! The timers of a hub: what is due when. There is no clock in here; whoever has one passes it in.
//!
//! A heap with four children a node: nearly every timer is a timeout that is cancelled soon, far from the top, and a flat
//! heap lets it in and out with one or two comparisons. Each timer knows its place in the heap, so that a cancelled one is
//! gone at once. Memory is only asked for when more timers are armed than ever before.

use std::num::NonZeroU32;

use slab::Slab;

/// How many children a node of the heap has.
const CHILDREN: usize = 4;

/// Names an armed timer, until it is cancelled or has fired; after that it may name another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

/// A node of the heap.
#[derive(Clone, Copy)]
struct Entry {
    deadline: u64,
    /// Counts armings, so that equal deadlines fire in that order.
    order: u32,
    key: TimerKey,
}

impl Entry {
    /// Whether this one fires first. The count of armings wraps: two timers with equal deadlines that were armed 2^31
    /// armings apart may fire in either order.
    fn is_before(&self, other: &Entry) -> bool {
        self.deadline < other.deadline
            || self.deadline == other.deadline && self.order.wrapping_sub(other.order).cast_signed() < 0
    }
}

/// What a key leads to.
struct Armed<D> {
    /// Where its entry is in the heap.
    position: u32,
    due: D,
}

/// The armed timers, each with what is due at its deadline.
pub(crate) struct Timers<D> {
    heap: Vec<Entry>,
    armed: Slab<Armed<D>>,
    /// How many times a timer was armed, modulo 2^32.
    armings: u32,
}

impl<D: Copy> Timers<D> {
    pub(crate) fn new() -> Timers<D> {
        Timers { heap: Vec::new(), armed: Slab::new(), armings: 0 }
    }

    /// Arms a timer. Deadlines are nanoseconds since a moment of the caller's choice.
    pub(crate) fn arm(&mut self, deadline: u64, due: D) -> TimerKey {
        let position = self.heap.len();
        let key = TimerKey::from_index(self.armed.insert(Armed { position: position as u32, due }));
        let entry = Entry { deadline, order: self.armings, key };
        self.armings = self.armings.wrapping_add(1);
        self.heap.push(entry);
        self.rise(position, entry);
        key
    }

    /// Takes a timer away and gives back what would have been due.
    ///
    /// # Panics
    ///
    /// If no timer has this key.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> D {
        let Armed { position, due } = self.armed.remove(key.index());
        self.close_gap(position as usize);
        due
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.deadline)
    }

    /// Takes the earliest timer, if its deadline is not after `now`. Equal deadlines come in the order of arming.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<D> {
        let earliest = self.heap.first().filter(|entry| entry.deadline <= now)?;
        Some(self.cancel(earliest.key))
    }

    /// Fills the place of an entry that is gone with the last one, moved to where it belongs.
    fn close_gap(&mut self, gap: usize) {
        let last = self.heap.pop().expect("an armed timer has an entry");
        if gap == self.heap.len() {
            return;
        }
        if gap > 0 && last.is_before(&self.heap[(gap - 1) / CHILDREN]) {
            self.rise(gap, last);
        } else {
            self.sink(gap, last);
        }
    }

    /// Puts `entry` at `position` or above, moving down those that fire later.
    fn rise(&mut self, mut position: usize, entry: Entry) {
        while position > 0 {
            let parent = (position - 1) / CHILDREN;
            if !entry.is_before(&self.heap[parent]) {
                break;
            }
            self.place(position, self.heap[parent]);
            position = parent;
        }
        self.place(position, entry);
    }

    /// Puts `entry` at `position` or below, moving up those that fire earlier.
    fn sink(&mut self, mut position: usize, entry: Entry) {
        while let Some(child) = self.earliest_child(position) {
            if !self.heap[child].is_before(&entry) {
                break;
            }
            self.place(position, self.heap[child]);
            position = child;
        }
        self.place(position, entry);
    }

    fn earliest_child(&self, position: usize) -> Option<usize> {
        let first = position * CHILDREN + 1;
        let end = self.heap.len().min(first + CHILDREN);
        (first..end)
            .reduce(|best, child| if self.heap[child].is_before(&self.heap[best]) { child } else { best })
    }

    fn place(&mut self, position: usize, entry: Entry) {
        self.heap[position] = entry;
        self.armed[entry.key.index()].position = position as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fires all that is due at `now`.
    fn fired<D: Copy>(timers: &mut Timers<D>, now: u64) -> Vec<D> {
        std::iter::from_fn(|| timers.pop_due(now)).collect()
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
            timers.arm(deadline, deadline);
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
        let keys: Vec<TimerKey> = (0..100).map(|number| timers.arm(7, number)).collect();
        for key in keys.iter().skip(1).step_by(3) {
            timers.cancel(*key);
        }
        let expected: Vec<i32> = (0..100).filter(|number| number % 3 != 1).collect();
        assert_eq!(fired(&mut timers, 7), expected);
    }

    #[test]
    fn the_order_of_arming_survives_the_wrap_of_its_count() {
        let mut timers = Timers::new();
        timers.armings = u32::MAX - 2;
        for number in 0..6 {
            timers.arm(7, number);
        }
        assert_eq!(fired(&mut timers, 7), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn extreme_deadlines_are_deadlines_like_others() {
        let mut timers = Timers::new();
        timers.arm(u64::MAX, "never");
        timers.arm(0, "at once");
        timers.arm(u64::MAX - 1, "almost never");
        assert_eq!(fired(&mut timers, 0), ["at once"]);
        assert_eq!(fired(&mut timers, u64::MAX - 1), ["almost never"]);
        assert_eq!(fired(&mut timers, u64::MAX), ["never"]);
    }

    #[test]
    fn a_key_used_again_names_the_new_timer() {
        let mut timers = Timers::new();
        let first = timers.arm(10, "first");
        assert_eq!(timers.cancel(first), "first");
        let second = timers.arm(20, "second");
        assert_eq!(first, second);
        assert_eq!(timers.next(), Some(20));
        assert_eq!(timers.cancel(second), "second");
        assert_eq!(timers.next(), None);
    }

    #[test]
    #[should_panic(expected = "invalid key")]
    fn a_key_of_a_timer_that_has_fired_is_refused() {
        let mut timers = Timers::new();
        let key = timers.arm(1, ());
        timers.pop_due(1);
        timers.cancel(key);
    }

    #[test]
    fn arming_and_cancelling_below_the_peak_asks_for_no_memory() {
        let mut timers = Timers::new();
        let keys: Vec<TimerKey> = (0..1_000).map(|deadline| timers.arm(deadline, ())).collect();
        let room = (timers.heap.capacity(), timers.armed.capacity());
        keys.into_iter().for_each(|key| timers.cancel(key));
        for deadline in 0..10_000 {
            let key = timers.arm(deadline, ());
            timers.cancel(key);
        }
        assert_eq!((timers.heap.capacity(), timers.armed.capacity()), room);
        assert!(timers.heap.is_empty() && timers.armed.is_empty());
    }

    #[test]
    fn a_timer_takes_no_more_than_it_must() {
        assert_eq!(size_of::<Entry>(), 16);
        assert_eq!(size_of::<Option<TimerKey>>(), 4);
    }

    #[test]
    fn a_random_life_agrees_with_a_sorted_list() {
        let mut timers = Timers::new();
        // (deadline, order of arming), which is also what is due, and its key.
        let mut model: Vec<((u64, u64), TimerKey)> = Vec::new();
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut now = 0;
        for step in 0..20_000 {
            match random(&mut state) % 8 {
                0..4 => {
                    let due = (now + random(&mut state) % 64, step);
                    model.push((due, timers.arm(due.0, due)));
                }
                4..7 if !model.is_empty() => {
                    let chosen = random(&mut state) as usize % model.len();
                    let (due, key) = model.swap_remove(chosen);
                    assert_eq!(timers.cancel(key), due);
                }
                _ => {
                    now += random(&mut state) % 8;
                    let mut expected: Vec<_> =
                        model.extract_if(.., |timer| timer.0.0 <= now).map(|timer| timer.0).collect();
                    expected.sort_unstable();
                    assert_eq!(fired(&mut timers, now), expected);
                }
            }
            assert_eq!(timers.next(), model.iter().map(|timer| timer.0.0).min());
        }
    }

    #[test]
    fn a_million_timers_fire_in_order() {
        let mut timers = Timers::new();
        let mut state = 88_172_645_463_325_252;
        for _ in 0..1_000_000 {
            let deadline = random(&mut state) >> 1;
            timers.arm(deadline, deadline);
        }
        let fired = fired(&mut timers, u64::MAX);
        assert_eq!(fired.len(), 1_000_000);
        assert!(fired.is_sorted());
    }
}
