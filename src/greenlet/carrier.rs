//! What carries one greenlet or generator: its stack, from the promise to the giving back.

use std::cell::{Cell, UnsafeCell};
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, Location};
use std::thread;

use crate::greenlet::chain::{self, Link};
use crate::greenlet::switch::{Coroutine, Step, Yielder};
use crate::stack::{Class, Kind, Label, Pool};

/// A stack that is promised, bound or given back, and the link of what runs on it.
///
/// Once begun it keeps its address until it has ended: the stack points to its label, chains point to its link.
pub(crate) struct Carrier {
    link: Link,
    /// What was innermost when it was last left: its own link, or one that stood on it and was left with it.
    innermost: Cell<*const Link>,
    /// From the beginning to the end. Touched by [`enter`](Self::enter) only, which the body cannot reach.
    coroutine: UnsafeCell<Option<Coroutine>>,
    /// It was left in the middle of an unwinding of its own: a destructor switched.
    stranded: Cell<bool>,
    /// The promise holds.
    promised: Cell<bool>,
    class: Class,
    pool: Pool,
    label: Label,
}

impl Carrier {
    /// Promises a stack of at least `size` bytes.
    ///
    /// # Errors
    ///
    /// If there can be none: the text names the limit.
    pub(crate) fn new(kind: Kind, site: &'static Location<'static>, size: usize) -> io::Result<Carrier> {
        let pool = Pool::of_this_os_thread();
        let class = pool.class(size)?;
        pool.promise(class)?;
        Ok(Carrier {
            link: Link::new(),
            innermost: Cell::new(std::ptr::null()),
            coroutine: UnsafeCell::new(None),
            stranded: Cell::new(false),
            promised: Cell::new(true),
            class,
            label: Label::new(kind, None, site, pool.kib(class)),
            pool,
        })
    }

    #[inline(always)]
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Where it was created.
    pub(crate) fn site(&self) -> &'static Location<'static> {
        self.label.site
    }

    /// Binds the stack; the first [`enter`](Self::enter) runs `body` on it, which does not unwind.
    ///
    /// # Errors
    ///
    /// If the stack cannot be guarded.
    ///
    /// # Safety
    ///
    /// Neither the carrier nor what `body` uses moves or goes before the body has ended; if it never ends, for
    /// ever (S8). It is called once.
    pub(crate) unsafe fn begin<F>(&self, body: F) -> io::Result<()>
    where
        F: FnOnce(&Yielder, usize) + 'static,
    {
        let stack = self.pool.bind(self.class, &self.label)?;
        let link = &raw const self.link;
        let coroutine = Coroutine::new(stack, move |yielder, word| {
            // SAFETY: the carrier stays while its body runs (caller).
            unsafe { &*link }.set_yielder(yielder);
            body(yielder, word);
            0
        });
        // SAFETY: nobody is inside `enter`: there was nothing to enter (S7).
        unsafe { *self.coroutine.get() = Some(coroutine) };
        self.innermost.set(&self.link);
        Ok(())
    }

    /// What a body does with the code it carries: it runs `f`, then ends the families that are rooted in its frames.
    pub(crate) fn run<R>(&self, f: impl FnOnce() -> R) -> thread::Result<R> {
        let result = panic::catch_unwind(AssertUnwindSafe(f));
        self.link.end();
        result
    }

    /// Runs it, on top of whatever runs now, until it suspends or ends. When it has ended, its stack is given back.
    ///
    /// # Safety
    ///
    /// It has begun, has not ended, and is not entered.
    #[inline(always)]
    pub(crate) unsafe fn enter(&self, word: usize) -> Step {
        let panicking = thread::panicking();
        // SAFETY: the strand of the running chain stays while its code runs (S15).
        unsafe {
            let strand = &*chain::current();
            self.link.set_outer(strand.top());
            strand.set_top(self.innermost.get());
        }
        // SAFETY: it has begun and is not entered, so nobody else is here (caller, S7).
        let coroutine = unsafe { (*self.coroutine.get()).as_mut().unwrap_unchecked() };
        let step = coroutine.resume(word);
        // SAFETY: as above. It may be another strand than before: what this frame stands on may have been carried to
        // another green thread while it was suspended.
        unsafe {
            let strand = &*chain::current();
            self.innermost.set(strand.top());
            strand.set_top(self.link.outer());
        }
        if thread::panicking() != panicking {
            self.stranded.set(!panicking);
        }
        if let Step::Ended = step {
            self.give_back();
        }
        step
    }

    /// Whether it was suspended by a destructor that ran in an unwinding: it cannot be unwound from there.
    pub(crate) fn is_stranded(&self) -> bool {
        self.stranded.get()
    }

    /// Ends the promise of one that never began.
    pub(crate) fn give_up(&self) {
        if self.promised.replace(false) {
            self.pool.release(self.class);
        }
    }

    #[cold]
    fn give_back(&self) {
        // SAFETY: it has just ended, so nobody is inside `enter` (S7).
        if let Some(coroutine) = unsafe { (*self.coroutine.get()).take() } {
            self.pool.give_back(coroutine.into_stack());
        }
        self.give_up();
    }

    /// Says that its frames are left as they stand, for ever; whoever owns the carrier then forgets it (S8).
    #[cold]
    pub(crate) fn say_it_is_left(&self) {
        if self.is_stranded() {
            chain::strand_panic();
        }
        let Label { kind, site, .. } = &self.label;
        // Not `eprintln!`: it panics if standard error is closed.
        let _ = writeln!(
            io::stderr(),
            "greenroom: the {kind} created at {site} does not let itself be unwound; its stack is left as it stands"
        );
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.give_up();
    }
}
