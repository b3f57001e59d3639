//! The example programs, run as their users run them: what they print, in which order, and how long they
//! take.

#[path = "../examples/support/latencies.rs"]
mod latencies;
#[path = "examples/locks.rs"]
mod locks;
#[cfg(feature = "monkey")]
#[path = "examples/monkey.rs"]
mod monkey;
#[path = "examples/offloading.rs"]
mod offloading;
#[path = "examples/processes.rs"]
mod processes;
#[path = "examples/program.rs"]
mod program;
#[path = "examples/queues.rs"]
mod queues;
#[path = "examples/redis.rs"]
mod redis;
#[path = "../examples/redis/resp.rs"]
mod resp;
#[path = "examples/servers.rs"]
mod servers;
#[path = "examples/streams.rs"]
mod streams;

use program::{Server, finish, finish_within};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

const ALL: [&str; 39] = [
    "async_bridge",
    "bounded_queue",
    "chat",
    "condition_notify",
    "daemon",
    "deadlock",
    "downloads",
    "eat_play",
    "eat_play_switch",
    "embed",
    "event_traffic",
    "generator_send",
    "green_local",
    "hello_server",
    "hello_server_udp",
    "http_server",
    "https_server",
    "joinable_queue",
    "lifo_priority",
    "lock_counter",
    "million",
    "names_and_count",
    "per_core_server",
    "pipeline",
    "pool_server",
    "producer_consumer",
    "proxy",
    "redis_like",
    "redis_workers",
    "reusable_worker",
    "rlock",
    "semaphore_vs_pool",
    "singleton",
    "spawn_without_join",
    "subprocesses",
    "swarm",
    "thread_pool",
    "timer",
    "upper_server",
];
/// Those that need the feature `monkey`.
const PATCHED: &[&str] =
    if cfg!(feature = "monkey") { &["fetch_many", "four_sleepers", "hello_server_std"] } else { &[] };

// ---- programs that run to their end

#[test]
fn every_example_answers_help_and_refuses_what_it_does_not_know() {
    for name in ALL.iter().chain(PATCHED) {
        let help = finish(name, &["--help"]);
        assert_eq!(help.code, Some(0), "{name}: {help:?}");
        assert!(help.stdout.starts_with(name), "{name}: {help:?}");
        let nonsense = finish(name, &["--nonsense"]);
        nonsense.assert_one_line_error(name, 2);
        assert!(nonsense.stderr.contains("--nonsense"), "{nonsense:?}");
    }
}

#[test]
fn two_greenlets_that_switch_by_hand_wait_for_each_sleep() {
    let run = finish("eat_play_switch", &[]);
    run.assert_lines(&["eat", "play", "eat done", "play done"]);
    run.assert_took(3.95, 50.0);
}

#[test]
fn two_green_threads_sleep_at_the_same_time() {
    let run = finish("eat_play", &[]);
    run.assert_lines(&["eat", "play", "play done", "eat done"]);
    run.assert_took(1.98, 3.9);
}

#[test]
fn a_spawned_thread_runs_only_when_somebody_parks() {
    finish("spawn_without_join", &[]).assert_lines(&[
        "first is spawned, and has not run",
        "first: starts",
        "after yield_now it has started",
        "first: ends",
        "after join it has ended",
        "second is spawned, and nobody parks: it never runs",
    ]);
}

#[test]
fn a_generator_gets_what_is_sent_in_order() {
    let mut wanted =
        vec!["eat noodles", "1 eaten", "eat dumplings", "2 eaten", "eat rice", "3 eaten", "consumer: ready"];
    let fed: Vec<String> = (0..10)
        .flat_map(|number| [format!("producer: sends {number}"), format!("consumer: got {number}")])
        .collect();
    wanted.extend(fed.iter().map(String::as_str));
    wanted.push("consumer: sum 45");
    finish("generator_send", &[]).assert_lines(&wanted);
}

#[test]
fn a_program_ends_with_its_worker_and_unwinds_its_daemon() {
    let run = finish("daemon", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[..2], ["daemon: still here", "worker: step 1"], "{run:?}");
    assert_eq!(lines[lines.len() - 2..], ["worker: done", "daemon: unwound"], "{run:?}");
    assert!(lines.iter().filter(|line| **line == "daemon: still here").count() >= 3, "{run:?}");
}

#[test]
fn names_and_counts_follow_the_living() {
    finish("names_and_count", &[]).assert_lines(&[
        "before: 0 alive: ",
        "spawned: 3 alive: (no name), breakfast, lunch",
        "breakfast: my name",
        "lunch: my name",
        "breakfast over: 2 alive: (no name), lunch",
        "after: 0 alive: ",
    ]);
}

#[test]
fn a_timer_fires_once_and_a_cancelled_one_never() {
    finish("timer", &[]).assert_lines(&[
        "two timers are set",
        "the alarm is cancelled in time: true",
        "the tea is ready",
        "the tea can still be cancelled: false",
    ]);
}

#[test]
fn a_deadlock_is_reported_with_both_threads_and_both_locks_and_is_cured() {
    let run = finish("deadlock", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[..2], ["opposite order:", "deadlock: every green thread is parked"], "{run:?}");
    let waits = |name: &str, owner: &str| {
        let line =
            lines[3..5].iter().find(|line| line.starts_with(&format!("  green thread \"{name}\" (spawned")));
        let (_, lock) =
            line.unwrap_or_else(|| panic!("{run:?}")).split_once(" waits for the lock at ").unwrap();
        let (lock, rest) = lock.split_once(", ").unwrap();
        assert!(rest.starts_with(&format!("which green thread \"{owner}\" (spawned")), "{run:?}");
        assert!(rest.contains(") took at examples/deadlock.rs:"), "{run:?}");
        lock.to_owned()
    };
    assert_ne!(waits("Ann", "Bob"), waits("Bob", "Ann"), "{run:?}");
    let cures = lines.iter().position(|line| *line == "the same order:").expect("cures");
    assert_eq!(lines[cures + 1..cures + 3], ["Ann has eaten", "Bob has eaten"], "{run:?}");
    assert_eq!(lines[cures + 3], "with patience:", "{run:?}");
    assert_eq!(lines[cures + 4..], ["Bob has eaten", "Ann has eaten"], "{run:?}");
}

#[test]
fn a_green_local_does_not_leak_across() {
    finish("green_local", &[]).assert_lines(&[
        "request 1: finds 0",
        "request 2: finds 0",
        "request 3: finds 0",
        "request 1: still 1",
        "request 2: still 2",
        "request 3: still 3",
        "main: finds 0",
    ]);
}

#[test]
fn a_hub_in_a_foreign_loop_goes_on_beside_it() {
    let run = finish("embed", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said_by = |who: &str| run.stdout.lines().filter(|line| line.starts_with(who)).count();
    assert_eq!((said_by("green thread: ping "), said_by("foreign loop: ring ")), (5, 5), "{run:?}");
    let first_ring = run.stdout.find("ring 1").unwrap();
    let last_echo = run.stdout.find("ping 5").unwrap();
    assert!(first_ring < last_echo, "one side waited for the other: {run:?}");
}

// ---- the main job

#[test]
fn a_swarm_on_its_own_server_loses_nothing() {
    let run = finish("swarm", &["--clients", "50", "--messages", "20"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let figures = run.figures();
    assert_eq!(figures[..4], ["clients=50", "alive_at_once=50", "messages=1000", "lost=0"], "{run:?}");
    assert!(figures[4].starts_with("requests_per_s="), "{run:?}");
    assert!(figures[5].starts_with("p50_us=") && figures[6].starts_with("p99_us="), "{run:?}");
    assert!(run.stderr.contains("50 clients"), "no progress line: {run:?}");
}

#[test]
fn a_swarm_for_a_time_stops_when_it_is_over() {
    let run = finish("swarm", &["--clients", "5", "--seconds", "1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.figures()[3], "lost=0", "{run:?}");
    run.assert_took(1.0, 30.0);
}

#[test]
fn a_swarm_serves_itself_to_a_hello_server_elsewhere() {
    let server = Server::start("hello_server");
    let run = finish("swarm", &[&server.address, "--clients", "20", "--messages", "10"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.figures()[..4], ["clients=20", "alive_at_once=20", "messages=200", "lost=0"], "{run:?}");
    server.end_by(libc::SIGTERM);
}

#[test]
fn a_swarm_with_nobody_to_talk_to_fails() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let run = finish("swarm", &[&address, "--clients", "3"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.figures()[..2], ["clients=3", "alive_at_once=0"], "{run:?}");
    assert!(run.stderr.lines().last().unwrap().contains("refused"), "{run:?}");
}

#[test]
fn a_swarm_whose_server_loses_a_message_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let forgetful = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..2 {
            stream.write_all(b"hello").unwrap();
            stream.read_exact(&mut [0; 3]).unwrap();
        }
    });
    let run = finish("swarm", &[&address, "--clients", "1", "--messages", "5"]);
    forgetful.join().unwrap();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.figures()[..4], ["clients=1", "alive_at_once=1", "messages=1", "lost=1"], "{run:?}");
    assert!(run.stderr.ends_with("swarm: a client failed: the server hung up\n"), "{run:?}");
}

#[test]
fn a_swarm_larger_than_the_descriptor_limit_is_refused_in_one_line() {
    let run = finish("swarm", &["--clients", "100000000"]);
    run.assert_one_line_error("swarm", 1);
    assert!(run.stderr.contains("ulimit"), "{run:?}");
}

#[test]
fn percentiles_are_exact_when_small_and_within_a_64th_when_large() {
    let mut latencies = latencies::Latencies::new();
    assert_eq!(latencies.percentile(0.5), Duration::ZERO);
    (1..=100).for_each(|nanos| latencies.record(Duration::from_nanos(nanos)));
    assert_eq!(latencies.percentile(0.50), Duration::from_nanos(50));
    assert_eq!(latencies.percentile(0.99), Duration::from_nanos(99));
    for nanos in [127, 128, 129, 1_000, 123_456_789, u64::MAX] {
        let mut one = latencies::Latencies::new();
        one.record(Duration::from_nanos(nanos));
        let seen = one.percentile(1.0).as_nanos() as u64;
        assert!(seen <= nanos && nanos - seen <= nanos / 64, "{nanos} is shown as {seen}");
    }
}

// ---- many threads

#[test]
fn twenty_thousand_sleepers_wake() {
    million(&["20000"]);
}

#[test]
fn twenty_thousand_sleepers_are_killed() {
    million(&["20000", "--kill"]);
}

#[test]
fn more_sleepers_than_there_is_room_for_end_in_one_line() {
    let run = finish_within(2 << 30, "million", &["100000"]);
    run.assert_one_line_error("million", 1);
    assert!(run.stderr.contains("RLIMIT_AS"), "{run:?}");
}

fn million(arguments: &[&str]) {
    let run = finish("million", arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.lines().any(|line| line == "joined=20000"), "{run:?}");
    let names = ["threads=", "bytes_per_thread=", "mappings=", "spawn_ns=", "wake_ns="];
    let figures: Vec<u64> =
        names.iter().zip(run.figures()).map(|(name, word)| number_behind(name, word)).collect();
    assert_eq!(figures[0], 20_000);
    assert!((4096..8192).contains(&figures[1]), "a page of stack and the books: {run:?}");
}

fn number_behind(name: &str, word: &str) -> u64 {
    word.strip_prefix(name)
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("no {name}N but {word:?}"))
}
