//! reentrant: being written.
