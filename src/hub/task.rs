//! The record of one green thread, or of the root: what the hub knows of it.

use std::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use std::fmt;
use std::mem::{ManuallyDrop, offset_of};
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::greenlet::chain::Strand;
use crate::greenlet::switch::{Coroutine, Yielder};
use crate::hub::living::Place;
use crate::hub::locals::Locals;
use crate::hub::record::{METHODS_OF_ROOT, Methods, Record};
use crate::hub::remote::Identity;
use crate::hub::requests::Requests;
use crate::hub::scopes::Scopes;
use crate::hub::timers::TimerKey;
use crate::hub::waiters::WaitList;
use crate::stack::{Class, Kind, Label};
use crate::sys;

/// Where a green thread is in its life.
///
/// ```text
///   Dormant ──▶ Awake ──▶ Ended
///               ▲   │
///               │   ▼
///              Parked
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Waits for its first start: for a timer, or for the end of another green thread. It has no stack.
    Dormant,
    /// In the ready queue, or has the OS thread: [`Hub::current`](crate::hub::Hub) says who. If it has not begun, it has no
    /// stack yet either.
    Awake,
    /// Gave the OS thread away until something wakes it.
    Parked,
    /// Its body is over; nothing in the hub points to it any longer.
    Ended,
}

/// Why a parked green thread runs again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Woken {
    /// What it waited for happened, or may have: it looks again.
    Condition,
    /// The deadline of this one wait passed.
    Deadline,
    /// Somebody asked it to stop waiting: see [`Requests`].
    Request,
}

/// What a green thread waits for, for people who ask where everybody stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WaitingFor {
    Nothing,
    Sleep,
    Unpark,
    /// The end of this green thread, whose record the waiter keeps.
    ThreadEnd(TaskPtr),
    /// The same, by the scope of which it is a child.
    ScopeEnd(TaskPtr),
    /// The end of all that are not daemons.
    AllEnds,
    Readable,
    Writable,
    AnyOfSeveral,
    /// A lock. The word says who has it now; it stays as long as somebody waits for it, and is the head of a [`Taken`].
    Lock(NonNull<AtomicU64>),
    /// The shared side of a lock, or several who share it: nobody in particular owns that.
    SharedLock,
    Condition,
    Permit,
    Event,
    Barrier,
    Initialiser(NonNull<AtomicU64>),
    RoomInAQueue,
    AnItem,
    QueueDone,
    AnAsyncResult,
    AFuture,
    Job,
    ChildEnd,
    #[allow(dead_code, reason = "nobody waits for one without the feature `signal`")]
    Signal,
    RoomInAPool,
    GroupEnd,
    /// A lock or a condition of std, to which the module `monkey` makes it wait here.
    #[cfg(feature = "monkey")]
    #[allow(dead_code, reason = "unused where `monkey` has no calls")]
    Futex,
}

/// The head of a lock.
#[repr(C)]
pub(crate) struct Taken {
    _word: AtomicU64,
    place: AtomicPtr<Location<'static>>,
}

impl WaitingFor {
    /// Where the lock that is waited for was taken by whoever has it.
    pub(crate) fn taken_at(self) -> Option<&'static Location<'static>> {
        let WaitingFor::Lock(word) = self else { return None };
        // SAFETY: it is the head of a `Taken`, and stays as long as somebody waits for it. The place is null or a reference
        // for ever.
        unsafe { word.cast::<Taken>().as_ref().place.load(Ordering::Relaxed).as_ref() }
    }

    /// The word of whoever has it, if that is what such a thing has.
    #[inline(always)]
    pub(crate) fn owner_word(self) -> Option<NonNull<AtomicU64>> {
        match self {
            WaitingFor::Lock(word) | WaitingFor::Initialiser(word) => Some(word),
            _ => None,
        }
    }
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitingFor::Nothing => "nothing",
            WaitingFor::Sleep => "the end of a sleep",
            WaitingFor::Unpark => "an unpark",
            WaitingFor::ThreadEnd(_) => "the end of a green thread",
            WaitingFor::ScopeEnd(_) => "the end of a green thread of its scope",
            WaitingFor::AllEnds => "the end of all green threads that are not daemons",
            WaitingFor::Readable => "a descriptor to become readable",
            WaitingFor::Writable => "a descriptor to become writable",
            WaitingFor::AnyOfSeveral => "one of several things",
            WaitingFor::Lock(word) => return write!(f, "the lock at {:p}", word.as_ptr()),
            WaitingFor::SharedLock => "a lock that others share",
            WaitingFor::Condition => "a condition to be notified",
            WaitingFor::Permit => "a permit of a semaphore",
            WaitingFor::Event => "an event to be set",
            WaitingFor::Barrier => "the others at a barrier",
            WaitingFor::Initialiser(word) => return write!(f, "the initialiser at {:p}", word.as_ptr()),
            WaitingFor::RoomInAQueue => "room in a queue",
            WaitingFor::AnItem => "an item of a queue",
            WaitingFor::QueueDone => "all items of a queue to be done",
            WaitingFor::AnAsyncResult => "an async result",
            WaitingFor::AFuture => "a future",
            WaitingFor::Job => "a job of an executor",
            WaitingFor::ChildEnd => "the end of a child process",
            WaitingFor::Signal => "a signal",
            WaitingFor::RoomInAPool => "room in a pool",
            WaitingFor::GroupEnd => "the end of a group",
            #[cfg(feature = "monkey")]
            WaitingFor::Futex => "a lock or a condition of std",
        })
    }
}

/// What becomes of the result of a green thread, or of its body if that never runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Somebody may ask for it.
    Wanted,
    /// Nobody will: it is dropped when it comes.
    Unwanted,
    /// Somebody has taken it.
    Taken,
    /// It was dropped.
    Dropped,
}

/// Where the coroutine lies in which a green thread runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seated {
    /// There is none: it has not begun, or has ended.
    Nowhere,
    /// In its own record.
    Here,
    /// In that of the host: a green thread that has ended, and left its stack (see [`turn`](crate::hub::turn)). For as long
    /// as it runs there, and parks once.
    AtHost,
}

/// The coroutine, or whoever has it: [`Seated`] says which. Apart from that, so that it lies in the line of memory that each
/// switch touches anyway; and because nobody may look in here while the coroutine runs.
pub(crate) union Seat {
    nothing: (),
    pub(crate) own: ManuallyDrop<Coroutine>,
    pub(crate) host: ManuallyDrop<Record>,
}

/// What a parked green thread has left in a line, for the case that it never runs again.
pub(crate) trait Standing {
    /// Leaves the line; what the waiter was given goes to the next, or back.
    fn abandon(&self);
}

/// The head of a record: all that does not depend on the types of body and result. What each switch touches comes first.
#[repr(C)]
pub(crate) struct Task {
    pub(crate) state: Cell<State>,
    pub(crate) woken: Cell<Woken>,
    /// What others have asked of it.
    pub(crate) requests: Cell<Requests>,
    /// Which requests end the wait it is in, be it only to begin; none while it runs.
    pub(crate) heeds: Cell<Requests>,
    /// It ended by a panic.
    pub(crate) panicked: Cell<bool>,
    pub(crate) seated: Cell<Seated>,
    pub(crate) result: Cell<Fate>,
    pub(crate) daemon: bool,
    /// Where on its stack it left the OS thread last: bits 4 to 19 of the address.
    stands_at: Cell<u16>,
    /// Its size of stack. None for the root.
    pub(crate) class: Option<Class>,
    /// How many [`Record`](crate::hub::record::Record)s there are of it, but for a root's.
    pub(crate) counts: Cell<u32>,
    /// Its way back to the hub. Has meaning from its first run to its end; null for the root.
    pub(crate) yielder: Cell<*const Yielder>,
    /// Its stack with what stands on it: from its first run until nobody runs there any more. Touched by the turn of the hub
    /// only.
    pub(crate) seat: UnsafeCell<Seat>,
    /// The greenlets and generators that stand on this green thread's stack.
    pub(crate) strand: Strand,
    pub(crate) waiting_for: Cell<WaitingFor>,
    /// The deadline of its wait or, while it is dormant, of its start.
    pub(crate) timer: Cell<Option<TimerKey>>,
    /// Its place among those who wait for an owner. Has meaning while it does.
    pub(crate) knot: Cell<u32>,
    /// Its place in a line. Has meaning while it is parked there.
    pub(crate) standing: Cell<Option<NonNull<dyn Standing>>>,
    /// Its place among the living.
    pub(crate) place: Place,
    /// Who waits for its end.
    pub(crate) waiters: WaitList,
    rare: OnceCell<Box<Rare>>,
    pub(crate) id: u64,
    pub(crate) methods: &'static Methods,
    pub(crate) label: Label,
}

// What a switch touches lies in the first 64 bytes.
const _: () = assert!(offset_of!(Task, seat) <= 24);
// A green thread that has not begun costs its record and little more: with the smallest body and result 224 bytes. The
// coroutine has 48 of them; more where it reports its switches to a sanitizer.
const _: () = assert!(size_of::<Task>() <= 160 + size_of::<Coroutine>());

/// What is known of a green thread when it is made.
pub(crate) struct Birth {
    pub(crate) id: u64,
    pub(crate) class: Option<Class>,
    pub(crate) daemon: bool,
    pub(crate) label: Label,
}

/// What few green threads ever need, made when they do.
#[derive(Default)]
pub(crate) struct Rare {
    /// Which requests the wait it is in would heed but for an unwinding, perhaps its own. Has meaning while it is parked and
    /// counts among those.
    pub(crate) deaf_to: Cell<Requests>,
    /// The round of [`UnwindingParked`](crate::hub::unwinding::UnwindingParked) in which it parked while it unwound; or 0.
    pub(crate) parked_unwinding: Cell<u32>,
    /// The open scopes of `timeout`, outermost first.
    pub(crate) scopes: RefCell<Scopes>,
    /// The values of `green_local!` keys.
    pub(crate) locals: Locals,
    pub(crate) known_outside: OnceCell<KnownOutside>,
    /// How many foreign calls in a row a request has ended.
    #[allow(dead_code, reason = "only `monkey` has such calls")]
    pub(crate) calls_refused: Cell<u32>,
}

/// How other OS threads see a green thread.
pub(crate) struct KnownOutside {
    pub(crate) identity: Arc<Identity>,
    /// Its number among those that are known outside.
    pub(crate) number: u32,
}

impl Task {
    /// Writes the head of a new record. It is dormant.
    ///
    /// # Safety
    ///
    /// `place` is that of a record that is being made.
    #[inline(always)]
    pub(crate) unsafe fn write(place: NonNull<Task>, birth: Birth, methods: &'static Methods) {
        let task = place.as_ptr();
        // SAFETY: memory for a record (caller). Field by field, and nothing is read: from here on it is written.
        unsafe {
            (&raw mut (*task).state).write(Cell::new(State::Dormant));
            (&raw mut (*task).woken).write(Cell::new(Woken::Condition));
            (&raw mut (*task).requests).write(Cell::new(Requests::NONE));
            (&raw mut (*task).heeds).write(Cell::new(Requests::KILL));
            (&raw mut (*task).panicked).write(Cell::new(false));
            (&raw mut (*task).seated).write(Cell::new(Seated::Nowhere));
            (&raw mut (*task).result).write(Cell::new(Fate::Wanted));
            (&raw mut (*task).daemon).write(birth.daemon);
            (&raw mut (*task).stands_at).write(Cell::new(0));
            (&raw mut (*task).class).write(birth.class);
            (&raw mut (*task).counts).write(Cell::new(1));
            (&raw mut (*task).yielder).write(Cell::new(ptr::null()));
            (&raw mut (*task).seat).write(UnsafeCell::new(Seat { nothing: () }));
            (&raw mut (*task).strand).write(Strand::new());
            (&raw mut (*task).waiting_for).write(Cell::new(WaitingFor::Nothing));
            (&raw mut (*task).timer).write(Cell::new(None));
            (&raw mut (*task).knot).write(Cell::new(0));
            (&raw mut (*task).standing).write(Cell::new(None));
            (&raw mut (*task).place).write(Place::default());
            (&raw mut (*task).waiters).write(WaitList::new());
            (&raw mut (*task).rare).write(OnceCell::new());
            (&raw mut (*task).id).write(birth.id);
            (&raw mut (*task).methods).write(methods);
            (&raw mut (*task).label).write(birth.label);
        }
    }

    /// The record of the code on an OS thread's own stack.
    pub(crate) fn root(id: u64) -> Box<Task> {
        let mut root = Box::<Task>::new_uninit();
        let birth = Birth {
            id,
            class: None,
            daemon: false,
            label: Label::new(Kind::Root, None, Location::caller(), 0),
        };
        // SAFETY: it is memory for a head, which fills it.
        let root = unsafe {
            Task::write(NonNull::from(&mut *root).cast(), birth, METHODS_OF_ROOT);
            root.assume_init()
        };
        root.state.set(State::Awake);
        root
    }

    /// Whether nothing is left in its record that must be dropped, body and result included.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.result.get(), Fate::Taken | Fate::Dropped)
            && self.rare.get().is_none()
            && self.label.name().is_none()
            && self.strand.has_no_roots()
    }

    /// Has the processor fetch the base of its stack.
    #[inline(always)]
    pub(crate) fn fetch_base(&self) {
        sys::prefetch(self.yielder.get().cast::<u8>());
    }

    /// Has the processor fetch what it touches where it runs on.
    #[inline(always)]
    pub(crate) fn fetch_place(&self) {
        let base = self.yielder.get().cast::<u8>();
        if self.heeds.get() != Requests::NONE {
            return self.fetch_more(base);
        }
        self.fetch_frame(base);
    }

    /// Has the processor fetch the lines of its stack that a switch touches. Returns the address of the upper.
    #[inline(always)]
    fn fetch_frame(&self, base: *const u8) -> *const u8 {
        let depth = ((base.addr() >> 4) as u16).wrapping_sub(self.stands_at.get());
        // Below lies what the switch has saved, above what the frame that switched works on: as often as not two lines.
        let place = base.wrapping_sub(usize::from(depth) << 4);
        sys::prefetch(place.wrapping_sub(24));
        let above = place.wrapping_add(40);
        sys::prefetch(above);
        above
    }

    /// It begins, or has waited: unlike who yields it goes on in other frames, and uses the rest of its record.
    #[inline(never)]
    fn fetch_more(&self, base: *const u8) {
        const LINE: usize = 64;
        if !base.is_null() {
            let frame = self.fetch_frame(base);
            // All that a sleep stands on, or of who stands deeper the frames that it returns to first.
            for above in 1..=6 {
                sys::prefetch(frame.wrapping_add(above * LINE));
            }
        }
        for line in 1..4 {
            sys::prefetch(ptr::from_ref(self).cast::<u8>().wrapping_add(line * LINE));
        }
    }

    /// Notes where on its stack it leaves the OS thread.
    #[inline(always)]
    pub(crate) fn note_place(&self, stack_pointer: usize) {
        self.stands_at.set((stack_pointer >> 4) as u16);
    }

    pub(crate) fn is_root(&self) -> bool {
        self.class.is_none()
    }

    /// Whether somebody has taken its result.
    pub(crate) fn is_joined(&self) -> bool {
        self.result.get() == Fate::Taken
    }

    pub(crate) fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    pub(crate) fn rare_if_any(&self) -> Option<&Rare> {
        self.rare.get().map(|rare| &**rare)
    }

    /// What a signal for it says, if its number is `number`: that, and enough of its id to tell it from who had the number
    /// before.
    pub(crate) fn signal(&self, number: u32) -> u64 {
        (self.id & 0x7FFF_FFFF) << 32 | u64::from(number)
    }

    pub(crate) fn is_known_as(&self, signal: u64) -> bool {
        self.signal(signal as u32) == signal
    }

    /// The name and the place of birth, as reports print them.
    pub(crate) fn describe(&self) -> String {
        if self.is_root() {
            return "the root".into();
        }
        let site = self.label.site;
        match self.label.name() {
            Some(name) => format!("{} \"{name}\" (spawned at {site})", self.label.kind),
            None => format!("{} {} (spawned at {site})", self.label.kind, self.id),
        }
    }
}

/// A record of a green thread that is alive, without counting as a holder of it.
///
/// Where one is kept (the ready queue, a timer, a wait list, the hub's `current`) it is taken out before its green
/// thread is struck from the books: that is what makes [`get`](Self::get) right.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub(crate) struct TaskPtr(NonNull<Task>);

impl TaskPtr {
    pub(crate) fn new(task: &Task) -> TaskPtr {
        TaskPtr(NonNull::from(task))
    }

    /// Has the processor fetch what a switch touches of the record.
    #[inline(always)]
    pub(crate) fn fetch_record(self) {
        sys::prefetch(self.0.as_ptr().cast());
        sys::prefetch(self.0.as_ptr().cast::<u8>().wrapping_add(32));
    }

    /// # Safety
    ///
    /// The green thread is alive, and stays so until the reference is gone (S15); the root's record lives as long as its
    /// hub.
    #[inline(always)]
    pub(crate) unsafe fn get<'a>(self) -> &'a Task {
        // SAFETY: the list of the living holds the allocation (caller); all its fields are cells, shared references suffice.
        unsafe { self.0.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn is(self, task: &Task) -> bool {
        ptr::eq(self.0.as_ptr(), task)
    }
}
