//! Two green threads under the hub: while one sleeps the other runs.
//!
//! `eat` sleeps two seconds and `play` one, and both together take two, not three. Compare
//! `eat_play_switch`, where each sleep holds up everything.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::{joinall, sleep, spawn};
use std::time::Duration;

fn eat() {
    println!("eat");
    sleep(Duration::from_secs(2));
    println!("eat done");
}

fn play() {
    println!("play");
    sleep(Duration::from_secs(1));
    println!("play done");
}

fn main() {
    command_line::CommandLine::take_nothing("eat_play: two green threads sleep at the same time, about 2 s");
    joinall([spawn(eat), spawn(play)]);
}
