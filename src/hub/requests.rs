//! Requests to a green thread: to end a wait, or to end altogether; by others, or by the scopes of `timeout` in time.

/// A set of requests.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Requests(u8);

impl Requests {
    pub(crate) const NONE: Requests = Requests(0);
    /// `kill`: unwind at the next park. Stays until the end.
    pub(crate) const KILL: Requests = Requests(1);
    /// `cancel`: fallible waits fail. Stays until the end.
    pub(crate) const CANCEL: Requests = Requests(2);
    /// The time of at least one open scope is over.
    pub(crate) const EXPIRY: Requests = Requests(4);
    /// Something came from another OS thread. Not a request that stays: it has meaning in `heeds` only.
    pub(crate) const SIGNAL: Requests = Requests(8);
    /// The process was made by `fork`: the next wait says so.
    pub(crate) const FORKED: Requests = Requests(16);

    pub(crate) const fn and(self, other: Requests) -> Requests {
        Requests(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Requests) -> Requests {
        Requests(self.0 & !other.0)
    }

    pub(crate) const fn among(self, others: Requests) -> Requests {
        Requests(self.0 & others.0)
    }

    #[inline(always)]
    pub(crate) const fn meets(self, other: Requests) -> bool {
        self.0 & other.0 != 0
    }
}
