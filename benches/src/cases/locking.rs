//! What does a lock cost: alone, among eight that yield while they hold it, and between OS threads?

use crate::{
    contest::Peer,
    group::Group,
    kernel,
    ours::{self, locking::CONTENDERS},
    rivals::{self, Runtime, monoio::Monoio, smol::Smol, tokio::Tokio},
    stopwatch,
};
use may::go;
use std::{
    hint::black_box,
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Lock, add one, unlock, on a green thread; nobody else wants the lock.
pub(super) fn uncontended() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::locking::uncontended),
        Peer::timed("std", |locks| {
            let n = std::sync::Mutex::new(0u64);
            stopwatch::time(locks, || *n.lock().expect("not poisoned") += 1)
        }),
        Peer::timed("parking_lot", |locks| {
            let n = parking_lot::Mutex::new(0u64);
            stopwatch::time(locks, || *n.lock() += 1)
        }),
        Peer::timed("tokio", |locks| {
            rivals::tokio::run_local(async move {
                let n = tokio::sync::Mutex::new(0u64);
                let start = Instant::now();
                for _ in 0..locks {
                    *black_box(&n).lock().await += 1;
                }
                start.elapsed()
            })
        }),
        Peer::timed("async-lock", |locks| {
            Smol::run(async move {
                let n = async_lock::Mutex::new(0u64);
                let start = Instant::now();
                for _ in 0..locks {
                    *black_box(&n).lock().await += 1;
                }
                start.elapsed()
            })
        }),
        Peer::timed("may", |locks| {
            rivals::may::run_coroutine(move || {
                let n = may::sync::Mutex::new(0u64);
                stopwatch::time(locks, || *n.lock().expect("not poisoned") += 1)
            })
        }),
    ]
}

/// Eight take turns at a lock, and each yields while it has it.
pub(super) fn contended() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::locking::contended),
        Peer::timed("tokio", tokio_contended),
        Peer::timed("may", may_contended),
        Peer::timed("async-lock/smol", async_lock_contended::<Smol>),
        Peer::timed("async-lock/monoio", async_lock_contended::<Monoio>),
    ]
}

fn tokio_contended(locks: u64) -> Duration {
    futures_contended::<Tokio, _>(locks, Rc::new(tokio::sync::Mutex::new(0u64)), async |n| {
        let mut n = n.lock().await;
        Tokio::yield_now().await;
        *n += 1;
    })
}

fn async_lock_contended<R: Runtime>(locks: u64) -> Duration {
    futures_contended::<R, _>(locks, Rc::new(async_lock::Mutex::new(0u64)), async |n| {
        let mut n = n.lock().await;
        R::yield_now().await;
        *n += 1;
    })
}

fn futures_contended<R: Runtime, M: 'static>(
    locks: u64,
    n: Rc<M>,
    once: impl AsyncFn(&M) + Copy + 'static,
) -> Duration {
    R::run(async move {
        let group = Rc::new(Group::new(CONTENDERS));
        let member = || {
            let (group, n) = (group.clone(), n.clone());
            R::spawn(async move {
                group.begin();
                for _ in 0..locks / CONTENDERS {
                    once(&n).await;
                }
                group.end();
            })
        };
        let members: Vec<_> = (0..CONTENDERS).map(|_| member()).collect();
        for member in members {
            member.await;
        }
        group.took()
    })
}

fn may_contended(locks: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let (group, n) = (Arc::new(Group::new(CONTENDERS)), Arc::new(may::sync::Mutex::new(0u64)));
        let member = || {
            let (group, n) = (group.clone(), n.clone());
            go!(move || {
                group.begin();
                for _ in 0..locks / CONTENDERS {
                    let mut n = n.lock().expect("not poisoned");
                    may::coroutine::yield_now();
                    *n += 1;
                }
                group.end();
            })
        };
        let members: Vec<_> = (0..CONTENDERS).map(|_| member()).collect();
        for member in members {
            member.join().expect("no member panics");
        }
        group.took()
    })
}

/// So many OS threads take turns at one lock; green threads are not in it.
pub(super) fn between_os_threads(threads: usize) -> Vec<Peer> {
    vec![
        Peer::new("greenroom", move |slice| {
            convoy(slice, threads, greenroom::sync::Mutex::new(0u64), |n| *n.lock() += 1)
        }),
        Peer::new("parking_lot", move |slice| {
            convoy(slice, threads, parking_lot::Mutex::new(0u64), |n| *n.lock() += 1)
        }),
        Peer::new("std", move |slice| {
            convoy(slice, threads, std::sync::Mutex::new(0u64), |n| *n.lock().expect("not poisoned") += 1)
        }),
    ]
}

/// All threads lock as often as they can for `slice`; the time of all divided by how often all of them did.
fn convoy<M: Sync>(
    slice: Duration,
    threads: usize,
    mutex: M,
    once: impl Fn(&M) + Sync,
) -> std::io::Result<crate::contest::Sample> {
    let begin = Instant::now();
    let work = |number: usize| {
        kernel::pin_to_core(number % 2);
        let mut times = 0u64;
        while begin.elapsed() < slice {
            for _ in 0..1_000 {
                once(&mutex);
            }
            times += 1_000;
        }
        times
    };
    let times: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|number| scope.spawn(move || work(number))).collect();
        workers.into_iter().map(|worker| worker.join().expect("it does not panic")).sum()
    });
    Ok(vec![("", begin.elapsed().as_nanos() as f64 / times as f64)])
}
