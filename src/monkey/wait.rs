//! The wait of a call for its descriptor, and what becomes of a call that is asked to end.
//!
//! Each hub has a source for each descriptor that somebody waited for under it, registered with its poller once and for as long as
//! the number means the same: a call that waits costs the system calls that one of `net` costs.
//!
//! # Requests
//!
//! Nothing unwinds here, for the caller may be C. A kill, a cancel and an expired time-out come back as an errno, and so in each
//! later call that would wait, after the others had a turn; the green thread unwinds at its next wait outside of such calls. If
//! it goes on calling instead, each refusal from the [`PATIENT`]th on takes a [`PAUSE`], so that it does not keep the processor busy.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use crate::hub::Hub;
use crate::hub::clock::Moment;
use crate::hub::task::WaitingFor;
use crate::monkey::gate;
use crate::monkey::raw::{self, Answer, Errno};
use crate::monkey::table::{self, Descriptor, Timeout};
use crate::park::source::lent::{self, Stop};
use crate::park::source::{Direction, Source};
use crate::park::{self, Interruption, Manner};

/// So many refusals in a row may be those of a caller that cleans up.
pub(crate) const PATIENT: u32 = 16;
const PAUSE: Duration = Duration::from_millis(1);

/// The sources of one hub, by number.
#[derive(Default)]
struct Sources(RefCell<Vec<Option<Known>>>);

/// A source, with the generation of the table that it is for.
type Known = (u32, Rc<Source>);

fn sources(hub: &Hub) -> &Sources {
    let boxed = hub.lent_descriptors.get_or_init(|| Box::new(Sources::default()) as Box<dyn Any>);
    boxed.downcast_ref().expect("nobody else puts anything there")
}

/// The source of a descriptor under this hub. None in the handler of a signal that came while somebody looked there.
pub(crate) fn source(hub: &Hub, descriptor: Descriptor) -> Option<Rc<Source>> {
    let index = usize::try_from(descriptor.number).ok()?;
    let mut all = sources(hub).0.try_borrow_mut().ok()?;
    if let Some(Some((generation, source))) = all.get(index)
        && *generation == descriptor.generation
    {
        return Some(source.clone());
    }
    if all.len() <= index {
        all.resize_with(index + 1, || None);
    }
    let source = Source::lent(descriptor.number);
    let old = all[index].replace((descriptor.generation, source.clone()));
    drop(all);
    if let Some((_, old)) = old {
        old.forsake();
    }
    Some(source)
}

/// The source of a number, if it has one here.
fn source_if_any(hub: &Hub, number: c_int) -> Option<Rc<Source>> {
    let all = hub.lent_descriptors.get()?.downcast_ref::<Sources>()?.0.try_borrow().ok()?;
    let (_, source) = all.get(usize::try_from(number).ok()?)?.as_ref()?;
    Some(source.clone())
}

/// The number is about to be closed, or to mean something else: who waits for it under this hub hears of it.
pub(crate) fn forsake(hub: &Hub, number: c_int) {
    let Some(source) = source_if_any(hub, number) else { return };
    if let Ok(mut all) = sources(hub).0.try_borrow_mut()
        && let Some(place) = usize::try_from(number).ok().and_then(|index| all.get_mut(index))
    {
        *place = None;
    }
    source.forsake();
}

/// Something was done to the descriptor after which calls on it may go on.
pub(crate) fn stir(hub: &Hub, number: c_int) {
    if let Some(source) = source_if_any(hub, number) {
        source.stir();
    }
}

/// How long a call may wait in all, found out before its first wait.
pub(crate) struct Patience {
    pub(crate) descriptor: Descriptor,
    direction: Direction,
    until: Cell<Option<Option<Moment>>>,
}

impl Patience {
    pub(crate) fn new(descriptor: Descriptor, direction: Direction) -> Patience {
        Patience { descriptor, direction, until: Cell::new(None) }
    }

    /// Until when it may wait; or that it may not.
    fn ask(&self, hub: &Hub) -> Result<Option<Moment>, Stop> {
        if let Some(until) = self.until.get() {
            return Ok(until);
        }
        if gate::in_handler(hub) {
            return Err(Stop::NotHere);
        }
        if !self.descriptor.is_blocking_still() {
            return Err(Stop::Errno(libc::EAGAIN));
        }
        let timeout = self.descriptor.timeout(match self.direction {
            Direction::Read => Timeout::Receive,
            Direction::Write => Timeout::Send,
        });
        let until = timeout.and_then(|timeout| hub.clock.after(timeout));
        self.until.set(Some(until));
        Ok(until)
    }
}

/// Makes the call once the descriptor lets it. `attempt` does not wait, and says `EAGAIN` if it would have to.
#[inline]
pub(crate) fn until_done(
    hub: &Hub,
    patience: &Patience,
    drained: impl Fn(usize) -> bool,
    mut attempt: impl FnMut(&Source) -> Answer,
) -> Result<usize, Stop> {
    let descriptor = patience.descriptor;
    loop {
        let source = source(hub, descriptor).ok_or(Stop::NotHere)?;
        let ended = source.transfer_lent(
            patience.direction,
            |hub| patience.ask(hub),
            |source| match table::is_still(descriptor) {
                true => attempt(source).map_err(|Errno(number)| Stop::Errno(number)),
                false => Err(Stop::Closed),
            },
            |&count| drained(count),
        );
        match ended {
            Err(Stop::Errno(libc::EINTR)) => {}
            // Nobody has closed it but behind our back: what has its number now gets a source of its own.
            Err(Stop::Replaced) if table::is_still(descriptor) => forsake(hub, descriptor.number),
            Err(Stop::Closed) if table::is_still(descriptor) => {}
            Ok(count) => {
                not_refused(hub);
                return Ok(count);
            }
            stopped => return stopped,
        }
    }
}

/// Short enough that nobody minds, long enough that nobody notices what it costs.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// As [`until_done`], where the kernel may never say that the call would succeed.
pub(crate) fn with_pauses(
    hub: &Hub,
    patience: &Patience,
    mut attempt: impl FnMut() -> Answer,
) -> Result<usize, Stop> {
    park::spend_as(hub, Manner::Foreign);
    let mut pause = Duration::ZERO;
    loop {
        match attempt() {
            Err(Errno(libc::EAGAIN)) => {}
            Err(Errno(number)) => return Err(Stop::Errno(number)),
            Ok(count) => {
                not_refused(hub);
                return Ok(count);
            }
        }
        let until = patience.ask(hub)?;
        if until.is_some_and(|until| until <= hub.clock.now()) {
            return Err(Stop::TimeIsOver);
        }
        let at = hub.clock.after(pause).into_iter().chain(until).min();
        let source = source(hub, patience.descriptor).ok_or(Stop::NotHere)?;
        if source.enlist(hub) {
            lent::wait_for_any(hub, &[(source, patience.direction)], at)?;
        } else {
            lent::wait_for_any(hub, &[], at)?;
        }
        if !table::is_still(patience.descriptor) {
            return Err(Stop::Closed);
        }
        pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    }
}

/// Waits until `ask`, which does not wait, finds something; at most until then. `wanted` says in which lanes.
pub(crate) fn for_any(
    hub: &Hub,
    until: Option<Moment>,
    wanted: impl Fn() -> Vec<(c_int, Direction)>,
    mut ask: impl FnMut() -> Answer,
) -> Result<usize, Stop> {
    park::spend_as(hub, Manner::Foreign);
    let mut pause = Duration::ZERO;
    let mut time_is_over = false;
    loop {
        match ask() {
            Ok(0) if time_is_over => return Err(Stop::TimeIsOver),
            Ok(0) => {}
            Err(Errno(number)) => return Err(Stop::Errno(number)),
            Ok(found) => {
                not_refused(hub);
                return Ok(found);
            }
        }
        if gate::in_handler(hub) {
            return Err(Stop::NotHere);
        }
        let wanted = wanted();
        let mut sources = Vec::with_capacity(wanted.len());
        for &(number, direction) in &wanted {
            let source = table::find(number).and_then(|descriptor| source(hub, descriptor));
            if let Some(source) = source.filter(|source| source.enlist(hub)) {
                sources.push((source, direction));
            }
        }
        // What the poller does not take, or has by another registration, is asked for now and then.
        let mut at = until;
        if sources.len() < wanted.len() {
            at = hub.clock.after(pause).into_iter().chain(until).min();
            pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        }
        match lent::wait_for_any(hub, &sources, at) {
            Ok(true) => {}
            Ok(false) => time_is_over = until.is_some_and(|until| until <= hub.clock.now()),
            Err(Stop::Replaced) => {
                for (source, _) in sources.iter().filter(|(source, _)| source.is_replaced(hub)) {
                    forsake(hub, source.as_raw_fd());
                }
            }
            Err(stop) => return Err(stop),
        }
    }
}

/// Would a call in this direction return at once?
pub(crate) fn is_ready(number: c_int, direction: Direction) -> bool {
    let asked = match direction {
        Direction::Read => libc::POLLIN,
        Direction::Write => libc::POLLOUT,
    };
    raw::events(number, asked) != 0
}

/// What a call comes to that was stopped. `pass` makes it as it is.
#[cold]
pub(crate) fn stopped(hub: &Hub, stop: Stop, pass: impl FnOnce() -> Answer) -> Answer {
    match stop {
        Stop::Errno(number) => Err(Errno(number)),
        Stop::TimeIsOver => Err(Errno(libc::EAGAIN)),
        Stop::Closed | Stop::Replaced => Err(Errno(libc::EBADF)),
        Stop::Interrupted(interruption) => Err(refused(hub, interruption)),
        Stop::NotHere => pass(),
    }
}

/// The errno of a call that a request has ended.
#[cold]
pub(crate) fn refused(hub: &Hub, interruption: Interruption) -> Errno {
    let refusals = &hub.running().rare().calls_refused;
    refusals.set(refusals.get().saturating_add(1));
    if refusals.get() > PATIENT && interruption != Interruption::Refused {
        let _ = park::park(Manner::Deaf, WaitingFor::Sleep, hub.clock.after(PAUSE));
    }
    match interruption {
        Interruption::Elapsed => Errno(libc::ETIMEDOUT),
        Interruption::Cancelled | Interruption::Killed | Interruption::Refused => Errno(libc::ECANCELED),
    }
}

/// A call was not refused: those that were before are no row any more.
#[inline(always)]
pub(crate) fn not_refused(hub: &Hub) {
    if let Some(rare) = hub.running().rare_if_any() {
        rare.calls_refused.set(0);
    }
}

/// Runs the slow path of a call: it leaves `errno` alone, whoever ran meanwhile, until its error is [put there](raw::to_c).
#[inline]
pub(crate) fn keeping_errno(call: impl FnOnce() -> Answer) -> Answer {
    let before = raw::errno();
    let answer = call();
    raw::set_errno(before);
    answer
}
