//! A case that one peer runs alone in this process: warmed up, repeated, printed as one line of JSON.

use crate::{footprint::Footprint, stats};
use std::{fmt, time::Duration};

/// How a peer answers a question.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// Takes a number of operations; they come in groups of so many.
    Timed(fn(u64) -> Duration, u64),
    /// Takes the number of green threads, then that of operations, which is a multiple of it.
    Grown(fn(u64, u64) -> Duration),
    /// Takes a number of green threads.
    Held(fn(u64) -> (Duration, Footprint)),
}

/// What was asked.
pub(crate) struct Question<'a> {
    pub(crate) peer: &'a str,
    pub(crate) case: &'a str,
    pub(crate) operations: u64,
    /// How many green threads, for [`Run::Grown`] alone.
    pub(crate) threads: u64,
    pub(crate) repetitions: usize,
    pub(crate) warm_up: bool,
}

/// One line of JSON.
pub(crate) struct Answer<'a> {
    question: &'a Question<'a>,
    operations: u64,
    /// Nanoseconds an operation, one a repetition.
    figures: Vec<f64>,
    /// Of the first run, the only one that does not find memory of an earlier one.
    held: Option<Footprint>,
}

impl Run {
    pub(crate) fn answer<'a>(self, question: &'a Question<'a>) -> Answer<'a> {
        let group = match self {
            Run::Timed(_, group) => group,
            Run::Grown(_) => question.threads,
            Run::Held(_) => 1,
        };
        let operations = question.operations.max(1).next_multiple_of(group);
        let mut answer = Answer { question, operations, figures: Vec::new(), held: None };
        for turn in 0..question.repetitions + usize::from(question.warm_up) {
            let took = match self {
                Run::Timed(run, _) => run(operations),
                Run::Grown(run) => run(question.threads, operations),
                Run::Held(run) => {
                    let (took, held) = run(operations);
                    answer.held.get_or_insert(held);
                    took
                }
            };
            if turn > 0 || !question.warm_up {
                answer.figures.push(took.as_nanos() as f64 / operations as f64);
            }
        }
        answer
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Question { peer, case, threads, .. } = self.question;
        let operations = self.operations;
        write!(f, "{{\"case\":\"{case}\",\"peer\":\"{peer}\",\"n\":{operations}")?;
        if *threads > 0 {
            write!(f, ",\"threads\":{threads}")?;
        }
        let least = self.figures.iter().copied().fold(f64::INFINITY, f64::min);
        write!(f, ",\"ns_per_op\":{:.3},\"min_ns_per_op\":{least:.3}", stats::median(&self.figures))?;
        if let Some(held) = self.held {
            let each = |bytes: u64| bytes as f64 / operations as f64;
            let (resident, tables) = (each(held.resident), each(held.page_tables));
            write!(f, ",\"bytes_per_task\":{resident:.1},\"page_table_bytes_per_task\":{tables:.1}")?;
        }
        write!(f, ",\"reps\":{}}}", self.figures.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(operations: u64, threads: u64) -> Question<'static> {
        Question { peer: "somebody", case: "nothing", operations, threads, repetitions: 2, warm_up: true }
    }

    #[test]
    fn the_operations_are_whole_groups_and_the_line_says_how_many() {
        let asked = question(15, 0);
        let answer = Run::Timed(|n| Duration::from_nanos(3 * n), 10).answer(&asked);
        let line =
            r#"{"case":"nothing","peer":"somebody","n":20,"ns_per_op":3.000,"min_ns_per_op":3.000,"reps":2}"#;
        assert_eq!(answer.to_string(), line);
    }

    #[test]
    fn memory_is_that_of_the_first_run() {
        use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let held = |n: u64| {
            let first = RUNS.fetch_add(1, Relaxed) == 0;
            let resident = if first { 100 * n } else { 0 };
            (Duration::from_nanos(n), Footprint { resident, page_tables: n })
        };
        let asked = question(7, 0);
        let line = Run::Held(held).answer(&asked).to_string();
        assert!(line.contains(r#""bytes_per_task":100.0,"page_table_bytes_per_task":1.0"#), "{line}");
        assert_eq!(RUNS.load(Relaxed), 3);
    }

    #[test]
    fn a_group_as_large_as_the_threads_rounds_up() {
        let asked = question(1, 1_000);
        let line = Run::Grown(|threads, n| Duration::from_nanos(threads * n)).answer(&asked).to_string();
        assert!(line.contains(r#""n":1000,"threads":1000,"ns_per_op":1000.000"#), "{line}");
    }
}
