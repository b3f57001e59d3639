//! Groups of green threads that are waited for, ended and fed together; pools, which bound how many are alive: gevent's `pool`.
//!
//! ```
//! use greenroom::pool::Pool;
//! use greenroom::{sleep, thread::active_count};
//! use std::time::Duration;
//!
//! greenroom::run(|| {
//!     let pool = Pool::new(3);
//!     let busy = pool.map(0..9, |n| {
//!         sleep(Duration::from_millis(n % 3));
//!         active_count()
//!     });
//!     assert!(busy.into_iter().all(|n| n <= 3));
//! });
//! ```
//!
//! # Traps
//!
//! * A member that spawns into its own full pool waits for another member to end. If all of them do, that never happens:
//!   the last of them panics. Two pools whose members wait for each other's room just hang.
//! * Dropping a [`Group`] or [`Pool`] ends nobody; its members go on.
//! * [`imap`](Group::imap) without a [`bound`](Imap::bound) reads its input as fast as it can, whatever the reader does.

#[expect(unsafe_code, reason = "queues up in wait lists")]
mod ending;
mod group;
mod imap;
mod promise;
#[expect(unsafe_code, reason = "queues up in wait lists")]
mod roll;
mod sized;

pub use group::Group;
pub use imap::{Imap, ImapUnordered};
pub use sized::Pool;
