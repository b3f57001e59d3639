//! greenroom's side of the cases, one question a file: the comparison and `micro` run the same functions.
//!
//! Each takes a number of operations and gives the time that they took, set-up left out. Where the operations belong to
//! groups, what exceeds the last whole group is not performed.

pub(crate) mod crossing;
pub(crate) mod echoing;
pub(crate) mod locking;
pub(crate) mod parking;
pub(crate) mod queueing;
pub(crate) mod sleeping;
pub(crate) mod spawning;
pub(crate) mod switching;
pub(crate) mod timers;
pub(crate) mod yielding;
