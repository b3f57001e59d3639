//! OS threads for work that blocks or computes, and the futures of such work; Python's `concurrent.futures`.
//!
//! ```
//! use greenroom::executor::ThreadPoolExecutor;
//!
//! greenroom::run(|| {
//!     let pool = ThreadPoolExecutor::new(2);
//!     let words = pool.map(["a", "b"], |word| word.to_uppercase());
//!     assert!(words.map(Result::unwrap).eq(["A", "B"]));
//! });
//! ```
//!
//! [`unblock`] is the short way: it runs one closure that blocks, and parks until that has returned. A
//! [`ThreadPoolExecutor`] is a pool of one's own. [`Handle::spawn`] gives a [`Future`] as well: its job is a green thread of
//! another hub.
//!
//! # Traps
//!
//! * What goes to another OS thread and what comes back must be `Send`.
//! * A job that has begun cannot be stopped: a killed waiter leaves it running.
//! * A job that waits for another job of its own pool may wait for ever.
//! * On a pool's OS thread there is no hub: calls that park block that thread, or start a hub of its own there.
//!
//! [`Handle::spawn`]: crate::Handle::spawn

mod crew;
pub(crate) mod future;
mod pool;
mod promise;
pub(crate) mod unblock;
mod wait;

pub use future::Future;
pub use pool::ThreadPoolExecutor;
pub use unblock::unblock;
pub use wait::{ReturnWhen, as_completed, wait};

pub(crate) use unblock::{finish, have_read, lookup};
