//! A contest: the peers of one case, measured in rounds that interleave them.
//!
//! The speed of a shared machine drifts by far more than the differences looked for. So every round runs every
//! peer once, a round is short, the order rotates, and only figures of the same round are ever divided.

use std::{io, time::Duration};

/// One question to all that can answer it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) peers: Vec<Peer>,
}

/// One that answers the question.
pub(crate) struct Peer {
    name: &'static str,
    limit: bool,
    measure: Box<dyn FnMut(Duration) -> io::Result<Sample>>,
}

/// What one peer measured in one round: figures by their names, such as `_cpu`, that are hung on the case's.
///
/// The first, with an empty name, is what the case is about; the unit is nanoseconds an operation where the name says
/// no other. A figure of 0 has no ratio.
pub(crate) type Sample = Vec<(&'static str, f64)>;

/// One line of a comparison: a measure of all peers, round by round.
pub(crate) struct Comparison {
    /// The case's name, and the figure's hung on it.
    pub(crate) name: String,
    pub(crate) peers: Vec<Series>,
}

/// The figures of one peer, one a round.
pub(crate) struct Series {
    pub(crate) peer: &'static str,
    pub(crate) limit: bool,
    pub(crate) rounds: Vec<f64>,
}

/// Performs so many operations and says how long they took, set-up left out.
///
/// The number is always a multiple of [`GRAIN`].
pub(crate) type Timed = fn(u64) -> Duration;

/// Every size of a group that a case uses divides it.
const GRAIN: u64 = 10_000;

impl Peer {
    pub(crate) fn new(
        name: &'static str,
        measure: impl FnMut(Duration) -> io::Result<Sample> + 'static,
    ) -> Peer {
        Peer { name, limit: false, measure: Box::new(measure) }
    }

    /// Not a rival: what greenroom stands on, or what the kernel allows, without all that makes it usable.
    pub(crate) fn limit(name: &'static str, run: Timed) -> Peer {
        Peer::timed(name, run).into_limit()
    }

    pub(crate) fn into_limit(self) -> Peer {
        Peer { limit: true, ..self }
    }

    /// A peer within this process, whose number of operations a slice is found at its first run.
    pub(crate) fn timed(name: &'static str, run: Timed) -> Peer {
        let mut operations = None;
        Peer::new(name, move |slice| {
            let operations = *operations.get_or_insert_with(|| operations_in(slice, run));
            let elapsed = run(operations).as_nanos() as f64 / operations as f64;
            Ok(vec![("", elapsed)])
        })
    }
}

/// How many operations fill a slice; its runs are the warm-up too.
fn operations_in(slice: Duration, run: Timed) -> u64 {
    let mut operations = GRAIN;
    loop {
        let took = run(operations);
        if took >= slice / 4 {
            let fit = operations as f64 * slice.as_secs_f64() / took.as_secs_f64();
            return (fit / GRAIN as f64).ceil() as u64 * GRAIN;
        }
        operations *= 4;
    }
}

impl Case {
    /// Measures all peers `rounds` times; one comparison a figure, of the peers that have it.
    ///
    /// A peer that fails is left out from then on, with a line that says why.
    pub(crate) fn compare(mut self, rounds: usize, slice: Duration) -> Vec<Comparison> {
        let mut comparisons: Vec<Comparison> = Vec::new();
        let mut failed = vec![false; self.peers.len()];
        for round in 0..rounds {
            for turn in 0..self.peers.len() {
                let index = (round + turn) % self.peers.len();
                if failed[index] {
                    continue;
                }
                let peer = &mut self.peers[index];
                let sample = (peer.measure)(slice).unwrap_or_else(|error| {
                    println!("{:<24} {} is left out: {error}", self.name, peer.name);
                    failed[index] = true;
                    Sample::new()
                });
                for (figure, value) in sample {
                    let name = format!("{}{figure}", self.name);
                    let known = comparisons.iter().position(|comparison| comparison.name == name);
                    let place = known.unwrap_or_else(|| {
                        comparisons.push(Comparison::of(name, &self.peers));
                        comparisons.len() - 1
                    });
                    comparisons[place].peers[index].rounds.push(value);
                }
            }
        }
        for comparison in &mut comparisons {
            comparison.peers.retain(|series| series.rounds.len() == rounds);
        }
        comparisons.retain(|comparison| !comparison.peers.is_empty());
        comparisons
    }
}

impl Comparison {
    fn of(name: String, peers: &[Peer]) -> Comparison {
        let series = |peer: &Peer| Series { peer: peer.name, limit: peer.limit, rounds: Vec::new() };
        let peers = peers.iter().map(series).collect();
        Comparison { name, peers }
    }

    pub(crate) fn greenroom(&self) -> Option<&Series> {
        self.peers.iter().find(|series| series.peer == GREENROOM)
    }

    /// All others, the limits among them.
    pub(crate) fn rivals(&self) -> impl Iterator<Item = &Series> {
        self.peers.iter().filter(|series| series.peer != GREENROOM)
    }
}

const GREENROOM: &str = "greenroom";

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &'static str, measure: impl FnMut() -> io::Result<Sample> + 'static) -> Peer {
        let mut measure = measure;
        Peer::new(name, move |_| measure())
    }

    #[test]
    fn each_figure_is_a_comparison_of_those_that_have_it() {
        let peers = vec![
            peer("greenroom", || Ok(vec![("", 1.0), ("_late", 5.0)])),
            peer("other", || Ok(vec![("", 2.0)])),
        ];
        let comparisons = Case { name: "case", peers }.compare(3, Duration::ZERO);
        let names: Vec<_> = comparisons.iter().map(|comparison| &*comparison.name).collect();
        assert_eq!(names, ["case", "case_late"]);
        assert_eq!(comparisons[0].greenroom().unwrap().rounds, [1.0; 3]);
        assert_eq!(comparisons[0].rivals().count(), 1);
        assert_eq!(comparisons[1].rivals().count(), 0);
    }

    #[test]
    fn a_peer_that_fails_is_left_out_and_the_others_go_on() {
        let mut left = 2;
        let failing = move || {
            left -= 1;
            if left == 0 { Err(io::Error::other("it is tired")) } else { Ok(vec![("", 1.0)]) }
        };
        let peers = vec![peer("greenroom", || Ok(vec![("", 1.0)])), peer("failing", failing)];
        let comparisons = Case { name: "case", peers }.compare(4, Duration::ZERO);
        assert_eq!(comparisons[0].greenroom().unwrap().rounds.len(), 4);
        assert_eq!(comparisons[0].rivals().count(), 0);
    }
}
