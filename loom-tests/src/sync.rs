//! The floor `sync`: the raw cores, and the one face that knows who calls.

#[path = "../../src/sync/barrier/raw.rs"]
pub(crate) mod barrier;
#[path = "../../src/sync/condvar/raw.rs"]
pub(crate) mod condvar;
#[path = "../../src/sync/event/raw.rs"]
pub(crate) mod event;
#[expect(unsafe_code, reason = "reads back the place of the last lock")]
#[path = "../../src/sync/mutex/raw.rs"]
pub(crate) mod mutex_raw;
#[path = "../../src/sync/once/raw.rs"]
pub(crate) mod once;
#[expect(unsafe_code, unreachable_pub, reason = "lends what the lock guards; public in the crate")]
#[path = "../../src/sync/reentrant.rs"]
pub(crate) mod reentrant;
#[expect(unsafe_code, reason = "reads back the place of the last lock")]
#[path = "../../src/sync/rwlock/raw.rs"]
pub(crate) mod rwlock;
#[path = "../../src/sync/semaphore/raw.rs"]
pub(crate) mod semaphore;

pub(crate) mod mutex {
    pub(crate) use super::mutex_raw as raw;
}
