//! The examples of child processes.

use crate::program::finish;

#[test]
fn children_are_started_asked_ended_and_waited_for_and_leave_the_parents_counter_alone() {
    let run = finish("subprocesses", &[]);
    run.assert_lines(&[
        "child: counts to 3",
        "parent: its counter is at 0",
        "sleeper: it has a number of its own, and is alive: true",
        "sleeper: alive after 50 ms: true",
        "sleeper: terminated, ended by signal 15, alive: false",
        "ten children: 0 1 2 3 4 5 6 7 8 9",
        "ten sleeps of 0.3 s took less than 3 s: true",
        "tr: TEN CHILDREN, ONE OS THREAD",
        "no such program: not found",
    ]);
}
