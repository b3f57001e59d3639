//! The value that is made when it is first needed, for green and OS threads alike.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::cell::OnceLock;

/// A value that is made when it is first needed; std's `LazyLock`.
///
/// The closure may park: whoever needs the value meanwhile waits. So dereferencing it may switch, as
/// [`force`](Self::force) may. If the closure panics or is killed there is no other, and the value is never made.
///
/// # Examples
///
/// ```
/// use greenroom::sync::LazyLock;
///
/// static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| "one two".split(' ').collect());
/// assert_eq!(WORDS.len(), 2);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    cell: OnceLock<T>,
    /// Taken by the initialiser of the cell, and so by one at a time.
    make: Cell<Option<F>>,
}

// SAFETY: the closure goes to one thread, the initialiser of the cell; nobody else touches it while the value is shared.
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}

impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F> LazyLock<T, F>
where
    F: FnOnce() -> T,
{
    /// Makes a value that `make` will make.
    pub const fn new(make: F) -> LazyLock<T, F> {
        LazyLock { cell: OnceLock::new(), make: Cell::new(Some(make)) }
    }

    /// Returns the value; makes it if it is not there, or waits for whoever makes it.
    ///
    /// # Switching
    ///
    /// May, if somebody else makes it, also while the caller is unwinding; else only if the closure does.
    ///
    /// # Panics
    ///
    /// Panics if the closure panicked or was unwound before, and if it asks for the value itself.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. If they unwind the closure, the value is never made.
    #[inline]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.cell.get_or_init(|| match this.make.take() {
            Some(make) => make(),
            None => panic!("the closure of this LazyLock was unwound before, and there is no other"),
        })
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

/// Shows the value, or that it is not made; never waits.
impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("LazyLock");
        match self.cell.get() {
            Some(value) => shown.field(value),
            None => shown.field(&format_args!("<uninit>")),
        };
        shown.finish()
    }
}
