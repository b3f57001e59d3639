//! The examples of queues: each item once, in the order of the queue, and an end that everybody learns of.

use crate::program::{Outcome, finish, finish_fed};
use std::{fs, path::PathBuf, process};

#[test]
fn every_bun_is_eaten_once_whichever_way_the_eaters_learn_of_the_end() {
    let run = finish("producer_consumer", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let halves: Vec<&[&str]> = lines.split_inclusive(|line| line.ends_with("each eaten once")).collect();
    assert_eq!(halves.len(), 2, "{run:?}");
    for (half, way) in halves.iter().zip(["sentinels", "close"]) {
        assert_eq!(half.last(), Some(&&*format!("{way}: 12 buns, each eaten once")), "{run:?}");
        for bun in 0..12 {
            let whole =
                |verb: &str| half.iter().filter(|line| line.ends_with(&format!(" {verb} bun {bun}"))).count();
            assert_eq!((whole("makes"), whole("eats")), (1, 1), "bun {bun}: {run:?}");
            let at = |verb: &str| half.iter().position(|line| line.ends_with(&format!(" {verb} bun {bun}")));
            assert!(at("makes") < at("eats"), "bun {bun}: {run:?}");
        }
        for eater in ["eater 0 ", "eater 1 "] {
            assert!(half.iter().any(|line| line.starts_with(eater)), "{eater}: {run:?}");
        }
    }
}

#[test]
fn a_program_with_a_joinable_queue_ends_when_all_is_eaten() {
    let run = finish("joinable_queue", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let cooks = ["bun", "dumpling", "noodle"];
    assert_eq!(lines[..3], cooks.map(|name| format!("{name}: all on the counter")), "{run:?}");
    let mut eaten = lines[3..12].to_vec();
    eaten.sort();
    let wanted = cooks.iter().flat_map(|name| (1..=3).map(move |number| format!("ate {name} {number}")));
    assert_eq!(eaten, wanted.collect::<Vec<_>>(), "{run:?}");
    assert_eq!(lines[12..15], cooks.map(|name| format!("{name}: all eaten")), "{run:?}");
    assert_eq!(lines[15..], ["unfinished: 0"], "{run:?}");
}

#[test]
fn a_bounded_queue_is_full_after_the_timeout_and_empty_on_an_empty_get() {
    let run = finish("bounded_queue", &[]);
    run.assert_lines(&[
        "4 of Some(4), full: true",
        "put_timeout(5): Err(Full(..))",
        "try_put(6): Err(Full(..))",
        "put(7) waits: true",
        "get: Ok(1)",
        "put(7): Ok(())",
        "try_get: 2",
        "try_get: 3",
        "try_get: 4",
        "try_get: 7",
        "try_get: Err(Empty)",
        "get_timeout: Err(Empty)",
    ]);
    run.assert_took(0.2, 30.0);
}

#[test]
fn a_stack_gives_the_last_first_and_a_priority_queue_the_vip() {
    finish("lifo_priority", &[]).assert_lines(&[
        "plate: third",
        "plate: second",
        "plate: first",
        "guest: VIP (1)",
        "guest: member (5)",
        "guest: ordinary A (10)",
        "guest: ordinary B (10)",
    ]);
}

#[test]
fn one_worker_works_in_order_and_three_share() {
    let run = finish("reusable_worker", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let done = |who: &str| (1..=6).map(|number| format!("{who}: task {number} done")).collect::<Vec<_>>();
    assert_eq!(lines[..6], done("one worker"), "{run:?}");
    assert_eq!(lines[6..12], done("three workers"), "{run:?}");
    assert_eq!(lines[12..18], done("pool"), "{run:?}");
    assert!(lines[18].starts_with("three at a time, twice: "), "{run:?}");
    run.assert_took(0.2, 30.0);
}

// ---- pipeline

#[test]
fn a_pipeline_ends_with_its_input_and_the_file_has_all_of_it() {
    let file = Scratch::new("pipeline");
    let run = finish_fed(b"good day\nto you,\nno line end", "pipeline", &[file.name()]);
    run.assert_lines(&[]);
    assert_eq!(file.content(), "GOOD DAY\nTO YOU,\nNO LINE END");

    finish("pipeline", &[file.name()]).assert_lines(&[]);
    assert_eq!(file.content(), "", "no input, no line");
}

#[test]
fn a_pipeline_without_a_file_or_into_one_that_cannot_be_is_one_clear_line() {
    finish("pipeline", &[]).assert_one_line_error("pipeline", 2);
    finish("pipeline", &["one", "two"]).assert_one_line_error("pipeline", 2);
    let nowhere: Outcome = finish("pipeline", &["/nowhere/at/all"]);
    nowhere.assert_one_line_error("pipeline", 1);
    assert!(nowhere.stderr.contains("/nowhere/at/all"), "{nowhere:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipeline_whose_file_is_full_ends_in_one_line_with_input_left() {
    let run = finish_fed(b"a\nb\nc\n", "pipeline", &["/dev/full"]);
    run.assert_one_line_error("pipeline", 1);
    assert!(run.stderr.contains("space"), "{run:?}");
}

/// A file of one test, gone after it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("greenroom-{name}-{}", process::id())))
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn content(&self) -> String {
        fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed early has made none.
        let _ = fs::remove_file(&self.0);
    }
}
