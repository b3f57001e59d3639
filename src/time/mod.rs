//! Time: limits on what may wait, alarms, regular ticks; and what std's `time` has.
//!
//! ```
//! use greenroom::time::{Duration, timeout};
//!
//! let slow = timeout(Duration::from_millis(2), || greenroom::sleep(Duration::from_secs(60)));
//! assert!(slow.is_err());
//! let quick = timeout(Duration::from_secs(60), || "done");
//! assert_eq!(quick, Ok("done"));
//! ```
//!
//! # Traps
//!
//! * [`timeout`] ends waits, not computations: a closure that never waits is never interrupted, and what
//!   `std::thread::sleep` waits for is no wait of this crate.
//! * A closure that goes on after an expiry (it had its wait's error, and returned a value all the same) loses that value:
//!   [`timeout`] returns [`Elapsed`].
//! * A [`Timer`] or [`spawn_later`](crate::spawn_later) whose delay is beyond the clock's range stays alive without ever
//!   firing, and [`run`](crate::run) waits for it.

mod interval;
mod limit;
mod timer;

pub use interval::Interval;
pub use limit::timeout;
pub use timer::Timer;

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};

pub use crate::park::error::Elapsed;
