//! The rivals' set-up, the strongest that one OS thread allows.

pub(crate) mod may;
pub(crate) mod smol;
pub(crate) mod tokio;
