//! Four green threads sleep a second each, by std's own `sleep`, all at the same time: one second in all.
//!
//! `patch_all` is what makes the difference: without it, the first sleep would keep the OS thread, and the others with it.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::{joinall, monkey, spawn};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn sleeper(number: u32) {
    println!("{number} starts");
    sleep(Duration::from_secs(1));
    println!("{number} ends");
}

fn main() {
    command_line::CommandLine::take_nothing("four_sleepers: four sleeps of a second in one second");
    monkey::patch_all();
    let before = Instant::now();
    joinall((1..=4).map(|number| spawn(move || sleeper(number))));
    println!("{:.1} s in all", before.elapsed().as_secs_f64());
}
