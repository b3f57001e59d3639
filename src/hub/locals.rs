//! The values that `green_local!` keys have for one green thread, or for the root of an OS thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Values by the address of their key. Few a thread, so a list is enough.
#[derive(Default)]
pub(crate) struct Locals {
    values: RefCell<Vec<(usize, Rc<dyn Any>)>>,
    /// Its green thread is ending for good: no value is made any more.
    closed: Cell<bool>,
}

impl Locals {
    pub(crate) const fn new() -> Locals {
        Locals { values: RefCell::new(Vec::new()), closed: Cell::new(false) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    /// A count on the value of `key`: it stays as long as the count does, whatever becomes of the green thread.
    pub(crate) fn get(&self, key: usize) -> Option<Rc<dyn Any>> {
        self.values.borrow().iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone())
    }

    /// Gives `key` a value; gives the earlier one back.
    pub(crate) fn insert(&self, key: usize, value: Rc<dyn Any>) -> Option<Rc<dyn Any>> {
        let mut values = self.values.borrow_mut();
        match values.iter_mut().find(|(known, _)| *known == key) {
            Some((_, place)) => Some(std::mem::replace(place, value)),
            None => {
                values.push((key, value));
                None
            }
        }
    }

    /// Takes out all values, for their destruction.
    pub(crate) fn take(&self) -> Vec<(usize, Rc<dyn Any>)> {
        self.values.take()
    }
}
