//! Cases of gevent, rewritten: its tests of what this crate has from there. Each file names its source.

mod event;
mod greenlet;
mod locks;
mod pool;
mod queue;
mod semaphore;
mod threadpool;
mod timeout;
