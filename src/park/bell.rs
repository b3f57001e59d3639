//! The bell: what wakes one who waits for a future, or for the first of several things; rung from any OS thread.
//!
//! It remembers one ring: whoever comes to wait after that goes on at once. Rings before that, and after its owner has gone,
//! do nothing.

use std::sync::Arc;
use std::task::Wake;

use crate::park::line::{Guard, How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::Interruption;
use crate::shim::const_fn;

const RUNG: Verdict = 1;

pub(crate) struct Bell {
    /// It was rung, and nobody has heard it.
    line: Line<bool>,
}

/// How a wait for a bell ended.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// It had been rung before: nobody waited.
    AtOnce,
    Waiting,
    /// It was not rung in time.
    Not,
}

impl Bell {
    const_fn! {
        pub(crate) const fn new() -> Bell {
            Bell { line: Line::new(false) }
        }
    }

    pub(crate) fn ring(&self) {
        let mut guard = self.line.lock();
        self.ring_under(&mut guard);
    }

    fn ring_under(&self, guard: &mut Guard<'_, bool, (), 1>) {
        if guard.tell_first(0, RUNG, |()| ()).is_none() {
            guard.state = true;
        }
    }

    /// Waits until it is rung.
    pub(crate) fn wait(&self, how: How) -> Result<Heard, Interruption> {
        let mut guard = self.line.lock();
        if std::mem::take(&mut guard.state) {
            return Ok(Heard::AtOnce);
        }
        match wait(self, guard, at_the_end_of(0), (), how) {
            Waited::Told(..) => Ok(Heard::Waiting),
            Waited::Deadline(()) => Ok(Heard::Not),
            Waited::Interrupted(interruption, ()) => Err(interruption),
        }
    }
}

impl Policy for Bell {
    type State = bool;
    type Data = ();

    fn line(&self) -> &Line<bool> {
        &self.line
    }

    fn pass_on(&self, _verdict: Verdict, (): ()) {
        self.ring();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        self.ring();
    }
}
