//! The examples of the executor and of the bridge to async code.

use crate::program::finish;

#[test]
fn squares_come_in_submission_order_and_in_completion_order() {
    let mut run = finish("thread_pool", &[]);
    // They sleep 60 ms more one than the other: a busy machine changes their order now and then, but not each time.
    for _ in 0..9 {
        if !run.stdout.contains("in completion order: 16 9 4 1")
            || !run.stdout.contains("first completed: [3]")
        {
            run = finish("thread_pool", &[]);
        }
    }
    run.assert_lines(&[
        "in submission order: 1 4 9 16",
        "map: 1 4 9 16",
        "in completion order: 16 9 4 1",
        "first completed: [3], not yet: [0, 1, 2]",
        "all completed: 4 done, 0 not yet",
        "called back with 16",
        "a job that fails: no square today",
        "refused after shutdown: true",
    ]);
}

#[test]
fn three_sleeps_of_a_second_are_awaited_in_one() {
    let run = finish("async_bridge", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let (times, words): (Vec<&str>, Vec<&str>) =
        run.stdout.lines().partition(|line| line.ends_with("s in all"));
    let wanted = [
        "eat: starts",
        "play: starts",
        "sing: starts",
        "eat: ends",
        "play: ends",
        "sing: ends",
        "gathered: eat, play, sing",
        "three green threads drive a future each: [42, 42, 42]",
    ];
    assert_eq!((words, times.len()), (wanted.to_vec(), 1), "{run:?}");
    run.assert_took(0.99, 2.9);
}
