//! Wait lists: who is to be told when something happens; first come, first told.
//!
//! A list is two words in the object that is waited for. An entry is a [`Node`] in the frame of whoever waits, or in something
//! it owns, so a wait allocates nothing, and leaving the middle of a list is O(1). A node belongs to its waiter: the one who
//! tells takes it out of the list and empties it, and only the waiter gives it up. So a waiter that was interrupted in
//! the same turn still learns that it had been told, and can tell the next.
//!
//! All of this is for one OS thread.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use crate::hub::happenings::Happenings;
use crate::hub::task::TaskPtr;

/// The list itself: part of what is waited for.
pub(crate) struct WaitList {
    first: Cell<*const Node>,
    last: Cell<*const Node>,
}

/// A place in a list. Once it has joined, it is linked until it is told or leaves.
pub(crate) struct Node {
    /// Who waits. Taken out by whoever tells.
    waiter: Cell<Option<Waiter>>,
    /// Neighbours in the list. They have meaning while `linked`.
    previous: Cell<*const Node>,
    next: Cell<*const Node>,
    linked: Cell<bool>,
}

/// Who is told, and how. A waker's drop is user code: whoever takes a waiter out drops it with nothing borrowed.
pub(crate) enum Waiter {
    /// A parked green thread, or the root: it is woken.
    Thread(TaskPtr),
    /// A green thread that was made to begin now.
    Start(TaskPtr),
    /// One of several things that a `wait` watches.
    Watch(Rc<Watch>, usize),
    /// Somebody who follows green threads, and the number by which it knows the one that ends.
    Witness(Rc<dyn Witness>, u64),
    /// A task of some executor.
    Waker(Waker),
}

/// Who is told that green threads have ended, on the stack of the one that ends: it neither waits nor runs user code, nor does
/// its drop.
pub(crate) trait Witness {
    fn told(&self, number: u64);
}

/// What a wait for several things gathers: which have happened, in that order.
#[derive(Default)]
pub(crate) struct Watch {
    happened: RefCell<VecDeque<usize>>,
    /// In the place of that, once something is watched that any OS thread may bring about.
    shared: OnceCell<Arc<Happenings>>,
    /// Who waits just now.
    pub(crate) parked: Cell<Option<TaskPtr>>,
}

impl Watch {
    #[inline]
    pub(crate) fn note(&self, index: usize) {
        match self.shared.get() {
            None => self.happened.borrow_mut().push_back(index),
            Some(shared) => drop(shared.note(index)),
        }
    }

    /// The first that happened and was not taken yet.
    #[inline]
    pub(crate) fn take_first(&self) -> Option<usize> {
        match self.shared.get() {
            None => self.happened.borrow_mut().pop_front(),
            Some(shared) => shared.take_first(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shared.get().map_or_else(|| self.happened.borrow().is_empty(), |shared| shared.is_empty())
    }

    /// From now on other OS threads may note things, too.
    pub(crate) fn share(&self) -> &Arc<Happenings> {
        self.shared.get_or_init(|| Arc::new(Happenings::after(self.happened.take())))
    }

    pub(crate) fn shared(&self) -> Option<&Happenings> {
        self.shared.get().map(|shared| &**shared)
    }
}

impl Node {
    pub(crate) const fn new(waiter: Waiter) -> Node {
        Node {
            waiter: Cell::new(Some(waiter)),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            linked: Cell::new(false),
        }
    }

    /// Whether it was told, once it has joined a list.
    pub(crate) fn was_told(&self) -> bool {
        !self.linked.get()
    }
}

impl WaitList {
    pub(crate) const fn new() -> WaitList {
        WaitList { first: Cell::new(ptr::null()), last: Cell::new(ptr::null()) }
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }

    /// Adds a waiter at the end.
    ///
    /// # Safety
    ///
    /// Node and list stay where they are until the node has [left](Self::leave) this list, on every way out (S15).
    #[inline(always)]
    pub(crate) unsafe fn join(&self, node: &Node) {
        self.link(self.last.get(), node, ptr::null());
    }

    /// Adds a waiter at the head: it had its turn and found nothing.
    ///
    /// # Safety
    ///
    /// As for [`join`](Self::join).
    pub(crate) unsafe fn rejoin(&self, node: &Node) {
        self.link(ptr::null(), node, self.first.get());
    }

    /// Gives a node up. True if it had been told.
    #[inline(always)]
    pub(crate) fn leave(&self, node: &Node) -> bool {
        let told = !node.linked.get();
        if !told {
            self.unlink(node);
        }
        told
    }

    /// Takes the first out if it is a parked green thread, or the root; the caller wakes it. Not if it is told in another way.
    #[inline(always)]
    pub(crate) fn take_first_thread(&self) -> Option<TaskPtr> {
        // SAFETY: a linked node is where it was when it joined (`join`), and nobody else looks at its waiter (S7).
        let (first, waiter) = unsafe {
            let first = self.first.get().as_ref()?;
            (first, &*first.waiter.as_ptr())
        };
        let Some(Waiter::Thread(task)) = waiter else { return None };
        let task = *task;
        self.unlink_first(first);
        Some(task)
    }

    /// Takes the first out; the caller tells it.
    #[inline(always)]
    pub(crate) fn take_first(&self) -> Option<Waiter> {
        // SAFETY: a linked node is where it was when it joined (`join`).
        let first = unsafe { self.first.get().as_ref() }?;
        self.unlink_first(first);
        first.waiter.take()
    }

    /// Takes all out, and tells nobody: the hub has ended, and those that stand are never resumed.
    pub(crate) fn abandon(&self) {
        while let Some(waiter) = self.take_first() {
            drop(waiter);
        }
    }

    #[inline(always)]
    fn link(&self, previous: *const Node, node: &Node, next: *const Node) {
        debug_assert!(!node.linked.get(), "a node is in one list, once");
        node.previous.set(previous);
        node.next.set(next);
        node.linked.set(true);
        self.neighbour_after(previous).set(node);
        self.neighbour_before(next).set(node);
    }

    #[inline(always)]
    fn unlink_first(&self, first: &Node) {
        let next = first.next.get();
        first.linked.set(false);
        self.first.set(next);
        self.neighbour_before(next).set(ptr::null());
    }

    #[inline(always)]
    fn unlink(&self, node: &Node) {
        let (previous, next) = (node.previous.get(), node.next.get());
        node.linked.set(false);
        self.neighbour_after(previous).set(next);
        self.neighbour_before(next).set(previous);
    }

    /// Where the link that follows `node` is kept; null stands for the list itself.
    #[inline(always)]
    fn neighbour_after(&self, node: *const Node) -> &Cell<*const Node> {
        // SAFETY: neighbours of a linked node are linked, so they are where they were (`join`).
        unsafe { node.as_ref() }.map_or(&self.first, |node| &node.next)
    }

    #[inline(always)]
    fn neighbour_before(&self, node: *const Node) -> &Cell<*const Node> {
        // SAFETY: as above.
        unsafe { node.as_ref() }.map_or(&self.last, |node| &node.previous)
    }
}

impl Default for WaitList {
    fn default() -> WaitList {
        WaitList::new()
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList").field("empty", &self.is_empty()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(list: &WaitList) -> Vec<usize> {
        let number = |waiter| match waiter {
            Waiter::Watch(_, number) => number,
            _ => unreachable!("only numbers joined"),
        };
        std::iter::from_fn(|| list.take_first().map(number)).collect()
    }

    #[test]
    fn first_come_is_first_told_and_who_left_is_not_told() {
        let list = WaitList::new();
        let nodes: Vec<_> = (0..6).map(|n| Node::new(Waiter::Watch(Rc::default(), n))).collect();
        for node in &nodes[..5] {
            // SAFETY: all are given up below, before the vector goes.
            unsafe { list.join(node) };
        }
        for left in [0, 2, 4] {
            assert!(!list.leave(&nodes[left]));
        }
        // SAFETY: as above.
        unsafe { list.rejoin(&nodes[5]) };
        assert_eq!(numbers(&list), [5, 1, 3]);
        assert!(list.is_empty());
        for told in [5, 1, 3] {
            assert!(list.leave(&nodes[told]));
        }
    }

    #[test]
    fn the_only_one_may_leave_and_join_again() {
        let list = WaitList::new();
        for _ in 0..3 {
            let node = Node::new(Waiter::Watch(Rc::default(), 7));
            // SAFETY: it leaves two lines below.
            unsafe { list.join(&node) };
            assert!(!list.is_empty());
            assert!(!list.leave(&node));
            assert!(list.is_empty());
        }
    }
}
