//! The command line of `micro`: one case of greenroom's, measured alone.
//!
//! `micro CASE N [THREADS]` performs N operations (rounded up to whole groups, and printed as `n`) once to warm up and
//! `BENCH_REPS` times (5) measured, and prints one line of JSON: the median and the least of the nanoseconds an
//! operation. THREADS belongs to the cases `growth_…`, and to no other.
//!
//! For instructions an operation, run it twice under `valgrind --tool=callgrind` with `BENCH_REPS=1`, so that each
//! operation is performed twice: (Ir(N₂) − Ir(N₁)) / (2 (N₂ − N₁)). `tools/instructions` does that.

use crate::{
    alone::{Question, Run},
    ours,
};
use std::{env, process::ExitCode};

const USAGE: &str = "micro CASE N [THREADS]

CASE     switch switch_greenlet yield2 yield1000 spawn_join spawn_10k sleep_cancel wake_early timer_cancel timer_fire
         timer_fire_first mem_parked mem_unstarted queue_pingpong queue_stream queue_xthread queue_xthread_pp
         lock_uncontended lock_contended8 echo growth_spawn growth_yield growth_sleep growth_sleep_virtual
N        how many operations, at least 1; for mem_… how many green threads
THREADS  how many green threads there are at a time, at least 1; for growth_… alone

BENCH_REPS in the environment: how many measured repetitions after the one that warms up; 5 by default";

/// greenroom's side of a case.
pub(crate) fn find(case: &str) -> Option<Run> {
    Some(match case {
        "switch" => Run::Timed(ours::switching::generator, 2),
        "switch_greenlet" => Run::Timed(ours::switching::greenlet, 2),
        "yield2" => Run::Timed(|n| ours::yielding::round_robin(2, n), 2),
        "yield1000" => Run::Timed(|n| ours::yielding::round_robin(1_000, n), 1_000),
        "spawn_join" => Run::Timed(ours::spawning::one_by_one, 1),
        "spawn_10k" => Run::Timed(|n| ours::spawning::batches(10_000, n), 10_000),
        "sleep_cancel" => Run::Timed(ours::timers::around_a_yield, 1),
        "wake_early" => Run::Timed(ours::timers::ended_by_a_neighbour, 1),
        "timer_cancel" => Run::Timed(ours::timers::among_many, 1),
        "timer_fire" => Run::Timed(|n| ours::timers::fire(n).0, 1),
        "timer_fire_first" => Run::Timed(|n| ours::timers::fire_first(n).0, 1),
        "mem_parked" => Run::Held(ours::parking::parked),
        "mem_unstarted" => Run::Held(ours::parking::unstarted),
        "queue_pingpong" => Run::Timed(ours::queueing::ping_pong, 2),
        "queue_stream" => Run::Timed(ours::queueing::stream, 1),
        "queue_xthread" => Run::Timed(ours::crossing::stream, 1),
        "queue_xthread_pp" => Run::Timed(ours::crossing::ping_pong, 2),
        "lock_uncontended" => Run::Timed(ours::locking::uncontended, 1),
        "lock_contended8" => Run::Timed(ours::locking::contended, ours::locking::CONTENDERS),
        "echo" => Run::Timed(ours::echoing::round_trips, 1),
        "growth_spawn" => Run::Grown(ours::spawning::batches),
        "growth_yield" => Run::Grown(ours::yielding::round_robin),
        "growth_sleep" => Run::Grown(ours::sleeping::in_waves),
        "growth_sleep_virtual" => Run::Grown(ours::sleeping::in_virtual_waves),
        _ => return None,
    })
}

/// Does what the command line asks for: exit code 0, 2 if it makes no sense, 3 if there is no such case.
pub fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let args: Vec<String> = args.collect();
    let Some(case) = args.first().filter(|case| !case.starts_with('-')) else {
        return refuse("");
    };
    let Some(run) = find(case) else {
        println!(
            "{{\"case\":\"{}\",\"peer\":\"greenroom\",\"error\":\"unsupported\"}}",
            case.escape_default()
        );
        return ExitCode::from(3);
    };
    let question = match Question::read(case, run, &args[1..], env::var("BENCH_REPS").ok()) {
        Ok(question) => question,
        Err(why) => return refuse(&why),
    };
    println!("{}", run.answer(&question));
    ExitCode::SUCCESS
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}\n\n{USAGE}");
    ExitCode::from(2)
}

impl<'a> Question<'a> {
    fn read(
        case: &'a str,
        run: Run,
        numbers: &[String],
        repetitions: Option<String>,
    ) -> Result<Question<'a>, String> {
        let positive = |what: &str, text: &str| match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{what} is a whole number above 0, not {text}")),
        };
        let (operations, threads) = match (numbers, run) {
            ([n, threads], Run::Grown(_)) => (positive("N", n)?, positive("THREADS", threads)?),
            ([n], Run::Timed(..) | Run::Held(_)) => (positive("N", n)?, 0),
            (_, Run::Grown(_)) => return Err(format!("{case} needs N and THREADS, and no more")),
            _ => return Err(format!("{case} needs N, and no more")),
        };
        let repetitions = repetitions.map_or(Ok(5), |text| positive("BENCH_REPS", &text))? as usize;
        Ok(Question { peer: "greenroom", case, operations, threads, repetitions, warm_up: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        case: &'static str,
        numbers: &[&str],
        repetitions: Option<&str>,
    ) -> Result<(u64, u64, usize), String> {
        let numbers: Vec<String> = numbers.iter().map(|text| text.to_string()).collect();
        let run = find(case).unwrap();
        let question = Question::read(case, run, &numbers, repetitions.map(str::to_owned))?;
        Ok((question.operations, question.threads, question.repetitions))
    }

    #[test]
    fn a_case_gets_the_numbers_that_it_needs() {
        assert_eq!(read("yield2", &["1000"], None), Ok((1_000, 0, 5)));
        assert_eq!(read("growth_yield", &["1000", "10"], Some("1")), Ok((1_000, 10, 1)));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for (case, numbers, repetitions) in [
            ("yield2", &[][..], None),
            ("yield2", &["0"], None),
            ("yield2", &["-1"], None),
            ("yield2", &["many"], None),
            ("yield2", &["10", "10"], None),
            ("growth_sleep", &["10"], None),
            ("growth_sleep", &["10", "0"], None),
            ("yield2", &["10"], Some("0")),
            ("yield2", &["10"], Some("few")),
        ] {
            assert!(read(case, numbers, repetitions).is_err(), "{case} {numbers:?} {repetitions:?}");
        }
    }

    #[test]
    fn every_case_in_the_usage_is_there() {
        let listed = USAGE.split_once("\nCASE ").unwrap().1.split_once("\nN ").unwrap().0;
        for case in listed.split_whitespace() {
            assert!(find(case).is_some(), "{case}");
        }
    }
}
