//! Jobs on other OS threads: pools, futures, unblock; and green threads asked for from elsewhere.

mod futures;
mod jobs;
mod remote;
mod unblock;
mod wait;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use greenroom::executor::{Future, ThreadPoolExecutor};

/// Holds jobs up until it is opened or dropped.
struct Gate(Option<Sender<()>>);

/// What a job waits for.
#[derive(Clone)]
struct Barrier(Arc<Mutex<Receiver<()>>>);

fn gate() -> (Gate, Barrier) {
    let (open, opened) = mpsc::channel();
    (Gate(Some(open)), Barrier(Arc::new(Mutex::new(opened))))
}

impl Gate {
    fn open(&mut self) {
        self.0 = None;
    }
}

impl Barrier {
    /// Blocks the OS thread.
    fn pass(&self) {
        let opened = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = opened.recv();
    }
}

/// A pool of one whose worker is busy until the gate is opened.
fn busy_pool() -> (ThreadPoolExecutor, Gate, Future<()>) {
    let pool = ThreadPoolExecutor::new(1);
    let (gate, barrier) = gate();
    let job = pool.submit(move || barrier.pass());
    while !job.is_running() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    (pool, gate, job)
}

fn add_one(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::SeqCst);
}
