//! The command line.

use std::{path::PathBuf, time::Duration};

pub(crate) const USAGE: &str = "greenroom-bench [CASE…] [--rounds N] [--quick] [--json FILE]

CASE      a name, or the beginning of some names, of: switch_generator switch_greenlet yield2 yield1000
          spawn_join spawn_10k sleep_cancel wake_early timer_cancel queue_pingpong queue_stream queue_xthread
          queue_xthread_pp lock_uncontended lock_contended8 lock_2_os_threads lock_4_os_threads offload
          offload_1000 echo_1 echo_50 echo_500; all by default
--rounds  measures of each peer, 31 by default, 15 with --quick
--quick   short slices of time: the whole in about a minute
--json    writes every round to FILE";

/// What this process was started for.
pub(crate) enum Request {
    Help,
    /// A child of a comparison: one echo server of the kind named.
    EchoServer(String),
    Compare(Options),
}

/// What to compare and how long.
pub(crate) struct Options {
    names: Vec<String>,
    pub(crate) rounds: usize,
    quick: bool,
    pub(crate) json: Option<PathBuf>,
}

impl Request {
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
        let (mut names, mut rounds, mut quick, mut json) = (Vec::new(), None, false, None);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--help" | "-h" => return Ok(Request::Help),
                "echo-server" => return Ok(Request::EchoServer(value()?)),
                "--rounds" => rounds = Some(value()?.parse().map_err(|_| "--rounds needs a number")?),
                "--quick" => quick = true,
                "--json" => json = Some(PathBuf::from(value()?)),
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n\n{USAGE}")),
                _ => names.push(arg),
            }
        }
        let rounds = rounds.unwrap_or(if quick { 15 } else { 31 });
        if rounds == 0 {
            return Err("--rounds 0 measures nothing".into());
        }
        Ok(Request::Compare(Options { names, rounds, quick, json }))
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

    /// How long one peer runs in one round; a server process needs longer to settle than a loop.
    pub(crate) fn slice(&self, case: &str) -> Duration {
        Duration::from_millis(match (case.starts_with("echo"), self.quick) {
            (false, true) => 20,
            (false, false) => 50,
            (true, true) => 150,
            (true, false) => 500,
        })
    }
}
