//! Why a spawned green thread may never run.
//!
//! `spawn` only puts it on the hub's list. It runs when the caller parks: `yield_now` gives it one turn,
//! `join` waits for its end. Without `greenroom::run` the hub lives only while `main` parks, so a `main`
//! that returns takes everything with it.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::{spawn, yield_now};

fn worker(name: &'static str) -> impl FnOnce() {
    move || {
        println!("{name}: starts");
        yield_now();
        println!("{name}: ends");
    }
}

fn main() {
    command_line::CommandLine::take_nothing(
        "spawn_without_join: what runs after yield_now, after join and after neither",
    );

    let first = spawn(worker("first"));
    println!("first is spawned, and has not run");
    yield_now();
    println!("after yield_now it has started");
    first.join().expect("the first worker does not fail");
    println!("after join it has ended");

    spawn(worker("second"));
    println!("second is spawned, and nobody parks: it never runs");
}
