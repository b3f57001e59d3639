//! Child processes: start, ask whether one is alive, end it, wait; ten at once on one OS thread.
//!
//! A child has memory of its own: what it counts leaves the parent's counter alone.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::io::{self, ErrorKind, Write};
use greenroom::process::{self, Command, Stdio};
use greenroom::{joinall, spawn};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(
        "subprocesses: children of this process, one after another and ten at once",
    );
    // As this program starts itself.
    let is_child = line.flag("--count");
    line.end();
    if is_child {
        COUNTER.fetch_add(3, Ordering::Relaxed);
        println!("child: counts to {}", COUNTER.load(Ordering::Relaxed));
        return ExitCode::SUCCESS;
    }
    line.conclude(greenroom::run(|| {
        a_counter_of_its_own()?;
        one_that_is_ended()?;
        ten_at_once()?;
        through_a_pipe()?;
        one_that_is_not_there()
    }))
}

fn a_counter_of_its_own() -> io::Result<()> {
    let status = Command::new(std::env::current_exe()?).arg("--count").status()?;
    assert!(status.success());
    println!("parent: its counter is at {}", COUNTER.load(Ordering::Relaxed));
    Ok(())
}

fn one_that_is_ended() -> io::Result<()> {
    let mut sleeper = Command::new("sleep").arg("60").spawn()?;
    let its_own = sleeper.id() != process::id();
    assert!(its_own);
    println!("sleeper: it has a number of its own, and is alive: {}", sleeper.try_wait()?.is_none());
    let ended = sleeper.wait_timeout(Duration::from_millis(50))?;
    println!("sleeper: alive after 50 ms: {}", ended.is_none());
    sleeper.terminate()?;
    let signal = sleeper.wait()?.signal().expect("ended by a signal");
    println!("sleeper: terminated, ended by signal {signal}, alive: {}", sleeper.try_wait()?.is_none());
    Ok(())
}

fn ten_at_once() -> io::Result<()> {
    let begun = Instant::now();
    let children = (0..10).map(|number| {
        let script = format!("sleep 0.3; exit {number}");
        spawn(move || Command::new("sh").args(["-c", &script]).status())
    });
    let children: Vec<_> = children.collect();
    let mut codes = Vec::new();
    for ended in joinall(children) {
        codes.push(ended.map_err(io::Error::other)??.code().expect("it exits").to_string());
    }
    println!("ten children: {}", codes.join(" "));
    println!("ten sleeps of 0.3 s took less than 3 s: {}", begun.elapsed() < Duration::from_secs(3));
    Ok(())
}

fn through_a_pipe() -> io::Result<()> {
    let mut upper =
        Command::new("tr").args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    upper.stdin.take().expect("piped").write_all(b"ten children, one OS thread")?;
    println!("tr: {}", String::from_utf8_lossy(&upper.wait_with_output()?.stdout));
    Ok(())
}

fn one_that_is_not_there() -> io::Result<()> {
    match Command::new("no-such-program").spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => println!("no such program: not found"),
        other => println!("no such program: {other:?}"),
    }
    Ok(())
}
