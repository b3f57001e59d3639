//! The store: the order in which a queue gives what it holds. Here those that need not ask the items.

use std::collections::VecDeque;

/// Up to this capacity a bounded queue gets its memory when it is made; beyond, as it fills.
const MADE_AT_ONCE: usize = 1024;

/// What a queue holds, and in which order it comes out again.
///
/// `insert`, `pop`, `first` and `drain` may ask the items, which is user code, if `ASKS` says so; they leave everything as
/// it was if that panics. The others never do.
pub(crate) trait Store<T>: Default {
    const ASKS: bool;

    /// An empty one that is to hold `capacity` items at most.
    fn of(capacity: usize) -> Self;

    fn len(&self) -> usize;

    /// Adds the newest.
    fn push(&mut self, item: T);

    /// Adds the newest, where it belongs. If it panics, the item is where it was.
    fn insert(&mut self, item: &mut Option<T>) {
        if let Some(item) = item.take() {
            self.push(item);
        }
    }

    /// Takes back what was taken out and nobody wanted. It goes before all others, but behind what was taken out earlier:
    /// that has a smaller `number`.
    fn put_back(&mut self, item: T, number: u64);

    fn pop(&mut self) -> Option<T>;

    /// What `pop` would give.
    fn first(&mut self) -> Option<&T>;

    /// All, in the order in which `pop` would give them.
    fn drain(&mut self) -> Vec<T>;

    /// Takes back what was [put back](Self::put_back) into `other` while this one was elsewhere.
    fn absorb(&mut self, other: Self);
}

/// First in, first out.
pub(crate) struct Fifo<T> {
    ring: VecDeque<T>,
    /// The numbers of those at the head of the ring that came back.
    numbers: VecDeque<u64>,
}

impl<T> Default for Fifo<T> {
    fn default() -> Fifo<T> {
        Fifo { ring: VecDeque::new(), numbers: VecDeque::new() }
    }
}

impl<T> Store<T> for Fifo<T> {
    const ASKS: bool = false;

    fn of(capacity: usize) -> Fifo<T> {
        let at_once = if capacity <= MADE_AT_ONCE { capacity } else { 0 };
        Fifo { ring: VecDeque::with_capacity(at_once), numbers: VecDeque::new() }
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.ring.len()
    }

    #[inline(always)]
    fn push(&mut self, item: T) {
        self.ring.push_back(item);
    }

    #[cold]
    fn put_back(&mut self, item: T, number: u64) {
        let place = self.numbers.partition_point(|other| *other < number);
        self.numbers.insert(place, number);
        self.ring.insert(place, item);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<T> {
        if !self.numbers.is_empty() {
            self.numbers.pop_front();
        }
        self.ring.pop_front()
    }

    fn first(&mut self) -> Option<&T> {
        self.ring.front()
    }

    fn drain(&mut self) -> Vec<T> {
        self.numbers.clear();
        std::mem::take(&mut self.ring).into()
    }

    #[inline]
    fn absorb(&mut self, other: Fifo<T>) {
        for (item, number) in other.ring.into_iter().zip(other.numbers) {
            self.put_back(item, number);
        }
    }
}

/// Last in, first out.
pub(crate) struct Lifo<T> {
    pile: Vec<T>,
}

impl<T> Default for Lifo<T> {
    fn default() -> Lifo<T> {
        Lifo { pile: Vec::new() }
    }
}

impl<T> Store<T> for Lifo<T> {
    const ASKS: bool = false;

    fn of(capacity: usize) -> Lifo<T> {
        let at_once = if capacity <= MADE_AT_ONCE { capacity } else { 0 };
        Lifo { pile: Vec::with_capacity(at_once) }
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.pile.len()
    }

    #[inline(always)]
    fn push(&mut self, item: T) {
        self.pile.push(item);
    }

    /// On top, where the last that was put belongs.
    #[cold]
    fn put_back(&mut self, item: T, _number: u64) {
        self.pile.push(item);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<T> {
        self.pile.pop()
    }

    fn first(&mut self) -> Option<&T> {
        self.pile.last()
    }

    fn drain(&mut self) -> Vec<T> {
        let mut all = std::mem::take(&mut self.pile);
        all.reverse();
        all
    }

    #[inline]
    fn absorb(&mut self, other: Lifo<T>) {
        self.pile.extend(other.pile);
    }
}
