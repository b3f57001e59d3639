//! What does it cost to have a closure run by another OS thread, and to get its result?

use crate::contest::Peer;
use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

/// One worker; one job at a time, submitted and waited for.
pub(super) fn round_trips() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |jobs| {
            let pool = greenroom::executor::ThreadPoolExecutor::new(1);
            let took = timed(jobs, |n| pool.submit(move || n).result().expect("it does not panic"));
            pool.shutdown(true);
            took
        }),
        Peer::timed("threadpool", |jobs| {
            let pool = threadpool::ThreadPool::new(1);
            timed(jobs, |n| {
                let (sender, result) = mpsc::channel();
                pool.execute(move || sender.send(n).expect("somebody waits"));
                result.recv().expect("it does not panic")
            })
        }),
        Peer::timed("rayon", |jobs| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
            timed(jobs, |n| {
                let (sender, result) = mpsc::channel();
                pool.spawn(move || sender.send(n).expect("somebody waits"));
                result.recv().expect("it does not panic")
            })
        }),
    ]
}

/// One worker; a thousand jobs at a time, all submitted and then all waited for.
pub(super) fn batches() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |jobs| {
            let pool = greenroom::executor::ThreadPoolExecutor::new(1);
            let took = timed(jobs / BATCH, |_| {
                let futures: Vec<_> = (0..BATCH).map(|n| pool.submit(move || n)).collect();
                futures.into_iter().map(|future| future.result().expect("it does not panic")).sum()
            });
            pool.shutdown(true);
            took
        }),
        Peer::timed("threadpool", |jobs| {
            let pool = threadpool::ThreadPool::new(1);
            timed(jobs / BATCH, |_| {
                let (sender, results) = mpsc::channel();
                for n in 0..BATCH {
                    let sender = sender.clone();
                    pool.execute(move || sender.send(n).expect("somebody waits"));
                }
                drop(sender);
                results.iter().sum()
            })
        }),
        Peer::timed("rayon", |jobs| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
            timed(jobs / BATCH, |_| {
                let (sender, results) = mpsc::channel();
                for n in 0..BATCH {
                    let sender = sender.clone();
                    pool.spawn(move || sender.send(n).expect("somebody waits"));
                }
                drop(sender);
                results.iter().sum()
            })
        }),
    ]
}

const BATCH: u64 = 1_000;

fn timed(times: u64, operation: impl Fn(u64) -> u64) -> Duration {
    let start = Instant::now();
    for n in 0..times {
        std::hint::black_box(operation(n));
    }
    start.elapsed()
}
