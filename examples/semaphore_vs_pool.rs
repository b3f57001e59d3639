//! Four at a time, in two ways: twenty threads that share four permits, and a pool of four.
//!
//! With the semaphore all twenty are alive from the start, and sixteen wait. The pool makes a thread only
//! when one of its four is free, and whoever hands it work waits.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::pool::Pool;
use greenroom::sync::{Arc, Semaphore};
use greenroom::{joinall, sleep, spawn, thread};
use std::{cell::Cell, rc::Rc, time::Duration};

const TASKS: u32 = 20;
const AT_ONCE: usize = 4;

/// Counts who is at work and who is alive, and remembers the most.
#[derive(Default)]
struct Crowd {
    at_work: Cell<usize>,
    most_at_work: Cell<usize>,
    most_alive: Cell<usize>,
}

impl Crowd {
    fn work(&self) {
        self.at_work.set(self.at_work.get() + 1);
        self.most_at_work.set(self.most_at_work.get().max(self.at_work.get()));
        self.most_alive.set(self.most_alive.get().max(thread::active_count()));
        sleep(Duration::from_millis(20));
        self.at_work.set(self.at_work.get() - 1);
    }

    fn report(&self, way: &str) {
        let (at_work, alive) = (self.most_at_work.get(), self.most_alive.get());
        println!("{way}: at most {at_work} at work, {alive} alive");
    }
}

fn with_a_semaphore(crowd: Rc<Crowd>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    joinall((0..TASKS).map(|_| {
        let (permits, crowd) = (permits.clone(), crowd.clone());
        spawn(move || {
            let _permit = permits.acquire();
            crowd.work();
        })
    }));
}

fn with_a_pool(crowd: Rc<Crowd>) {
    let pool = Pool::new(AT_ONCE);
    for _ in 0..TASKS {
        let crowd = crowd.clone();
        pool.spawn(move || crowd.work());
    }
    pool.join();
}

fn main() {
    command_line::CommandLine::take_nothing("semaphore_vs_pool: two ways to have four at work at a time");
    for (way, run) in [("semaphore", with_a_semaphore as fn(_)), ("pool", with_a_pool)] {
        let crowd = Rc::new(Crowd::default());
        run(crowd.clone());
        crowd.report(way);
    }
}
