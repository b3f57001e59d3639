//! Who is parked in the middle of an unwinding: the OS thread's panic count is above zero then, and says nothing of others.

use std::cell::Cell;

use crate::hub::Hub;
use crate::hub::task::Task;

/// A count of those who parked while they unwound, or may have, and may be unwinding still. Rounds tell notes that hold from
/// those that do not: once the OS thread's panic count was seen at zero, nobody unwinds, and a new round begins.
///
/// The note of a green thread is the round, an even number, if it was certain, and the one after that if not. Those of whom
/// it is not certain count as well: else the end of the last certain one would make whoever runs next the one that unwinds.
pub(crate) struct UnwindingParked {
    count: Cell<u32>,
    round: Cell<u32>,
}

/// Not the zero that the records of green threads begin with, nor after it has gone round.
const FIRST: u32 = 2;

impl Default for UnwindingParked {
    fn default() -> UnwindingParked {
        UnwindingParked { count: Cell::new(0), round: Cell::new(FIRST) }
    }
}

impl UnwindingParked {
    #[inline(always)]
    pub(crate) fn is_nobody(&self) -> bool {
        self.count.get() == 0
    }

    /// Did it park while it unwound, for certain?
    pub(crate) fn is_noted(&self, task: &Task) -> bool {
        note_of(task) == self.round.get()
    }

    fn counts(&self, task: &Task) -> bool {
        note_of(task) & !1 == self.round.get()
    }

    pub(crate) fn note(&self, task: &Task, certain: bool) {
        if !self.counts(task) {
            task.rare().parked_unwinding.set(self.round.get() | u32::from(!certain));
            self.count.set(self.count.get() + 1);
        }
    }

    /// It has ended, and its unwinding with it.
    #[inline(always)]
    pub(crate) fn forget(&self, task: &Task) {
        if !self.is_nobody() && self.counts(task) {
            task.rare().parked_unwinding.set(0);
            self.count.set(self.count.get() - 1);
        }
    }

    /// Nobody unwinds: all notes are void.
    fn begin_a_round(&self) {
        self.count.set(0);
        self.round.set(self.round.get().wrapping_add(2).max(FIRST));
    }
}

fn note_of(task: &Task) -> u32 {
    task.rare_if_any().map_or(0, |rare| rare.parked_unwinding.get())
}

impl Hub {
    /// Looks whether anything on this OS thread unwinds still. Called at each switch, and at each end.
    #[inline(always)]
    pub(crate) fn look_who_unwinds(&self) {
        if !self.unwinding.is_nobody() {
            self.look_at_the_panic_count();
        }
    }

    #[cold]
    fn look_at_the_panic_count(&self) {
        if std::thread::panicking() {
            return;
        }
        let everybody = self.living.everybody();
        let tasks = everybody.iter().map(|body| body.task()).chain([self.root()]);
        let noted = tasks.filter(|task| self.unwinding.counts(task));
        // The caller, if it is parked already, has just seen for itself what it heeds.
        for task in noted.filter(|task| !self.current.get().is(task)) {
            self.heed_again(task);
        }
        self.unwinding.begin_a_round();
    }
}
