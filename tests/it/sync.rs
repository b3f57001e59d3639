//! `greenroom::sync`: a file for each kind of lock, and what their tests share.

mod barrier;
mod condvar;
mod mutex;
mod reentrant;
mod rwlock;

use std::time::Duration;

use greenroom::{JoinHandle, sleep, spawn, yield_now};

use crate::support::{Log, ms};

/// Waits for an OS thread while the hub goes on.
#[track_caller]
fn join_os<T>(thread: std::thread::JoinHandle<T>) -> T {
    while !thread.is_finished() {
        sleep(Duration::from_micros(100));
    }
    thread.join().expect("an OS thread that ends well")
}

/// Spawns one that has come to its first wait, or its end, when this returns.
fn parked<T: 'static>(body: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    let child = spawn(body);
    yield_now();
    child
}

/// Spawns one for each word, in this order; each has come to its first wait.
fn parked_each(
    words: &[&'static str],
    log: &Log,
    body: impl Fn(&'static str, Log) + Clone + 'static,
) -> Vec<JoinHandle<()>> {
    let one = |word: &&'static str| {
        let (word, log, body) = (*word, log.clone(), body.clone());
        parked(move || body(word, log))
    };
    words.iter().map(one).collect()
}

/// Lets everybody who can do so go on to the next wait.
fn settle() {
    sleep(ms(1));
    yield_now();
}
