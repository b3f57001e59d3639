//! What does it cost to spawn an empty green thread and to join it?

use crate::{contest::Peer, rivals};
use may::go;
use std::time::{Duration, Instant};

pub(super) fn one_at_a_time() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |spawns| greenroom(1, spawns)),
        Peer::timed("tokio", |spawns| tokio(1, spawns)),
        Peer::timed("may", |spawns| may(1, spawns)),
    ]
}

pub(super) fn ten_thousand_at_once() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |spawns| greenroom(10_000, spawns)),
        Peer::timed("tokio", |spawns| tokio(10_000, spawns)),
        Peer::timed("may", |spawns| may(10_000, spawns)),
    ]
}

fn greenroom(batch: u64, spawns: u64) -> Duration {
    greenroom::run(|| {
        let mut handles = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..spawns / batch {
            handles.extend((0..batch).map(|_| greenroom::spawn(|| ())));
            for handle in handles.drain(..) {
                handle.join().expect("it does not panic");
            }
        }
        start.elapsed()
    })
}

fn tokio(batch: u64, spawns: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let mut handles = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..spawns / batch {
            handles.extend((0..batch).map(|_| tokio::task::spawn_local(async {})));
            for handle in handles.drain(..) {
                handle.await.expect("it does not panic");
            }
        }
        start.elapsed()
    })
}

fn may(batch: u64, spawns: u64) -> Duration {
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
