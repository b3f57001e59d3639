//! Parking in a wait list: until somebody tells.

use crate::hub::Hub;
use crate::hub::clock::Moment;
use crate::hub::task::{WaitingFor, Woken};
use crate::hub::waiters::{Node, WaitList, Waiter};
use crate::park::{self, Interruption, Manner};

/// Parks at the end of a wait list. An interrupted waiter leaves the list. For lists of which everybody is told at once:
/// a waiter that is interrupted after it was told passes nothing on.
#[inline(always)]
pub(crate) fn park_in(
    hub: &Hub,
    list: &WaitList,
    manner: Manner,
    what: WaitingFor,
    deadline: Option<Moment>,
) -> Result<Woken, Interruption> {
    let node = Node::new(Waiter::Thread(hub.current.get()));
    // SAFETY: both outlive the guard, which leaves on every way out: return, error, unwinding (S15).
    unsafe { list.join(&node) };
    let _left = Leave { list, node: &node };
    park::park_in(hub, manner, what, deadline)
}

struct Leave<'a> {
    list: &'a WaitList,
    node: &'a Node,
}

impl Drop for Leave<'_> {
    #[inline]
    fn drop(&mut self) {
        self.list.leave(self.node);
    }
}
