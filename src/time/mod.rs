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

mod interval;
mod limit;
mod timer;

pub use interval::Interval;
pub use limit::timeout;
pub use timer::Timer;

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};

pub use crate::park::error::Elapsed;
