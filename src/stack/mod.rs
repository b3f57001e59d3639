//! Memory of stacks: who may have one, where it lies, what happens when it is used up.
//!
//! ```text
//!   Pool ─▶ Shelf, one a size ─▶ Chunk, one reservation ─▶ Stack: guard | room | label
//!                                  │
//!   overflow (signal handler) ◀── registry: which addresses are stacks
//! ```
//!
//! A user is promised a stack when it is made, and that is where running out shows: an [`io::Error`] that names the
//! limit. It is bound to a stack when it first runs and gives it back the moment it ends. The stack that was given
//! back last is bound next, for its top is in the processor's cache; this costs no system call.
//!
//! Nothing here runs code of the user's, and nothing here crosses OS threads but the [`registry`].

#[expect(unsafe_code, reason = "maps, guards and unmaps memory")]
mod chunk;
#[expect(unsafe_code, reason = "sets guards in memory")]
mod guard;
mod label;
mod layout;
mod limit;
#[expect(unsafe_code, reason = "a signal handler; reads the label of a stack")]
mod overflow;
mod registry;
#[expect(unsafe_code, reason = "knows that a stack on its list is nobody's")]
mod shelf;
#[expect(unsafe_code, reason = "is one cell that every green thread goes through four times")]
mod shelves;
#[expect(unsafe_code, reason = "maps memory and gives it to the kernel")]
mod signal_stack;
#[expect(unsafe_code, reason = "keeps a label above the top of a stack")]
mod slot;
#[cfg(test)]
#[expect(unsafe_code, reason = "touches stacks by address")]
mod tests;

use std::io;
use std::num::NonZeroU16;
use std::rc::Rc;

pub(crate) use self::guard::Guards;
pub(crate) use self::label::{Kind, Label};
use self::layout::Layout;
use self::shelf::Shelf;
use self::shelves::Shelves;
pub(crate) use self::slot::Stack;
use crate::sys;

/// Bytes of a stack whose user did not say.
pub(crate) const DEFAULT_SIZE: usize = 256 << 10;

/// The smallest stack there is: what the kernel may push for a signal (man 3 getauxval, `AT_MINSIGSTKSZ`), and
/// 16 KiB to run in (S21).
pub(crate) fn smallest_size() -> usize {
    (sys::least_signal_stack() + (16 << 10)).next_multiple_of(sys::page_size())
}

/// How a pool keeps its stacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// So many stacks of each size keep their pages when nobody uses them.
    pub(crate) cache: usize,
    pub(crate) guards: Guards,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { cache: 4096, guards: Guards::Automatic }
    }
}

/// A size of stack in one pool: what [`Pool::class`] made of a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(NonZeroU16);

/// The stacks of one hub, or of what else runs on one OS thread. Clones share them.
///
/// The last clone unmaps the stacks that were given back; those that are still bound stay where they are, for ever.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    shelves: Rc<Shelves>,
    settings: Settings,
}

thread_local! {
    /// For users that belong to no hub: greenlets and generators.
    static OF_THIS_OS_THREAD: Pool = Pool::new(Settings::default());
}

impl Pool {
    /// A pool without stacks. The first one of the process installs the overflow report.
    pub(crate) fn new(settings: Settings) -> Pool {
        overflow::install();
        signal_stack::provide();
        Pool { shelves: Rc::default(), settings }
    }

    /// The pool that everything on this OS thread may share; a private one when its thread-locals are gone.
    pub(crate) fn of_this_os_thread() -> Pool {
        OF_THIS_OS_THREAD.try_with(Pool::clone).unwrap_or_else(|_| Pool::new(Settings::default()))
    }

    /// The class of stacks with at least `bytes` bytes: whole pages, at least [`smallest_size`].
    ///
    /// # Errors
    ///
    /// If no address space could ever hold such a stack, or there are too many sizes.
    pub(crate) fn class(&self, bytes: usize) -> io::Result<Class> {
        let layout = Layout::new(bytes)?;
        let index = self.shelves.with(|shelves| {
            shelves.iter().position(|shelf| shelf.has_size_of(layout)).unwrap_or_else(|| {
                shelves.push(Shelf::new(layout, &self.settings));
                shelves.len() - 1
            })
        });
        Class::of(index)
    }

    /// How much a stack of `class` has at least, as its label says it.
    pub(crate) fn kib(&self, class: Class) -> u32 {
        let bytes = self.shelves.with(|shelves| shelves[class.index()].size());
        u32::try_from(bytes >> 10).unwrap_or(u32::MAX)
    }

    /// Promises a stack of `class` to one more user, until [`release`](Self::release).
    ///
    /// # Errors
    ///
    /// If no more can be reserved: the text names the limit that was reached.
    #[inline(always)]
    pub(crate) fn promise(&self, class: Class) -> io::Result<()> {
        self.shelves.with(|shelves| shelves[class.index()].promise())
    }

    /// Ends a promise: that user is gone, and its stack, if it had one, was given back or is leaked.
    #[inline(always)]
    pub(crate) fn release(&self, class: Class) {
        self.shelves.with(|shelves| shelves[class.index()].release());
    }

    /// Binds a user that was promised a stack of `class` to one. What `label` points to stays there until the stack
    /// is given back; if it never is, for ever.
    ///
    /// # Errors
    ///
    /// If a new stack cannot be guarded.
    #[inline(always)]
    pub(crate) fn bind(&self, class: Class, label: *const Label) -> io::Result<Stack> {
        self.shelves.with(|shelves| shelves[class.index()].bind(class, label))
    }

    /// Takes back a stack that this pool has bound. Nothing stands on it any more (S23).
    #[inline(always)]
    pub(crate) fn give_back(&self, stack: Stack) {
        self.shelves.with(|shelves| shelves[stack.class.index()].give_back(stack));
    }

    /// As [`give_back`](Self::give_back), and ends the promise to its last user.
    #[inline(always)]
    pub(crate) fn give_back_for_good(&self, stack: Stack) {
        self.shelves.with(|shelves| {
            let shelf = &mut shelves[stack.class.index()];
            shelf.give_back(stack);
            shelf.release();
        });
    }

    /// How many stacks are bound now.
    #[cfg(test)]
    pub(crate) fn stacks(&self) -> usize {
        self.shelves.with(|shelves| shelves.iter().map(Shelf::bound).sum())
    }
}

impl Class {
    fn of(index: usize) -> io::Result<Class> {
        let number = u16::try_from(index + 1).ok().and_then(NonZeroU16::new);
        number.map(Class).ok_or_else(|| io::Error::other("stacks of more than 65,535 sizes"))
    }

    #[inline]
    fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}
