//! A descriptor on which green threads wait: one registration with the hub for its whole life, shared by all handles of a
//! socket, and the one loop that tries, parks and tries again.
//!
//! Several may wait in one direction; they are served in turn. The kernel reports a change once, so whoever is woken has
//! the lane's *promise*: newcomers queue up behind, and when the holder has had its attempt, or was interrupted before
//! it, it passes the promise on if the lane may still be ready.

#[cfg(feature = "monkey")]
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) mod lent;

use std::cell::{Cell, OnceCell};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use crate::hub::reactor::{Lane, Lanes, Registration};
use crate::hub::task::{WaitingFor, Woken};
use crate::hub::waiters::{Node, Waiter};
use crate::hub::{self, Hub};
use crate::park::{self, Interruption, Manner, readiness};
use crate::sys;

/// Short enough that nobody minds, long enough that nobody notices what it costs.
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// One of the two ways in which bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// What reports call a wait for it.
    fn awaited(self) -> WaitingFor {
        match self {
            Direction::Read => WaitingFor::Readable,
            Direction::Write => WaitingFor::Writable,
        }
    }
}

/// The descriptor, and what the hub knows of it.
///
/// It is registered when somebody first has to wait for it, with the hub of that moment: a listener made before `run`
/// serves under it.
#[derive(Debug)]
pub(crate) struct Source {
    /// Empty once [`into_fd`](Self::into_fd) has taken it.
    fd: OnceCell<OwnedFd>,
    lanes: Rc<Lanes>,
    registration: Cell<Option<Registration>>,
    /// The user wants errors instead of waits.
    nonblocking: Cell<bool>,
    closed: Cell<bool>,
    /// The descriptor is its user's own: never closed here.
    lent: bool,
}

impl Source {
    /// Takes a descriptor and makes it non-blocking.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Rc<Source>> {
        sys::set_nonblocking(fd.as_fd(), true)?;
        Ok(Source::as_it_is(fd))
    }

    /// Takes a descriptor in whichever mode it is.
    pub(crate) fn as_it_is(fd: OwnedFd) -> Rc<Source> {
        Source::of(fd, false)
    }

    fn of(fd: OwnedFd, lent: bool) -> Rc<Source> {
        Rc::new(Source {
            fd: OnceCell::from(fd),
            lanes: Rc::default(),
            registration: Cell::new(None),
            nonblocking: Cell::new(false),
            closed: Cell::new(false),
            lent,
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.get().expect("taken only with the last handle").as_fd()
    }

    pub(crate) fn set_nonblocking(&self, on: bool) {
        self.nonblocking.set(on);
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.nonblocking.get()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Does `op` once the descriptor lets it: tries, parks on `WouldBlock`, tries again after every wake.
    ///
    /// `timeout` ends in `WouldBlock`, as std's socket timeouts do. `drained` says of a success that the next attempt
    /// would certainly block (a short read from a stream), so that nobody makes it.
    #[inline]
    pub(crate) fn transfer<T>(
        &self,
        direction: Direction,
        timeout: Option<Duration>,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
        drained: impl FnOnce(&T) -> bool,
    ) -> io::Result<T> {
        self.transfer_as(direction, Manner::Fallible, direction.awaited(), timeout, op, drained)
    }

    /// As [`transfer`](Self::transfer), for descriptors that stand for something else: what reports call the wait, and how
    /// it takes requests.
    #[inline]
    pub(crate) fn transfer_as<T>(
        &self,
        direction: Direction,
        manner: Manner,
        what: WaitingFor,
        timeout: Option<Duration>,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
        drained: impl FnOnce(&T) -> bool,
    ) -> io::Result<T> {
        let lane = self.lane(direction);
        if !self.nonblocking.get() {
            park::spend_as(hub::current(), manner);
        }
        let mut turn = None;
        let mut deadline = None;
        loop {
            if self.closed.get() {
                return Err(closed());
            }
            let may_try = turn.is_some() || (lane.waiters.is_empty() && !lane.promised.get());
            if may_try && (lane.ready.get() || self.registration.get().is_none() || self.nonblocking.get()) {
                match attempt(self.fd(), &mut op) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => lane.ready.set(false),
                    Ok(value) => {
                        if !lane.doubtful.get() && self.registration.get().is_some() && drained(&value) {
                            lane.ready.set(false);
                        }
                        return Ok(value);
                    }
                    Err(error) => return Err(error),
                }
            }
            if self.nonblocking.get() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let at = *deadline.get_or_insert_with(|| timeout.and_then(limit_from_now));
            turn = Some(self.wait(lane, manner, what, at, turn)?);
        }
    }

    /// Does `op` where the kernel may never say that it would succeed: tries again at every event and, when there is
    /// none, after a pause that grows from one turn to [`LONGEST_PAUSE`].
    pub(crate) fn insist<T>(
        &self,
        direction: Direction,
        timeout: Option<Duration>,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let hub = hub::current();
        park::spend(hub);
        let deadline = timeout.and_then(|timeout| hub.clock.limit(timeout));
        let mut pause = Duration::ZERO;
        loop {
            if self.closed.get() {
                return Err(closed());
            }
            match attempt(self.fd(), &mut op) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                ended => return ended,
            }
            if self.nonblocking.get() || deadline.is_some_and(|deadline| deadline <= hub.clock.now()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let at = hub.clock.after(pause).into_iter().chain(deadline).min();
            match self.wait(self.lane(direction), Manner::Fallible, direction.awaited(), at, None) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                woken => drop(woken?),
            }
            pause = (pause * 2).clamp(Duration::from_millis(1), LONGEST_PAUSE);
        }
    }

    /// Parks until it is this caller's turn to try. Who had the turn and found nothing waits at the head.
    fn wait<'a>(
        &'a self,
        lane: &'a Lane,
        manner: Manner,
        what: WaitingFor,
        deadline: Option<u64>,
        had_turn: Option<Turn<'a>>,
    ) -> io::Result<Turn<'a>> {
        let hub = hub::current();
        self.register(hub)?;
        match Source::queue_up(hub, lane, manner, what, deadline, had_turn)? {
            Some(turn) => Ok(turn),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// The wait itself; none if the deadline came first.
    #[inline(always)]
    fn queue_up<'a>(
        hub: &Hub,
        lane: &'a Lane,
        manner: Manner,
        what: WaitingFor,
        deadline: Option<u64>,
        had_turn: Option<Turn<'a>>,
    ) -> Result<Option<Turn<'a>>, Interruption> {
        let node = Node::new(Waiter::Thread(hub.current.get()));
        match had_turn {
            Some(turn) => {
                // SAFETY: the node outlives the guard, and the source keeps the lane; the guard leaves on every way out (S15).
                unsafe { lane.waiters.rejoin(&node) };
                turn.give_back();
            }
            // SAFETY: as above.
            None => unsafe { lane.waiters.join(&node) },
        }
        let mut queued = Queued { lane, node: Some(&node) };
        match park::park(manner, what, deadline)? {
            Woken::Deadline => Ok(None),
            Woken::Condition | Woken::Request => {
                queued.leave();
                Ok(Some(Turn { lane }))
            }
        }
    }

    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Read => &self.lanes.read,
            Direction::Write => &self.lanes.write,
        }
    }

    /// Registers with this OS thread's hub, unless it knows the descriptor.
    #[inline(always)]
    fn register(&self, hub: &Hub) -> io::Result<()> {
        match self.registration.get() {
            Some(known) if known.hub == hub.number => Ok(()),
            _ => self.register_anew(hub),
        }
    }

    #[cold]
    fn register_anew(&self, hub: &Hub) -> io::Result<()> {
        for lane in [&self.lanes.read, &self.lanes.write] {
            lane.waiters.abandon();
            lane.promised.set(false);
            lane.doubtful.set(false);
        }
        let known = hub.reactor.register(hub.number, self.fd(), self.lanes.clone())?;
        self.registration.set(Some(known));
        hub.remote.counters.descriptors.set(hub.reactor.count() as u64);
        Ok(())
    }

    /// It comes before each close of the descriptor (S17).
    fn deregister(&self) -> io::Result<()> {
        match (self.registration.take(), hub::try_current()) {
            (Some(known), Some(hub)) if known.hub == hub.number => {
                let forgotten = hub.reactor.deregister(known, self.fd());
                hub.remote.counters.descriptors.set(hub.reactor.count() as u64);
                forgotten
            }
            // Its hub has ended, and the poller with it.
            _ => Ok(()),
        }
    }

    /// Ends the connection, or frees the port, at once, and the waits of all who share the descriptor. The number stays
    /// taken, by a dead socket, until the last handle is gone: a borrowed descriptor never comes to mean another file.
    pub(crate) fn close(&self) -> io::Result<()> {
        if self.closed.replace(true) {
            return Ok(());
        }
        let deregistered = self.deregister();
        let ended = sys::replace_by_dead_socket(self.fd());
        readiness::closed(self.fd());
        if let Some(hub) = hub::try_current() {
            for lane in [&self.lanes.read, &self.lanes.write] {
                lane.promised.set(false);
                hub.tell_all(&lane.waiters);
            }
        }
        deregistered.and(ended)
    }

    /// The descriptor itself, blocking again; a duplicate if other handles share it.
    pub(crate) fn into_fd(this: Rc<Source>) -> io::Result<OwnedFd> {
        let fd = match Rc::try_unwrap(this) {
            Ok(mut last) => {
                last.deregister()?;
                last.fd.take().expect("taken only here")
            }
            Err(shared) => shared.fd().try_clone_to_owned()?,
        };
        sys::set_nonblocking(fd.as_fd(), false)?;
        Ok(fd)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if self.fd.get().is_some() {
            // A failure says that the kernel has forgotten it already.
            let _ = self.deregister();
        }
        if self.lent {
            mem::forget(self.fd.take());
        }
    }
}

/// The promise of one attempt; passed on when the attempt was made.
struct Turn<'a> {
    lane: &'a Lane,
}

impl Turn<'_> {
    /// Gives it up without calling the next: there was nothing to be had.
    fn give_back(self) {
        self.lane.promised.set(false);
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.lane.promised.set(false);
        pass_on(self.lane);
    }
}

/// The place in the lane's list; left on every way out (S15).
struct Queued<'a> {
    lane: &'a Lane,
    node: Option<&'a Node>,
}

impl Queued<'_> {
    /// True if it had been told: the promise is its own.
    fn leave(&mut self) -> bool {
        self.node.take().is_some_and(|node| self.lane.waiters.leave(node))
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if self.leave() {
            self.lane.promised.set(false);
            pass_on(self.lane);
        }
    }
}

fn pass_on(lane: &Lane) {
    if lane.ready.get() && !lane.waiters.is_empty() {
        hub::current().awaken(lane);
    }
}

fn attempt<T>(fd: BorrowedFd<'_>, op: &mut impl FnMut(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
    loop {
        match op(fd) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// When a wait that begins now reaches its limit. Never in line: the compiler would reckon ahead of the first attempt, for
/// those who do not wait too, and with what is no limit at all (where memcheck sees a jump by what was never written).
#[inline(never)]
fn limit_from_now(limit: Duration) -> Option<u64> {
    hub::current().clock.limit(limit)
}

#[cold]
fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket was closed by another of its handles")
}

impl AsRawFd for Source {
    fn as_raw_fd(&self) -> RawFd {
        self.fd().as_raw_fd()
    }
}
