//! A message that goes through a queue, on one OS thread.

use std::time::{Duration, Instant};

/// Back and forth between two green threads, over two queues of capacity 1: a message is one way.
pub(crate) fn ping_pong(messages: u64) -> Duration {
    greenroom::run(|| {
        let (there, back) = (greenroom::queue::Queue::bounded(1), greenroom::queue::Queue::bounded(1));
        let (heard, answers) = (there.clone(), back.clone());
        let echo = greenroom::spawn(move || {
            for message in &heard {
                answers.put(message).expect("open");
            }
        });
        let player = greenroom::spawn(move || {
            let start = Instant::now();
            for message in 0..messages / 2 {
                there.put(message).expect("open");
                back.get().expect("open");
            }
            there.close();
            start.elapsed()
        });
        echo.join().expect("it does not panic");
        player.join().expect("it does not panic")
    })
}

pub(crate) const ROOM: usize = 128;

/// One way, over one queue of capacity 128.
pub(crate) fn stream(messages: u64) -> Duration {
    greenroom::run(|| {
        let queue = greenroom::queue::Queue::bounded(ROOM);
        let source = queue.clone();
        let producer = greenroom::spawn(move || {
            for message in 0..messages {
                queue.put(message).expect("open");
            }
            queue.close();
        });
        let consumer = greenroom::spawn(move || {
            let start = Instant::now();
            assert_eq!(source.iter().count() as u64, messages);
            start.elapsed()
        });
        producer.join().expect("it does not panic");
        consumer.join().expect("it does not panic")
    })
}
