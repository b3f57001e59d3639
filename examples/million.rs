//! A million green threads asleep at once, each on a guarded stack of its own, in one process.
//!
//! All are spawned and parked first (`spawn_ns`, a thread), then all go to sleep, and while they sleep the
//! process's memory and mappings are read. They wake by their common deadline, or with `--kill` are unwound
//! in their sleep (`wake_ns`, a thread: from the deadline or the kill until the last is joined).

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::thread::{self, JoinError, JoinHandle};
use greenroom::{Runtime, joinall, killall};
use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};
use std::{fs, io};

const USAGE: &str = "\
million [N] [--kill]

Holds N green threads in sleep at once (1000000 by default) and says what each costs.
  --kill   unwinds them in their sleep instead of letting them wake";

/// What the sleepers and the root tell each other.
#[derive(Default)]
struct Dormitory {
    parked: Cell<u64>,
    asleep: Cell<u64>,
    wake_at: Cell<Option<Instant>>,
}

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let kill = line.flag("--kill");
    let threads = line.count().unwrap_or(1_000_000);
    line.end();
    line.conclude(hold(threads, kill))
}

fn hold(threads: u64, kill: bool) -> io::Result<()> {
    let runtime = Runtime::builder().max_threads(threads as usize).build()?;
    runtime.run(|| {
        let (resident, page_tables) = (memory("VmRSS")?, memory("VmPTE")?);
        let before = Instant::now();
        let dormitory = Rc::new(Dormitory::default());
        let handles = fill(&dormitory, threads)?;
        let spawning = before.elapsed();

        // Going to sleep takes less time than all that went before, so nobody wakes before the last has
        // fallen asleep.
        let nap = if kill { Duration::from_secs(3600) } else { spawning + Duration::from_millis(200) };
        let wake_at = Instant::now() + nap;
        send_to_sleep(&dormitory, &handles, wake_at);
        let bytes = memory("VmRSS")?.saturating_sub(resident) / threads;
        let page_table_bytes = memory("VmPTE")?.saturating_sub(page_tables) / threads;
        let mappings = fs::read_to_string("/proc/self/maps")?.lines().count();
        if Instant::now() >= wake_at {
            return Err(io::Error::other("the first woke before the last was asleep"));
        }

        let from = if kill { Instant::now() } else { wake_at };
        let joined = if kill { kill_and_join(handles) } else { join(handles) };
        let waking = from.elapsed();
        println!("page_table_bytes_per_thread={page_table_bytes}");
        println!("joined={joined}");
        let (spawn_ns, wake_ns) = (nanos_each(spawning, threads), nanos_each(waking, threads));
        println!("threads={threads} bytes_per_thread={bytes} mappings={mappings} spawn_ns={spawn_ns} wake_ns={wake_ns}");
        if joined == threads { Ok(()) } else { Err(io::Error::other("some did not end as they should")) }
    })
}

/// Spawns all, and waits until each has started and stands in its first park. They are daemons, so that the
/// program ends if there is no room for all of them.
fn fill(dormitory: &Rc<Dormitory>, threads: u64) -> io::Result<Vec<JoinHandle<()>>> {
    let mut handles = Vec::with_capacity(threads as usize);
    for _ in 0..threads {
        let dormitory = Rc::clone(dormitory);
        handles.push(thread::Builder::new().daemon(true).spawn(move || sleeper(&dormitory))?);
    }
    while dormitory.parked.get() < threads {
        thread::yield_now();
    }
    Ok(handles)
}

fn sleeper(dormitory: &Dormitory) {
    dormitory.parked.set(dormitory.parked.get() + 1);
    let wake_at = loop {
        thread::park();
        if let Some(instant) = dormitory.wake_at.get() {
            break instant;
        }
    };
    dormitory.asleep.set(dormitory.asleep.get() + 1);
    thread::sleep_until(wake_at);
}

fn send_to_sleep(dormitory: &Dormitory, handles: &[JoinHandle<()>], wake_at: Instant) {
    dormitory.wake_at.set(Some(wake_at));
    handles.iter().for_each(|handle| handle.thread().unpark());
    while dormitory.asleep.get() < handles.len() as u64 {
        thread::yield_now();
    }
}

/// How many have slept to the end.
fn join(handles: Vec<JoinHandle<()>>) -> u64 {
    joinall(handles).iter().filter(|ended| ended.is_ok()).count() as u64
}

/// How many were unwound.
fn kill_and_join(handles: Vec<JoinHandle<()>>) -> u64 {
    killall(&handles);
    joinall(handles).iter().filter(|ended| ended.as_ref().is_err_and(JoinError::is_killed)).count() as u64
}

/// The bytes that `/proc/self/status` names under `field`: proc_pid_status(5).
fn memory(field: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes
        .map(|number| number * 1024)
        .ok_or_else(|| io::Error::other(format!("no {field} in /proc/self/status")))
}

fn nanos_each(duration: Duration, threads: u64) -> u128 {
    duration.as_nanos() / u128::from(threads)
}
