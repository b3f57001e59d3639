//! A descriptor that is its user's own, who may close it at any moment: a source that never closes it, and the loop of
//! calls that end in an errno.
//!
//! The number may come to mean another file behind our back. The kernel has then forgotten the registration, and nothing
//! would ever wake who waits. So who has waited a while under a registration from before has the kernel confirm it, once.

use std::ffi::c_int;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use super::{Direction, Queued, Source};
use crate::hub::clock::Moment;
use crate::hub::reactor::Lane;
use crate::hub::task::{WaitingFor, Woken};
use crate::hub::waiters::{Node, Waiter};
use crate::hub::{self, Hub};
use crate::park::{self, Interruption, Manner};

/// After so long a wait under an old registration the kernel is asked for it.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// The end of an attempt, or of a call, without success.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// As the kernel says; `EAGAIN` of an attempt means that the call has to wait.
    Errno(c_int),
    /// The call's own time is over.
    TimeIsOver,
    Interrupted(Interruption),
    /// Its user has closed it.
    Closed,
    /// The number means another file than it did.
    Replaced,
    /// It cannot be waited for here: the call is to be made as it is.
    NotHere,
}

impl Source {
    /// A source of a descriptor that stays its user's.
    pub(crate) fn lent(fd: RawFd) -> Rc<Source> {
        // SAFETY: the number is not a negative one (caller), and nothing here closes it: `Drop` forgets it.
        Source::of(unsafe { OwnedFd::from_raw_fd(fd) }, true)
    }

    /// Its user closes it now: who waits hears of it. It comes before the close.
    pub(crate) fn forsake(&self) {
        if self.closed.replace(true) {
            return;
        }
        // A failure says that the kernel has forgotten it already.
        let _ = self.deregister();
        if let Some(hub) = hub::try_current() {
            for lane in [&self.lanes.read, &self.lanes.write] {
                lane.promised.set(false);
                hub.tell_all(&lane.waiters);
            }
        }
    }

    /// Something was done to it after which any call may succeed.
    pub(crate) fn stir(&self) {
        if let Some(hub) = hub::try_current() {
            for lane in [&self.lanes.read, &self.lanes.write] {
                lane.ready.set(true);
                lane.doubtful.set(true);
                hub.awaken(lane);
            }
        }
    }

    /// Has something been heard of it that ends it: an error, a hang-up?
    pub(crate) fn is_doubtful(&self, direction: Direction) -> bool {
        self.lane(direction).doubtful.get()
    }

    /// Does `attempt` once the descriptor lets it. `patience`, called before the first wait, says how long the call may
    /// wait, or that it may not. `drained` is as in [`transfer`](Self::transfer).
    #[inline]
    pub(crate) fn transfer_lent<T>(
        &self,
        direction: Direction,
        patience: impl FnOnce(&Hub) -> Result<Option<Moment>, Stop>,
        mut attempt: impl FnMut(&Source) -> Result<T, Stop>,
        drained: impl FnOnce(&T) -> bool,
    ) -> Result<T, Stop> {
        let lane = self.lane(direction);
        park::spend_as(hub::current(), Manner::Foreign);
        let mut turn = None;
        let mut patience = Some(patience);
        let mut until = None;
        let mut second_look = None;
        loop {
            if self.closed.get() {
                return Err(Stop::Closed);
            }
            let may_try = turn.is_some() || (lane.waiters.is_empty() && !lane.promised.get());
            if may_try && (lane.ready.get() || self.registration.get().is_none()) {
                match attempt(self) {
                    Err(Stop::Errno(libc::EAGAIN)) => lane.ready.set(false),
                    Ok(value) => {
                        if !lane.doubtful.get() && self.registration.get().is_some() && drained(&value) {
                            lane.ready.set(false);
                        }
                        return Ok(value);
                    }
                    Err(stop) => return Err(stop),
                }
            }
            let hub = hub::current();
            if let Some(patience) = patience.take() {
                until = patience(hub)?;
                second_look = self.is_known_to(hub).then(|| hub.clock.after(SECOND_LOOK)).flatten();
            }
            let at = until.into_iter().chain(second_look).min();
            self.register(hub).map_err(cannot_register)?;
            match Source::queue_up(hub, lane, Manner::Foreign, direction.awaited(), at, turn.take()) {
                Err(interruption) => return Err(Stop::Interrupted(interruption)),
                Ok(Some(woken)) => turn = Some(woken),
                Ok(None) if second_look.is_some() && second_look == at && at != until => {
                    second_look = None;
                    self.confirm(hub)?;
                    lane.ready.set(true);
                }
                Ok(None) => return Err(Stop::TimeIsOver),
            }
        }
    }

    /// Is it registered with this hub?
    fn is_known_to(&self, hub: &Hub) -> bool {
        self.registration.get().is_some_and(|known| known.hub == hub.number)
    }

    /// Registers with this hub, unless it is; false if the poller does not take it.
    pub(crate) fn enlist(&self, hub: &Hub) -> bool {
        !self.closed.get() && self.register(hub).is_ok()
    }

    /// Has its number come to mean another file?
    pub(crate) fn is_replaced(&self, hub: &Hub) -> bool {
        self.confirm(hub) == Err(Stop::Replaced)
    }

    /// Asks the kernel whether it knows the descriptor by our registration.
    fn confirm(&self, hub: &Hub) -> Result<(), Stop> {
        match self.registration.get().filter(|known| known.hub == hub.number) {
            None => Ok(()),
            Some(known) => match hub.reactor.confirm(known, self.fd()) {
                Ok(true) => Ok(()),
                Ok(false) => Err(Stop::Replaced),
                Err(error) => Err(cannot_register(error)),
            },
        }
    }
}

/// The poller takes no files on disk, which never make anybody wait (man 2 epoll_ctl, EPERM), nor itself.
fn cannot_register(error: std::io::Error) -> Stop {
    match error.raw_os_error() {
        Some(libc::EBADF) => Stop::Errno(libc::EBADF),
        _ => Stop::NotHere,
    }
}

/// Waits until something happens to one of several sources, all of which are [enlisted](Source::enlist), or until
/// `deadline`; false if that came first.
pub(crate) fn wait_for_any(
    hub: &Hub,
    sources: &[(Rc<Source>, Direction)],
    deadline: Option<Moment>,
) -> Result<bool, Stop> {
    let nodes: Vec<Node> = sources.iter().map(|_| Node::new(Waiter::Thread(hub.current.get()))).collect();
    let mut queued: Vec<Queued<'_>> = Vec::with_capacity(sources.len());
    for ((source, direction), node) in sources.iter().zip(&nodes) {
        let lane: &Lane = source.lane(*direction);
        // SAFETY: the nodes outlive the guards, which leave on every way out, and the sources keep the lanes (S15).
        unsafe { lane.waiters.join(node) };
        queued.push(Queued { lane, node: Some(node) });
    }
    let second_look = if sources.is_empty() { None } else { hub.clock.after(SECOND_LOOK) };
    let mut at = deadline.into_iter().chain(second_look).min();
    let what = sources.first().map_or(WaitingFor::Sleep, |(_, direction)| direction.awaited());
    loop {
        match park::park_in(hub, Manner::Foreign, what, at) {
            Err(interruption) => return Err(Stop::Interrupted(interruption)),
            Ok(Woken::Deadline) if second_look.is_some() && second_look == at && at != deadline => {
                for (source, _) in sources {
                    source.confirm(hub)?;
                }
                at = deadline;
            }
            Ok(woken) => return Ok(woken != Woken::Deadline),
        }
    }
}
