//! The end of a hub: all are killed, get their turns to unwind in, and what still stands then is left standing.
//!
//! A stack that was not unwound is never freed: somebody may hold a reference into it (S8). So a green thread that will
//! not end costs its memory, once, and a line on standard error that names it; it can neither hang nor corrupt the rest.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::greenlet::chain;
use crate::greenlet::unwind::contain;
use crate::hub::Hub;
use crate::hub::forked;
use crate::hub::record::Record;
use crate::hub::requests::Requests;
use crate::hub::task::{State, Task, TaskPtr};
use crate::hub::waiters::Waiter;

/// How long green threads may take to unwind at the end of their hub.
const GRACE: Duration = Duration::from_secs(5);

impl Hub {
    /// Ends the hub. Called on the root, with nothing of the hub borrowed.
    pub(crate) fn close(&self) {
        if forked::happened() {
            return;
        }
        self.end_all();
        self.close_to_others();
        for lanes in self.reactor.lanes() {
            lanes.read.waiters.abandon();
            lanes.write.waiters.abandon();
        }
    }

    /// The owner let go of the hub on a green thread; now, on the root, its green threads end. The hub itself stays, as
    /// an implicit one: the root may be in the middle of a wait.
    #[cold]
    pub(crate) fn end_orphans(&self) {
        self.orphaned.set(false);
        self.end_all();
        self.closing.set(false);
        self.implicit.set(true);
    }

    fn end_all(&self) {
        self.closing.set(true);
        for body in self.living.everybody() {
            if cfg!(panic = "abort") && !body.task().yielder.get().is_null() {
                // Nothing can unwind it.
                self.leave_standing(body);
            } else {
                self.request(body.task(), Requests::KILL);
            }
        }
        let outer = self.turning.replace(true);
        let patience = Instant::now() + GRACE;
        while self.alive() > 0 {
            let left = patience.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.run_those_ready();
            if self.alive() > 0 {
                self.look(Some(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)));
            }
        }
        self.turning.set(outer);
        for body in self.living.everybody() {
            self.leave_standing(body);
        }
    }

    /// The OS thread ends, and its green threads stand as they are for ever: what they wait for goes to others, and so does
    /// what others have asked of the hub. Nobody resumes them, whatever the destructors of thread-locals call (S5).
    pub(crate) fn leave_all_standing(&self) {
        // Locks that others held when the process was forked stay locked for ever.
        if forked::happened() {
            return;
        }
        let _no_switch = chain::forbid();
        self.closing.set(true);
        for body in self.living.everybody() {
            self.give_up_its_wait(body.task());
            body.task().state.set(State::Ended);
            // Those who wait for it on this OS thread stand as it does; others are to hear of it.
            while let Some(waiter) = body.task().waiters.take_first() {
                match waiter {
                    Waiter::Waker(waker) => contain(|| waker.wake()),
                    other => std::mem::forget(other),
                }
            }
            std::mem::forget(body);
        }
        self.close_to_others();
    }

    fn close_to_others(&self) {
        self.publish_counts();
        let unread = self.remote.mail.close();
        self.remote.inbox.close();
        contain(|| drop(unread));
    }

    fn give_up_its_wait(&self, task: &Task) {
        // Innermost first: each says, as it goes, what stands outside of it.
        while let Some(standing) = task.standing.take() {
            // SAFETY: it stands in the frame of a wait on the green thread's own stack, which is as it was left (S8).
            unsafe { standing.as_ref() }.abandon();
        }
    }

    #[cold]
    fn leave_standing(&self, body: Record) {
        let task = body.task();
        if cfg!(panic = "unwind") {
            // Standard error may be closed: then nobody is told.
            let _ = writeln!(
                std::io::stderr(),
                "greenroom: {} did not end when it was killed at the end of its hub (it waits for {}); \
                 its stack is left as it stands",
                task.describe(),
                task.waiting_for.get(),
            );
        }
        self.close_scopes(task);
        self.give_up_its_wait(task);
        self.knots.leave(task);
        let pointer = TaskPtr::new(task);
        self.ready.remove(|other| other == pointer);
        self.disarm(&task.timer);
        task.state.set(State::Ended);
        body.abandon();
        if !task.daemon {
            self.lasting.set(self.lasting.get() - 1);
        }
        self.tell_all(&task.waiters);
        drop(self.strike(task));
        std::mem::forget(body);
    }
}
