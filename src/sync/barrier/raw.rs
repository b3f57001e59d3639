//! A barrier's count of those who have come, and the line in which they wait for the others.

use crate::park::line::{Guard, How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::{Manner, WaitingFor};
use crate::shim::const_fn;

/// All have come.
const OPEN: Verdict = 1;

pub(crate) struct RawBarrier {
    size: usize,
    /// How many stand in the line.
    line: Line<usize, ()>,
}

impl RawBarrier {
    const_fn! {
        pub(crate) const fn new(size: usize) -> RawBarrier {
            RawBarrier { size, line: Line::new(0) }
        }
    }

    /// Waits until all have come; true for the last of them.
    pub(crate) fn wait(&self) -> bool {
        let mut guard = self.line.lock();
        guard.state += 1;
        if guard.state >= self.size {
            guard.state = 0;
            guard.tell_all(0, OPEN);
            return true;
        }
        let how = How { manner: Manner::Infallible, what: WaitingFor::Barrier, limit: None };
        match wait(self, guard, at_the_end_of(0), (), how) {
            Waited::Told(..) | Waited::Deadline(()) | Waited::Interrupted(..) => false,
        }
    }
}

impl Policy for RawBarrier {
    type State = usize;
    type Data = ();

    fn line(&self) -> &Line<usize, ()> {
        &self.line
    }

    fn left(&self, guard: &mut Guard<'_, usize, (), 1>, _list: usize) {
        guard.state -= 1;
    }

    /// It had come, and the others are through.
    fn pass_on(&self, _verdict: Verdict, (): ()) {}
}
