//! The report: a table of ratios for the reader and every round as JSON for the machine.

use crate::{
    contest::{Comparison, Series},
    stats::{Ratio, median},
};

pub(crate) fn print_head(rounds: usize, pinned: bool) {
    println!(
        "ns an operation: medians of {rounds} interleaved rounds; ratio: greenroom / rival, median of the"
    );
    println!("paired ratios with its 95 % interval, below 1 is faster; pinned to cores: {pinned}\n");
    println!("{:<18}{:>12}  {:<12}{:>10}{:>8}  95 %", "case", "greenroom", "rival", "rival_ns", "ratio");
}

pub(crate) fn print_rows(comparisons: &[Comparison]) {
    for comparison in comparisons {
        let ours = comparison.greenroom();
        for rival in comparison.rivals() {
            let Ratio { median: ratio, low, high } = Ratio::of(&ours.rounds, &rival.rounds);
            println!(
                "{:<18}{:>12.1}  {:<12}{:>10.1}{ratio:>8.3}  [{low:.3}, {high:.3}]",
                comparison.name,
                median(&ours.rounds),
                rival.peer,
                median(&rival.rounds),
            );
        }
    }
}

/// One object: how it was measured and, for each comparison, all rounds of all peers and the ratios.
///
/// Names hold no character that JSON would have escaped.
pub(crate) fn json(comparisons: &[Comparison], rounds: usize, pinned: bool) -> String {
    let cases: Vec<String> = comparisons.iter().map(case_json).collect();
    format!(
        "{{\"unit\":\"ns an operation\",\"rounds\":{rounds},\"pinned\":{pinned},\"cases\":[\n{}\n]}}\n",
        cases.join(",\n")
    )
}

fn case_json(comparison: &Comparison) -> String {
    let rounds: Vec<String> = comparison.peers.iter().map(rounds_json).collect();
    let ratios: Vec<String> =
        comparison.rivals().iter().map(|rival| ratio_json(comparison.greenroom(), rival)).collect();
    format!(
        "{{\"case\":\"{}\",\"rounds\":{{{}}},\"ratios\":{{{}}}}}",
        comparison.name,
        rounds.join(","),
        ratios.join(",")
    )
}

fn rounds_json(series: &Series) -> String {
    let rounds: Vec<String> = series.rounds.iter().map(|ns| format!("{ns:.2}")).collect();
    format!("\"{}\":[{}]", series.peer, rounds.join(","))
}

fn ratio_json(ours: &Series, rival: &Series) -> String {
    let Ratio { median, low, high } = Ratio::of(&ours.rounds, &rival.rounds);
    format!("\"{}\":{{\"median\":{median:.4},\"low\":{low:.4},\"high\":{high:.4}}}", rival.peer)
}
