//! The token of `park` and `unpark`: one bit that says "go on", set by any thread and taken by its one owner.

use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicBool, Ordering};

/// At most one permission to go on, as of `std::thread::park`.
///
/// The token does not wake anybody. Whoever has [`set`](Token::set) it sends the owner's signal, and the owner looks
/// again when the signal comes. It may find the token gone, because it took it before it parked; then it parks again.
pub(crate) struct Token {
    set: AtomicBool,
}

// Memory ordering. A set releases and a take acquires, by exchanges only, so a take sees what was written before each set
// up to then. A set that finds the token set sends nothing: it comes before the take that the earlier signal leads to.
impl Token {
    const_fn! {
        pub(crate) const fn new() -> Token {
            Token { set: AtomicBool::new(false) }
        }
    }

    /// Sets the token. True if it was not set: the caller must send the owner's signal.
    pub(crate) fn set(&self) -> bool {
        !self.set.swap(true, Ordering::Release)
    }

    /// Takes the token, if it is set. For the owner only.
    pub(crate) fn take(&self) -> bool {
        // A load that comes too early to see a set is put right by the signal that follows the set.
        self.set.load(Ordering::Relaxed) && self.set.swap(false, Ordering::Acquire)
    }
}
