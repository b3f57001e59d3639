//! pool: being written.
