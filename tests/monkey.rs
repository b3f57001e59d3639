//! Unmodified blocking code under `monkey`: the process is the unit, for a patch holds for all of it.

#![allow(unsafe_code, reason = "calls of the C library, as C makes them")]

#[path = "monkey/calls/mod.rs"]
mod calls;
#[path = "it/support.rs"]
#[allow(dead_code, reason = "shared with the behaviour tests")]
mod support;
