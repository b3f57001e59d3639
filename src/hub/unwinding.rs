//! Who is parked in the middle of an unwinding: the OS thread's panic count is above zero then, and says nothing of others.

use std::cell::Cell;

use crate::hub::task::Task;

/// A count of those who parked while they unwound and may be unwinding still. Rounds tell notes that hold from those that
/// do not: once the OS thread's panic count was seen at zero, nobody unwinds, and a new round begins.
pub(crate) struct UnwindingParked {
    count: Cell<u32>,
    round: Cell<u32>,
}

impl Default for UnwindingParked {
    fn default() -> UnwindingParked {
        UnwindingParked { count: Cell::new(0), round: Cell::new(1) }
    }
}

impl UnwindingParked {
    #[inline(always)]
    pub(crate) fn is_nobody(&self) -> bool {
        self.count.get() == 0
    }

    pub(crate) fn is_noted(&self, task: &Task) -> bool {
        task.parked_unwinding.get() == self.round.get()
    }

    pub(crate) fn note(&self, task: &Task) {
        if !self.is_noted(task) {
            task.parked_unwinding.set(self.round.get());
            self.count.set(self.count.get() + 1);
        }
    }

    /// It has ended, and its unwinding with it.
    #[inline(always)]
    pub(crate) fn forget(&self, task: &Task) {
        if !self.is_nobody() && self.is_noted(task) {
            task.parked_unwinding.set(0);
            self.count.set(self.count.get() - 1);
        }
    }

    /// Called at each switch: if nothing unwinds on this OS thread, all notes are void.
    #[inline(always)]
    pub(crate) fn look(&self) {
        if !self.is_nobody() {
            self.look_at_the_count();
        }
    }

    #[cold]
    fn look_at_the_count(&self) {
        if !std::thread::panicking() {
            self.count.set(0);
            self.round.set(self.round.get().wrapping_add(1).max(1));
        }
    }
}
