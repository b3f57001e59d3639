//! A lock that its owner may take again: two threads each take it twice and let go twice.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::sync::ReentrantLock;
use greenroom::{joinall, sleep, spawn};
use std::time::Duration;

static LOCK: ReentrantLock<()> = ReentrantLock::new(());

fn outer(name: &str) {
    let guard = LOCK.lock();
    println!("{name}: has the lock");
    sleep(Duration::from_millis(10));
    inner(name);
    drop(guard);
    println!("{name}: has let go twice");
}

/// Needs the lock too, whether the caller has it or not.
fn inner(name: &str) {
    let _guard = LOCK.lock();
    println!("{name}: has it twice");
    sleep(Duration::from_millis(10));
}

fn main() {
    command_line::CommandLine::take_nothing("rlock: two threads take the same lock twice");
    joinall(["first", "second"].map(|name| spawn(move || outer(name))));
    inner("main");
    println!("free for whoever comes next: {}", LOCK.try_lock().is_some());
}
