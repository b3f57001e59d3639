//! A condition without its mutex: a line of those who wait to be notified.

use crate::park::line::{Guard, How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::{Limit, Manner, Standing, WaitingFor};
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicBool, Ordering};

/// You are among those who were to wake.
const CHOSEN: Verdict = 1;
/// All were to wake.
const WITH_ALL: Verdict = 2;

pub(crate) struct RawCondvar {
    /// Does anybody wait? Written under the latch.
    anybody: AtomicBool,
    line: Line<(), ()>,
}

/// A notification. Who drops it without having acted on it passes it on.
pub(crate) struct Notification<'a> {
    condvar: &'a RawCondvar,
    verdict: Verdict,
}

// Memory ordering. Who waits sets `anybody` before it unlocks the mutex; who notifies has locked that mutex since, to
// change what is waited for, so a relaxed load sees it, or what those wrote who have found the line empty since.
impl RawCondvar {
    const_fn! {
        pub(crate) const fn new() -> RawCondvar {
            RawCondvar { anybody: AtomicBool::new(false), line: Line::new(()) }
        }
    }

    /// Waits to be notified; None if the wait ended otherwise. `unlock` unlocks the mutex, and runs nobody's code.
    pub(crate) fn wait(&self, limit: Option<Limit>, unlock: impl FnOnce()) -> Option<Notification<'_>> {
        let guard = self.line.lock();
        self.anybody.store(true, Ordering::Relaxed);
        // Who notifies now waits for the latch, and finds the caller in the line. Nobody holds the latch of a mutex while
        // it takes this one.
        unlock();
        let how = How { manner: Manner::Infallible, what: WaitingFor::Condition, limit };
        match wait(self, guard, at_the_end_of(0), (), how) {
            Waited::Told(verdict, ()) => Some(Notification { condvar: self, verdict }),
            Waited::Deadline(()) | Waited::Interrupted(_, ()) => None,
        }
    }

    /// Notifies the first `n`.
    #[inline]
    pub(crate) fn notify(&self, n: usize) {
        if self.anybody.load(Ordering::Relaxed) {
            self.notify_those_who_wait(n);
        }
    }

    #[cold]
    fn notify_those_who_wait(&self, n: usize) {
        let mut guard = self.line.lock();
        for _ in 0..n {
            if guard.tell_first(0, CHOSEN, |()| ()).is_none() {
                break;
            }
        }
        self.look_for_anybody(&guard);
    }

    /// Notifies all who wait now.
    pub(crate) fn notify_all(&self) {
        if self.anybody.load(Ordering::Relaxed) {
            let mut guard = self.line.lock();
            guard.tell_all(0, WITH_ALL);
            self.look_for_anybody(&guard);
        }
    }

    fn look_for_anybody(&self, guard: &Guard<'_, (), (), 1>) {
        if guard.is_empty(0) {
            self.anybody.store(false, Ordering::Relaxed);
        }
    }
}

impl Notification<'_> {
    /// Whoever was notified acts on it.
    pub(crate) fn accept(self) {
        std::mem::forget(self);
    }
}

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        self.condvar.pass_on(self.verdict, ());
    }
}

impl Standing for Notification<'_> {
    fn abandon(&self) {
        self.condvar.pass_on(self.verdict, ());
    }
}

impl Policy for RawCondvar {
    type State = ();
    type Data = ();

    fn line(&self) -> &Line<(), ()> {
        &self.line
    }

    fn left(&self, guard: &mut Guard<'_, (), (), 1>, _list: usize) {
        self.look_for_anybody(guard);
    }

    fn pass_on(&self, verdict: Verdict, (): ()) {
        if verdict == CHOSEN {
            self.notify(1);
        }
    }
}
