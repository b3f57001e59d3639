//! The shelves of a pool, one a size of stack.

use std::cell::UnsafeCell;

use super::shelf::Shelf;

/// One at a time is worked on. A `RefCell` would say the same at run time, at each of the four visits of a green thread's life.
#[derive(Debug, Default)]
pub(super) struct Shelves(UnsafeCell<Vec<Shelf>>);

impl Shelves {
    /// Runs `f` with the shelves. It does not come back here: what it calls maps memory and runs no code of the user's.
    #[inline(always)]
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Vec<Shelf>) -> R) -> R {
        // SAFETY: on one OS thread (the type is not Sync), and `f` is not inside another one: all of them are in the head of
        // `stack`, one call deep (S7).
        f(unsafe { &mut *self.0.get() })
    }
}
