//! Locks, conditions and results that green threads and OS threads wait for alike; std's `sync`, cooperatively.

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
