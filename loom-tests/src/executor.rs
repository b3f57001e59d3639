//! The floor `executor`: how a job and its value are handed over.

#[path = "../../src/executor/promise.rs"]
pub(crate) mod promise;
