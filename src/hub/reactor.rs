//! Which descriptors are ready: the table of registered sources, and the one look at the kernel a turn.
//!
//! A source is registered once, for both directions, edge-triggered: the kernel reports a change, so what is known of a
//! direction is kept in its [`Lane`] until an attempt finds it wrong. A token is a slot and a generation; an event whose
//! generation is stale belongs to a descriptor that is gone, and is dropped (S16).

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use crate::hub::clock::Moment;
use crate::hub::forked;
use crate::hub::waiters::WaitList;
use crate::sys;

const WAKER: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
const MILLISECOND: Moment = 1_000_000;

/// What is known of one direction of a descriptor, and who waits for it.
#[derive(Debug)]
pub(crate) struct Lane {
    /// An attempt may succeed. False only after one that would have blocked, until the next event.
    pub(crate) ready: Cell<bool>,
    /// The other side has hung up, an error is pending, or there is urgent data, at which reads stop short: from now on
    /// a short transfer does not mean that the next would block.
    pub(crate) doubtful: Cell<bool>,
    /// Somebody was woken for this direction and has not run yet: who comes now queues up behind.
    pub(crate) promised: Cell<bool>,
    pub(crate) waiters: WaitList,
}

/// Both directions of a descriptor: shared by its owner and the table.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    pub(crate) read: Lane,
    pub(crate) write: Lane,
}

/// A source in the table of one hub.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Registration {
    /// The number of the hub.
    pub(crate) hub: u64,
    token: Token,
}

struct Slot {
    generation: u32,
    lanes: Rc<Lanes>,
}

pub(crate) struct Reactor {
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    sources: RefCell<Slab<Slot>>,
    generation: Cell<u32>,
    /// A timer descriptor for waits that the poll, which counts milliseconds, cannot do. Made when first needed.
    alarm: RefCell<Option<OwnedFd>>,
}

impl Default for Lane {
    fn default() -> Lane {
        Lane {
            ready: Cell::new(true),
            doubtful: Cell::new(false),
            promised: Cell::new(false),
            waiters: WaitList::new(),
        }
    }
}

impl Lane {
    fn event(&self, doubtful: bool) {
        self.ready.set(true);
        self.doubtful.set(self.doubtful.get() || doubtful);
    }
}

impl Reactor {
    pub(crate) fn new(event_capacity: usize) -> io::Result<(Reactor, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let reactor = Reactor {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(event_capacity)),
            sources: RefCell::default(),
            generation: Cell::new(0),
            alarm: RefCell::new(None),
        };
        Ok((reactor, waker))
    }

    /// How many descriptors it knows.
    pub(crate) fn count(&self) -> usize {
        self.sources.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sources.borrow().is_empty()
    }

    pub(crate) fn register(
        &self,
        hub: u64,
        fd: BorrowedFd<'_>,
        lanes: Rc<Lanes>,
    ) -> io::Result<Registration> {
        let generation = self.generation.get().wrapping_add(1) & 0x7FFF_FFFF;
        self.generation.set(generation);
        let mut sources = self.sources.borrow_mut();
        let slot = sources.insert(Slot { generation, lanes });
        let token = Token(slot | (generation as usize) << 32);
        match self.poll.borrow().registry().register(&mut SourceFd(&fd.as_raw_fd()), token, both_directions())
        {
            Ok(()) => Ok(Registration { hub, token }),
            Err(error) => {
                sources.remove(slot);
                Err(error)
            }
        }
    }

    /// Has the kernel look anew at a source that it knows, and report what is ready now. False if it does not know it: its
    /// number was closed, and may be another file's by now.
    #[cfg_attr(
        not(feature = "monkey"),
        allow(dead_code, reason = "only `monkey` has descriptors that others close")
    )]
    pub(crate) fn confirm(&self, registration: Registration, fd: BorrowedFd<'_>) -> io::Result<bool> {
        let registered = self.poll.borrow().registry().reregister(
            &mut SourceFd(&fd.as_raw_fd()),
            registration.token,
            both_directions(),
        );
        match registered {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EBADF)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets a source. It comes before the close of its descriptor on every path: a duplicate of the descriptor
    /// would keep the kernel's entry alive, with nobody left who could name it (M17, S17).
    pub(crate) fn deregister(&self, registration: Registration, fd: BorrowedFd<'_>) -> io::Result<()> {
        let mut sources = self.sources.borrow_mut();
        let slot = registration.token.0 & 0xFFFF_FFFF;
        if sources.get(slot).is_some_and(|known| token_of(slot, known) == registration.token) {
            sources.remove(slot);
        }
        // The poller is the parent's, too.
        if forked::happened() {
            return Ok(());
        }
        self.poll.borrow().registry().deregister(&mut SourceFd(&fd.as_raw_fd()))
    }

    /// Looks at the kernel, waiting at most `wait` nanoseconds (None: until something happens), and hands each lane that
    /// an event concerns to `awaken`. False if it waited that long, and nothing came.
    pub(crate) fn look(&self, wait: Option<Moment>, mut awaken: impl FnMut(&Lane)) -> io::Result<bool> {
        let timeout = self.timeout(wait);
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        }
        for event in events.iter() {
            self.note(event, &mut awaken);
        }
        Ok(!events.is_empty())
    }

    fn note(&self, event: &Event, awaken: &mut impl FnMut(&Lane)) {
        let token = event.token();
        // Both only end the wait. Edge-triggered, they need not be read: each wake and each setting is a new edge.
        if token == WAKER || token == ALARM {
            return;
        }
        let slot = token.0 & 0xFFFF_FFFF;
        let lanes = match self.sources.borrow().get(slot) {
            Some(known) if token_of(slot, known) == token => known.lanes.clone(),
            _ => return,
        };
        let failed = event.is_error();
        let read_ends = event.is_read_closed() || event.is_priority() || failed;
        if event.is_readable() || read_ends {
            lanes.read.event(read_ends);
            awaken(&lanes.read);
        }
        let write_ends = event.is_write_closed() || failed;
        if event.is_writable() || write_ends {
            lanes.write.event(write_ends);
            awaken(&lanes.write);
        }
    }

    /// The wait as mio takes it: whole milliseconds. What is left of it is the next wait, and one that is shorter is left to
    /// the alarm.
    fn timeout(&self, wait: Option<Moment>) -> Option<Duration> {
        let wait = wait?;
        if wait > MILLISECOND {
            return Some(Duration::from_millis(wait / MILLISECOND));
        }
        // Without an alarm (no descriptor left for it, another system) the sleep is as long as mio makes it.
        let alarmed = wait > 0 && self.set_alarm(wait).is_ok();
        Some(if alarmed { Duration::from_millis(2) } else { Duration::from_nanos(wait) })
    }

    fn set_alarm(&self, wait: Moment) -> io::Result<()> {
        let mut alarm = self.alarm.borrow_mut();
        if alarm.is_none() {
            let made = sys::new_alarm()?;
            self.poll.borrow().registry().register(
                &mut SourceFd(&made.as_raw_fd()),
                ALARM,
                Interest::READABLE,
            )?;
            *alarm = Some(made);
        }
        sys::set_alarm(alarm.as_ref().expect("made above").as_fd(), wait)
    }

    /// Does anybody wait for a descriptor?
    pub(crate) fn has_waiters(&self) -> bool {
        let sources = self.sources.borrow();
        sources
            .iter()
            .any(|(_, slot)| !slot.lanes.read.waiters.is_empty() || !slot.lanes.write.waiters.is_empty())
    }

    /// All lanes, for the hub's end.
    pub(crate) fn lanes(&self) -> Vec<Rc<Lanes>> {
        self.sources.borrow().iter().map(|(_, slot)| slot.lanes.clone()).collect()
    }
}

impl AsFd for Reactor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the poller's descriptor is open as long as the reactor is there.
        unsafe { BorrowedFd::borrow_raw(self.poll.borrow().as_raw_fd()) }
    }
}

fn both_directions() -> Interest {
    let both = Interest::READABLE | Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let both = both | Interest::PRIORITY;
    both
}

fn token_of(slot: usize, known: &Slot) -> Token {
    Token(slot | (known.generation as usize) << 32)
}
