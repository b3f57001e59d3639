//! The behaviour tests: one binary, one module for each public module of the crate, under the same name.

mod corners;
mod differential;
mod executor;
mod floors;
mod from_async_lock;
mod from_crossbeam;
mod from_gevent;
mod from_greenlet;
mod future;
mod generator;
mod greenlet;
mod net;
mod net_errors;
mod os;
mod park_table;
mod pool;
mod queue;
mod runtime;
mod seeds;
mod support;
mod sync;
mod sync_events;
mod sync_mpsc;
mod thread;
mod time;
mod wait;
