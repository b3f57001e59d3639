//! Parking: how whoever runs gives the OS thread away until something wakes it. All waiting of the crate goes through
//! [`park`], and so time-out, cancel and kill meet nowhere but here.
//!
//! ```text
//!   park ──▶ refused?  ── unwinding, or where nothing may switch
//!        ──▶ asked to stop already?  ── kill: unwinds; expiry, cancel: as the manner of the wait says
//!        ──▶ state = Parked, deadline armed ──▶ switch away ──▶ woken ──▶ why?
//!                                                               Condition, Deadline: said so
//!                                                               Request: as above
//! ```
//!
//! Who wakes writes down why and is done. If the condition came first and a request second, in the same turn, the wait
//! succeeds, and the request is met at the next one: what was handed over is never lost.

#[expect(unsafe_code, reason = "suspends green threads")]
mod away;
pub(crate) mod bell;
pub(crate) mod error;
#[expect(unsafe_code, reason = "links waiters in the frames of those who wait")]
pub(crate) mod line;
pub(crate) mod parker;
pub(crate) mod payload;
pub(crate) mod readiness;
#[expect(unsafe_code, reason = "names by pointer those who stand in a line")]
pub(crate) mod seat;
#[expect(unsafe_code, reason = "queues up in wait lists")]
pub(crate) mod source;
#[expect(unsafe_code, reason = "queues up in wait lists")]
pub(crate) mod told;
pub(crate) mod watchers;

use std::io;

use crate::greenlet::chain;
use crate::hub::clock::Moment;
use crate::hub::requests::Requests;
use crate::hub::task::{State, Task, TaskPtr, WaitingFor, Woken};
use crate::hub::{self, Due, Hub, forked};
use crate::park::away::switch_away;
use crate::park::error::{Cancelled, Elapsed, JoinError};
use crate::park::payload::Unwind;

/// How a wait takes a request to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// It can fail: expiry and cancel come back as an [`Interruption`]; kill unwinds.
    Fallible,
    /// It cannot fail: expiry and kill unwind; cancel does nothing.
    Infallible,
    /// A sleep: as infallible, but cancel ends it early.
    Sleep,
    /// The end of a scope, whose children borrow from the frame that waits: kill and expiry wake the waiter, who looks at
    /// [`asked_to_end`] and waits on.
    Guardian,
    /// A lock: as infallible. While its caller unwinds it is waited for all the same, and then nothing else ends it: a
    /// destructor that takes a contended lock must not end the process.
    Lock,
    /// A call that C code may have made: as fallible, but nothing unwinds. A kill comes back as well.
    #[allow(dead_code, reason = "only `monkey` waits so")]
    Foreign,
    /// Nothing ends it but what it waits for.
    Deaf,
}

impl Manner {
    const fn heeds(self) -> Requests {
        match self {
            // Nothing can be unwound: what would unwind is not heeded.
            Manner::Fallible | Manner::Foreign if cfg!(panic = "abort") => {
                Requests::EXPIRY.and(Requests::CANCEL)
            }
            Manner::Sleep if cfg!(panic = "abort") => Requests::CANCEL,
            Manner::Infallible | Manner::Lock | Manner::Guardian if cfg!(panic = "abort") => Requests::NONE,
            Manner::Fallible | Manner::Foreign | Manner::Sleep => {
                Requests::KILL.and(Requests::EXPIRY).and(Requests::CANCEL)
            }
            Manner::Infallible | Manner::Lock | Manner::Guardian => Requests::KILL.and(Requests::EXPIRY),
            Manner::Deaf => Requests::NONE,
        }
    }
}

/// Why a wait ended without what it waited for, if it did not unwind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interruption {
    Cancelled,
    Elapsed,
    /// Of [`Manner::Foreign`] only: it is to unwind at its next wait of another manner.
    Killed,
    /// The caller is unwinding, and who unwinds does not switch: the panic count is the OS thread's, and others would
    /// see it (S10).
    Refused,
}

impl From<Interruption> for io::Error {
    fn from(interruption: Interruption) -> io::Error {
        match interruption {
            Interruption::Cancelled => io::Error::other(Cancelled),
            Interruption::Elapsed => io::Error::new(io::ErrorKind::TimedOut, Elapsed),
            Interruption::Killed => io::Error::other(JoinError::killed()),
            Interruption::Refused => io::Error::other(unwinding()),
        }
    }
}

/// What a result asked for while unwinding comes to.
pub(crate) fn unwinding() -> JoinError {
    JoinError::refused("a green thread that is unwinding does not wait")
}

/// Parks whoever runs until it is woken, `deadline` has passed, or a request ends the wait.
#[inline(always)]
pub(crate) fn park(
    manner: Manner,
    what: WaitingFor,
    deadline: Option<Moment>,
) -> Result<Woken, Interruption> {
    park_in(hub::current(), manner, what, deadline)
}

/// As [`park`], for who has the hub at hand.
#[inline(always)]
pub(crate) fn park_in(
    hub: &Hub,
    manner: Manner,
    what: WaitingFor,
    deadline: Option<Moment>,
) -> Result<Woken, Interruption> {
    let task = hub.running();
    // Then nobody is known to unwind.
    let mut at_once = admitted_at_once(task);
    let heeds = if at_once { manner.heeds() } else { admit_slowly(hub, task, manner)? };
    loop {
        task.waiting_for.set(what);
        task.heeds.set(match what {
            // Nobody in a line does: who is woken there by anything but its teller would leave the teller's letter behind.
            WaitingFor::Unpark | WaitingFor::AnyOfSeveral => heeds.and(Requests::SIGNAL),
            _ => heeds,
        });
        if let Some(moment) = deadline {
            task.timer.set(Some(hub.arm(moment, Due::Wake(TaskPtr::new(task)))));
        }
        task.state.set(State::Parked);
        if !at_once && std::thread::panicking() {
            note_unwinding(hub, task, manner.heeds().without(heeds));
        }
        at_once = false;
        match what.owner_word() {
            None => switch_away(hub, task),
            Some(_) => {
                let _knot = hub.knots.enter(task);
                switch_away(hub, task);
            }
        }
        if deadline.is_some() {
            hub.disarm(&task.timer);
        }
        task.waiting_for.set(WaitingFor::Nothing);
        let heeded = task.heeds.replace(Requests::NONE);
        match task.woken.get() {
            Woken::Request if manner != Manner::Guardian => {
                // Not what it heeded at its begin: that may have become more.
                if let Some(interruption) = pending(task, manner, heeded) {
                    return Err(interruption);
                }
            }
            woken => return Ok(woken),
        }
    }
}

/// Gives everybody else who is ready a turn, if a wait of this manner may begin. Infallible, kill and expiry act here; cancel
/// does not.
#[inline(always)]
pub(crate) fn yield_turn(manner: Manner) {
    let hub = hub::current();
    let task = hub.running();
    if !admitted_at_once(task) {
        return yield_slowly(hub, task, manner);
    }
    leave_ready(hub, task);
    if task.requests.get() != Requests::NONE {
        pending(task, manner, manner.heeds());
    }
}

#[cold]
fn yield_slowly(hub: &Hub, task: &Task, manner: Manner) {
    if let Ok(heeds) = admit_slowly(hub, task, manner) {
        give_way(hub, task);
        pending(task, manner, heeds);
    }
}

/// Ends what is about to begin, as a wait of this manner would that begins now: it comes before waits that nothing may end.
pub(crate) fn heed(manner: Manner) -> Result<(), Interruption> {
    let hub = hub::current();
    admit(hub, hub.running(), manner).map(drop)
}

/// Counts a cooperative call against the budget of whoever runs; once that is spent, others get a turn first. It comes
/// before the call does anything, so that a kill which strikes at that turn loses nothing.
#[inline(always)]
pub(crate) fn spend(hub: &Hub) {
    let left = hub.budget.get();
    if left == 0 {
        spent(hub);
    } else {
        hub.budget.set(left - 1);
    }
}

/// The same for a call of that manner: if that is a foreign one, a kill which strikes at that turn waits for the next wait.
#[inline(always)]
pub(crate) fn spend_as(hub: &Hub, manner: Manner) {
    let left = hub.budget.get();
    match manner {
        _ if left != 0 => hub.budget.set(left - 1),
        Manner::Foreign => drop(give_way_once(hub)),
        _ => spent(hub),
    }
}

#[cold]
fn spent(hub: &Hub) {
    if let Some(heeds) = give_way_once(hub) {
        meet_kill(hub.running(), heeds);
    }
}

/// Gives the others a turn, if whoever runs may switch; what a wait heeds that nobody expects to fail.
#[cold]
fn give_way_once(hub: &Hub) -> Option<Requests> {
    let task = hub.running();
    if chain::switching_forbidden() {
        return None;
    }
    let heeds = heeds_now(hub, task, Manner::Infallible).ok()?;
    give_way(hub, task);
    Some(heeds)
}

/// Goes to the end of the ready queue.
fn give_way(hub: &Hub, task: &Task) {
    if std::thread::panicking() {
        note_unwinding(hub, task, Requests::NONE);
    }
    leave_ready(hub, task);
}

/// The same, for one that does not unwind.
#[inline(always)]
fn leave_ready(hub: &Hub, task: &Task) {
    hub.ready.push(TaskPtr::new(task));
    switch_away(hub, task);
}

/// Is whoever runs being unwound? As far as the OS thread's panic count can tell, which counts all of its stacks together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unwinding {
    No,
    /// Somebody else is parked in the middle of an unwinding, so the count says nothing about this one.
    Perhaps,
    Yes,
}

fn unwinding_of(hub: &Hub, task: &Task) -> Unwinding {
    // The count is above zero for ever once a stack was left in the middle of an unwinding.
    if !std::thread::panicking() || chain::panic_is_stranded() {
        return Unwinding::No;
    }
    match hub.unwinding.is_noted(task) || hub.unwinding.is_nobody() {
        true => Unwinding::Yes,
        false => Unwinding::Perhaps,
    }
}

/// Would a wait that may be refused be refused now, because the caller unwinds? For those who would change something first.
pub(crate) fn refuses() -> bool {
    std::thread::panicking()
        && hub::try_current().is_some_and(|hub| unwinding_of(hub, hub.running()) == Unwinding::Yes)
}

/// It leaves in the middle of an unwinding, or perhaps. `deaf_to` is what its wait does not heed on that account: if it does
/// not unwind after all, it heeds that again as soon as this is known.
#[cold]
fn note_unwinding(hub: &Hub, task: &Task, deaf_to: Requests) {
    let unwinding = unwinding_of(hub, task);
    task.rare().deaf_to.set(if unwinding == Unwinding::Perhaps { deaf_to } else { Requests::NONE });
    if unwinding != Unwinding::No {
        hub.unwinding.note(task, unwinding == Unwinding::Yes);
    }
}

/// What a wait of this manner heeds if it begins now. No unwinding begins inside another: that would end the process.
#[inline(always)]
fn heeds_now(hub: &Hub, task: &Task, manner: Manner) -> Result<Requests, Interruption> {
    if std::thread::panicking() { heeds_while_unwinding(hub, task, manner) } else { Ok(manner.heeds()) }
}

#[cold]
fn heeds_while_unwinding(hub: &Hub, task: &Task, manner: Manner) -> Result<Requests, Interruption> {
    let must = matches!(manner, Manner::Lock | Manner::Guardian | Manner::Deaf);
    let heeds = manner.heeds();
    match unwinding_of(hub, task) {
        Unwinding::No => Ok(heeds),
        _ if manner == Manner::Guardian => Ok(heeds),
        Unwinding::Yes if must => Ok(Requests::NONE),
        Unwinding::Yes => Err(Interruption::Refused),
        Unwinding::Perhaps if manner == Manner::Foreign => Ok(heeds),
        Unwinding::Perhaps if manner == Manner::Fallible => Ok(heeds.without(Requests::KILL)),
        Unwinding::Perhaps => Ok(heeds.without(Requests::KILL.and(Requests::EXPIRY))),
    }
}

#[inline(always)]
fn admitted_at_once(task: &Task) -> bool {
    task.requests.get() == Requests::NONE && !std::thread::panicking() && !chain::switching_forbidden()
}

/// May this wait begin, and what does it heed?
#[inline(always)]
fn admit(hub: &Hub, task: &Task, manner: Manner) -> Result<Requests, Interruption> {
    if admitted_at_once(task) { Ok(manner.heeds()) } else { admit_slowly(hub, task, manner) }
}

#[cold]
fn admit_slowly(hub: &Hub, task: &Task, manner: Manner) -> Result<Requests, Interruption> {
    let heeds = heeds_now(hub, task, manner)?;
    forked::check();
    if chain::switching_forbidden() {
        panic!("a wait where nothing may switch: inside on_hub_stack, a waker or a hook of the hub");
    }
    if is_to_end(task, manner, heeds) {
        // First the others get a turn: else a loop that retries, or that catches its own unwinding, would own the OS thread.
        give_way(hub, task);
        if let Some(interruption) = pending(task, manner, heeds) {
            return Err(interruption);
        }
    }
    Ok(heeds)
}

/// Could whoever calls give the OS thread away just now? Not without a hub, not while it unwinds, not where nothing may switch.
pub(crate) fn may_wait() -> bool {
    !chain::switching_forbidden()
        && hub::try_current().is_some_and(|hub| heeds_now(hub, hub.running(), Manner::Infallible).is_ok())
}

/// Would [`pending`] end this wait? Only then may the others get a turn first: what they tell a caller that goes on to wait
/// would be lost.
fn is_to_end(task: &Task, manner: Manner, heeds: Requests) -> bool {
    let heeded = task.requests.get().among(heeds);
    manner != Manner::Guardian
        && (heeded.meets(Requests::KILL.and(Requests::CANCEL))
            || (heeded.meets(Requests::EXPIRY) && task.rare().scopes.borrow().any_to_deliver(chain::stands)))
}

/// For a guardian: is it asked to end, and by what? An expiry counts as delivered from now on.
pub(crate) fn asked_to_end() -> Option<Unwind> {
    let task = hub::current().running();
    let heeded = task.requests.get().among(Manner::Guardian.heeds());
    if heeded.meets(Requests::KILL) {
        return Some(Unwind::Kill { thread: task.id });
    }
    deliver_expiry(task, heeded).map(|scope| Unwind::Expiry { thread: task.id, scope })
}

/// The scope whose expiry ends the caller's wait, if there is one: it counts as delivered from now on.
fn deliver_expiry(task: &Task, heeded: Requests) -> Option<u64> {
    if !heeded.meets(Requests::EXPIRY) {
        return None;
    }
    task.rare().scopes.borrow_mut().deliver(chain::stands)
}

/// Meets the requests that the wait heeds: unwinds, or says what the wait ends in.
fn pending(task: &Task, manner: Manner, heeds: Requests) -> Option<Interruption> {
    let heeded = task.requests.get().among(heeds);
    match manner {
        Manner::Foreign if heeded.meets(Requests::KILL) => return Some(Interruption::Killed),
        Manner::Foreign => {}
        _ => meet_kill(task, heeds),
    }
    if let Some(scope) = deliver_expiry(task, heeded) {
        match manner {
            Manner::Fallible | Manner::Foreign => return Some(Interruption::Elapsed),
            _ => Unwind::Expiry { thread: task.id, scope }.raise(),
        }
    }
    heeded.meets(Requests::CANCEL).then_some(Interruption::Cancelled)
}

/// Unwinds if somebody has killed this green thread.
#[inline]
fn meet_kill(task: &Task, heeds: Requests) {
    if task.requests.get().among(heeds).meets(Requests::KILL) {
        Unwind::Kill { thread: task.id }.raise();
    }
}
