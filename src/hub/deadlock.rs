//! The deadlock: everybody is parked, and nothing can ever end the wait of the root.
//!
//! A wait is *local* if only green threads of the same hub can end it, and it is known which: the end of a green thread or
//! of a scope, a lock whose owner is parked here. All others are *open*: another OS thread may end them. The root is stuck
//! if nobody is ready, no timer is armed, nobody waits for a descriptor or for an OS thread's answer, and either all waits
//! that the root depends on are local, or there is no other OS thread in the process but idle ones of our own.
//!
//! All this is asked only after the hub has been idle for a while, and once in each such while: a busy hub, and one that
//! has timers, never ask.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::hub::bystanders;
use crate::hub::clock::Moment;
use crate::hub::knots::{owner_of, ring_lines};
use crate::hub::record::Record;
use crate::hub::requests::Requests;
use crate::hub::task::{State, Task, TaskPtr, WaitingFor};
use crate::hub::{Hub, full_budget};
use crate::sys;

/// How long nothing must come before the hub asks whether anything can.
const DOUBT: Moment = 50_000_000;

/// How many green threads a report has room for.
const MOST_LINES: usize = 1_000;

/// What is known of one wait of the root.
#[derive(Default)]
pub(crate) struct Doubts {
    /// The count of switches at which the question was asked: since then nobody has run, so the answer is the same.
    settled_at: Option<u64>,
}

impl Hub {
    /// Looks outside while the root is parked, and asks whether anything can come if nothing has come for a while. `outer` is
    /// whether the hub was turning before the root parked.
    pub(crate) fn look_for_the_root(&self, doubts: &mut Doubts, outer: bool) {
        if self.knots.are_possible() {
            self.look_for_knots_at_times();
        }
        let now = self.switches.get();
        if !self.is_suspicious() || doubts.settled_at == Some(now) {
            self.look(None);
            return;
        }
        if self.look(Some(DOUBT)) && self.ready.is_empty() {
            doubts.settled_at = Some(now);
            self.settle(outer);
        }
    }

    /// Is nobody ready, and no timer armed? A ring of owners is looked for beside timers, too.
    fn is_suspicious(&self) -> bool {
        self.ready.is_empty()
            && !self.orphaned.get()
            && !self.lent.get()
            && (self.has_no_timer() || self.knots.are_possible())
    }

    fn has_no_timer(&self) -> bool {
        self.timers.borrow().is_empty()
    }

    #[cold]
    fn settle(&self, outer: bool) {
        if !self.has_no_timer() || !self.is_stuck() {
            return self.look_for_knots();
        }
        let report = self.report();
        let root = self.root();
        // The children of a scope borrow from its frame: they were killed before, and it cannot leave without them.
        let must_stay =
            matches!(root.waiting_for.get(), WaitingFor::ScopeEnd(_)) && root.heeds.get() == Requests::NONE;
        // Its caller may be C, or std: nothing unwinds there.
        #[cfg(feature = "monkey")]
        let must_stay = must_stay || root.waiting_for.get() == WaitingFor::Futex;
        if must_stay || std::thread::panicking() {
            let _ = writeln!(io::stderr(), "greenroom: {report}");
            return;
        }
        root.state.set(State::Awake);
        root.waiting_for.set(WaitingFor::Nothing);
        self.budget.set(full_budget());
        self.turning.set(outer);
        panic!("{report}");
    }

    fn is_stuck(&self) -> bool {
        if self.reactor.has_waiters() {
            return false;
        }
        // What an OS thread did before its end is there to be seen: so they are counted first.
        let alone = sys::thread_count().is_some_and(|count| count <= bystanders::idle() + 1);
        if !self.remote.inbox.is_empty() {
            return false;
        }
        // The usual answer of a program that waits for another OS thread, without a look at everybody.
        if !alone && Wait::of(self.root()) == Wait::Open {
            return false;
        }
        Survey::new(self).is_closed(alone)
    }

    /// Who waits for what, rings of owners first.
    fn report(&self) -> String {
        let mut text = String::from("deadlock: every green thread is parked\n");
        for ring in self.knots.rings() {
            text.push_str("each of these waits for what the next one has:\n");
            ring_lines(&ring, &mut text);
        }
        let survey = Survey::new(self);
        text.push_str("all of them:\n");
        line_about(survey.root, survey.owner(survey.root), &mut text);
        for body in survey.everybody.iter().take(MOST_LINES) {
            line_about(body.task(), survey.owner(body.task()), &mut text);
        }
        if let Some(more @ 1..) = survey.everybody.len().checked_sub(MOST_LINES) {
            let _ = writeln!(text, "  … and {more} others");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// A line of a report: who waits for what, and who has it.
pub(crate) fn line_about(task: &Task, owner: Option<&Task>, text: &mut String) {
    let _ = match (task.state.get(), task.waiting_for.get()) {
        (_, WaitingFor::ThreadEnd(other) | WaitingFor::ScopeEnd(other)) => {
            // SAFETY: the waiter keeps the record of whom it waits for (S15).
            let other = unsafe { other.get() };
            writeln!(text, "  {} waits for the end of {}", task.describe(), other.describe())
        }
        (State::Dormant, _) => writeln!(text, "  {} has not begun", task.describe()),
        (_, what) => match (owner, what.taken_at()) {
            (None, _) => writeln!(text, "  {} waits for {what}", task.describe()),
            (Some(owner), None) => {
                writeln!(text, "  {} waits for {what}, which {} has", task.describe(), owner.describe())
            }
            (Some(owner), Some(place)) => {
                let (who, owner) = (task.describe(), owner.describe());
                writeln!(text, "  {who} waits for {what}, which {owner} took at {place}")
            }
        },
    };
}

/// How a wait can end, as far as its kind tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wait {
    /// With the end of this one.
    End(TaskPtr),
    /// By its owner.
    Owner,
    /// With the end of all that are not daemons.
    AllEnd,
    /// By one or the other green thread of the hub.
    Neighbours,
    /// By any OS thread.
    Open,
    /// By something on its way: an OS thread that works for it, a descriptor.
    Pending,
    /// Never, and that was asked for.
    Asleep,
}

impl Wait {
    fn of(task: &Task) -> Wait {
        match task.waiting_for.get() {
            WaitingFor::ThreadEnd(other) | WaitingFor::ScopeEnd(other) => Wait::End(other),
            WaitingFor::AllEnds => Wait::AllEnd,
            WaitingFor::RoomInAPool | WaitingFor::GroupEnd => Wait::Neighbours,
            WaitingFor::Lock(_) | WaitingFor::Initialiser(_) => Wait::Owner,
            WaitingFor::Readable
            | WaitingFor::Writable
            | WaitingFor::Job
            | WaitingFor::ChildEnd
            | WaitingFor::Signal => Wait::Pending,
            // Who waits for nothing has not begun: its begin lies beyond the clock.
            WaitingFor::Sleep | WaitingFor::Nothing => Wait::Asleep,
            WaitingFor::Unpark
            | WaitingFor::AnyOfSeveral
            | WaitingFor::SharedLock
            | WaitingFor::Condition
            | WaitingFor::Permit
            | WaitingFor::Event
            | WaitingFor::Barrier
            | WaitingFor::RoomInAQueue
            | WaitingFor::AnItem
            | WaitingFor::QueueDone
            | WaitingFor::AnAsyncResult
            | WaitingFor::AFuture => Wait::Open,
            #[cfg(feature = "monkey")]
            WaitingFor::Futex => Wait::Open,
        }
    }
}

/// All of a hub, while nobody runs.
struct Survey<'a> {
    root: &'a Task,
    everybody: Vec<Record>,
    by_id: HashMap<u64, TaskPtr>,
}

impl<'a> Survey<'a> {
    fn new(hub: &'a Hub) -> Survey<'a> {
        let everybody = hub.living.everybody();
        let root = hub.root();
        let tasks = everybody.iter().map(|body| body.task()).chain([root]);
        let by_id = tasks.map(|task| (task.id, TaskPtr::new(task))).collect();
        Survey { root, everybody, by_id }
    }

    /// Who has what `task` waits for, if it is one of us.
    fn owner(&self, task: &Task) -> Option<&Task> {
        let owner = self.by_id.get(&owner_of(task)?)?;
        // SAFETY: the survey keeps all of them (S15).
        Some(unsafe { owner.get() })
    }

    /// Is there no way out of the root's wait? `alone`: no other OS thread can end what is open.
    fn is_closed(&self, alone: bool) -> bool {
        let mut unknown = false;
        let mut seen = HashSet::new();
        let mut open = vec![self.root];
        while let Some(task) = open.pop() {
            if !seen.insert(TaskPtr::new(task)) {
                continue;
            }
            match Wait::of(task) {
                // SAFETY: the waiter keeps the record of whom it waits for (S15).
                Wait::End(other) => open.push(unsafe { other.get() }),
                Wait::AllEnd => open.extend(self.tasks().filter(|task| !task.daemon)),
                Wait::Neighbours => open.extend(self.tasks()),
                // What it waits for was handed to it just now.
                Wait::Owner if self.owner(task).is_some_and(|owner| std::ptr::eq(owner, task)) => {
                    return false;
                }
                Wait::Owner if self.owner(task).is_some() => open.extend(self.owner(task)),
                Wait::Owner | Wait::Open if alone => unknown = true,
                Wait::Owner | Wait::Open | Wait::Pending | Wait::Asleep => return false,
            }
        }
        // Whoever sleeps for ever may be meant to be woken by what nobody can see.
        let may_come = |wait| wait == Wait::Pending || (unknown && wait == Wait::Asleep);
        !self.tasks().any(|task| may_come(Wait::of(task)))
    }

    fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.everybody.iter().map(|body| body.task())
    }
}
