//! The record of a green thread in memory: a head that the hub knows, then body and result, in one counted allocation.
//!
//! ```text
//!   Record ──▶ ┌ Task: state, coroutine, links, count, methods ┬ body, later its result ┐
//!              └───────────────────────────────────────────────┴────────────────────────┘
//! ```
//!
//! What follows the head has types that only the methods know. `Rc<dyn Trait>` would do, but for what each of its counts
//! costs a green thread that lives for a hundred nanoseconds: two words a pointer, and an allocation from the system.

use std::io;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use crate::hub::Hub;
use crate::hub::memory::{self, Size};
use crate::hub::task::{Task, TaskPtr};

/// What a record consists of.
///
/// # Safety
///
/// The [`Task`] is its first field, and its representation is C's.
pub(crate) unsafe trait Whole: Sized {
    /// Runs the body, on its own stack; called once. It does not unwind: what the body throws becomes its result.
    fn run(&self);

    /// Drops the body without running it, on the hub's stack: there was no other to be had. It does not unwind.
    fn refuse(&self, why: io::Error);

    /// The hub ends and this green thread would not: it is never resumed again, and counts as killed.
    fn abandon(&self);

    /// Nobody will ask for the result: it is dropped, now or when it comes.
    fn detach(&self);

    type Result;

    /// The result, if the green thread has ended and nobody has taken it.
    fn take(&self) -> Option<Self::Result>;
}

/// The methods of a record whose types are forgotten.
pub(crate) struct Methods {
    run: unsafe fn(NonNull<Task>),
    refuse: unsafe fn(NonNull<Task>, io::Error),
    abandon: unsafe fn(NonNull<Task>),
    detach: unsafe fn(NonNull<Task>),
    /// Writes an `Option` of the result to where the second argument points.
    take: unsafe fn(NonNull<Task>, NonNull<()>),
    drop: unsafe fn(NonNull<Task>),
    size: Size,
}

impl Methods {
    /// What a record takes.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        self.size.bytes()
    }
}

/// The methods of each type of record. All but those of a root may be called.
struct MethodsOf<W>(PhantomData<W>);

impl<W: Whole> MethodsOf<W> {
    const SIZE: Size = Size::of::<W>();
    const ALL: &'static Methods = &Methods {
        run: run::<W>,
        refuse: refuse::<W>,
        abandon: abandon::<W>,
        detach: detach::<W>,
        take: take::<W>,
        drop: drop_whole::<W>,
        size: Self::SIZE,
    };
}

// Functions and not closures, which in debug builds take two frames of a stack that is to be one page.

unsafe fn run<W: Whole>(head: NonNull<Task>) {
    // SAFETY: the head is that of a `W` that is there (`Record`), at the same address (`Whole`).
    unsafe { head.cast::<W>().as_ref() }.run();
}

unsafe fn refuse<W: Whole>(head: NonNull<Task>, why: io::Error) {
    // SAFETY: as in `run`.
    unsafe { head.cast::<W>().as_ref() }.refuse(why);
}

unsafe fn abandon<W: Whole>(head: NonNull<Task>) {
    // SAFETY: as in `run`.
    unsafe { head.cast::<W>().as_ref() }.abandon();
}

unsafe fn detach<W: Whole>(head: NonNull<Task>) {
    // SAFETY: as in `run`.
    unsafe { head.cast::<W>().as_ref() }.detach();
}

unsafe fn take<W: Whole>(head: NonNull<Task>, to: NonNull<()>) {
    // SAFETY: as in `run`; what is written to is an `Option` of that result (`Record::take`).
    unsafe { to.cast().write(head.cast::<W>().as_ref().take()) };
}

unsafe fn drop_whole<W: Whole>(head: NonNull<Task>) {
    // SAFETY: as in `run`; nobody uses it any more (`Record::free`).
    unsafe { head.cast::<W>().drop_in_place() };
}

/// What a root has in their place: it is nobody's record, and nobody calls them.
pub(crate) const METHODS_OF_ROOT: &Methods = &Methods {
    run: |_| unreachable!(),
    refuse: |_, _| unreachable!(),
    abandon: |_| unreachable!(),
    detach: |_| unreachable!(),
    take: |_, _| unreachable!(),
    drop: |_| unreachable!(),
    size: Size::of::<Task>(),
};

/// One count on a record; the last one drops it.
pub(crate) struct Record(NonNull<Task>);

impl Record {
    /// Memory for a record, and the methods that its head is to have. It is filled where it stays, because one that is built
    /// elsewhere and then copied stalls the processor.
    #[inline(always)]
    pub(crate) fn memory_for<W: Whole>(hub: &Hub) -> (NonNull<W>, &'static Methods) {
        (hub.memory.take(MethodsOf::<W>::SIZE).cast(), MethodsOf::<W>::ALL)
    }

    /// The record that was made there.
    ///
    /// # Safety
    ///
    /// It is the memory that [`memory_for`](Self::memory_for) gave, all of it filled. What the `W` borrows outlives all calls
    /// of the record's methods but the drop, and is gone from it by then.
    #[inline(always)]
    pub(crate) unsafe fn new<W: Whole>(place: NonNull<W>) -> Record {
        place.as_ptr().expose_provenance();
        Record(place.cast())
    }

    #[inline(always)]
    pub(crate) fn task(&self) -> &Task {
        // SAFETY: this count keeps it; its fields are cells, shared references suffice.
        unsafe { self.0.as_ref() }
    }

    /// Another count on a record that is there.
    ///
    /// # Safety
    ///
    /// It is no root's.
    #[inline(always)]
    pub(crate) unsafe fn of(task: &Task) -> Record {
        task.counts.set(task.counts.get() + 1);
        Record::at(task)
    }

    /// Leaves the count in the keeping of whoever calls [`from_kept`](Self::from_kept) later.
    #[inline(always)]
    pub(crate) fn keep(self) -> TaskPtr {
        let task = TaskPtr::new(self.task());
        std::mem::forget(self);
        task
    }

    /// Takes back what was left by [`keep`](Self::keep).
    ///
    /// # Safety
    ///
    /// It was, and nobody has taken it back yet.
    #[inline(always)]
    pub(crate) unsafe fn from_kept(task: TaskPtr) -> Record {
        // SAFETY: the count that was left keeps it (caller).
        Record::at(unsafe { task.get() })
    }

    /// A pointer that reaches all of the record, not only its head.
    #[inline(always)]
    fn at(task: &Task) -> Record {
        let whole = ptr::with_exposed_provenance_mut(ptr::from_ref(task).addr());
        // SAFETY: the address of a reference is not null.
        Record(unsafe { NonNull::new_unchecked(whole) })
    }

    /// Runs the body, whose green thread the caller is; called once.
    ///
    /// # Safety
    ///
    /// The record stays meanwhile, and is no root's.
    #[inline(always)]
    pub(crate) unsafe fn run(task: &Task) {
        let record = ManuallyDrop::new(Record::at(task));
        // SAFETY: the record is there (caller), with its own methods.
        unsafe { (task.methods.run)(record.0) }
    }

    pub(crate) fn refuse(&self, why: io::Error) {
        // SAFETY: the record is there, with its own methods.
        unsafe { (self.task().methods.refuse)(self.0, why) }
    }

    pub(crate) fn abandon(&self) {
        // SAFETY: as in `refuse`.
        unsafe { (self.task().methods.abandon)(self.0) }
    }

    #[inline(always)]
    pub(crate) fn detach(&self) {
        // SAFETY: as in `refuse`.
        unsafe { (self.task().methods.detach)(self.0) }
    }

    /// Takes the result.
    ///
    /// # Safety
    ///
    /// `R` is the [`Whole::Result`] of what it was made of.
    #[inline(always)]
    pub(crate) unsafe fn take<R>(&self) -> Option<R> {
        let mut result = None::<R>;
        // SAFETY: as in `refuse`; what is written is an `Option` of that very type (caller).
        unsafe { (self.task().methods.take)(self.0, NonNull::from(&mut result).cast()) };
        result
    }

    #[inline(always)]
    fn free(&self) {
        let methods = self.task().methods;
        // SAFETY: the last count has gone, so nobody uses it any more; the memory was taken for that size.
        unsafe {
            if !self.task().is_empty() {
                (methods.drop)(self.0);
            }
            memory::give_back(self.0.cast(), methods.size);
        }
    }
}

impl Clone for Record {
    #[inline(always)]
    fn clone(&self) -> Record {
        // SAFETY: a root's record has no counts to clone.
        unsafe { Record::of(self.task()) }
    }
}

impl Drop for Record {
    #[inline(always)]
    fn drop(&mut self) {
        let counts = &self.task().counts;
        counts.set(counts.get() - 1);
        if counts.get() == 0 {
            self.free();
        }
    }
}
