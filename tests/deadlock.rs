//! What is reported as a deadlock, and what is none: each case is played by a child process, this same binary.
//!
//! A child has one OS thread, unless its case makes others: only then can a hub know that nothing comes from outside. So
//! the binary has a `main` of its own in place of libtest's. It takes a filter, as libtest does.

#[path = "deadlock/child.rs"]
mod child;
#[path = "deadlock/near.rs"]
mod near;
#[path = "deadlock/rings.rs"]
mod rings;
#[path = "deadlock/shapes.rs"]
mod shapes;

use child::{Case, Play};

fn main() {
    let cases: Vec<&Case> = [shapes::CASES, rings::CASES, near::CASES].into_iter().flatten().collect();
    if let Some(name) = child::name_of_the_case() {
        return (cases.iter().find(|case| case.name == name).expect("a case of the tables").play)();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        cases.iter().for_each(|case| println!("{}: test", case.test_name()));
        return;
    }
    let filter = arguments.into_iter().find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let wanted: Vec<_> = cases.into_iter().filter(|case| case.test_name().contains(&filter)).collect();
    println!("\nrunning {} tests", wanted.len());
    // All at once: they sleep nearly all the time. Those whose reports are timed come after that, one by one.
    let (quick, slow): (Vec<&Case>, Vec<&Case>) =
        wanted.iter().copied().partition(|case| matches!(case.ends, Play::Reported(_)));
    let playing: Vec<_> = slow.into_iter().map(|case| (case, child::Child::start(case))).collect();
    let mut failed = 0;
    let mut tell = |case: &Case, outcome: Result<(), String>| {
        println!("test {} ... {}", case.test_name(), if outcome.is_ok() { "ok" } else { "FAILED" });
        if let Err(why) = outcome {
            failed += 1;
            println!("{why}");
        }
    };
    playing.into_iter().for_each(|(case, child)| tell(case, child.judge(case)));
    for case in quick {
        // A busy machine may delay a report, or many; nothing else that goes wrong is tried again.
        let play = || child::Child::start(case).judge(case);
        let is_late =
            |outcome: &Result<(), String>| outcome.as_ref().is_err_and(|why| why.contains(child::LATE));
        let mut outcome = play();
        for _ in 1..20 {
            if is_late(&outcome) {
                outcome = play();
            }
        }
        tell(case, outcome);
    }
    println!("\ntest result: {} passed; {failed} failed\n", wanted.len() - failed);
    if failed > 0 {
        std::process::exit(101);
    }
}
