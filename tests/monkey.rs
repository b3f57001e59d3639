//! Unmodified blocking code under `monkey`: the process is the unit, for a patch holds for all of it.

#![allow(unsafe_code, reason = "calls of the C library, as C makes them")]

#[path = "monkey/c_library.rs"]
mod c_library;
#[path = "monkey/calls/mod.rs"]
mod calls;
#[path = "monkey/differential/mod.rs"]
mod differential;
#[path = "monkey/libc_calls.rs"]
mod libc_calls;
#[path = "monkey/sockets.rs"]
mod sockets;
#[path = "monkey/storm/mod.rs"]
mod storm;
#[path = "it/support.rs"]
#[allow(dead_code, reason = "shared with the behaviour tests")]
mod support;
