//! A daemon keeps nobody waiting: the program ends with its worker.
//!
//! `greenroom::run` waits for every green thread but the daemons; those it unwinds, so their destructors
//! run.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::thread::{Builder, sleep};
use std::time::Duration;

struct Farewell;

impl Drop for Farewell {
    fn drop(&mut self) {
        println!("daemon: unwound");
    }
}

fn daemon() {
    let _farewell = Farewell;
    loop {
        println!("daemon: still here");
        sleep(Duration::from_millis(100));
    }
}

fn worker() {
    for step in 1..=5 {
        println!("worker: step {step}");
        sleep(Duration::from_millis(60));
    }
    println!("worker: done");
}

fn main() {
    command_line::CommandLine::take_nothing(
        "daemon: a program ends with its worker, whatever its daemon does",
    );
    greenroom::run(|| {
        Builder::new().name("daemon").daemon(true).spawn(daemon).expect("room for two green threads");
        greenroom::spawn(worker);
    });
}
