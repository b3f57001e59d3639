//! barrier: being written.
