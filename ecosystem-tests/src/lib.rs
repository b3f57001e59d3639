//! What some blocking libraries need to run on green threads: the few lines between their trait and our stream.
//!
//! A library that is generic over `Read + Write` needs none; those here have a trait of their own. The tests in
//! `tests/it/` run them all against servers; `docs/blocking_libraries.md` says what works and what cannot.

pub mod lettre;
pub mod postgres;
pub mod redis;
pub mod ureq;
