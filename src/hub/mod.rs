//! The hub: the scheduler of one OS thread, and its books.
//!
//! ```text
//!            spawn ──▶ ready queue ──▶ turn ──resume──▶ green thread
//!                          ▲            │ ▲                  │
//!   timers, reactor, inbox ┘◀───look────┘ └─────suspend──────┘  (parked: in a wait list, a lane or a timer)
//! ```
//!
//! All of it belongs to one OS thread and is reached through a thread-local pointer that the owner, a [`Runtime`] or
//! nobody (the implicit hub, leaked on purpose), sets and clears. What other OS threads may touch is in [`remote`].
//!
//! Two rules keep it sound. *No borrow of the hub's own cells lives while user code runs* (closures, `Drop`, `Waker`,
//! `Clone`): take out, release, then call (S6). *No reference to the hub is used after user code has run*, unless it was
//! run by the turn: fetch it again with [`current`]; whoever owns the hub may have ended it. The turn itself only ever
//! sees its hub degraded to an implicit one, never gone (see [`Hub::closing`]).
//!
//! [`Runtime`]: crate::runtime::Runtime

#[expect(unsafe_code, reason = "follows pointers to green threads that are alive")]
mod books;
pub(crate) mod bystanders;
pub(crate) mod clock;
#[expect(unsafe_code, reason = "follows pointers to green threads that are alive")]
mod deadlock;
#[expect(unsafe_code, reason = "reads what was left on stacks that stand for ever")]
mod end;
pub(crate) mod forked;
mod happenings;
#[expect(unsafe_code, reason = "keeps the hub behind a thread-local pointer")]
mod here;
#[expect(unsafe_code, reason = "links signals of other OS threads")]
mod inbox;
#[expect(unsafe_code, reason = "follows pointers to green threads that are alive")]
pub(crate) mod knots;
#[expect(unsafe_code, reason = "links the records of green threads")]
pub(crate) mod living;
pub(crate) mod locals;
mod mailbox;
#[expect(unsafe_code, reason = "cuts memory into records")]
mod memory;
#[expect(unsafe_code, reason = "lends the poller's descriptor")]
pub(crate) mod reactor;
#[expect(unsafe_code, reason = "is one cell that every switch goes through")]
mod ready;
#[expect(unsafe_code, reason = "forgets the types of bodies and results, and counts who holds them")]
pub(crate) mod record;
#[expect(unsafe_code, reason = "names green threads by pointer")]
pub(crate) mod remote;
pub(crate) mod requests;
pub(crate) mod scopes;
#[expect(unsafe_code, reason = "names green threads by pointer")]
pub(crate) mod task;
pub(crate) mod timers;
mod token;
#[expect(unsafe_code, reason = "resumes green threads")]
mod turn;
mod unwinding;
#[expect(unsafe_code, reason = "links nodes in the frames of those who wait")]
pub(crate) mod waiters;
#[expect(unsafe_code, reason = "follows pointers to green threads that are alive")]
mod wakes;
mod watchdog;

use self::here::next_hub_number;
pub(crate) use self::here::{
    current, identity, install, os_thread_ends, retire_implicit, root_id, root_identity,
};
pub(crate) use self::here::{try_current, uninstall};

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::hub::clock::{Clock, Moment};
use crate::hub::knots::Knots;
use crate::hub::living::Living;
use crate::hub::memory::Memory;
use crate::hub::reactor::Reactor;
use crate::hub::ready::Ready;
use crate::hub::remote::{Letter, Remote};
use crate::hub::task::{Task, TaskPtr};
use crate::hub::timers::Timers;
use crate::hub::unwinding::UnwindingParked;
use crate::hub::waiters::WaitList;
use crate::hub::watchdog::Watchdog;
use crate::stack::{self, Class, Guards, Pool};

/// How many cooperative calls that need not wait a green thread may make before it gives way.
const BUDGET: u32 = 128;

/// What a hub is told when it begins.
pub(crate) struct Settings {
    pub(crate) stack_size: usize,
    pub(crate) max_threads: usize,
    pub(crate) stack_cache: usize,
    pub(crate) event_capacity: usize,
    pub(crate) blocking_threads: usize,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) on_panic: Option<OnPanic>,
    pub(crate) seed: Option<u64>,
    pub(crate) virtual_time: bool,
    pub(crate) guards: Guards,
}

/// Called on the hub's stack with the green thread that panicked.
pub(crate) type OnPanic = Box<dyn Fn(&Task, &(dyn Any + Send))>;

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            stack_size: stack::DEFAULT_SIZE,
            max_threads: usize::MAX,
            stack_cache: stack::Settings::default().cache,
            event_capacity: 1024,
            blocking_threads: 64,
            watchdog: None,
            on_panic: None,
            seed: None,
            virtual_time: false,
            guards: Guards::Automatic,
        }
    }
}

/// What a timer does when it is due.
#[derive(Clone, Copy)]
pub(crate) enum Due {
    /// The deadline of a wait.
    Wake(TaskPtr),
    /// The begin of a green thread that was made for later.
    Start(TaskPtr),
    /// The end of a `timeout` scope.
    Expire(TaskPtr, u64),
}

impl Due {
    /// Has the processor fetch what it will touch.
    #[inline(always)]
    fn fetch(&self) {
        let (Due::Wake(task) | Due::Start(task) | Due::Expire(task, _)) = self;
        task.fetch_record();
    }
}

pub(crate) struct Hub {
    /// Whose stack this is: the root's record while the root or the turn itself runs.
    pub(crate) current: Cell<TaskPtr>,
    pub(crate) ready: Ready,
    /// Cooperative calls left to the one that runs.
    pub(crate) budget: Cell<u32>,
    /// Switches left until the next look outside.
    pub(crate) until_look: Cell<u32>,
    /// When it woke from its last sleep; later than ever if nobody waited for a moment then.
    woke: Cell<Moment>,
    /// How many of these the batch that runs will not make, because it was ended.
    forgone: Cell<u32>,
    /// Who ends may hand its stack on: in a batch whose order is plain.
    bequeaths: Cell<bool>,
    /// What was counted so far; other OS threads are shown it after each batch.
    pub(crate) switches: Cell<u64>,
    pub(crate) spawned: Cell<u64>,
    pub(crate) stacks: Cell<u64>,
    /// Neither seed nor watchdog: who becomes ready first runs first, and nobody looks on.
    plain: bool,
    pub(crate) clock: Clock,
    pub(crate) timers: RefCell<Timers<Due>>,
    pub(crate) reactor: Reactor,
    pub(crate) remote: Arc<Remote>,
    /// All that are alive, started or not. The root is not among them.
    pub(crate) living: Living,
    root: Box<Task>,
    pub(crate) pool: Pool,
    pub(crate) memory: Memory,
    /// The class of stacks that most get, and its size in KiB.
    default_stacks: (Class, u32),
    /// Those that are alive and not daemons, and the root's wait for there being none.
    pub(crate) lasting: Cell<usize>,
    pub(crate) all_ended: WaitList,
    /// The next number for a green thread, and the first one that is not reserved.
    next_id: Cell<u64>,
    ids_end: Cell<u64>,
    pub(crate) number: u64,
    /// The hub in the word of a lock: see `park::seat::me`.
    pub(crate) tag: u64,
    /// The memory of the mailbox, while it is not in use there.
    spare_letters: Cell<Vec<Letter>>,
    pub(crate) unwinding: UnwindingParked,
    pub(crate) knots: Knots,
    /// A turn runs: the hub's owner may not take the hub away now.
    pub(crate) turning: Cell<bool>,
    /// Nobody is to be spawned any more.
    pub(crate) closing: Cell<bool>,
    /// The owner let go of the hub on one of its own green threads: the turn ends them once it is back on the root.
    pub(crate) orphaned: Cell<bool>,
    /// Somebody polls the descriptor: between turns the hub counts as asleep.
    pub(crate) lent: Cell<bool>,
    /// No owner: made by the first call that needed it.
    pub(crate) implicit: Cell<bool>,
    pub(crate) watchdog: Option<Watchdog>,
    on_panic: Option<OnPanic>,
    pub(crate) max_threads: usize,
    pub(crate) blocking_threads: usize,
    /// OS threads for what blocks; made and known by a floor above. They end with the hub.
    pub(crate) offload: OnceCell<Box<dyn Any>>,
    /// Descriptors that are their users' own; known by a floor above.
    #[allow(dead_code, reason = "only `monkey` has such")]
    pub(crate) lent_descriptors: OnceCell<Box<dyn Any>>,
}

impl Hub {
    pub(crate) fn new(settings: Settings) -> io::Result<Rc<Hub>> {
        forked::check();
        forked::watch();
        let (reactor, waker) = Reactor::new(settings.event_capacity)?;
        let pool = Pool::new(stack::Settings { cache: settings.stack_cache, guards: settings.guards });
        let class = pool.class(settings.stack_size)?;
        let default_stacks = (class, pool.kib(class));
        let remote = Arc::new(Remote::new(waker));
        let root = Task::root(root_id());
        let number = next_hub_number();
        let watchdog = settings.watchdog.map(Watchdog::start).transpose()?;
        Ok(Rc::new(Hub {
            current: Cell::new(TaskPtr::new(&root)),
            ready: Ready::new(settings.seed),
            budget: Cell::new(BUDGET),
            until_look: Cell::new(0),
            woke: Cell::new(Moment::MAX),
            forgone: Cell::new(0),
            bequeaths: Cell::new(false),
            switches: Cell::new(0),
            spawned: Cell::new(0),
            stacks: Cell::new(0),
            plain: settings.seed.is_none() && watchdog.is_none(),
            clock: Clock::new(settings.virtual_time),
            timers: RefCell::new(Timers::new()),
            reactor,
            remote,
            living: Living::default(),
            root,
            pool,
            memory: Memory::new(number),
            default_stacks,
            lasting: Cell::new(0),
            all_ended: WaitList::new(),
            next_id: Cell::new(0),
            ids_end: Cell::new(0),
            number,
            tag: (number % 127 + 1) << 1,
            spare_letters: Cell::default(),
            unwinding: UnwindingParked::default(),
            knots: Knots::default(),
            turning: Cell::new(false),
            closing: Cell::new(false),
            orphaned: Cell::new(false),
            lent: Cell::new(false),
            implicit: Cell::new(false),
            watchdog,
            on_panic: settings.on_panic,
            max_threads: settings.max_threads,
            blocking_threads: settings.blocking_threads,
            offload: OnceCell::new(),
            lent_descriptors: OnceCell::new(),
        }))
    }
}

/// A full budget for whoever runs next.
#[inline(always)]
pub(crate) fn full_budget() -> u32 {
    BUDGET
}
