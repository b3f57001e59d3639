//! What does it cost to spawn an empty green thread and to join it?

use crate::{
    contest::Peer,
    ours,
    rivals::{self, Runtime, monoio::Monoio, smol::Smol, tokio::Tokio},
};
use corosensei::{Coroutine, stack::DefaultStack};
use may::go;
use std::time::{Duration, Instant};

pub(super) fn one_at_a_time() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::spawning::one_by_one),
        Peer::timed("tokio", one_future_by_one::<Tokio>),
        Peer::timed("may", may_one_by_one),
        Peer::timed("smol", one_future_by_one::<Smol>),
        Peer::timed("monoio", one_future_by_one::<Monoio>),
        Peer::limit("corosensei", corosensei),
    ]
}

pub(super) fn ten_thousand_at_once() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |spawns| ours::spawning::batches(10_000, spawns)),
        Peer::timed("tokio", |spawns| futures::<Tokio>(10_000, spawns)),
        Peer::timed("may", |spawns| may(10_000, spawns)),
        Peer::timed("smol", |spawns| futures::<Smol>(10_000, spawns)),
        Peer::timed("monoio", |spawns| futures::<Monoio>(10_000, spawns)),
    ]
}

fn one_future_by_one<R: Runtime>(spawns: u64) -> Duration {
    R::run(async move {
        let start = Instant::now();
        for _ in 0..spawns {
            R::spawn(async {}).await;
        }
        start.elapsed()
    })
}

fn may_one_by_one(spawns: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let start = Instant::now();
        for _ in 0..spawns {
            go!(|| ()).join().expect("it does not panic");
        }
        start.elapsed()
    })
}

pub(super) fn futures<R: Runtime>(batch: u64, spawns: u64) -> Duration {
    R::run(async move {
        let mut handles = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..spawns / batch {
            handles.extend((0..batch).map(|_| R::spawn(async {})));
            for handle in handles.drain(..) {
                handle.await;
            }
        }
        start.elapsed()
    })
}

pub(super) fn may(batch: u64, spawns: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let mut handles = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..spawns / batch {
            handles.extend((0..batch).map(|_| go!(|| ())));
            for handle in handles.drain(..) {
                handle.join().expect("it does not panic");
            }
        }
        start.elapsed()
    })
}

/// A coroutine on a stack that is there already, run to its end.
fn corosensei(spawns: u64) -> Duration {
    let mut stack = DefaultStack::default();
    let start = Instant::now();
    for _ in 0..spawns {
        let mut coroutine = Coroutine::<(), (), (), _>::with_stack(stack, |_, ()| ());
        coroutine.resume(());
        stack = coroutine.into_stack();
    }
    start.elapsed()
}
