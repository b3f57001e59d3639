//! future: being written.
