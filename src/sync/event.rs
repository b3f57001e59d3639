//! event: being written.
