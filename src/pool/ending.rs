//! The interest in the end of one green thread, for as long as somebody keeps it.

use std::rc::Rc;

use crate::hub;
use crate::hub::record::Record;
use crate::hub::task::{State, Task};
use crate::hub::waiters::{Node, Waiter, Witness};

/// Tells a [`Witness`] once, unless it is dropped before.
pub(super) struct Ending {
    /// In the list of those who wait for the end. The box keeps its address.
    node: Box<Node>,
    body: Record,
}

impl Ending {
    /// Of a green thread that has ended the witness is told at once, and there is nothing to keep.
    pub(super) fn of(task: &Task, witness: Rc<dyn Witness>, number: u64) -> Option<Ending> {
        if task.state.get() == State::Ended {
            witness.told(number);
            return None;
        }
        let body = hub::current().living.keep(task);
        let node = Box::new(Node::new(Waiter::Witness(witness, number)));
        // SAFETY: the box keeps the node's address, `body` that of the list; the drop leaves before either goes (S15).
        unsafe { task.waiters.join(&node) };
        Some(Ending { node, body })
    }

    pub(super) fn task(&self) -> &Task {
        self.body.task()
    }

    pub(super) fn body(&self) -> Record {
        self.body.clone()
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.body.task().waiters.leave(&self.node);
    }
}
