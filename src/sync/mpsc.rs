//! mpsc: being written.
