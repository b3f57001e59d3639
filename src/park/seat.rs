//! The seat of whoever waits in a line: a green thread, the root of a hub, or an OS thread that has no hub.
//!
//! Whoever tells a waiter may be on any OS thread. Green threads of one hub are woken at once; those of another hub by a
//! letter; an OS thread by its parker. The models have a file of their own in place of this one.

use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::hub;
use crate::hub::clock::Moment;
use crate::hub::remote::{Letter, Remote};
use crate::hub::task::TaskPtr;
use crate::park;
use crate::park::parker::Parker;

pub(crate) use crate::hub::task::{Standing, WaitingFor, Woken};
pub(crate) use crate::park::{Interruption, Manner};

/// Where somebody waits, as seen by those who may tell it. The pointers are good while the waiter stands in a line, under
/// the latch of that line: it leaves the line before it or its hub goes (S15).
#[derive(Clone, Copy)]
pub(crate) enum Seat {
    Green { task: TaskPtr, remote: *const Remote },
    OsThread(*const Parker),
}

/// When a wait ends that nobody told anything, by the clock that the waiter has.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    OfHub(Moment),
    OfSystem(Instant),
}

/// What a green thread has said before about the case that it never runs again.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outer(Option<NonNull<dyn Standing>>);

thread_local! {
    static PARKER: Arc<Parker> = Arc::new(Parker::new());
}

impl Seat {
    /// That of whoever calls.
    #[inline(always)]
    pub(crate) fn here() -> Seat {
        match hub::try_current() {
            Some(hub) => Seat::Green { task: hub.current.get(), remote: Arc::as_ptr(&hub.remote) },
            None => Seat::of_os_thread(),
        }
    }

    #[cold]
    fn of_os_thread() -> Seat {
        hub::forked::check();
        // While thread-locals are being destroyed each wait has a parker of its own, which stays for ever.
        let parker = PARKER.try_with(Arc::as_ptr);
        Seat::OsThread(parker.unwrap_or_else(|_| Arc::into_raw(Arc::new(Parker::new()))))
    }

    /// The moment `wait` from now; None if no clock will ever show it.
    pub(crate) fn limit(self, wait: Duration) -> Option<Limit> {
        match self {
            Seat::Green { .. } => hub::current().clock.limit(wait).map(Limit::OfHub),
            Seat::OsThread(_) => Instant::now().checked_add(wait).map(Limit::OfSystem),
        }
    }

    /// Is it one of the caller's own hub? Then nobody else can come between telling it and its next step.
    #[inline(always)]
    pub(crate) fn is_neighbour(self) -> bool {
        match self {
            Seat::Green { remote, .. } => {
                hub::try_current().is_some_and(|hub| std::ptr::eq(Arc::as_ptr(&hub.remote), remote))
            }
            Seat::OsThread(_) => false,
        }
    }

    /// The same for all who wait on one OS thread, and for nobody else; not 0.
    #[cfg(feature = "monkey")]
    #[allow(dead_code, reason = "unused where `monkey` has no calls")]
    pub(crate) fn home(self) -> usize {
        match self {
            Seat::Green { remote, .. } => remote.addr(),
            Seat::OsThread(parker) => parker.addr(),
        }
    }

    /// Wakes one of the caller's own hub, which was told.
    #[inline(always)]
    pub(crate) fn wake_neighbour(self) {
        if let Seat::Green { task, .. } = self {
            hub::current().wake(task, Woken::Condition);
        }
    }

    /// Gets what it takes to wake a waiter that is no neighbour, before it is told: once told, it may leave.
    ///
    /// # Safety
    ///
    /// The waiter stands in a line whose latch the caller holds.
    pub(crate) unsafe fn call(self) -> Call {
        match self {
            // SAFETY: a hub takes its waiters out of all lines before it lets go of its `Remote` (S15).
            Seat::Green { task, remote } => unsafe {
                Arc::increment_strong_count(remote);
                Call::Far(Arc::from_raw(remote), task)
            },
            // SAFETY: the parker is a thread-local of a thread that waits (S15).
            Seat::OsThread(parker) => unsafe {
                Arc::increment_strong_count(parker);
                Call::OsThread(Arc::from_raw(parker))
            },
        }
    }

    /// Waits, as `manner` says; who was told is woken for `Condition`, perhaps more than once.
    #[inline(always)]
    pub(crate) fn wait(
        self,
        manner: Manner,
        what: WaitingFor,
        limit: Option<Limit>,
    ) -> Result<Woken, Interruption> {
        match (self, limit) {
            (Seat::Green { .. }, None) => park::park(manner, what, None),
            (Seat::Green { .. }, Some(Limit::OfHub(moment))) => park::park(manner, what, Some(moment)),
            (Seat::OsThread(parker), limit) => {
                let until = limit.map(|limit| match limit {
                    Limit::OfSystem(until) => until,
                    // The clock that could tell has gone with its hub.
                    Limit::OfHub(_) => Instant::now(),
                });
                // SAFETY: its own thread-local, or one that stays for ever.
                let told = unsafe { &*parker }.park(until);
                Ok(if told { Woken::Condition } else { Woken::Deadline })
            }
            // The OS thread has got a hub since: between two waits with one limit anything may run.
            (Seat::Green { .. }, Some(Limit::OfSystem(until))) => {
                let left = until.saturating_duration_since(Instant::now());
                park::park(manner, what, hub::current().clock.after(left))
            }
        }
    }

    /// Says what is to be done about the place in a line if the waiter never runs again; before what was said so earlier.
    ///
    /// # Safety
    ///
    /// `standing` stays until [`stands_no_more`](Self::stands_no_more), unless the waiter never runs again.
    #[inline(always)]
    pub(crate) unsafe fn stands(self, standing: &dyn Standing) -> Outer {
        let Seat::Green { task, .. } = self else { return Outer::default() };
        // SAFETY: the caller is this very green thread; only the lifetime changes, for which the caller vouches (S15).
        unsafe {
            Outer(task.get().standing.replace(Some(std::mem::transmute::<
                NonNull<dyn Standing + '_>,
                NonNull<dyn Standing + 'static>,
            >(NonNull::from(standing)))))
        }
    }

    /// Takes back what was said last; `outer` is what that gave.
    #[inline(always)]
    pub(crate) fn stands_no_more(self, outer: Outer) {
        if let Seat::Green { task, .. } = self {
            // SAFETY: the caller is this very green thread, or the end of its hub, which keeps it (S15).
            unsafe { task.get() }.standing.set(outer.0);
        }
    }

    /// Runs `wait`, in which the caller may wait in lines; `standing` is abandoned as well if it never comes back from there.
    pub(crate) fn stands_during<R>(self, standing: &dyn Standing, wait: impl FnOnce() -> R) -> R {
        struct Stands(Seat, Outer);
        impl Drop for Stands {
            fn drop(&mut self) {
                self.0.stands_no_more(self.1);
            }
        }
        // SAFETY: it stays until this has returned or unwound, and is taken back before that.
        let _stands = Stands(self, unsafe { self.stands(standing) });
        wait()
    }

    /// Takes back the letter that was sent to one who had been woken by something else. Called on its own OS thread.
    #[cold]
    pub(crate) fn withdraw_letter(self) {
        if let (Seat::Green { task, .. }, Some(hub)) = (self, hub::try_current()) {
            hub.remote.mail.withdraw(|letter| letter.is_for(task));
        }
    }
}

/// What it takes to wake one waiter on another OS thread.
pub(crate) enum Call {
    Far(Arc<Remote>, TaskPtr),
    OsThread(Arc<Parker>),
}

impl Call {
    /// The first half, under the latch, once the waiter was told: whoever finds that it was told finds its letter posted.
    pub(crate) fn post(&self) {
        if let Call::Far(remote, task) = self {
            // Its hub has taken it out of all lines before it closes the box (S15).
            let posted = remote.mail.post(Letter::Wake(*task));
            debug_assert!(posted.is_ok(), "who stands in a line can be told");
        }
    }

    /// The second half, after the latch: the calls that may reach the system.
    #[cold]
    pub(crate) fn ring(self) {
        match self {
            Call::Far(remote, _) => remote.announce_mail(),
            Call::OsThread(parker) => parker.unpark(),
        }
    }
}

/// Who calls, as the word of a lock has it: the number of the green thread, root or OS thread above eight bits that tell
/// hubs apart; zero is nobody, and the lowest bit is free.
#[inline(always)]
pub(crate) fn me() -> u64 {
    match hub::try_current() {
        Some(hub) => hub.running().id << 8 | hub.tag,
        None => hub::root_id() << 8,
    }
}

/// Whether two such words name the same.
pub(crate) fn is_same(one: u64, other: u64) -> bool {
    one >> 8 == other >> 8
}

/// Whether it may help to look again before one waits for what `owner` has: it is on another OS thread, and nobody else
/// wants this one.
#[inline]
pub(crate) fn may_spin(owner: u64) -> bool {
    match hub::try_current() {
        Some(hub) => owner & 0xFF != hub.tag && hub.ready.is_empty(),
        None => true,
    }
}

/// Where the caller runs: one number for all green threads of a hub, one for each OS thread without. Zero is nowhere.
#[inline(always)]
pub(crate) fn place() -> u64 {
    match hub::try_current() {
        Some(hub) => hub.tag,
        None => hub::root_id() << 8 | 1,
    }
}

/// Whether it may help to look again before one waits for somebody who ran at `place`: that is on another OS thread, and
/// nobody else wants this one.
#[inline(always)]
pub(crate) fn may_come_from(place: u64) -> bool {
    place != 0 && place != self::place() && hub::try_current().is_none_or(|hub| hub.ready.is_empty())
}

/// Counts a cooperative call against the budget of whoever runs.
#[inline(always)]
pub(crate) fn spend() {
    if let Some(hub) = hub::try_current() {
        park::spend(hub);
    }
}

/// When an OS thread began to wait. Green threads do not ask the clock: where it counts, they lose once instead.
#[derive(Clone, Copy)]
pub(crate) struct Since(Option<Instant>);

impl Since {
    #[inline]
    pub(crate) fn now() -> Since {
        Since(hub::try_current().is_none().then(Instant::now))
    }

    /// Has it waited for so long that a lock is to be handed to it, whatever that costs the others?
    pub(crate) fn is_long_ago(self) -> bool {
        self.0.is_some_and(|since| since.elapsed() >= Duration::from_micros(500))
    }
}
