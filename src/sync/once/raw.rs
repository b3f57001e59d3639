//! The state of what is made once: by whom, and who waits for it.
//!
//! ```text
//!   INCOMPLETE ──▶ owner ──▶ COMPLETE       the initialiser runs between the two, with no latch held
//!       ▲            │
//!       └────────────┘ it unwinds: the first in the line is told to try
//! ```

use std::ptr::NonNull;

use crate::park::line::{Guard, How, Line, Policy, Turn, Verdict, Waited, wait};
use crate::park::seat::{self, Manner, WaitingFor};
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicU64, Ordering};

/// Nobody has made it; the word that stands for no owner.
const INCOMPLETE: u64 = 0;
/// It is made. Not the word of any owner.
const COMPLETE: u64 = 2;

/// It is complete, or nobody makes it any more.
const LOOK: Verdict = 1;

pub(crate) struct RawOnce {
    /// Changed under the latch of the line only.
    word: AtomicU64,
    line: Line<()>,
}

// Memory ordering. Completing releases what the initialiser wrote, and looking acquires it. The rest goes by the latch.
impl RawOnce {
    const_fn! {
        pub(crate) const fn new() -> RawOnce {
            RawOnce { word: AtomicU64::new(INCOMPLETE), line: Line::new(()) }
        }
    }

    #[inline(always)]
    pub(crate) fn is_complete(&self) -> bool {
        self.word.load(Ordering::Acquire) == COMPLETE
    }

    /// Has `make` run, unless that was done before; rivals wait until it has. If it unwinds, the next may try.
    #[inline(always)]
    pub(crate) fn call(&self, make: impl FnOnce()) {
        if !self.is_complete() {
            self.call_slowly(make);
        }
    }

    #[cold]
    fn call_slowly(&self, make: impl FnOnce()) {
        let Some(guard) = self.turn() else { return };
        self.word.store(seat::me(), Ordering::Relaxed);
        drop(guard);
        let attempt = Attempt(self);
        make();
        std::mem::forget(attempt);
        self.complete(&mut self.line.lock());
    }

    /// Has `put` run under the latch, unless it is complete; it moves a value into its place, and runs nobody else's code.
    /// Waits for an initialiser that runs; false if it has made the value.
    pub(crate) fn put(&self, put: impl FnOnce()) -> bool {
        let Some(mut guard) = self.turn() else { return false };
        put();
        self.complete(&mut guard);
        true
    }

    /// Waits until nobody makes it; None if it is complete then.
    fn turn(&self) -> Option<Guard<'_, (), (), 1>> {
        let me = seat::me();
        let mut tried = false;
        loop {
            let guard = self.line.lock();
            match self.word.load(Ordering::Acquire) {
                COMPLETE => return None,
                INCOMPLETE => return Some(guard),
                owner if seat::is_same(owner, me) => {
                    drop(guard);
                    panic!("an initialiser that needs what it is to make: it would wait for itself");
                }
                _ => {}
            }
            let turn = Turn { list: 0, first: tried };
            let what = WaitingFor::Initialiser(NonNull::from(&self.word).cast());
            match wait(self, guard, turn, (), How { manner: Manner::Lock, what, limit: None }) {
                Waited::Told(..) => tried = true,
                Waited::Deadline(()) | Waited::Interrupted(..) => {
                    unreachable!("nothing but unwinding ends the wait for an initialiser")
                }
            }
        }
    }

    fn complete(&self, guard: &mut Guard<'_, (), (), 1>) {
        self.word.store(COMPLETE, Ordering::Release);
        guard.tell_all(0, LOOK);
    }
}

/// An initialiser at work.
struct Attempt<'a>(&'a RawOnce);

impl Drop for Attempt<'_> {
    /// It unwinds.
    fn drop(&mut self) {
        let mut guard = self.0.line.lock();
        self.0.word.store(INCOMPLETE, Ordering::Relaxed);
        guard.tell_first(0, LOOK, |()| ());
    }
}

impl Policy for RawOnce {
    type State = ();
    type Data = ();

    fn line(&self) -> &Line<()> {
        &self.line
    }

    /// If nobody makes it, the next in the line may try. If somebody does, that one will tell.
    fn pass_on(&self, _verdict: Verdict, _data: ()) {
        let mut guard = self.line.lock();
        if self.word.load(Ordering::Relaxed) == INCOMPLETE {
            guard.tell_first(0, LOOK, |()| ());
        }
    }
}
