//! A message that goes from one OS thread to another.

use super::queueing::ROOM;
use crate::kernel;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Down one queue of capacity 128; both ends are green threads, each on a hub of its own.
pub(crate) fn stream(messages: u64) -> Duration {
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

/// Back and forth over two queues of capacity 1: a message is one way.
pub(crate) fn ping_pong(messages: u64) -> Duration {
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

/// Times a game from the side that serves.
pub(crate) fn played(messages: u64, send: impl Fn(u64), receive: impl Fn() -> u64) -> Duration {
    let start = Instant::now();
    for message in 0..messages / 2 {
        send(message);
        receive();
    }
    start.elapsed()
}
