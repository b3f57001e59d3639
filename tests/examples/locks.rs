//! The examples of locks, conditions and events: who waits for whom, and how many at once.

use crate::program::{finish, finish_fed};

#[test]
fn a_hundred_threads_lose_counts_without_a_lock_and_none_with_it() {
    let run = finish("lock_counter", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "green threads without the lock: n = 99");
    assert_eq!(lines[1], "green threads with the lock: n = 0");
    let left: u32 = lines[2].strip_prefix("OS threads without the lock: n = ").unwrap().parse().unwrap();
    // A machine that is busy elsewhere may start many of them after the first has written.
    assert!((1..100).contains(&left), "{run:?}");
    assert_eq!(lines[3..], ["OS threads with the lock: n = 0"]);
    run.assert_took(10.0, 60.0);
}

#[test]
fn a_reentrant_lock_is_taken_twice_by_one_thread_and_then_by_the_next() {
    finish("rlock", &[]).assert_lines(&[
        "first: has the lock",
        "first: has it twice",
        "first: has let go twice",
        "second: has the lock",
        "second: has it twice",
        "second: has let go twice",
        "main: has it twice",
        "free for whoever comes next: true",
    ]);
}

#[test]
fn as_many_waiters_go_as_the_number_says() {
    let run = finish_fed(b"3\nnine\n0\n5\n100\n7\n", "condition_notify", &[]);
    let mut wanted = vec!["20 wait; how many shall go?".to_string()];
    wanted.extend((1..=3).map(free));
    wanted.extend(vec!["17 wait; how many shall go?".to_string(); 3]);
    wanted.extend((4..=8).map(free));
    wanted.push("12 wait; how many shall go?".into());
    wanted.extend((9..=20).map(free));
    wanted.push("20 were freed".into());
    run.assert_lines(&wanted.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(run.stderr.lines().count() == 1 && run.stderr.starts_with("\"nine\": "), "{run:?}");
}

#[test]
fn the_waiters_that_nobody_freed_end_with_the_input() {
    let run = finish_fed(b"2\n", "condition_notify", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout.lines().filter(|line| line.ends_with("is free")).count(), 2, "{run:?}");
    assert_eq!(run.stdout.lines().last(), Some("2 were freed"), "{run:?}");
}

#[test]
fn input_that_is_no_text_ends_in_one_line_and_leaves_nobody_waiting() {
    let run = finish_fed(b"2\n\xff\n", "condition_notify", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.stdout.lines().last(), Some("2 were freed"), "{run:?}");
    assert!(run.stderr.lines().count() == 1 && run.stderr.starts_with("condition_notify: "), "{run:?}");
}

fn free(number: u32) -> String {
    format!("waiter {number} is free")
}

#[test]
fn four_permits_and_a_pool_of_four_both_have_four_at_work() {
    finish("semaphore_vs_pool", &[])
        .assert_lines(&["semaphore: at most 4 at work, 20 alive", "pool: at most 4 at work, 4 alive"]);
}

#[test]
fn cars_pass_on_green_only_and_a_client_retries_until_the_server_is_up() {
    let run = finish("event_traffic", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let (street, network): (Vec<&str>, Vec<&str>) =
        run.stdout.lines().partition(|line| line.starts_with("light") || line.starts_with("car"));
    let mut green = false;
    for line in &street {
        match line.strip_prefix("light: ") {
            Some(colour) => green = colour == "green",
            None => assert_eq!(line.ends_with("passes"), green, "{line}: {run:?}"),
        }
    }
    for car in 1..=8 {
        assert_eq!(street.iter().filter(|line| **line == format!("car {car}: passes")).count(), 1, "{run:?}");
    }
    assert_eq!(street[..2], ["light: red", "car 1: waits"], "{run:?}");
    assert_eq!(network[0], "client: no answer to try 1", "{run:?}");
    assert_eq!(network[network.len() - 2..], ["server: up", "client: connected"], "{run:?}");
}

#[test]
fn ten_threads_that_race_have_one_instance() {
    finish("singleton", &[]).assert_lines(&["thread 1 makes it", "all 10 have the one that thread 1 made"]);
}
