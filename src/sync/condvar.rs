//! condvar: being written.
