//! The command line.

use std::{path::PathBuf, time::Duration};

pub(crate) const USAGE: &str = "greenroom-bench [CASE…] [--rounds N] [--quick] [--json FILE] [--docs]

CASE      a name, or the beginning of some names, of: switch switch_greenlet yield2 yield1000 spawn_join spawn_10k
          sleep_cancel wake_early timer_cancel timer_fire timer_fire_first timer_fire_1000 queue_pingpong queue_stream
          queue_xthread queue_xthread_pp lock_uncontended lock_contended8 lock_2_os_threads lock_4_os_threads
          mem_parked mem_unstarted growth_spawn growth_yield growth_sleep growth_memory offload offload_1000 echo_1
          echo_50 echo_500 echo_5000 http_64; all by default
--rounds  measures of each peer: 31 by default, 15 with --quick; fewer where one takes long (timer_fire, mem_, growth_,
          echo_, http_), unless this says more
--quick   short slices of time: the whole in a few minutes
--json    writes every round to FILE
--docs    shows the run in docs/benchmarks.md: its tables, its plots (by python3), and every round as JSON beside it";

/// What this process was started for.
pub(crate) enum Request {
    Help,
    /// A child of a comparison: a server.
    Server(Vec<String>),
    /// A child of a comparison: the load of a server.
    Load(Vec<String>),
    /// A child of a comparison: one case of one peer, once.
    Alone {
        peer: String,
        case: String,
        operations: u64,
        threads: u64,
    },
    Compare(Options),
}

/// What to compare and how long.
pub(crate) struct Options {
    names: Vec<String>,
    pub(crate) rounds: usize,
    /// The number of rounds was not asked for.
    any_rounds: bool,
    quick: bool,
    pub(crate) json: Option<PathBuf>,
    /// The page of the docs is to show this run.
    pub(crate) docs: bool,
}

impl Request {
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
        let (mut names, mut rounds, mut json) = (Vec::new(), None, None);
        let (mut quick, mut docs) = (false, false);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--help" | "-h" => return Ok(Request::Help),
                "server" => return Ok(Request::Server(args.collect())),
                "load" => return Ok(Request::Load(args.collect())),
                "alone" => return Request::alone(args),
                "--rounds" => rounds = Some(value()?.parse().map_err(|_| "--rounds needs a number")?),
                "--quick" => quick = true,
                "--docs" => docs = true,
                "--json" => json = Some(PathBuf::from(value()?)),
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n\n{USAGE}")),
                _ => names.push(arg),
            }
        }
        let any_rounds = rounds.is_none();
        let rounds = rounds.unwrap_or(if quick { 15 } else { 31 });
        if rounds == 0 {
            return Err("--rounds 0 measures nothing".into());
        }
        if docs && !names.is_empty() {
            return Err("--docs shows a whole run, not some of its cases".into());
        }
        Ok(Request::Compare(Options { names, rounds, any_rounds, quick, json, docs }))
    }

    fn alone(args: impl Iterator<Item = String>) -> Result<Request, String> {
        const FORM: &str = "alone PEER CASE N THREADS";
        let [peer, case, operations, threads] = &args.collect::<Vec<_>>()[..] else {
            return Err(FORM.into());
        };
        let number = |text: &String| text.parse().map_err(|_| FORM);
        let (operations, threads) = (number(operations)?, number(threads)?);
        Ok(Request::Alone { peer: peer.clone(), case: case.clone(), operations, threads })
    }
}

impl Options {
    /// The cases asked for, in the order in which they are listed.
    pub(crate) fn choose(&self, known: &[&'static str]) -> Result<Vec<&'static str>, String> {
        for name in &self.names {
            if !known.iter().any(|case| case.starts_with(name.as_str())) {
                return Err(format!("no case begins with {name}; there are {}", known.join(" ")));
            }
        }
        let wanted = |case: &&str| {
            self.names.is_empty() || self.names.iter().any(|name| case.starts_with(name.as_str()))
        };
        Ok(known.iter().copied().filter(wanted).collect())
    }

    /// How often each peer is measured: less often, where a measure takes long and differs little.
    pub(crate) fn rounds_of(&self, case: &str) -> usize {
        if !self.any_rounds {
            return self.rounds;
        }
        match (case.split('_').next(), case, self.quick) {
            (Some("growth"), _, false) => 5,
            (Some("echo" | "http"), _, false) => 17,
            (Some("echo" | "http"), _, true) => 5,
            (Some("mem"), _, false) => 3,
            (Some("growth" | "mem"), _, true) => 1,
            (_, "timer_fire" | "timer_fire_first" | "timer_fire_1000", false) => 15,
            (_, "timer_fire" | "timer_fire_first" | "timer_fire_1000", true) => 5,
            _ => self.rounds,
        }
    }

    /// How long one peer runs in one round; a server process needs longer to settle than a loop.
    pub(crate) fn slice(&self, case: &str) -> Duration {
        Duration::from_millis(match (case.starts_with("echo") || case.starts_with("http"), self.quick) {
            (false, true) => 20,
            (false, false) => 50,
            (true, true) => 150,
            (true, false) => 400,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        match Request::from_args(line.split_whitespace().map(str::to_owned))? {
            Request::Compare(options) => Ok(options),
            _ => Err("no comparison".into()),
        }
    }

    #[test]
    fn the_beginning_of_a_name_chooses_all_that_begin_so() {
        let known = ["yield2", "yield1000", "switch"];
        assert_eq!(options("yield").unwrap().choose(&known), Ok(vec!["yield2", "yield1000"]));
        assert_eq!(options("").unwrap().choose(&known).unwrap().len(), 3);
        assert!(options("fold").unwrap().choose(&known).is_err());
    }

    #[test]
    fn the_page_of_the_docs_shows_whole_runs_only() {
        assert!(options("--docs --quick").unwrap().docs);
        assert!(options("--docs yield").is_err());
    }

    #[test]
    fn rounds_that_were_asked_for_hold_everywhere() {
        assert_eq!(options("--rounds 20").unwrap().rounds_of("growth_spawn"), 20);
        let quick = options("--quick").unwrap();
        assert_eq!((quick.rounds_of("growth_spawn"), quick.rounds_of("yield2")), (1, 15));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in
            ["--rounds 0", "--rounds", "--rounds few", "--fast", "alone tokio growth_spawn", "alone a b c d"]
        {
            assert!(options(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_child_is_told_its_case() {
        let line = "alone tokio growth_spawn 1000 10".split(' ').map(str::to_owned);
        let request = Request::from_args(line);
        assert!(matches!(request, Ok(Request::Alone { operations: 1_000, threads: 10, .. })));
    }
}
