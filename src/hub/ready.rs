//! The ready queue: who can run, in the order in which they became able to.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;

use crate::hub::task::TaskPtr;

/// First in, first out; or shuffled by a seed, the same way each time.
///
/// A ring of a power of two of places, whose two ends count on for ever: where an end stands is its count, modulo the number
/// of places. (`VecDeque` takes twice as long for what every switch does here: it takes any capacity.)
pub(crate) struct Ready {
    ring: UnsafeCell<Box<[MaybeUninit<TaskPtr>]>>,
    /// The number of places less one.
    mask: Cell<usize>,
    /// How many have ever been taken out, and put in.
    head: Cell<usize>,
    tail: Cell<usize>,
    /// Those before this count have had the pages of their stacks fetched; and which count the head is to reach before the
    /// next have.
    fetched: Cell<usize>,
    fetch_at: Cell<usize>,
    /// The state of the generator of random numbers; zero for the plain order.
    shuffle: Cell<u64>,
}

/// How far ahead of who runs the lines of a stack are fetched that a switch touches; before that the page they lie on, for a
/// group at once; before that the record, which says where that is.
const STACK: usize = 3;
const GROUP: usize = 8;
/// Among so many all that is at hand anyway.
const FEW: usize = 8;

/// Places at the beginning.
const PLACES: usize = 64;

impl Ready {
    pub(crate) fn new(seed: Option<u64>) -> Ready {
        // Any state but zero will do, and neighbouring seeds should differ in many bits.
        let shuffle = seed.map_or(0, |seed| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Ready {
            ring: UnsafeCell::new(Box::new_uninit_slice(PLACES)),
            mask: Cell::new(PLACES - 1),
            head: Cell::new(0),
            tail: Cell::new(0),
            fetched: Cell::new(0),
            fetch_at: Cell::new(0),
            shuffle: Cell::new(shuffle),
        }
    }

    /// Whether they run in the order in which they became ready.
    pub(crate) fn is_plain(&self) -> bool {
        self.shuffle.get() == 0
    }

    #[inline(always)]
    pub(crate) fn push(&self, task: TaskPtr) {
        let (tail, mask) = (self.tail.get(), self.mask.get());
        // SAFETY: on one OS thread (the type is not Sync), and no method calls out while it holds the reference (S7). What is
        // left under the mask is an index.
        unsafe { (&mut *self.ring.get()).get_unchecked_mut(tail & mask).write(task) };
        self.tail.set(tail.wrapping_add(1));
        if tail.wrapping_sub(self.head.get()) == mask {
            self.grow();
        }
    }

    /// Who is first. It stays.
    #[inline(always)]
    pub(crate) fn first(&self) -> Option<TaskPtr> {
        (!self.is_empty()).then(|| self.at(self.head.get()))
    }

    /// Takes out the first.
    #[inline(always)]
    pub(crate) fn pop_first(&self) -> Option<TaskPtr> {
        if self.is_empty() {
            return None;
        }
        let head = self.head.get();
        self.head.set(head.wrapping_add(1));
        Some(self.at(head))
    }

    /// As [`pop_first`](Self::pop_first), and has the processor fetch what those who run soon will touch: their records and,
    /// known from these, their stacks. Among a few all that is at hand anyway; among very many each switch would wait for
    /// memory several times.
    #[inline(always)]
    pub(crate) fn pop_and_fetch(&self) -> Option<TaskPtr> {
        let head = self.head.get();
        // One comparison for both: none is fewer than few.
        if self.len().wrapping_sub(1) >= FEW {
            if self.is_empty() {
                return None;
            }
            // SAFETY: who is in the queue is alive (S15).
            unsafe { self.at(head.wrapping_add(STACK)).get() }.fetch_place();
            if is_behind(self.fetch_at.get(), head) {
                self.fetch_ahead();
            }
        }
        self.head.set(head.wrapping_add(1));
        Some(self.at(head))
    }

    /// Has the processor fetch the bases of the stacks of the next group, and the records of the group after that. Each stack
    /// lies on a page of its own, and the processor looks several pages up at a time if it is told of several.
    #[inline(never)]
    fn fetch_ahead(&self) {
        let (head, tail) = (self.head.get(), self.tail.get());
        let begin = if is_behind(self.fetched.get(), head) { head } else { self.fetched.get() };
        let end = begin.wrapping_add(GROUP.min(tail.wrapping_sub(begin)));
        let whole = end.wrapping_sub(begin) == GROUP;
        for count in (0..GROUP).map(|ahead| begin.wrapping_add(ahead)).take_while(|count| *count != end) {
            // SAFETY: who is in the queue is alive (S15).
            unsafe { self.at(count).get() }.fetch_base();
        }
        for count in (0..GROUP).map(|ahead| end.wrapping_add(ahead)).take_while(|count| *count != tail) {
            self.at(count).fetch_record();
        }
        self.fetched.set(end);
        // If that was all, there is time until these have run: by then another whole group may be there.
        self.fetch_at.set(if whole { begin } else { end });
    }

    /// Takes out the next, whatever the order.
    pub(crate) fn pop(&self) -> Option<TaskPtr> {
        if !self.is_plain() && self.len() > 1 {
            let chosen = (self.random() % self.len() as u64) as usize;
            self.swap(self.head.get(), self.head.get().wrapping_add(chosen));
        }
        self.pop_first()
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.tail.get().wrapping_sub(self.head.get())
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get() == self.tail.get()
    }

    /// Takes out all that `leaves` says.
    pub(crate) fn remove(&self, leaves: impl Fn(TaskPtr) -> bool) {
        for _ in 0..self.len() {
            if let Some(task) = self.pop_first().filter(|task| !leaves(*task)) {
                self.push(task);
            }
        }
    }

    /// Who stands where an end was when its count was `count`: between head and tail, or just taken out.
    #[inline(always)]
    fn at(&self, count: usize) -> TaskPtr {
        // SAFETY: as in `push`; what lies between the ends was written by it.
        unsafe { (&*self.ring.get()).get_unchecked(count & self.mask.get()).assume_init_read() }
    }

    fn swap(&self, one: usize, other: usize) {
        // SAFETY: as in `push`.
        let ring = unsafe { &mut *self.ring.get() };
        let mask = self.mask.get();
        ring.swap(one & mask, other & mask);
    }

    /// It is full: twice as many places.
    #[cold]
    fn grow(&self) {
        let len = self.len();
        let mask = 2 * len - 1;
        let mut roomier = Box::new_uninit_slice(2 * len);
        for count in (0..len).map(|count| self.head.get().wrapping_add(count)) {
            roomier[count & mask].write(self.at(count));
        }
        // SAFETY: as in `push`.
        unsafe { *self.ring.get() = roomier };
        self.mask.set(mask);
    }

    /// Marsaglia's xorshift64 (Journal of Statistical Software 8, 2003).
    fn random(&self) -> u64 {
        let mut state = self.shuffle.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.shuffle.set(state);
        state
    }
}

/// Whether `one` count is `other`, or was before it.
#[inline(always)]
fn is_behind(one: usize, other: usize) -> bool {
    other.wrapping_sub(one) as isize >= 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::task::Task;

    fn drained(ready: &Ready) -> Vec<TaskPtr> {
        std::iter::from_fn(|| ready.pop_first()).collect()
    }

    #[test]
    fn it_keeps_the_order_while_it_goes_round_and_grows() {
        let tasks: Vec<Box<Task>> = (1..=3 * PLACES as u64).map(Task::root).collect();
        let pointers: Vec<TaskPtr> = tasks.iter().map(|task| TaskPtr::new(task)).collect();
        let ready = Ready::new(None);
        // The ends are half-way round when it must grow.
        for pointer in &pointers[..PLACES / 2] {
            ready.push(*pointer);
            assert_eq!(ready.pop_first(), Some(*pointer));
        }
        pointers.iter().for_each(|pointer| ready.push(*pointer));
        assert_eq!((ready.len(), ready.is_empty()), (pointers.len(), false));
        assert_eq!(drained(&ready), pointers);
        assert_eq!((ready.len(), ready.is_empty(), ready.pop()), (0, true, None));
    }

    #[test]
    fn who_is_removed_is_gone_and_the_others_keep_their_order() {
        let tasks: Vec<Box<Task>> = (1..=7).map(Task::root).collect();
        let pointers: Vec<TaskPtr> = tasks.iter().map(|task| TaskPtr::new(task)).collect();
        let ready = Ready::new(None);
        pointers.iter().for_each(|pointer| ready.push(*pointer));
        ready.remove(|task| task == pointers[0] || task == pointers[3]);
        assert_eq!(drained(&ready), [1, 2, 4, 5, 6].map(|place: usize| pointers[place]));
    }

    #[test]
    fn a_seed_gives_each_once_in_an_order_of_its_own() {
        let tasks: Vec<Box<Task>> = (1..=20).map(Task::root).collect();
        let pointers: Vec<TaskPtr> = tasks.iter().map(|task| TaskPtr::new(task)).collect();
        let order = |seed| {
            let ready = Ready::new(Some(seed));
            pointers.iter().for_each(|pointer| ready.push(*pointer));
            let order: Vec<TaskPtr> = std::iter::from_fn(|| ready.pop()).collect();
            assert!(pointers.iter().all(|pointer| order.contains(pointer)));
            order
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        assert_ne!(order(7), pointers);
    }
}
