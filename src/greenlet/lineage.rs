//! Parents: to whom goes what a greenlet leaves behind when it dies.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use crate::greenlet::Greenlet;
use crate::greenlet::member::Member;

/// One greenlet's place among the generations. It outlives its greenlet while descendants are there, so that they find
/// their nearest living ancestor; it keeps no greenlet alive.
pub(super) struct Lineage<T: 'static> {
    member: Weak<Member<T>>,
    parent: RefCell<Option<Rc<Lineage<T>>>>,
}

impl<T> Lineage<T> {
    pub(super) fn new(member: Weak<Member<T>>, parent: Option<&Greenlet<T>>) -> Rc<Lineage<T>> {
        let parent = parent.map(|parent| parent.member().lineage.clone());
        Rc::new(Lineage { member, parent: RefCell::new(parent) })
    }

    /// The parent; if that is dead, the nearest ancestor that is not.
    pub(super) fn living_parent(&self) -> Option<Greenlet<T>> {
        self.living().map(|(greenlet, _)| greenlet)
    }

    /// As above, with its lineage. The dead in between are forgotten.
    fn living(&self) -> Option<(Greenlet<T>, Rc<Lineage<T>>)> {
        loop {
            let parent = self.parent.borrow().clone()?;
            if let Some(member) = parent.member.upgrade()
                && !member.is_dead()
            {
                return Some((Greenlet::of(member), parent));
            }
            let grandparent = parent.parent.borrow().clone();
            *self.parent.borrow_mut() = grandparent;
        }
    }

    pub(super) fn set_parent(&self, parent: &Rc<Lineage<T>>) {
        *self.parent.borrow_mut() = Some(parent.clone());
    }

    /// Whether `other` is this one or one of its living ancestors.
    pub(super) fn descends_from(self: &Rc<Self>, other: &Rc<Lineage<T>>) -> bool {
        let mut at = Some(self.clone());
        while let Some(lineage) = at {
            if Rc::ptr_eq(&lineage, other) {
                return true;
            }
            at = lineage.living().map(|(_, parent)| parent);
        }
        false
    }
}

impl<T> Drop for Lineage<T> {
    /// One after the other: a thousand dead generations must not be a thousand frames.
    fn drop(&mut self) {
        let mut last = self.parent.take();
        while let Some(mut lineage) = last.and_then(Rc::into_inner) {
            last = lineage.parent.get_mut().take();
        }
    }
}
