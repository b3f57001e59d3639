//! executor: being written.
