// The README links modules to their sources. On this page they link to the modules: the first definition of a link holds.
#![doc = "[`thread`]: mod@crate::thread"]
#![doc = "[`wait`]: mod@crate::wait"]
#![doc = "[`time`]: mod@crate::time"]
#![doc = "[`sync`]: mod@crate::sync"]
#![doc = "[`queue`]: mod@crate::queue"]
#![doc = "[`pool`]: mod@crate::pool"]
#![doc = "[`executor`]: mod@crate::executor"]
#![doc = "[`future`]: mod@crate::future"]
#![doc = "[What it is called here]: mod@crate::coming_from"]
#![doc = "[Libraries that block]: mod@crate::blocking_libraries"]
#![doc = "[`net`]: mod@crate::net"]
#![doc = "[`os`]: mod@crate::os"]
#![doc = "[`io`]: mod@crate::io"]
#![doc = "[`fs`]: mod@crate::fs"]
#![doc = "[`process`]: mod@crate::process"]
#![cfg_attr(feature = "signal", doc = "[`signal`]: mod@crate::signal")]
#![doc = "[`runtime`]: mod@crate::runtime"]
#![doc = "[`server`]: mod@crate::server"]
#![cfg_attr(feature = "monkey", doc = "[`monkey`]: mod@crate::monkey")]
#![doc = "[`greenlet`]: mod@crate::greenlet"]
#![doc = "[`generator`]: mod@crate::generator"]
#![doc = ""]
#![doc = include_str!("../README.md")]
// Unsafe code lives behind this fence: each module that may hold it says why. What is not named here has none.

mod shim;
#[expect(unsafe_code, reason = "calls the C library")]
mod sys;

mod stack;

pub mod greenlet;

#[expect(unsafe_code, reason = "enters coroutines; passes values through frames")]
pub mod generator;

mod hub;

mod park;

pub mod queue;
pub mod sync;

pub mod thread;
pub mod time;

pub mod executor;
pub mod future;
pub mod pool;
pub mod wait;

pub mod fs;
pub mod io;
pub mod net;
pub mod os;
pub mod process;
#[cfg(feature = "signal")]
pub mod signal;

#[cfg(feature = "monkey")]
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod monkey;
#[cfg(feature = "monkey")]
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "monkey/elsewhere.rs"]
pub mod monkey;

pub mod runtime;

pub mod server;

#[doc(inline)]
pub use crate::executor::unblock;
#[doc(inline)]
pub use crate::future::block_on;
#[doc(inline)]
pub use crate::runtime::{Handle, Runtime, run};
#[doc(inline)]
pub use crate::thread::{JoinError, JoinHandle, current, scope, sleep, spawn, spawn_later, yield_now};
#[doc(inline)]
pub use crate::time::{Elapsed, timeout};
#[doc(inline)]
pub use crate::wait::{Waitable, as_completed, iwait, joinall, killall, try_joinall, wait};

#[cfg(doc)]
#[doc = include_str!("../docs/coming_from.md")]
pub mod coming_from {}

#[cfg(doc)]
#[doc = include_str!("../docs/blocking_libraries.md")]
pub mod blocking_libraries {}
