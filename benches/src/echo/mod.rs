//! Echo over TCP, on greenroom and on its rivals.

pub mod greenroom;
#[cfg(feature = "rivals")]
pub(crate) mod rivals;

/// What a message has, in bytes.
pub(crate) const MESSAGE_SIZE: usize = 64;

/// What a server reads at most at once: a common size, and one that a message never fills.
const BUFFER_SIZE: usize = 1_024;
