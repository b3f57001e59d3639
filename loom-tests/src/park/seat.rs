//! The seat of a loom thread: an OS thread without a hub, or the only green thread of a hub.
//!
//! It stands in for `src/park/seat.rs`. No clock runs: a wait with a limit looks once and is over. A kill comes from another
//! thread of the model, at any time, and strikes when its victim waits next: also if that was told before.

use std::cell::Cell;
use std::panic;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Word;
use std::time::{Duration, Instant};

use loom::sync::atomic::{AtomicBool, Ordering};

use crate::inbox::Signal;
use crate::mailbox::Mailbox;
use crate::models::sleeper::Sleeper;
use crate::park::parker::Parker;

/// Where a loom thread waits.
struct Place {
    /// Who it is, as `me` has it.
    word: u64,
    rest: Rest,
    killed: AtomicBool,
    /// It counts as one who has waited for long.
    impatient: AtomicBool,
}

enum Rest {
    OsThread(Parker),
    Green(Hub),
}

/// A hub as its neighbours on other OS threads see it. A letter is the word of the one it is for.
struct Hub {
    sleeper: loom::sync::Arc<Sleeper>,
    mail: Mailbox<u64>,
    mail_has_come: loom::sync::Arc<Signal>,
    request_has_come: loom::sync::Arc<Signal>,
}

const MAIL: u64 = 1;
const REQUEST: u64 = 2;

/// Words are never used twice, in no model: nothing depends on what they are.
static LAST_WORD: Word = Word::new(0);

impl Place {
    fn new(rest: Rest) -> Arc<Place> {
        let word = (LAST_WORD.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1) << 8;
        let (killed, impatient) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Place { word, rest, killed, impatient })
    }

    /// That of whoever calls: an OS thread without a hub, if it has taken no other.
    fn here() -> Arc<Place> {
        PLACE.with(|place| {
            let here = place.take().unwrap_or_else(|| Place::new(Rest::OsThread(Parker::new())));
            place.set(Some(here.clone()));
            here
        })
    }
}

loom::thread_local! {
    static PLACE: Cell<Option<Arc<Place>>> = Cell::new(None);
}

/// Makes the caller a green thread, before it waits for the first time.
pub(crate) fn become_green() {
    let hub = Hub {
        sleeper: Sleeper::new(),
        mail: Mailbox::new(),
        mail_has_come: Signal::new(MAIL),
        request_has_come: Signal::new(REQUEST),
    };
    PLACE.with(|place| place.set(Some(Place::new(Rest::Green(hub)))));
}

/// Locks count the caller as one who has waited for long: they hand themselves over at once.
pub(crate) fn become_impatient() {
    Place::here().impatient.store(true, Ordering::Relaxed);
}

/// No letter is there for the caller, whose frames may be gone when the next is read.
pub(crate) fn has_no_mail() -> bool {
    match &Place::here().rest {
        Rest::OsThread(_) => true,
        Rest::Green(hub) => hub.mail.take_all(Vec::new()).is_empty(),
    }
}

/// One whose wait may be ended by others.
#[derive(Clone)]
pub(crate) struct Victim(Arc<Place>);

impl Victim {
    /// Whoever calls.
    pub(crate) fn here() -> Victim {
        Victim(Place::here())
    }

    /// An OS thread that is still to come, and [takes its place](Self::take_place).
    pub(crate) fn to_be() -> Victim {
        Victim(Place::new(Rest::OsThread(Parker::new())))
    }

    pub(crate) fn take_place(&self) {
        PLACE.with(|place| place.set(Some(self.0.clone())));
    }

    /// A fallible wait of it fails, as after a cancel; any other unwinds.
    pub(crate) fn kill(&self) {
        // Both sides exchange: of a store and an exchange loom does not know which came last.
        self.0.killed.swap(true, Ordering::Relaxed);
        match &self.0.rest {
            Rest::OsThread(parker) => parker.unpark(),
            Rest::Green(hub) => hub.sleeper.send(&hub.request_has_come),
        }
    }
}

/// What a killed thread unwinds with.
struct Killed;

/// Unwinds like one who was killed.
pub(crate) fn unwind() -> ! {
    panic::resume_unwind(Box::new(Killed))
}

/// Runs what may be killed; None if it was.
pub(crate) fn unless_killed<R>(f: impl FnOnce() -> R) -> Option<R> {
    match panic::catch_unwind(panic::AssertUnwindSafe(f)) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Killed>() => None,
        Err(payload) => panic::resume_unwind(payload),
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Seat(*const Place);

/// A limit that has passed.
#[derive(Clone, Copy)]
pub(crate) struct Limit(());

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Woken {
    Condition,
    Deadline,
    Request,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interruption {
    Cancelled,
    Elapsed,
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    Fallible,
    Infallible,
    Lock,
    Deaf,
}

#[derive(Clone, Copy)]
pub(crate) enum WaitingFor {
    Lock(NonNull<Word>),
    SharedLock,
    Condition,
    Permit,
    Event,
    Barrier,
    Initialiser(NonNull<Word>),
    RoomInAQueue,
    AnItem,
    QueueDone,
    AnAsyncResult,
    AFuture,
    Job,
    Futex,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Outer;

pub(crate) trait Standing {
    fn abandon(&self);
}

impl Seat {
    pub(crate) fn here() -> Seat {
        Seat(Arc::as_ptr(&Place::here()))
    }

    pub(crate) fn limit(self, _wait: Duration) -> Option<Limit> {
        Some(Limit(()))
    }

    /// Nobody is: each loom thread is an OS thread.
    pub(crate) fn is_neighbour(self) -> bool {
        false
    }

    pub(crate) fn home(self) -> usize {
        self.0.addr()
    }

    pub(crate) fn wake_neighbour(self) {
        unreachable!("nobody is one");
    }

    /// # Safety
    ///
    /// The waiter stands in a line whose latch the caller holds.
    pub(crate) unsafe fn call(self) -> Call {
        // SAFETY: the place is a thread-local of a thread that waits.
        unsafe {
            Arc::increment_strong_count(self.0);
            Call(Arc::from_raw(self.0))
        }
    }

    pub(crate) fn wait(
        self,
        manner: Manner,
        _what: WaitingFor,
        limit: Option<Limit>,
    ) -> Result<Woken, Interruption> {
        // SAFETY: a thread-local of this very thread.
        let place = unsafe { &*self.0 };
        let woken = match &place.rest {
            Rest::OsThread(parker) => match parker.park(limit.map(|_| Instant::now())) {
                true => Woken::Condition,
                false => Woken::Deadline,
            },
            Rest::Green(hub) => hub.wait(place.word, limit),
        };
        if manner != Manner::Deaf && place.killed.swap(false, Ordering::Relaxed) {
            match manner {
                Manner::Fallible => return Err(Interruption::Cancelled),
                _ => unwind(),
            }
        }
        Ok(woken)
    }

    /// # Safety
    ///
    /// None: a loom thread is never left standing.
    pub(crate) unsafe fn stands(self, _standing: &dyn Standing) -> Outer {
        Outer
    }

    pub(crate) fn stands_no_more(self, _outer: Outer) {}

    pub(crate) fn withdraw_letter(self) {
        // SAFETY: a thread-local of this very thread.
        let place = unsafe { &*self.0 };
        if let Rest::Green(hub) = &place.rest {
            hub.mail.withdraw(|letter| *letter == place.word);
        }
    }
}

impl Hub {
    fn wait(&self, word: u64, limit: Option<Limit>) -> Woken {
        loop {
            let (mut mail, mut request) = (false, false);
            let deliver = |to| *if to == MAIL { &mut mail } else { &mut request } = true;
            match limit {
                None => self.sleeper.turn(deliver),
                Some(_) => self.sleeper.inbox.drain(deliver),
            }
            if mail && self.mail.take_all(Vec::new()).contains(&word) {
                return Woken::Condition;
            }
            if request {
                return Woken::Request;
            }
            if limit.is_some() {
                return Woken::Deadline;
            }
        }
    }
}

/// What it takes to wake one waiter.
pub(crate) struct Call(Arc<Place>);

impl Call {
    pub(crate) fn post(&self) {
        if let Rest::Green(hub) = &self.0.rest {
            let posted = hub.mail.post(self.0.word);
            assert!(posted.is_ok(), "who stands in a line can be told");
        }
    }

    pub(crate) fn ring(self) {
        match &self.0.rest {
            Rest::OsThread(parker) => parker.unpark(),
            Rest::Green(hub) => hub.sleeper.send(&hub.mail_has_come),
        }
    }
}

pub(crate) fn me() -> u64 {
    Place::here().word
}

pub(crate) fn is_same(one: u64, other: u64) -> bool {
    one >> 8 == other >> 8
}

pub(crate) fn may_spin(_owner: u64) -> bool {
    false
}

pub(crate) fn place() -> u64 {
    Place::here().word
}

pub(crate) fn may_come_from(_place: u64) -> bool {
    false
}

pub(crate) fn spend() {}

#[derive(Clone, Copy)]
pub(crate) struct Since(bool);

impl Since {
    pub(crate) fn now() -> Since {
        Since(Place::here().impatient.load(Ordering::Relaxed))
    }

    pub(crate) fn is_long_ago(self) -> bool {
        self.0
    }
}
