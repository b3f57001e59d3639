//! The report: tables for the reader, and every round as JSON for the machine.

use crate::{
    contest::{Comparison, Series},
    stats::{Ratio, median},
    targets::Verdict,
};

pub(crate) fn print_head(rounds: usize, pinned: bool, machine: &str, rivals: &[String]) {
    println!(
        "nanoseconds an operation (mem_, growth_memory_: bytes a green thread); medians of {rounds} interleaved"
    );
    println!(
        "rounds, fewer where a case needs long; ratio: greenroom / rival, median of the paired ratios with its"
    );
    println!("95 % interval, below 1 is better; (limit): no rival; pinned to cores: {pinned}");
    println!("{machine}; {}\n", rivals.join(", "));
    println!("{:<28}{:>12}  {:<22}{:>12}{:>10}  95 %", "case", "greenroom", "rival", "rival's", "ratio");
}

pub(crate) fn print_rows(comparisons: &[Comparison]) {
    for comparison in comparisons {
        let (name, ours) = (&comparison.name, comparison.greenroom());
        let our_figure = ours.map_or("-".into(), |ours| format!("{:.1}", median(&ours.rounds)));
        if comparison.rivals().next().is_none() {
            println!("{name:<28}{our_figure:>12}");
        }
        for rival in comparison.rivals() {
            let mark = if rival.limit { " (limit)" } else { "" };
            let (peer, figure) = (format!("{}{mark}", rival.peer), median(&rival.rounds));
            let ratio = ours.and_then(|ours| ratio(ours, rival)).map_or(String::new(), |ratio| {
                format!("{:>10.3}  [{:.3}, {:.3}]", ratio.median, ratio.low, ratio.high)
            });
            println!("{name:<28}{our_figure:>12}  {peer:<22}{figure:>12.1}{ratio}");
        }
    }
}

pub(crate) fn print_targets(verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    println!(
        "\ntargets, judged by the strongest rival of this run unless they name one; met if the interval's lower end is\n"
    );
    println!("{:<24}{:<22}{:>10}{:>10}  {:<8}95 %", "case", "judged by", "ratio", "target", "");
    for verdict in verdicts {
        let Ratio { median, low, high } = verdict.ratio;
        let (rival, met) =
            (verdict.rival.unwrap_or("(the figure)"), if verdict.met() { "met" } else { "NOT MET" });
        let (case, at_most) = (verdict.case(), verdict.target.at_most);
        println!("{case:<24}{rival:<22}{median:>10.3}{at_most:>10.3}  {met:<8}[{low:.3}, {high:.3}]");
    }
    let met = verdicts.iter().filter(|verdict| verdict.met()).count();
    println!("\n{met} of {} met", verdicts.len());
}

/// One object: how it was measured; for each comparison all rounds of all peers and the ratios; and the targets.
///
/// Names hold no character that JSON would have escaped.
pub(crate) fn json(
    comparisons: &[Comparison],
    verdicts: &[Verdict],
    rounds: usize,
    pinned: bool,
    machine: &str,
    rivals: &[String],
) -> String {
    let listed = |lines: Vec<String>| lines.join(",\n");
    let cases = listed(comparisons.iter().map(case_json).collect());
    let targets = listed(verdicts.iter().map(verdict_json).collect());
    let rivals = rivals.iter().map(|rival| format!("\"{rival}\"")).collect::<Vec<_>>().join(",");
    format!(
        "{{\"unit\":\"ns an operation\",\"rounds\":{rounds},\"pinned\":{pinned},\"machine\":\"{machine}\",\"rivals\":[{rivals}],\n\"cases\":[\n{cases}\n],\n\"targets\":[\n{targets}\n]}}\n"
    )
}

fn case_json(comparison: &Comparison) -> String {
    let rounds: Vec<String> = comparison.peers.iter().map(rounds_json).collect();
    let ratios: Vec<String> = comparison
        .greenroom()
        .into_iter()
        .flat_map(|ours| comparison.rivals().filter_map(|rival| ratio_json(ours, rival)))
        .collect();
    format!(
        "{{\"case\":\"{}\",\"rounds\":{{{}}},\"ratios\":{{{}}}}}",
        comparison.name,
        rounds.join(","),
        ratios.join(",")
    )
}

fn rounds_json(series: &Series) -> String {
    let rounds: Vec<String> = series.rounds.iter().map(|figure| format!("{figure:.2}")).collect();
    format!("\"{}\":[{}]", series.peer, rounds.join(","))
}

fn ratio_json(ours: &Series, rival: &Series) -> Option<String> {
    let Ratio { median, low, high } = ratio(ours, rival)?;
    Some(format!("\"{}\":{{\"median\":{median:.4},\"low\":{low:.4},\"high\":{high:.4}}}", rival.peer))
}

fn verdict_json(verdict: &Verdict) -> String {
    let Ratio { median, low, high } = verdict.ratio;
    let against = verdict.rival.map_or("null".into(), |rival| format!("\"{rival}\""));
    format!(
        "{{\"case\":\"{}\",\"against\":{against},\"median\":{median:.4},\"low\":{low:.4},\"high\":{high:.4},\"at_most\":{},\"met\":{}}}",
        verdict.case(),
        verdict.target.at_most,
        verdict.met()
    )
}

fn ratio(ours: &Series, rival: &Series) -> Option<Ratio> {
    Ratio::exists(&ours.rounds, &rival.rounds).then(|| Ratio::of(&ours.rounds, &rival.rounds))
}
