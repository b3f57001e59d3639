//! The promise: a job that somebody will run once, and the value that comes of it, on whichever OS threads.
//!
//! ```text
//!   Waiting ──begin──▶ Running ──finish──▶ Done ──take──▶ Taken
//! ```
//!
//! Whoever begins it has the job, alone: to run it, or to drop it and finish with a refusal. Whoever finishes it gets the value
//! back if nobody wants it, so that it is dropped where it was made.

use crate::park::line::{How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::Interruption;
use crate::park::watchers::Watchers;
use crate::shim::const_fn;

const DONE: Verdict = 1;

pub(crate) struct Promise<J, V> {
    line: Line<Fate<J, V>>,
    watchers: Watchers,
}

pub(crate) struct Fate<J, V> {
    stage: Stage<J, V>,
    /// Nobody will ask for the value.
    unwanted: bool,
}

enum Stage<J, V> {
    Waiting(J),
    Running,
    Done(V),
    Taken,
}

/// How far a promise has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    Waiting,
    Running,
    Done,
}

impl<J, V> Fate<J, V> {
    fn take(&mut self) -> Option<V> {
        if !matches!(self.stage, Stage::Done(_)) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Done(value) => Some(value),
            _ => unreachable!("as was just seen"),
        }
    }
}

// Memory ordering: everything goes by the latch of the line.
impl<J, V> Promise<J, V> {
    const_fn! {
        pub(crate) const fn new(job: J) -> Promise<J, V> {
            let fate = Fate { stage: Stage::Waiting(job), unwanted: false };
            Promise { line: Line::new(fate), watchers: Watchers::new() }
        }
    }

    /// Takes the job out; None if somebody has before.
    pub(crate) fn begin(&self) -> Option<J> {
        let mut guard = self.line.lock();
        match std::mem::replace(&mut guard.state.stage, Stage::Running) {
            Stage::Waiting(job) => Some(job),
            other => {
                guard.state.stage = other;
                None
            }
        }
    }

    /// Puts the value in and tells everybody. It comes back if nobody wants it, or if there is one already.
    pub(crate) fn finish(&self, value: V) -> Option<V> {
        let mut guard = self.line.lock();
        if matches!(guard.state.stage, Stage::Done(_) | Stage::Taken) {
            return Some(value);
        }
        // Dropped after the latch, should somebody finish what nobody has begun.
        let (stage, unwanted) = match guard.state.unwanted {
            true => (Stage::Taken, Some(value)),
            false => (Stage::Done(value), None),
        };
        let before = std::mem::replace(&mut guard.state.stage, stage);
        guard.tell_all(0, DONE);
        let watched = self.watchers.any();
        drop(guard);
        if watched {
            self.watchers.wake_all();
        }
        drop(before);
        unwanted
    }

    /// Takes the value out, if it is there.
    pub(crate) fn take(&self) -> Option<V> {
        self.line.lock().state.take()
    }

    /// Says that nobody will ask for the value; returns it if it is there.
    pub(crate) fn disown(&self) -> Option<V> {
        let mut guard = self.line.lock();
        guard.state.unwanted = true;
        guard.state.take()
    }

    pub(crate) fn progress(&self) -> Progress {
        match self.line.lock().state.stage {
            Stage::Waiting(_) => Progress::Waiting,
            Stage::Running => Progress::Running,
            Stage::Done(_) | Stage::Taken => Progress::Done,
        }
    }

    /// Looks at the value if it is there. `look` runs under the latch: no user code.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&V) -> R) -> Option<R> {
        match &self.line.lock().state.stage {
            Stage::Done(value) => Some(look(value)),
            _ => None,
        }
    }

    /// Waits until the value is there; false if it was not in time.
    pub(crate) fn wait(&self, how: How) -> Result<bool, Interruption> {
        let guard = self.line.lock();
        if matches!(guard.state.stage, Stage::Done(_) | Stage::Taken) {
            return Ok(true);
        }
        match wait(self, guard, at_the_end_of(0), (), how) {
            Waited::Told(..) => Ok(true),
            Waited::Deadline(()) => Ok(false),
            Waited::Interrupted(interruption, ()) => Err(interruption),
        }
    }

    /// Those who want to hear of the value. Who is added looks at the progress after that.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }
}

impl<J, V> Policy for Promise<J, V> {
    type State = Fate<J, V>;
    type Data = ();

    fn line(&self) -> &Line<Fate<J, V>> {
        &self.line
    }

    /// The value stays where it is, for whoever else asks.
    fn pass_on(&self, _verdict: Verdict, (): ()) {}
}
