//! Wait lists of one hub: who is to be told when something happens, first come, first told.
//!
//! A list is two words in the object that is waited for; its entries are in one table a hub, so that a wait allocates
//! nothing and leaving the middle of a list is O(1). An entry belongs to whoever waits: the one who tells takes it out of the
//! list and marks it as told, and only the waiter gives it up. So a waiter that was interrupted in the same turn still learns
//! that it had been told, and can tell the next.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

use crate::hub::task::TaskPtr;

/// One end of a chain of entries, or a place in it: the key of an entry plus one.
type Place = Option<NonZeroU32>;

/// The list itself: part of what is waited for.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    first: Cell<Place>,
    last: Cell<Place>,
}

/// Names an entry until it is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WaiterKey(NonZeroU32);

/// Who is told, and how. A waker's clone and drop are user code: entries are moved out of the table, and dropped by
/// whoever gets them once the table is no longer borrowed.
pub(crate) enum Waiter {
    /// A parked green thread, or the root: it is woken.
    Thread(TaskPtr),
    /// A green thread that was made to begin now.
    Start(TaskPtr),
    /// One of several things that a `wait` watches.
    Watch(Rc<Watch>, usize),
    /// A task of some executor.
    Waker(Waker),
    /// Nobody any more: it has been told.
    Told,
}

/// What a wait for several things gathers: which have happened, in that order.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) happened: RefCell<VecDeque<usize>>,
    /// Who waits just now.
    pub(crate) parked: Cell<Option<TaskPtr>>,
}

struct Entry {
    waiter: Waiter,
    previous: Place,
    next: Place,
}

/// The table of all entries of a hub.
#[derive(Default)]
pub(crate) struct Waiters {
    entries: Slab<Entry>,
}

impl WaitList {
    pub(crate) const fn new() -> WaitList {
        WaitList { first: Cell::new(None), last: Cell::new(None) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// Forgets all entries, with the table that held them.
    pub(crate) fn reset(&self) {
        self.first.set(None);
        self.last.set(None);
    }
}

impl Waiters {
    /// Adds a waiter at the end of the list.
    pub(crate) fn join(&mut self, list: &WaitList, waiter: Waiter) -> WaiterKey {
        let last = list.last.get();
        let place = self.insert(waiter, last, None);
        list.last.set(Some(place));
        match last {
            Some(last) => self.entry(last).next = Some(place),
            None => list.first.set(Some(place)),
        }
        WaiterKey(place)
    }

    /// Adds a waiter at the head of the list: it had its turn and found nothing.
    pub(crate) fn rejoin(&mut self, list: &WaitList, waiter: Waiter) -> WaiterKey {
        let first = list.first.get();
        let place = self.insert(waiter, None, first);
        list.first.set(Some(place));
        match first {
            Some(first) => self.entry(first).previous = Some(place),
            None => list.last.set(Some(place)),
        }
        WaiterKey(place)
    }

    /// Gives an entry up. [`Waiter::Told`] if it had been told, else who it was.
    #[must_use = "dropping a waker is user code: not while the table is borrowed"]
    pub(crate) fn leave(&mut self, list: &WaitList, key: WaiterKey) -> Waiter {
        if !matches!(self.entry(key.0).waiter, Waiter::Told) {
            self.unlink(list, key.0);
        }
        self.entries.remove(index(key.0)).waiter
    }

    /// Takes the first of the list and marks it as told; the caller tells it.
    pub(crate) fn tell_first(&mut self, list: &WaitList) -> Option<Waiter> {
        let first = list.first.get()?;
        self.unlink(list, first);
        Some(std::mem::replace(&mut self.entry(first).waiter, Waiter::Told))
    }

    fn insert(&mut self, waiter: Waiter, previous: Place, next: Place) -> NonZeroU32 {
        let key = self.entries.insert(Entry { waiter, previous, next });
        let place = u32::try_from(key + 1).expect("fewer than four thousand million waits");
        NonZeroU32::new(place).expect("one more than a key")
    }

    fn unlink(&mut self, list: &WaitList, place: NonZeroU32) {
        let (previous, next) = (self.entry(place).previous, self.entry(place).next);
        match previous {
            Some(previous) => self.entry(previous).next = next,
            None => list.first.set(next),
        }
        match next {
            Some(next) => self.entry(next).previous = previous,
            None => list.last.set(previous),
        }
    }

    fn entry(&mut self, place: NonZeroU32) -> &mut Entry {
        &mut self.entries[index(place)]
    }
}

fn index(place: NonZeroU32) -> usize {
    place.get() as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(number: usize) -> Waiter {
        Waiter::Watch(Rc::default(), number)
    }

    fn told(waiters: &mut Waiters, list: &WaitList) -> Vec<usize> {
        std::iter::from_fn(|| match waiters.tell_first(list) {
            Some(Waiter::Watch(_, number)) => Some(number),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn first_come_is_first_told_and_who_left_is_not_told() {
        let (mut waiters, list) = (Waiters::default(), WaitList::new());
        let keys: Vec<_> = (0..5).map(|n| waiters.join(&list, watch(n))).collect();
        for left in [0, 2, 4] {
            assert!(matches!(waiters.leave(&list, keys[left]), Waiter::Watch(_, number) if number == left));
        }
        let head = waiters.rejoin(&list, watch(9));
        assert_eq!(told(&mut waiters, &list), [9, 1, 3]);
        assert!(list.is_empty());
        for key in [head, keys[1], keys[3]] {
            assert!(matches!(waiters.leave(&list, key), Waiter::Told));
        }
        assert!(waiters.entries.is_empty());
    }
}
