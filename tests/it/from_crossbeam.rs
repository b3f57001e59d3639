//! from_crossbeam: being written.
