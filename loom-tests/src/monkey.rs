//! The floor `monkey`: its table of words.

#[path = "../../src/monkey/words.rs"]
pub(crate) mod words;
