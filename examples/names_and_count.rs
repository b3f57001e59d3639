//! Who runs: `current`, `enumerate`, `active_count` and names.
//!
//! The root (the code on the OS thread's own stack, here `main`) is a thread like the others but is not
//! counted among them.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::thread::{Builder, JoinHandle, active_count, current, enumerate, sleep};
use std::time::Duration;

fn named(name: &str, work: Duration) -> JoinHandle<()> {
    let run = move || {
        println!("{}: my name", current().name().unwrap_or("?"));
        sleep(work);
    };
    Builder::new().name(name).spawn(run).expect("room for three green threads")
}

fn report(moment: &str) {
    let threads = enumerate();
    let mut names: Vec<&str> = threads.iter().map(|thread| thread.name().unwrap_or("(no name)")).collect();
    names.sort();
    println!("{moment}: {} alive: {}", active_count(), names.join(", "));
}

fn main() {
    command_line::CommandLine::take_nothing("names_and_count: who is alive, and what they are called");
    greenroom::run(|| {
        report("before");
        let short = named("breakfast", Duration::from_millis(50));
        let long = named("lunch", Duration::from_millis(100));
        let nameless = greenroom::spawn(|| sleep(Duration::from_millis(100)));
        report("spawned");
        short.join().expect("breakfast does not fail");
        report("breakfast over");
        greenroom::joinall([long, nameless]);
        report("after");
    });
}
