//! All green threads of a hub that are alive: a list in order of birth, and numbers for those whom other OS threads know.

use std::cell::{Cell, RefCell};

use slab::Slab;

use crate::hub::record::Record;
use crate::hub::task::{Task, TaskPtr};

/// The one holder of a green thread from its birth until it is struck out; handles hold the result, not the life.
#[derive(Default)]
pub(crate) struct Living {
    first: Cell<Option<TaskPtr>>,
    last: Cell<Option<TaskPtr>>,
    count: Cell<usize>,
    known_outside: RefCell<Slab<TaskPtr>>,
}

/// A green thread's place among the living: part of its record, on which the list has a count.
#[derive(Default)]
pub(crate) struct Place {
    previous: Cell<Option<TaskPtr>>,
    next: Cell<Option<TaskPtr>>,
}

impl Living {
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.count.get()
    }

    /// Puts `entering` last, who is on no list, and keeps its record.
    #[inline(always)]
    pub(crate) fn enter(&self, entering: Record) {
        let entering = Some(entering.keep());
        let last = self.last.replace(entering);
        if let Some(task) = entering {
            // SAFETY: its record was just given into the keeping of the list.
            unsafe { task.get() }.place.previous.set(last);
        }
        self.link_after(last).set(entering);
        self.count.set(self.count.get() + 1);
    }

    /// Takes it out; returns the count that kept it.
    #[inline(always)]
    pub(crate) fn strike(&self, task: &Task) -> Record {
        let (previous, next) = (task.place.previous.take(), task.place.next.take());
        self.link_after(previous).set(next);
        match next {
            // SAFETY: who is on the list is kept by it (S15).
            Some(next) => unsafe { next.get() }.place.previous.set(previous),
            None => self.last.set(previous),
        }
        self.count.set(self.count.get() - 1);
        // SAFETY: who was on the list was kept by it, since `enter`.
        unsafe { Record::from_kept(TaskPtr::new(task)) }
    }

    /// Where the link that follows `task` is kept; None stands for the list itself.
    #[inline(always)]
    fn link_after(&self, task: Option<TaskPtr>) -> &Cell<Option<TaskPtr>> {
        match task {
            // SAFETY: who is on the list is kept by it (S15).
            Some(task) => &unsafe { task.get() }.place.next,
            None => &self.first,
        }
    }

    /// Another count on a green thread that is alive.
    #[inline]
    pub(crate) fn keep(&self, task: &Task) -> Record {
        // SAFETY: who is alive is no root.
        unsafe { Record::of(task) }
    }

    /// All, oldest first.
    pub(crate) fn everybody(&self) -> Vec<Record> {
        let mut at = self.first.get();
        let next = || {
            // SAFETY: who is on the list is kept by it (S15).
            let task = unsafe { at?.get() };
            at = task.place.next.get();
            Some(self.keep(task))
        };
        std::iter::from_fn(next).collect()
    }

    /// Gives a number to a green thread that other OS threads are to wake.
    pub(crate) fn number(&self, task: &Task) -> u32 {
        let slot = self.known_outside.borrow_mut().insert(TaskPtr::new(task));
        u32::try_from(slot).expect("fewer than four thousand million green threads")
    }

    pub(crate) fn forget_number(&self, slot: u32) {
        self.known_outside.borrow_mut().remove(slot as usize);
    }

    /// Who has this number now.
    pub(crate) fn numbered(&self, slot: u32) -> Option<TaskPtr> {
        self.known_outside.borrow().get(slot as usize).copied()
    }
}
