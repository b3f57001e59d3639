//! The payload that unwinds one greenlet or generator which is not wanted any more.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use crate::greenlet::chain::Link;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Says which one it unwinds. Payloads travel, also to other OS threads, so the type alone says nothing; the id is one
/// of its OS thread, the address is one of the process (S11).
struct Unwind {
    id: u64,
    address: usize,
}

/// Begins to unwind the frames of `link`, silently.
pub(crate) fn raise(link: &Link) -> ! {
    panic::resume_unwind(Box::new(Unwind { id: link.id(), address: &raw const *link as usize }))
}

/// Whether [`raise`] made this payload for `link`.
pub(crate) fn is_for(payload: &Payload, link: &Link) -> bool {
    payload
        .downcast_ref::<Unwind>()
        .is_some_and(|unwind| unwind.id == link.id() && unwind.address == &raw const *link as usize)
}

/// Whether [`raise`] made this payload, for whatever link.
pub(crate) fn is_unwind(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Unwind>()
}

/// Runs `f`, which drops what belongs to nobody any more; what it throws is dropped as well (S12).
pub(crate) fn contain(f: impl FnOnce()) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(f)) {
        discard(payload);
    }
}

/// Drops what somebody has thrown. Its destructor may throw in turn (S11): that stays for ever, or there would be no end.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}
