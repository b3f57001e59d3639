//! The connections that a server is serving: how many, who serves them, and how they are made to end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::thread::{self, JoinHandle};

/// Those who serve, by numbers of their own. One leaves when its handler is done, whatever ended that.
#[derive(Default)]
pub(super) struct Connections {
    serving: RefCell<Slab<Option<Rc<Serving>>>>,
}

/// A green thread that serves a connection.
struct Serving {
    handle: JoinHandle<()>,
    /// It waits for the end of the others, so they must not wait for its own.
    waits_for_the_others: Cell<bool>,
}

/// The place of one connection, from before its green thread is made until its handler is done.
pub(super) struct Place {
    connections: Rc<Connections>,
    pub(super) number: usize,
}

impl Connections {
    pub(super) fn count(&self) -> usize {
        self.serving.borrow().len()
    }

    pub(super) fn enter(self: &Rc<Connections>) -> Place {
        let number = self.serving.borrow_mut().insert(None);
        Place { connections: self.clone(), number }
    }

    /// Says who serves it. It has not begun, so the place is still taken.
    pub(super) fn is_served_by(&self, number: usize, handle: JoinHandle<()>) {
        let serving = Rc::new(Serving { handle, waits_for_the_others: Cell::new(false) });
        self.serving.borrow_mut()[number] = Some(serving);
    }

    /// Waits until there are none, but for the caller's own and those that wait for it in turn.
    pub(super) fn wait_for_all(&self) {
        let marked = self.mark_the_caller();
        while let Some(other) = self.others(&marked).first() {
            other.handle.wait();
            if !other.handle.is_finished() {
                // The caller is unwinding, and does not wait.
                return;
            }
        }
    }

    /// Cancels all but the caller's, gives them `grace`, kills those that are left, and waits for their end. A caller that
    /// is unwound meanwhile still kills them.
    pub(super) fn end(&self, grace: Duration) {
        let marked = self.mark_the_caller();
        let deadline = Instant::now().checked_add(grace);
        let others = Others(self.others(&marked));
        others.0.iter().for_each(|other| other.handle.cancel());
        for other in &others.0 {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !other.handle.wait_timeout(left.unwrap_or(Duration::MAX)) {
                break;
            }
        }
        others.kill();
        others.0.iter().for_each(|other| other.handle.wait());
    }

    /// Those that the caller may wait for; if it is one of them, not those that wait for it.
    fn others(&self, caller: &Option<Marked>) -> Vec<Rc<Serving>> {
        let serving = self.serving.borrow();
        let all = serving.iter().filter_map(|(_, serving)| serving.as_ref());
        all.filter(|one| caller.is_none() || !one.waits_for_the_others.get()).cloned().collect()
    }

    fn mark_the_caller(&self) -> Option<Marked> {
        let myself = thread::current().id();
        let serving = self.serving.borrow();
        let mut all = serving.iter().filter_map(|(_, serving)| serving.as_ref());
        let caller = all.find(|one| one.handle.thread().id() == myself)?;
        caller.waits_for_the_others.set(true);
        Some(Marked(caller.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Dropped when the borrow is over.
        let _gone = self.connections.serving.borrow_mut().try_remove(self.number);
    }
}

struct Marked(Rc<Serving>);

impl Drop for Marked {
    fn drop(&mut self) {
        self.0.waits_for_the_others.set(false);
    }
}

/// Those who are to end; killed if whoever wants that is unwound.
struct Others(Vec<Rc<Serving>>);

impl Others {
    fn kill(&self) {
        self.0.iter().for_each(|other| other.handle.kill());
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.kill();
    }
}
