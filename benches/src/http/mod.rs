//! "Hello, World!" by HTTP/1.1, on greenroom and on its rivals.

pub mod greenroom;
mod greeting;
mod inbox;
#[cfg(feature = "rivals")]
pub(crate) mod rivals;

/// What every server answers with.
const BODY: &str = "Hello, World!";
