//! A descriptor seen as one of std's socket types for the length of a call.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Std's `S` over a descriptor that somebody else owns: its methods make the system calls, its drop closes nothing.
pub(crate) struct View<'fd, S> {
    socket: ManuallyDrop<S>,
    descriptor: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd, S: From<OwnedFd>> View<'fd, S> {
    pub(crate) fn new(descriptor: BorrowedFd<'fd>) -> View<'fd, S> {
        // SAFETY: S17: the borrow keeps the number open for as long as this view lives, and ManuallyDrop keeps
        // the view from closing it: the owner's close stays the only one.
        let alias = unsafe { OwnedFd::from_raw_fd(descriptor.as_raw_fd()) };
        View { socket: ManuallyDrop::new(S::from(alias)), descriptor: PhantomData }
    }
}

impl<S> Deref for View<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.socket
    }
}
