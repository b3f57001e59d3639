//! The event itself: a flag, those who wait for it, and those who watch it.

use crate::park::line::{How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::{self, Interruption, Limit, Manner, WaitingFor};
use crate::park::watchers::Watchers;
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicBool, Ordering};

/// It was set.
const SET: Verdict = 1;

pub(crate) struct RawEvent {
    /// Changed under the latch of the line only.
    set: AtomicBool,
    line: Line<()>,
    watchers: Watchers,
}

// Memory ordering. Setting releases and looking acquires. Setting what is set already, and clearing, take the latch all the
// same: who clears, looks at something else and then waits has either cleared after the set, and sees what came before that,
// or cleared before it, and is told. Without an exchange on both sides each could miss the other.
impl RawEvent {
    const_fn! {
        pub(crate) const fn new() -> RawEvent {
            RawEvent { set: AtomicBool::new(false), line: Line::new(()), watchers: Watchers::new() }
        }
    }

    #[inline(always)]
    pub(crate) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Those who watch. They look by [`is_set_after_watching`](Self::is_set_after_watching), once they are in.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.watchers
    }

    /// Looks under the latch, so that a watcher and who sets do not miss each other.
    pub(crate) fn is_set_after_watching(&self) -> bool {
        let _guard = self.line.lock();
        self.is_set()
    }

    /// Tells all who wait now, whatever becomes of the flag before they run.
    pub(crate) fn set(&self) {
        let mut guard = self.line.lock();
        self.set.store(true, Ordering::Release);
        guard.tell_all(0, SET);
        let watched = self.watchers.any();
        drop(guard);
        if watched {
            self.watchers.wake_all();
        }
    }

    pub(crate) fn clear(&self) {
        let _guard = self.line.lock();
        self.set.store(false, Ordering::Relaxed);
    }

    /// Waits until it is set; false if the limit has passed or the caller is unwinding.
    #[inline]
    pub(crate) fn wait(&self, what: WaitingFor, limit: impl FnOnce() -> Option<Limit>) -> bool {
        if self.is_set() {
            seat::spend();
            return true;
        }
        self.wait_in_line(How { manner: Manner::Infallible, what, limit: limit() }).unwrap_or(false)
    }

    /// Waits until it is set, as `how` says; false if the limit has passed.
    pub(crate) fn wait_in_line(&self, how: How) -> Result<bool, Interruption> {
        let guard = self.line.lock();
        if self.is_set() {
            return Ok(true);
        }
        match wait(self, guard, at_the_end_of(0), (), how) {
            Waited::Told(..) => Ok(true),
            Waited::Deadline(()) => Ok(false),
            Waited::Interrupted(why, ()) => Err(why),
        }
    }
}

impl Policy for RawEvent {
    type State = ();
    type Data = ();

    fn line(&self) -> &Line<()> {
        &self.line
    }

    /// All were told, so nobody needs it.
    fn pass_on(&self, _verdict: Verdict, _data: ()) {}
}
