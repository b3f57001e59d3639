//! A queue that knows what is unfinished: the program ends when all is eaten, not before.
//!
//! The eaters are daemons that would wait for ever. Each says `task_done` for what it has finished, the
//! cooks wait in `join` until that is so for everything, and `main` waits for the cooks only.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::queue::JoinableQueue;
use greenroom::thread::{Builder, sleep};
use greenroom::{joinall, spawn};
use std::time::Duration;

fn cook(name: &str, counter: &JoinableQueue<String>) {
    for number in 1..=3 {
        counter.put(format!("{name} {number}")).expect("nobody closes the counter");
    }
    println!("{name}: all on the counter");
    counter.join();
    println!("{name}: all eaten");
}

fn eater(counter: &JoinableQueue<String>) {
    for food in counter {
        sleep(Duration::from_millis(10));
        println!("ate {food}");
        counter.task_done();
    }
}

fn main() {
    command_line::CommandLine::take_nothing("joinable_queue: cooks who wait until all is eaten");
    greenroom::run(|| {
        let counter = JoinableQueue::unbounded();
        for _ in 0..2 {
            let counter = counter.clone();
            Builder::new().daemon(true).spawn(move || eater(&counter)).expect("room for an eater");
        }
        let cooks = ["bun", "dumpling", "noodle"].map(|name| {
            let counter = counter.clone();
            spawn(move || cook(name, &counter))
        });
        joinall(cooks);
        println!("unfinished: {}", counter.unfinished());
    });
}
