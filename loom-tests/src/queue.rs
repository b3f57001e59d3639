//! The floor `queue`: the core, and the stores.

#[expect(unreachable_pub, reason = "public in the crate")]
#[path = "../../src/queue/error.rs"]
pub(crate) mod error;
#[path = "../../src/queue/heap.rs"]
pub(crate) mod heap;
#[path = "../../src/queue/raw.rs"]
pub(crate) mod raw;
#[path = "../../src/queue/store.rs"]
pub(crate) mod store;
#[path = "../../src/queue/wish.rs"]
pub(crate) mod wish;
