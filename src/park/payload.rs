//! What is thrown to unwind a green thread: by kill, and by the expiry of a scope above waits that cannot fail.
//!
//! It is raised with `resume_unwind`, at the park, by the green thread itself: the panic hook stays silent, destructors run in
//! order, and the victim remains an ordinary green thread until it has ended (S31). It is known by its numbers, not by its
//! type alone: a payload that somebody kept and throws again elsewhere means nothing there (S11).

use std::any::Any;
use std::panic::resume_unwind;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unwind {
    Kill { thread: u64 },
    Expiry { thread: u64, scope: u64 },
}

impl Unwind {
    pub(crate) fn raise(self) -> ! {
        resume_unwind(Box::new(self))
    }

    pub(crate) fn of(payload: &(dyn Any + Send)) -> Option<Unwind> {
        payload.downcast_ref::<Unwind>().copied()
    }
}
