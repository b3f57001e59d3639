//! A bound stack, as its user holds it.

use std::marker::PhantomData;
use std::num::NonZeroUsize;

use super::Class;
use super::label::Label;
use super::layout::GUARD;

/// A stack that one user has, from [`Pool::bind`](super::Pool::bind) to [`Pool::give_back`](super::Pool::give_back).
///
/// Dropping it leaks it: its chunk is never unmapped, because something may still stand on it (S8).
#[must_use = "a stack that is not given back is leaked"]
#[derive(Debug)]
pub(crate) struct Stack {
    top: NonZeroUsize,
    bottom: NonZeroUsize,
    pub(super) class: Class,
    fresh: bool,
    /// It belongs to a pool of this OS thread (S1).
    not_send: PhantomData<*mut ()>,
}

impl Stack {
    /// # Safety
    ///
    /// From `bottom` to 8 bytes above `top`, which is a multiple of 16, lies memory that is nobody else's, with
    /// a guard below it.
    #[inline(always)]
    pub(super) unsafe fn new(
        top: usize,
        bottom: usize,
        class: Class,
        fresh: bool,
        label: *const Label,
    ) -> Stack {
        // SAFETY: the word above the top is the stack's own (caller). A mapping never lies at address 0.
        let (top, bottom) = unsafe {
            (top as *mut *const Label).write(label);
            (NonZeroUsize::new_unchecked(top), NonZeroUsize::new_unchecked(bottom))
        };
        Stack { top, bottom, class, fresh, not_send: PhantomData }
    }

    /// Ends the binding; returns the top. From here on the label may die.
    #[inline(always)]
    pub(super) fn retire(self) -> usize {
        let top = self.top();
        // SAFETY: the word above the top is the stack's own for as long as it is bound, and is so until here.
        unsafe { (top as *mut *const Label).write(std::ptr::null()) };
        top
    }

    /// Says who is bound from now on to the stack with that top. The label stays as [`Pool::bind`](super::Pool::bind) asks.
    ///
    /// # Safety
    ///
    /// The stack is bound.
    #[inline(always)]
    pub(crate) unsafe fn relabel(top: usize, label: *const Label) {
        // SAFETY: the word above the top is the stack's own for as long as it is bound (caller).
        unsafe { (top as *mut *const Label).write(label) };
    }

    /// The label of whoever is bound to the stack with that top, null for nobody.
    ///
    /// # Safety
    ///
    /// `top` is one of the tops of a chunk that stays mapped during the call.
    pub(super) unsafe fn label_above(top: usize) -> *const Label {
        // SAFETY: the word above a top is mapped, aligned, and written by the functions above only (caller).
        unsafe { (top as *const *const Label).read_volatile() }
    }

    /// The address just above the first byte that may be used; a multiple of 16.
    #[inline]
    pub(crate) fn top(&self) -> usize {
        self.top.get()
    }

    /// The lowest address that may be used; the guard lies below it.
    #[inline]
    pub(crate) fn bottom(&self) -> usize {
        self.bottom.get()
    }

    /// Whether nobody was bound to these addresses before, since they were mapped.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// [`top`](Self::top), as corosensei wants it.
    #[inline]
    pub(crate) fn top_address(&self) -> NonZeroUsize {
        self.top
    }

    /// The lowest address of the guard.
    #[inline]
    pub(crate) fn limit_address(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.bottom() - GUARD).expect("nothing is mapped at address 0")
    }
}
