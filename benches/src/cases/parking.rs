//! What memory does a green thread hold that does nothing?

use crate::{
    footprint::Footprint,
    rivals::{self, Runtime},
};
use may::go;
use std::{
    cell::Cell,
    future::pending,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// Tasks that wait for nothing at all, the smallest there are.
pub(super) fn futures<R: Runtime>(tasks: u64) -> (Duration, Footprint) {
    R::run(async move {
        let begun = Rc::new(Cell::new(0));
        let (before, start) = (Footprint::now(), Instant::now());
        let parked = |_| {
            let begun = begun.clone();
            R::spawn(async move {
                begun.set(begun.get() + 1);
                pending::<()>().await;
            })
        };
        let handles: Vec<_> = (0..tasks).map(parked).collect();
        while begun.get() < tasks {
            R::yield_now().await;
        }
        let parked = (start.elapsed(), before.growth());
        drop(handles);
        parked
    })
}

/// They stay parked until the process ends.
pub(super) fn may(coroutines: u64) -> (Duration, Footprint) {
    rivals::may::run_with_few_stacks(move || {
        let begun = Arc::new(AtomicU64::new(0));
        let (before, start) = (Footprint::now(), Instant::now());
        let parked = |_| {
            let begun = begun.clone();
            go!(move || {
                begun.fetch_add(1, Relaxed);
                may::coroutine::park();
            })
        };
        let handles: Vec<_> = (0..coroutines).map(parked).collect();
        while begun.load(Relaxed) < coroutines {
            // Not a yield: may begins new ones only when none is ready.
            may::coroutine::sleep(Duration::from_millis(1));
        }
        let parked = (start.elapsed(), before.growth());
        drop(handles);
        parked
    })
}

/// They stay parked until the process ends.
pub(super) fn os_threads(threads: u64) -> (Duration, Footprint) {
    let begun = Arc::new(AtomicU64::new(0));
    let (before, start) = (Footprint::now(), Instant::now());
    let parked = |_| {
        let begun = begun.clone();
        thread::spawn(move || {
            begun.fetch_add(1, Relaxed);
            thread::park();
        })
    };
    let handles: Vec<_> = (0..threads).map(parked).collect();
    while begun.load(Relaxed) < threads {
        thread::sleep(Duration::from_millis(1));
    }
    let parked = (start.elapsed(), before.growth());
    drop(handles);
    parked
}
