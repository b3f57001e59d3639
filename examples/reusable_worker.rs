//! A worker that takes any work: functions come through a queue.
//!
//! One worker goes through them in order, several share them, and in the end the pool of the library does
//! what the several did.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::pool::Pool;
use greenroom::queue::JoinableQueue;
use greenroom::sleep;
use greenroom::thread::Builder;
use std::time::{Duration, Instant};

const TASKS: u32 = 6;

type Work = Box<dyn FnOnce()>;

/// A queue of work, and as many daemons that do it.
fn workers(count: usize) -> JoinableQueue<Work> {
    let queue = JoinableQueue::unbounded();
    for _ in 0..count {
        let queue: JoinableQueue<Work> = queue.clone();
        let work = move || {
            for task in &queue {
                task();
                queue.task_done();
            }
        };
        Builder::new().daemon(true).spawn(work).expect("room for a worker");
    }
    queue
}

fn task(who: &'static str, number: u32) -> impl FnOnce() {
    move || {
        sleep(Duration::from_millis(20));
        println!("{who}: task {number} done");
    }
}

fn through_workers(who: &'static str, count: usize) {
    let queue = workers(count);
    for number in 1..=TASKS {
        queue.put(Box::new(task(who, number))).expect("the queue is open");
    }
    queue.join();
    queue.close();
}

fn through_the_pool(who: &'static str, count: usize) {
    let pool = Pool::new(count);
    (1..=TASKS).for_each(|number| drop(pool.spawn(task(who, number))));
    pool.join();
}

fn main() {
    command_line::CommandLine::take_nothing("reusable_worker: one worker, three workers, the pool");
    greenroom::run(|| {
        through_workers("one worker", 1);
        let before = Instant::now();
        through_workers("three workers", 3);
        through_the_pool("pool", 3);
        println!("three at a time, twice: {} ms", before.elapsed().as_millis());
    });
}
