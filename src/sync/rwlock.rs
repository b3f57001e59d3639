//! rwlock: being written.
