//! What memory does a green thread hold that does nothing?

use crate::{
    footprint::Footprint,
    rivals::{self, Runtime},
};
use may::go;
use std::{
    future::pending,
    thread,
    time::{Duration, Instant},
};

/// A task that waits for nothing at all: the smallest there is.
pub(super) fn futures<R: Runtime>(tasks: u64) -> (Duration, Footprint) {
    R::run(async move {
        let (before, start) = (Footprint::now(), Instant::now());
        let handles: Vec<_> = (0..tasks).map(|_| R::spawn(pending::<()>())).collect();
        R::yield_now().await;
        let parked = (start.elapsed(), before.growth());
        drop(handles);
        parked
    })
}

/// They stay parked until the process ends.
pub(super) fn may(coroutines: u64) -> (Duration, Footprint) {
    rivals::may::run_coroutine(move || {
        let (before, start) = (Footprint::now(), Instant::now());
        let handles: Vec<_> = (0..coroutines).map(|_| go!(may::coroutine::park)).collect();
        may::coroutine::yield_now();
        let parked = (start.elapsed(), before.growth());
        drop(handles);
        parked
    })
}

/// They stay parked until the process ends.
pub(super) fn os_threads(threads: u64) -> (Duration, Footprint) {
    let (before, start) = (Footprint::now(), Instant::now());
    let handles: Vec<_> = (0..threads).map(|_| thread::spawn(thread::park)).collect();
    let parked = (start.elapsed(), before.growth());
    drop(handles);
    parked
}
