//! The heap: a store that gives the smallest item first, and of equal ones the oldest.
//!
//! `Ord::cmp` is user code, and may panic. So each change compares first and moves after: a panic finds the heap as it was.
//! What must not ask (an item taken over from somebody who waits, or put back) waits in `unsorted`, and is sorted in by
//! the next who may.

use std::cmp::Ordering;

use crate::queue::store::Store;

/// A binary heap: no entry comes before its parent, which for the one at `i` stands at `(i - 1) / 2`.
pub(crate) struct Heap<T> {
    sorted: Vec<Entry<T>>,
    unsorted: Vec<Entry<T>>,
    /// The rank of the last item.
    last: i64,
}

struct Entry<T> {
    item: T,
    /// What comes first among equal items: those that came back, by their numbers, have ranks below zero.
    rank: i64,
}

impl<T: Ord> Entry<T> {
    fn order(&self, other: &Entry<T>) -> Ordering {
        self.item.cmp(&other.item).then(self.rank.cmp(&other.rank))
    }

    fn comes_before(&self, other: &Entry<T>) -> bool {
        self.order(other) == Ordering::Less
    }
}

impl<T> Default for Heap<T> {
    fn default() -> Heap<T> {
        Heap { sorted: Vec::new(), unsorted: Vec::new(), last: 0 }
    }
}

impl<T: Ord> Heap<T> {
    fn next_rank(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// Where a new entry is to stand.
    fn place_for(&self, item: &T, rank: i64) -> usize {
        let mut place = self.sorted.len();
        while place > 0 {
            let parent = &self.sorted[(place - 1) / 2];
            if item.cmp(&parent.item).then(rank.cmp(&parent.rank)) != Ordering::Less {
                break;
            }
            place = (place - 1) / 2;
        }
        place
    }

    fn add(&mut self, entry: Entry<T>, place: usize) {
        let mut at = self.sorted.len();
        self.sorted.push(entry);
        while at > place {
            self.sorted.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn sort_in(&mut self) {
        while let Some(last) = self.unsorted.last() {
            let place = self.place_for(&last.item, last.rank);
            if let Some(entry) = self.unsorted.pop() {
                self.add(entry, place);
            }
        }
    }

    /// Where the last entry is to stand once the first is gone, and all on the way there have moved up.
    fn place_of_the_last(&self) -> usize {
        let Some((last, rest)) = self.sorted.split_last() else { return 0 };
        let mut place = 0;
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let Some(mut first) = rest.get(left) else { return place };
            let mut child = left;
            if let Some(other) = rest.get(right)
                && other.comes_before(first)
            {
                (first, child) = (other, right);
            }
            if !first.comes_before(last) {
                return place;
            }
            place = child;
        }
    }

    /// Moves the first entry to `place`, and each on the way one up.
    fn sink_to(&mut self, place: usize) {
        // Counted from 1, the way down to an entry is its number in binary, after the leading 1.
        let number = place + 1;
        let mut at = 0;
        for left in (0..number.ilog2()).rev() {
            let below = (number >> left) - 1;
            self.sorted.swap(at, below);
            at = below;
        }
    }
}

impl<T: Ord> Store<T> for Heap<T> {
    const ASKS: bool = true;

    fn of(capacity: usize) -> Heap<T> {
        Heap { sorted: Vec::with_capacity(if capacity <= 1024 { capacity } else { 0 }), ..Heap::default() }
    }

    fn len(&self) -> usize {
        self.sorted.len() + self.unsorted.len()
    }

    fn push(&mut self, item: T) {
        let rank = self.next_rank();
        self.unsorted.push(Entry { item, rank });
    }

    fn insert(&mut self, item: &mut Option<T>) {
        let rank = self.next_rank();
        let place = item.as_ref().map_or(0, |item| self.place_for(item, rank));
        if let Some(item) = item.take() {
            self.add(Entry { item, rank }, place);
        }
    }

    fn put_back(&mut self, item: T, number: u64) {
        let rank = i64::MIN.saturating_add_unsigned(number);
        self.unsorted.push(Entry { item, rank });
    }

    fn pop(&mut self) -> Option<T> {
        self.sort_in();
        let place = self.place_of_the_last();
        if self.sorted.is_empty() {
            return None;
        }
        let first = self.sorted.swap_remove(0);
        self.sink_to(place);
        Some(first.item)
    }

    fn first(&mut self) -> Option<&T> {
        self.sort_in();
        self.sorted.first().map(|first| &first.item)
    }

    fn drain(&mut self) -> Vec<T> {
        // While they are being sorted they are no heap.
        self.unsorted.append(&mut self.sorted);
        self.unsorted.sort_by(Entry::order);
        std::mem::take(&mut self.unsorted).into_iter().map(|entry| entry.item).collect()
    }

    fn absorb(&mut self, other: Heap<T>) {
        self.unsorted.extend(other.unsorted);
    }
}
