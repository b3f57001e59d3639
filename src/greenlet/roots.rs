//! Roots of families, and the places where they stand.

use std::any::Any;
use std::cell::Cell;
use std::ptr;
use std::rc::Rc;

use crate::greenlet::chain::{self, Strand};

/// The root of a family of greenlets, as the place where it stands sees it.
pub(crate) trait Root: Any {
    /// Its switch is not pending: control is in the frames of the root itself.
    fn has_control(&self) -> bool;

    /// Unwinds what is suspended of its family. It does not unwind itself.
    fn end(&self);

    /// The place is gone, and nothing could be unwound.
    fn abandon(&self);
}

/// The roots that stand at one place. Empty for nearly all, so it is one word.
pub(super) struct Roots(Cell<Option<Box<RootList>>>);

type RootList = Vec<Rc<dyn Root>>;

impl Roots {
    pub(super) const fn new() -> Roots {
        Roots(Cell::new(None))
    }

    /// Runs `f` with the list, which nobody else sees meanwhile: `f` runs no code of the user's.
    fn with<R>(&self, f: impl FnOnce(&mut RootList) -> R) -> R {
        let mut list = self.0.take().unwrap_or_default();
        let result = f(&mut list);
        if !list.is_empty() {
            self.0.set(Some(list));
        }
        result
    }

    pub(super) fn find<R: Root>(&self) -> Option<Rc<R>> {
        let of_that_type = |root: &Rc<dyn Root>| (root.clone() as Rc<dyn Any>).downcast::<R>().ok();
        self.with(|list| list.iter().filter(|root| root.has_control()).find_map(of_that_type))
    }

    fn pop(&self) -> Option<Rc<dyn Root>> {
        let mut list = self.0.take()?;
        let last = list.pop();
        if !list.is_empty() {
            self.0.set(Some(list));
        }
        last
    }

    pub(super) fn keep(&self, root: Rc<dyn Root>) {
        self.with(|list| list.push(root));
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        let list = self.0.take();
        let empty = list.is_none();
        self.0.set(list);
        empty
    }

    /// Unwinding one family may found another, here; not for ever.
    pub(super) fn end(&self) {
        for _ in 0..chain::ROUNDS {
            let Some(root) = self.pop() else { return };
            root.end();
        }
        self.abandon();
    }

    pub(super) fn abandon(&self) {
        while let Some(root) = self.pop() {
            root.abandon();
        }
    }
}

/// Where a family is rooted: in the frames of one link, or in those of a green thread or the root itself.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// Has meaning if `link` is 0. It is compared, never followed: a strand that goes ends its families first.
    strand: *const Strand,
    link: u64,
}

impl Spot {
    /// The innermost place of the running chain.
    pub(crate) fn innermost() -> Spot {
        Spot { strand: chain::current(), link: chain::innermost() }
    }

    /// Whether the running code stands in these frames, which are those of a strand, and no link is entered.
    #[inline(always)]
    pub(crate) fn is_bare(self) -> bool {
        self.link == 0 && ptr::eq(self.strand, chain::current()) && chain::is_innermost(ptr::null())
    }

    /// Whether its frames are part of the running chain.
    pub(crate) fn stands(self) -> bool {
        match self.link {
            0 => ptr::eq(self.strand, chain::current()),
            link => chain::stands(link),
        }
    }
}
