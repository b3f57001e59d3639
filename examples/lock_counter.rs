//! A hundred threads each take one from a counter, without a lock and with it.
//!
//! Between reading and writing each of them waits a while. Without the lock all have read 100 before the
//! first one writes 99. With it they go one by one. The same lock serves OS threads and green threads;
//! the two halves of the program do not wait for each other.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::sync::{Arc, Mutex};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{thread, time::Duration};

const THREADS: u32 = 100;
const WHILE: Duration = Duration::from_millis(100);

/// A number that can be read and written, but not changed in one step.
struct Counter(AtomicU32);

impl Counter {
    fn take_one(&self, sleep: fn(Duration)) {
        let number = self.0.load(Ordering::Relaxed);
        sleep(WHILE);
        self.0.store(number - 1, Ordering::Relaxed);
    }
}

/// What is left when all have taken one; `lock` is what they go through, if anything.
fn left(lock: Option<Mutex<()>>, sleep: fn(Duration), run: impl FnOnce(Arc<dyn Fn() + Send + Sync>)) -> u32 {
    let counter = Arc::new(Counter(AtomicU32::new(THREADS)));
    let shared = counter.clone();
    run(Arc::new(move || {
        let _turn = lock.as_ref().map(Mutex::lock);
        shared.take_one(sleep);
    }));
    counter.0.load(Ordering::Relaxed)
}

fn with_os_threads(lock: Option<Mutex<()>>) -> u32 {
    left(lock, thread::sleep, |take| {
        let all: Vec<_> = (0..THREADS)
            .map(|_| {
                let take = take.clone();
                thread::spawn(move || take())
            })
            .collect();
        all.into_iter().for_each(|one| one.join().expect("it does not fail"));
    })
}

fn with_green_threads(lock: Option<Mutex<()>>) -> u32 {
    left(lock, greenroom::sleep, |take| {
        greenroom::joinall((0..THREADS).map(|_| {
            let take = take.clone();
            greenroom::spawn(move || take())
        }));
    })
}

fn main() {
    command_line::CommandLine::take_nothing("lock_counter: a hundred threads and a counter, about 10 s");
    let os_threads = thread::spawn(|| (with_os_threads(None), with_os_threads(Some(Mutex::new(())))));
    println!("green threads without the lock: n = {}", with_green_threads(None));
    println!("green threads with the lock: n = {}", with_green_threads(Some(Mutex::new(()))));
    let (without, with) = os_threads.join().expect("it does not fail");
    println!("OS threads without the lock: n = {without}");
    println!("OS threads with the lock: n = {with}");
}
