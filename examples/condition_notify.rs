//! Twenty threads wait for a condition; each number typed in frees that many of them.
//!
//! `notify_n` wakes those that have waited longest. Standard input is read on an OS thread of the
//! executor, by `unblock`: a read of `std::io::stdin` right here would stop all green threads.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::sync::{Arc, Condvar, Mutex};
use greenroom::{joinall, killall, spawn, unblock, yield_now};
use std::{io, process::ExitCode};

const WAITERS: usize = 20;

fn main() -> ExitCode {
    let line = command_line::CommandLine::new(
        "condition_notify: frees as many of 20 waiters as the number on each line of standard input says",
    );
    line.end();
    line.conclude(greenroom::run(free_by_numbers))
}

fn free_by_numbers() -> io::Result<()> {
    let waiting = Arc::new((Mutex::new(WAITERS), Condvar::new()));
    let wait = |number| {
        let waiting = waiting.clone();
        move || {
            let (left, freed) = &*waiting;
            *freed.wait(left.lock()) -= 1;
            println!("waiter {number} is free");
        }
    };
    let waiters: Vec<_> = (1..=WAITERS).map(|number| spawn(wait(number))).collect();

    let asked = ask(&waiting.1);
    match asked {
        Ok(0) => drop(joinall(waiters)),
        _ => killall(&waiters),
    }
    println!("{} were freed", WAITERS - *waiting.0.lock());
    asked.map(drop)
}

/// Frees as many as each line says; returns how many still wait at the end of the input.
fn ask(freed: &Condvar) -> io::Result<usize> {
    let mut left = WAITERS;
    while left > 0 {
        // A turn for the others: those who were freed say so, and all the rest have come to their wait.
        yield_now();
        println!("{left} wait; how many shall go?");
        let Some(line) = unblock(|| io::stdin().lines().next()).transpose()? else { break };
        match line.trim().parse::<usize>() {
            Ok(number) => {
                freed.notify_n(number);
                left -= number.min(left);
            }
            Err(error) => eprintln!("{line:?}: {error}"),
        }
    }
    Ok(left)
}
