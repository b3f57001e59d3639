//! What does a message cost that goes from one OS thread to another?

use crate::{
    contest::Peer,
    kernel,
    ours::{self, crossing::played, queueing::ROOM},
};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Down one queue of capacity 128.
pub(super) fn stream() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::crossing::stream),
        Peer::timed("crossbeam", |messages| {
            let (queue, source) = crossbeam_channel::bounded(ROOM);
            streamed(messages, move |n| queue.send(n).expect("open"), move || source.recv().ok())
        }),
        Peer::timed("std", |messages| {
            let (queue, source) = std::sync::mpsc::sync_channel(ROOM);
            streamed(messages, move |n| queue.send(n).expect("open"), move || source.recv().ok())
        }),
    ]
}

/// Back and forth over two queues of capacity 1: a message is one way.
pub(super) fn ping_pong() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::crossing::ping_pong),
        Peer::timed("crossbeam", |messages| {
            let (there, heard) = crossbeam_channel::bounded(1);
            let (answers, back) = crossbeam_channel::bounded(1);
            let echo = thread::spawn(move || {
                kernel::pin_to_core(1);
                heard.iter().for_each(|n| answers.send(n).expect("open"));
            });
            let took = played(messages, |n| there.send(n).expect("open"), || back.recv().expect("open"));
            drop(there);
            echo.join().expect("it does not panic");
            took
        }),
        Peer::timed("std", |messages| {
            let (there, heard) = std::sync::mpsc::sync_channel(1);
            let (answers, back) = std::sync::mpsc::sync_channel(1);
            let echo = thread::spawn(move || {
                kernel::pin_to_core(1);
                heard.iter().for_each(|n| answers.send(n).expect("open"));
            });
            let took = played(messages, |n| there.send(n).expect("open"), || back.recv().expect("open"));
            drop(there);
            echo.join().expect("it does not panic");
            took
        }),
    ]
}

fn streamed(
    messages: u64,
    send: impl Fn(u64) + Send + 'static,
    receive: impl Fn() -> Option<u64>,
) -> Duration {
    let start = Instant::now();
    let producer = thread::spawn(move || {
        kernel::pin_to_core(1);
        (0..messages).for_each(send);
    });
    assert_eq!(std::iter::from_fn(receive).count() as u64, messages);
    let took = start.elapsed();
    producer.join().expect("it does not panic");
    took
}
