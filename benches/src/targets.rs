//! What greenroom is to reach, and whether it does in this run.

use crate::{
    contest::{Comparison, Series},
    stats::{Ratio, median},
};

/// At most so many times a rival's figure, or so much.
pub(crate) struct Target {
    /// A line of the comparison.
    case: &'static str,
    against: Against,
    pub(crate) at_most: f64,
}

enum Against {
    /// The rival with the lowest median of this run.
    Strongest,
    Named(&'static str),
    /// Nobody: the figure itself is limited.
    Nobody,
}

use Against::{Named, Nobody, Strongest};

const TARGETS: &[Target] = &[
    target("switch", Strongest, 1.0),
    target("switch_greenlet", Strongest, 2.5),
    target("yield2", Strongest, 0.33),
    target("yield1000", Strongest, 0.5),
    target("spawn_join", Strongest, 0.4),
    target("spawn_10k", Strongest, 0.9),
    target("queue_pingpong", Strongest, 0.4),
    target("queue_stream", Strongest, 0.8),
    target("queue_xthread", Named("crossbeam"), 1.5),
    target("lock_uncontended", Named("std"), 1.1),
    target("lock_contended8", Strongest, 0.6),
    target("timer_cancel", Strongest, 0.5),
    target("timer_fire", Strongest, 0.9),
    target("growth_memory_1000000", Nobody, 4.7 * 1_024.0),
    target("mem_unstarted", Nobody, 256.0),
    target("growth_spawn_factor", Named("tokio"), 1.5),
    target("growth_yield_factor", Named("tokio"), 1.5),
    target("growth_sleep_factor", Named("tokio"), 1.5),
    target("echo_50_cpu", Named("epoll"), 1.05),
    target("echo_50_cpu", Named("tokio"), 1.0),
    target("echo_500_cpu", Named("epoll"), 1.05),
    target("echo_500_cpu", Named("tokio"), 1.0),
    target("echo_5000_cpu", Named("epoll"), 1.05),
    target("echo_5000_cpu", Named("tokio"), 1.0),
    target("echo_5000_rss_kib", Nobody, 30.0 * 1_024.0),
    target("http_64_cpu", Named("hyper"), 1.0),
    target("http_64_cpu", Named("epoll"), 1.08),
];

const fn target(case: &'static str, against: Against, at_most: f64) -> Target {
    Target { case, against, at_most }
}

/// How a target came out.
pub(crate) struct Verdict {
    pub(crate) target: &'static Target,
    /// Whom it was judged by, if by anybody.
    pub(crate) rival: Option<&'static str>,
    /// Of the rival's figure; the figure itself where there is no rival.
    pub(crate) ratio: Ratio,
}

impl Verdict {
    pub(crate) fn case(&self) -> &'static str {
        self.target.case
    }

    /// A run that cannot tell it from the target has met it: the lower end of the interval decides.
    pub(crate) fn met(&self) -> bool {
        self.ratio.low <= self.target.at_most
    }
}

/// The targets of which this run has the figures.
pub(crate) fn judge(comparisons: &[Comparison]) -> Vec<Verdict> {
    TARGETS.iter().filter_map(|target| target.judge(comparisons)).collect()
}

impl Target {
    fn judge(&'static self, comparisons: &[Comparison]) -> Option<Verdict> {
        let comparison = comparisons.iter().find(|comparison| comparison.name == self.case)?;
        let ours = comparison.greenroom()?;
        let rivals = || comparison.rivals().filter(|rival| Ratio::exists(&ours.rounds, &rival.rounds));
        let rival = match self.against {
            Strongest => Some(rivals().filter(|rival| !rival.limit).min_by(faster)?),
            Named(name) => Some(rivals().find(|rival| rival.peer == name)?),
            Nobody => None,
        };
        let ratio = match rival {
            Some(rival) => Ratio::of(&ours.rounds, &rival.rounds),
            None => Ratio::of(&ours.rounds, &vec![1.0; ours.rounds.len()]),
        };
        Some(Verdict { target: self, rival: rival.map(|rival| rival.peer), ratio })
    }
}

fn faster(one: &&Series, other: &&Series) -> std::cmp::Ordering {
    median(&one.rounds).total_cmp(&median(&other.rounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(name: &str, peers: &[(&'static str, bool, f64)]) -> Comparison {
        let series = |&(peer, limit, figure)| Series { peer, limit, rounds: vec![figure; 15] };
        Comparison { name: name.to_owned(), peers: peers.iter().map(series).collect() }
    }

    #[test]
    fn the_strongest_rival_judges_and_a_limit_is_none() {
        let peers =
            [("greenroom", false, 10.0), ("slow", false, 50.0), ("fast", false, 40.0), ("bare", true, 4.0)];
        let verdicts = judge(&[comparison("yield2", &peers)]);
        assert_eq!((verdicts[0].rival, verdicts[0].ratio.median), (Some("fast"), 0.25));
        assert!(verdicts[0].met());
    }

    #[test]
    fn a_limit_judges_where_it_is_named() {
        let peers = [("greenroom", false, 110.0), ("tokio", false, 120.0), ("epoll", true, 100.0)];
        let verdicts = judge(&[comparison("echo_50_cpu", &peers)]);
        let told: Vec<_> = verdicts.iter().map(|verdict| (verdict.rival, verdict.met())).collect();
        assert_eq!(told, [(Some("epoll"), false), (Some("tokio"), true)]);
    }

    #[test]
    fn a_figure_without_a_rival_is_limited_itself() {
        let verdicts = judge(&[comparison("mem_unstarted", &[("greenroom", false, 300.0)])]);
        assert_eq!((verdicts[0].rival, verdicts[0].ratio.median, verdicts[0].met()), (None, 300.0, false));
    }

    #[test]
    fn the_lower_end_of_the_interval_decides() {
        let rounds: Vec<f64> = (0..31).map(|round| 0.30 + f64::from(round) * 0.002).collect();
        let ours = Series { peer: "greenroom", limit: false, rounds };
        let rival = Series { peer: "tokio", limit: false, rounds: vec![1.0; 31] };
        let verdicts = judge(&[Comparison { name: "yield2".into(), peers: vec![ours, rival] }]);
        assert!(verdicts[0].ratio.median < 0.331 && verdicts[0].ratio.low < 0.33 && verdicts[0].met());
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert!(judge(&[comparison("yield2", &[("tokio", false, 1.0)])]).is_empty());
        assert!(judge(&[comparison("http_64_cpu", &[("greenroom", false, 1.0)])]).is_empty());
    }
}
