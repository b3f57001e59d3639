//! once: being written.
