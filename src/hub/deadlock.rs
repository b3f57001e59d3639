//! deadlock: being written.
