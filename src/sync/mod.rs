//! Locks, conditions and results that green threads and OS threads wait for alike; std's `sync`, cooperatively.
//!
//! ```
//! use greenroom::sync::{Arc, Event, Mutex};
//! use greenroom::{joinall, spawn, yield_now};
//!
//! let (tickets, open) = (Arc::new(Mutex::new(3)), Arc::new(Event::new()));
//! let buyers = (0..3).map(|_| {
//!     let (tickets, open) = (tickets.clone(), open.clone());
//!     spawn(move || {
//!         open.wait();
//!         let mut left = tickets.lock();
//!         yield_now(); // whoever has a lock may park
//!         *left -= 1;
//!     })
//! });
//! let buyers: Vec<_> = buyers.collect();
//! open.set();
//! joinall(buyers);
//! assert_eq!(*tickets.lock(), 0);
//! ```
//!
//! | | for |
//! |---|---|
//! | [`Mutex`], [`RwLock`], [`ReentrantLock`] | what one, or one writer, or one again and again may have |
//! | [`Condvar`] | waiting until what a mutex guards has changed |
//! | [`Semaphore`], [`BoundedSemaphore`] | so many at once |
//! | [`Event`], [`Barrier`] | a sign for all who wait; a place where all meet |
//! | [`Once`], [`OnceLock`], [`LazyLock`] | what is made once, by an initialiser that may park |
//! | [`AsyncResult`] | one value or failure for any number of readers |
//! | [`mpsc`] | std's channels |
//!
//! All of them are waited for in the order of coming, cost one atomic exchange while nobody waits, and allocate nothing.
//! What was handed to somebody who is killed or timed out before it runs goes to the next.
//!
//! # Traps
//!
//! * Nothing here poisons: std's `.unwrap()` after `lock` goes, and a panic leaves what it was about to change half changed.
//! * The owner of a lock is the green thread that locked it, also if its guard goes to another.
//! * On an OS thread with a hub whoever waits parks, and the others go on; an OS thread without one is blocked.
//! * A green thread that is unwinding still waits for locks, initialisers and permits, and then nothing ends that wait; events,
//!   barriers and conditions it does not wait for.
//! * std's own locks hang the OS thread if they are held across a park.

mod async_result;
mod barrier;
mod condvar;
mod event;
pub mod mpsc;
#[expect(unsafe_code, reason = "lends the value to whoever holds the lock")]
mod mutex;
mod once;
#[expect(unsafe_code, reason = "lends the value to whoever holds the lock")]
mod reentrant;
#[expect(unsafe_code, reason = "lends the value to whoever holds the lock")]
mod rwlock;
mod semaphore;

pub use std::sync::{Arc, Weak, atomic};

pub use async_result::AsyncResult;
pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use once::Once;
pub use once::cell::OnceLock;
pub use once::lazy::LazyLock;
pub use reentrant::{ReentrantLock, ReentrantLockGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{BoundedSemaphore, OwnedPermit, Permit, Semaphore};
