//! A green thread's body and result, in one allocation with its record.

use std::cell::UnsafeCell;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::NonNull;

use crate::greenlet::unwind::contain;
use crate::hub::record::{Record, Whole};
use crate::hub::requests::Requests;
use crate::hub::task::{Birth, Fate, State, Task};
use crate::hub::{self, Hub};
use crate::park::error::JoinError;
use crate::park::payload::Unwind;
use crate::stack::{Kind, Label};
use crate::thread::local;

/// A count on a record whose result is a `T`: what a handle holds.
pub(crate) struct Job<'a, T> {
    record: Record,
    /// It may own a result, and what the green thread borrows outlives it.
    result: PhantomData<(T, &'a ())>,
}

// The result is no part of the handle, and moves when it is taken.
impl<T> Unpin for Job<'_, T> {}

impl<T> Job<'_, T> {
    #[inline(always)]
    pub(crate) fn task(&self) -> &Task {
        self.record.task()
    }

    /// Another count on the record.
    pub(crate) fn record(&self) -> Record {
        self.record.clone()
    }

    /// The result, if the green thread has ended and nobody has taken it.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<Result<T, JoinError>> {
        // SAFETY: that is the result of each `Parts` that a job is made of (`Job::new`).
        unsafe { self.record.take() }
    }

    /// Nobody will ask for the result: it is dropped, now or when it comes.
    #[inline(always)]
    pub(crate) fn detach(&self) {
        self.record.detach();
    }

    /// Makes the record. The memory comes first: what is made before that would have to be dropped if there is none.
    ///
    /// # Safety
    ///
    /// What `stage` borrows stays until its green thread has ended.
    #[inline(always)]
    unsafe fn new<F: FnOnce() -> T>(hub: &Hub, birth: impl FnOnce() -> Birth, stage: Stage<F, T>) -> Self {
        let (place, methods) = Record::memory_for::<Parts<F, T>>(hub);
        let parts = place.as_ptr();
        // SAFETY: it is memory for that, and these are its two fields. When the green thread has ended, body and result are gone
        // from it or belong to the holder of the handle (caller).
        let record = unsafe {
            (&raw mut (*parts).stage).write(Stages::new(stage));
            Task::write(NonNull::new_unchecked(&raw mut (*parts).task), birth(), methods);
            Record::new(place)
        };
        Job { record, result: PhantomData }
    }
}

/// How one green thread is to be made.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) name: Option<Box<str>>,
    /// In bytes. None: the hub's default.
    pub(crate) stack_size: Option<usize>,
    pub(crate) daemon: bool,
}

/// What the allocation holds besides the head.
enum Stage<F, T> {
    Waiting(F),
    Running,
    Ended(Result<T, JoinError>),
    Taken,
}

#[repr(C)]
struct Parts<F, T> {
    task: Task,
    stage: Stages<F, T>,
}

// Debug builds do not inline: the frames under a green thread's body are to leave it most of the first page of its stack.

/// The stage, changed in place. A `Cell` would do, but for the copies it makes of what it replaces.
struct Stages<F, T>(UnsafeCell<Stage<F, T>>);

impl<F, T> Stages<F, T> {
    fn new(stage: Stage<F, T>) -> Stages<F, T> {
        Stages(UnsafeCell::new(stage))
    }

    /// Goes on to `next`; returns what there was.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn replace(&self, next: Stage<F, T>) -> Stage<F, T> {
        // SAFETY: the reference ends with the call, which runs no code but its own (S7).
        std::mem::replace(unsafe { &mut *self.0.get() }, next)
    }

    /// Sets the stage when there is nothing left in it to be dropped.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn set(&self, next: Stage<F, T>) {
        debug_assert!(self.is_empty());
        // SAFETY: as in `replace`; what is overwritten owns nothing.
        unsafe { self.0.get().write(next) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn is_empty(&self) -> bool {
        // SAFETY: as in `replace`.
        matches!(unsafe { &*self.0.get() }, Stage::Running | Stage::Taken)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
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
) -> io::Result<Job<'static, T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    // SAFETY: nothing is borrowed.
    unsafe { dormant_borrowing(options, site, body) }
}

/// Makes a green thread that is ready to run.
#[inline]
pub(crate) fn ready<F, T>(
    options: Options,
    site: &'static Location<'static>,
    body: F,
) -> io::Result<Job<'static, T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let hub = hub::current();
    // SAFETY: nothing is borrowed.
    let job = unsafe { made_in(hub, options, site, body) }?;
    hub.start_new(job.task());
    Ok(job)
}

/// As [`dormant`], for a body or result that borrows.
///
/// # Safety
///
/// What they borrow stays until the green thread's end was announced: the caller waits for it before it lets go of the
/// borrows, on every way out (S13).
#[inline(always)]
pub(crate) unsafe fn dormant_borrowing<'a, F, T>(
    options: Options,
    site: &'static Location<'static>,
    body: F,
) -> io::Result<Job<'a, T>>
where
    F: FnOnce() -> T + 'a,
    T: 'a,
{
    // SAFETY: what is borrowed stays until the end was announced (caller, S13).
    unsafe { made_in(hub::current(), options, site, body) }
}

/// See [`dormant_borrowing`].
#[inline(always)]
unsafe fn made_in<'a, F, T>(
    hub: &Hub,
    options: Options,
    site: &'static Location<'static>,
    body: F,
) -> io::Result<Job<'a, T>>
where
    F: FnOnce() -> T + 'a,
    T: 'a,
{
    let (class, kib) = hub.promise_stack(options.stack_size)?;
    let id = hub.next_id();
    let birth = || Birth {
        id,
        class: Some(class),
        daemon: options.daemon,
        label: Label::new(Kind::GreenThread, options.name, site, kib),
    };
    // SAFETY: what it borrows is there until it has ended (caller).
    let job = unsafe { Job::new(hub, birth, Stage::Waiting(body)) };
    hub.adopt(job.record.clone());
    Ok(job)
}

/// What stands for a green thread that could not be made: it has ended before it began.
pub(crate) fn stillborn<T: 'static>(site: &'static Location<'static>, why: JoinError) -> Job<'static, T> {
    ended(site, Err(why))
}

/// What stands for a green thread whose body has been run by somebody else.
pub(crate) fn ended<'a, T: 'a>(site: &'static Location<'static>, result: Result<T, JoinError>) -> Job<'a, T> {
    let hub = hub::current();
    let birth = || Birth {
        id: hub.next_id(),
        class: None,
        daemon: true,
        label: Label::new(Kind::GreenThread, None, site, 0),
    };
    // SAFETY: the handle gets the only count.
    let job = unsafe { Job::new::<fn() -> T>(hub, birth, Stage::Ended(result)) };
    job.task().state.set(State::Ended);
    job
}

/// Runs `body` and says how it ended, as seen by the green thread `id`.
#[inline(always)]
pub(crate) fn outcome<T>(id: u64, body: impl FnOnce() -> T) -> Result<T, JoinError> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match Unwind::of(&*payload) {
        Some(Unwind::Kill { thread }) if thread == id => JoinError::killed(),
        _ => JoinError::from_panic(payload),
    })
}

/// It was killed before it began.
#[cold]
fn killed_before<F>(body: F) -> JoinError {
    match catch_unwind(AssertUnwindSafe(|| drop(body))) {
        Ok(()) => JoinError::killed(),
        Err(payload) => JoinError::from_panic(payload),
    }
}

impl<F: FnOnce() -> T, T> Parts<F, T> {
    #[inline]
    fn run_body(&self) -> Result<T, JoinError> {
        let Stage::Waiting(body) = self.stage.replace(Stage::Running) else {
            unreachable!("the turn starts each green thread once")
        };
        if self.task.requests.get().meets(Requests::KILL) {
            return Err(killed_before(body));
        }
        outcome(self.task.id, body)
    }

    /// Runs the body, reports its panic and keeps its result: apart, so that the frame in which all that is done is gone when
    /// what is its own ends.
    #[inline]
    fn run_and_keep(&self) {
        let result = self.run_body();
        // No hub: in a forked child that has dropped its runtime here.
        if let Err(error) = &result
            && let Some(hub) = hub::try_current()
        {
            error.with_payload(|payload| hub.report_panic(&self.task, payload));
        }
        self.keep(result);
    }

    /// Keeps the result for the handle; without one it is dropped here, on the green thread's own stack.
    #[inline]
    fn keep(&self, result: Result<T, JoinError>) {
        self.task.panicked.set(result.as_ref().is_err_and(JoinError::is_panic));
        if self.task.result.get() == Fate::Unwanted {
            contain(|| drop(result));
            self.task.result.set(Fate::Dropped);
        } else {
            self.stage.set(Stage::Ended(result));
        }
    }

    /// Ends the families of greenlets that stand in its frames, and destroys its local values, while it still runs: both are
    /// code of the user's, and either may make more of the other.
    #[inline]
    fn end_what_is_its_own(&self) {
        self.task.strand.end();
        if let Some(rare) = self.task.rare_if_any() {
            local::destroy(&rare.locals);
            self.task.strand.end();
        }
    }
}

// SAFETY: the representation is C's, and the head comes first.
unsafe impl<F: FnOnce() -> T, T> Whole for Parts<F, T> {
    type Result = Result<T, JoinError>;

    #[inline]
    fn run(&self) {
        self.run_and_keep();
        self.end_what_is_its_own();
    }

    fn refuse(&self, why: io::Error) {
        let body = self.stage.replace(Stage::Running);
        contain(|| drop(body));
        self.keep(Err(JoinError::refused(why.to_string())));
        self.end_what_is_its_own();
    }

    fn abandon(&self) {
        let last = self.stage.replace(Stage::Ended(Err(JoinError::killed())));
        contain(|| drop(last));
    }

    #[inline]
    fn take(&self) -> Option<Result<T, JoinError>> {
        if !self.stage.has_ended() {
            return None;
        }
        self.task.result.set(Fate::Taken);
        match self.stage.replace(Stage::Taken) {
            Stage::Ended(result) => Some(result),
            _ => unreachable!("it has ended"),
        }
    }

    #[inline]
    fn detach(&self) {
        self.task.result.set(Fate::Unwanted);
        if self.stage.has_ended() {
            let unread = self.stage.replace(Stage::Taken);
            contain(|| drop(unread));
            self.task.result.set(Fate::Dropped);
        }
    }
}
