//! The wish: how long somebody who comes to a queue would wait, and what may interrupt that.

use std::time::Duration;

use crate::park::seat::{Limit, Manner, Seat};

/// How long, and in which manner, somebody would wait.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    patience: Patience,
    pub(super) manner: Manner,
}

#[derive(Clone, Copy)]
enum Patience {
    None,
    Endless,
    For(Duration),
}

impl Wish {
    pub(crate) const NO_WAIT: Wish = Wish { patience: Patience::None, manner: Manner::Fallible };

    #[inline(always)]
    pub(crate) const fn endless(manner: Manner) -> Wish {
        Wish { patience: Patience::Endless, manner }
    }

    #[inline(always)]
    pub(crate) fn within(limit: Duration, manner: Manner) -> Wish {
        let patience = if limit.is_zero() { Patience::None } else { Patience::For(limit) };
        Wish { patience, manner }
    }

    pub(super) fn waits(self) -> bool {
        !matches!(self.patience, Patience::None)
    }

    /// To wait for as long as it takes, as `put` and `get` do.
    #[inline(always)]
    pub(super) fn is_plain(self) -> bool {
        matches!((self.patience, self.manner), (Patience::Endless, Manner::Fallible))
    }

    pub(super) fn is_limited(self) -> bool {
        matches!(self.patience, Patience::For(_))
    }

    pub(super) fn limit(self) -> Option<Limit> {
        match self.patience {
            Patience::For(limit) => Seat::here().limit(limit),
            Patience::None | Patience::Endless => None,
        }
    }
}
