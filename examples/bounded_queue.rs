//! A queue with four places: what happens when it is full, and when it is empty.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::queue::Queue;
use greenroom::{sleep, spawn};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_millis(100);

fn main() {
    command_line::CommandLine::take_nothing("bounded_queue: four places, errors when it is full or empty");
    let queue = Queue::bounded(4);
    for number in 1..=4 {
        queue.put(number).expect("there is room");
    }
    println!("{} of {:?}, full: {}", queue.len(), queue.capacity(), queue.is_full());

    let before = Instant::now();
    println!("put_timeout(5): {:?}", queue.put_timeout(5, PATIENCE));
    assert!(before.elapsed() >= PATIENCE);
    println!("try_put(6): {:?}", queue.try_put(6));

    // A put that waits goes on as soon as there is room.
    let waiting = spawn({
        let queue = queue.clone();
        move || queue.put(7)
    });
    sleep(Duration::from_millis(10));
    println!("put(7) waits: {}", !waiting.is_finished());
    println!("get: {:?}", queue.get());
    println!("put(7): {:?}", waiting.join().expect("it does not fail"));

    while let Ok(number) = queue.try_get() {
        println!("try_get: {number}");
    }
    println!("try_get: {:?}", queue.try_get());
    let before = Instant::now();
    println!("get_timeout: {:?}", queue.get_timeout(PATIENCE));
    assert!(before.elapsed() >= PATIENCE);
}
