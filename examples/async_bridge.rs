//! Async code from green threads: `block_on` drives a future, and handles are futures.
//!
//! While a future waits, only the green thread that drives it is parked.

#[path = "support/command_line.rs"]
mod command_line;

use futures::future::join_all;
use greenroom::executor::ThreadPoolExecutor;
use greenroom::{block_on, joinall, sleep, spawn};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn slow(name: &'static str) -> &'static str {
    println!("{name}: starts");
    sleep(SECOND);
    println!("{name}: ends");
    name
}

/// Three green threads, awaited together: asyncio's `gather`.
async fn gather() -> Vec<&'static str> {
    let three = ["eat", "play", "sing"].map(|name| spawn(move || slow(name)));
    join_all(three).await.into_iter().map(|name| name.expect("nobody fails")).collect()
}

/// One awaits the result of an OS thread, the other that of a green thread.
async fn sum() -> u32 {
    let far = ThreadPoolExecutor::new(1).submit(|| 40);
    let near = spawn(|| 2);
    far.await.expect("it does not fail") + near.await.expect("it does not fail")
}

fn main() {
    command_line::CommandLine::take_nothing("async_bridge: three sleeps of a second, awaited in one");
    greenroom::run(|| {
        let before = Instant::now();
        println!("gathered: {}", block_on(gather()).join(", "));
        println!("{:.1} s in all", before.elapsed().as_secs_f64());

        let sums = joinall((0..3).map(|_| spawn(|| block_on(sum()))));
        let sums: Vec<u32> = sums.into_iter().map(|sum| sum.expect("nobody fails")).collect();
        println!("three green threads drive a future each: {sums:?}");
    });
}
