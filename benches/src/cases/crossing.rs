//! What does a message cost that goes from one OS thread to another?

use crate::{contest::Peer, kernel};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Down one queue of capacity 128.
pub(super) fn stream() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", greenroom_stream),
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
        Peer::timed("greenroom", greenroom_ping_pong),
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

const ROOM: usize = 128;

/// Both ends are green threads, each on a hub of its own.
fn greenroom_stream(messages: u64) -> Duration {
    let queue = greenroom::queue::Queue::bounded(ROOM);
    let source = queue.clone();
    let green = |f: Box<dyn FnOnce() + Send>| {
        greenroom::run(|| greenroom::spawn(f).join().expect("it does not panic"));
    };
    let start = Instant::now();
    let producer = thread::spawn(move || {
        kernel::pin_to_core(1);
        green(Box::new(move || {
            for message in 0..messages {
                queue.put(message).expect("open");
            }
            queue.close();
        }));
    });
    green(Box::new(move || assert_eq!(source.iter().count() as u64, messages)));
    let took = start.elapsed();
    producer.join().expect("it does not panic");
    took
}

fn greenroom_ping_pong(messages: u64) -> Duration {
    let (there, back) = (greenroom::queue::Queue::bounded(1), greenroom::queue::Queue::bounded(1));
    let (heard, answers) = (there.clone(), back.clone());
    let echo = thread::spawn(move || {
        kernel::pin_to_core(1);
        greenroom::run(|| heard.iter().for_each(|n| answers.put(n).expect("open")));
    });
    let took =
        greenroom::run(|| played(messages, |n| there.put(n).expect("open"), || back.get().expect("open")));
    there.close();
    echo.join().expect("it does not panic");
    took
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

fn played(messages: u64, send: impl Fn(u64), receive: impl Fn() -> u64) -> Duration {
    let start = Instant::now();
    for message in 0..messages / 2 {
        send(message);
        receive();
    }
    start.elapsed()
}
