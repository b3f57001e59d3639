//! A green thread's body and result, in one allocation with its record.

use std::cell::{Cell, UnsafeCell};
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;

use crate::greenlet::switch::Yielder;
use crate::greenlet::unwind::contain;
use crate::hub;
use crate::hub::requests::Requests;
use crate::hub::task::{Body, State, Task, TaskPtr};
use crate::park::error::JoinError;
use crate::park::payload::Unwind;
use crate::thread::local;

/// A record whose result is a `T`: what a handle holds.
pub(crate) trait Job<T>: Body {
    /// The result, if the green thread has ended and nobody has taken it.
    fn take(&self) -> Option<Result<T, JoinError>>;

    /// Nobody will ask for the result: it is dropped, now or when it comes.
    fn detach(&self);
}

/// How one green thread is to be made.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) name: Option<Box<str>>,
    /// In bytes. None: the hub's default.
    pub(crate) stack_size: Option<usize>,
    pub(crate) daemon: bool,
}

/// What the allocation holds besides the record.
enum Stage<F, T> {
    Waiting(F),
    Running,
    Ended(Result<T, JoinError>),
    Taken,
}

struct Record<F, T> {
    task: Task,
    stage: Stages<F, T>,
    detached: Cell<bool>,
}

/// The stage, changed in place. A `Cell` would do, but for the copies it makes of what it replaces.
struct Stages<F, T>(UnsafeCell<Stage<F, T>>);

impl<F, T> Stages<F, T> {
    fn new(stage: Stage<F, T>) -> Stages<F, T> {
        Stages(UnsafeCell::new(stage))
    }

    /// Goes on to `next`; returns what there was.
    #[inline(always)]
    fn replace(&self, next: Stage<F, T>) -> Stage<F, T> {
        // SAFETY: the reference ends with the call, which runs no code but its own (S7).
        std::mem::replace(unsafe { &mut *self.0.get() }, next)
    }

    /// Sets the stage when there is nothing left in it to be dropped.
    #[inline(always)]
    fn set(&self, next: Stage<F, T>) {
        debug_assert!(self.is_empty());
        // SAFETY: as in `replace`; what is overwritten owns nothing.
        unsafe { self.0.get().write(next) }
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        // SAFETY: as in `replace`.
        matches!(unsafe { &*self.0.get() }, Stage::Running | Stage::Taken)
    }

    #[inline(always)]
    fn has_ended(&self) -> bool {
        // SAFETY: as in `replace`.
        matches!(unsafe { &*self.0.get() }, Stage::Ended(_))
    }
}

/// Makes a green thread that waits to be started. It is alive from now on.
pub(crate) fn dormant<F, T>(
    options: Options,
    site: &'static Location<'static>,
    body: F,
) -> io::Result<Rc<dyn Job<T>>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    // SAFETY: nothing is borrowed.
    Ok(unsafe { dormant_borrowing(options, site, body) }?)
}

/// Makes a green thread that is ready to run.
#[inline]
pub(crate) fn ready<F, T>(
    options: Options,
    site: &'static Location<'static>,
    body: F,
) -> io::Result<Rc<dyn Job<T>>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    // SAFETY: nothing is borrowed.
    let job = unsafe { dormant_borrowing(options, site, body) }?;
    hub::current().start(TaskPtr::new(job.task()));
    Ok(job)
}

/// As [`dormant`], for a body or result that borrows.
///
/// # Safety
///
/// What they borrow stays until the green thread's end was announced: the caller waits for it before it lets go of the
/// borrows, on every way out (S13).
#[inline]
pub(crate) unsafe fn dormant_borrowing<'a, F, T>(
    options: Options,
    site: &'static Location<'static>,
    body: F,
) -> io::Result<Rc<impl Job<T> + 'a>>
where
    F: FnOnce() -> T + 'a,
    T: 'a,
{
    let hub = hub::current();
    let (class, size) = hub.promise_stack(options.stack_size)?;
    let label = hub::label(options.name, site, size);
    let mut place = Rc::new(MaybeUninit::<Record<F, T>>::uninit());
    // Written where it stays: a record that is first built elsewhere and then copied stalls the processor.
    Rc::get_mut(&mut place).expect("just made").write(Record {
        task: Task::new(hub.next_id(), Some(class), label, options.daemon),
        stage: Stages::new(Stage::Waiting(body)),
        detached: Cell::new(false),
    });
    // SAFETY: just written.
    let record = unsafe { place.assume_init() };
    let entry: Rc<dyn Body + 'a> = record.clone();
    // SAFETY: only the lifetime changes. The hub lets go of the entry when the green thread has ended; until then what it
    // borrows is there (caller). Afterwards body and result are gone from it, or belong to the holder of the handle.
    let entry: Rc<dyn Body> = unsafe { std::mem::transmute(entry) };
    hub.adopt(&record.task, entry);
    Ok(record)
}

/// What stands for a green thread that could not be made: it has ended before it began.
pub(crate) fn stillborn<T: 'static>(site: &'static Location<'static>, why: JoinError) -> Rc<dyn Job<T>> {
    ended(site, Err(why))
}

/// What stands for a green thread whose body has been run by somebody else.
pub(crate) fn ended<'a, T: 'a>(
    site: &'static Location<'static>,
    result: Result<T, JoinError>,
) -> Rc<dyn Job<T> + 'a> {
    let record = Record::<fn() -> T, T> {
        task: Task::new(hub::current().next_id(), None, hub::label(None, site, 0), true),
        stage: Stages::new(Stage::Ended(result)),
        detached: Cell::new(false),
    };
    record.task.state.set(State::Ended);
    Rc::new(record)
}

/// Runs `body` and says how it ended, as seen by the green thread `id`.
pub(crate) fn outcome<T>(id: u64, body: impl FnOnce() -> T) -> Result<T, JoinError> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match Unwind::of(&*payload) {
        Some(Unwind::Kill { thread }) if thread == id => JoinError::killed(),
        _ => JoinError::from_panic(payload),
    })
}

impl<F: FnOnce() -> T, T> Record<F, T> {
    #[inline]
    fn run_body(&self) -> Result<T, JoinError> {
        let Stage::Waiting(body) = self.stage.replace(Stage::Running) else {
            unreachable!("the turn starts each green thread once")
        };
        if self.task.requests.get().meets(Requests::KILL) {
            return match catch_unwind(AssertUnwindSafe(|| drop(body))) {
                Ok(()) => Err(JoinError::killed()),
                Err(payload) => Err(JoinError::from_panic(payload)),
            };
        }
        outcome(self.task.id, body)
    }

    /// Keeps the result for the handle; without one it is dropped here, on the green thread's own stack.
    #[inline]
    fn keep(&self, result: Result<T, JoinError>) {
        self.task.panicked.set(result.as_ref().is_err_and(JoinError::is_panic));
        if self.detached.get() {
            contain(|| drop(result));
        } else {
            self.stage.set(Stage::Ended(result));
        }
    }
}

impl<F: FnOnce() -> T, T> Body for Record<F, T> {
    fn task(&self) -> &Task {
        &self.task
    }

    #[inline]
    fn run(&self, yielder: &Yielder) {
        self.task.yielder.set(yielder);
        let result = self.run_body();
        if let Err(error) = &result {
            error.with_payload(|payload| hub::current().report_panic(&self.task, payload));
        }
        self.keep(result);
        if let Some(rare) = self.task.rare_if_any() {
            local::destroy(&rare.locals);
        }
        self.task.strand.end();
        hub::current().announce_end();
    }

    fn refuse(&self, why: io::Error) {
        let body = self.stage.replace(Stage::Running);
        contain(|| drop(body));
        self.keep(Err(JoinError::refused(why.to_string())));
    }

    fn abandon(&self) {
        let last = self.stage.replace(Stage::Ended(Err(JoinError::killed())));
        contain(|| drop(last));
    }
}

impl<F: FnOnce() -> T, T> Job<T> for Record<F, T> {
    fn take(&self) -> Option<Result<T, JoinError>> {
        if !self.stage.has_ended() {
            return None;
        }
        self.task.joined.set(true);
        match self.stage.replace(Stage::Taken) {
            Stage::Ended(result) => Some(result),
            _ => unreachable!("it has ended"),
        }
    }

    fn detach(&self) {
        self.detached.set(true);
        if self.stage.has_ended() {
            let unread = self.stage.replace(Stage::Taken);
            contain(|| drop(unread));
        }
    }
}
