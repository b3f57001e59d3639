//! Unmodified blocking code under `monkey`: the process is the unit, for a patch holds for all of it.

#[path = "monkey/calls.rs"]
mod calls;
