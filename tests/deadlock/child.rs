//! One case, played by a process of its own.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

const CASE: &str = "GREENROOM_DEADLOCK_CASE";
/// How long a child may take before it is ended by force.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a case must stay quiet that would stay so for ever: several times what a report takes.
pub(crate) const QUIET: Duration = Duration::from_millis(400);
/// What every report begins with, and what none of the cases that are no deadlock may say.
const REPORT: &str = "deadlock: every green thread is parked";

/// What a child says whose report took its time.
pub(crate) const LATE: &str = "too late";

pub(crate) struct Case {
    /// The claim, as the name of a test.
    pub(crate) name: &'static str,
    pub(crate) play: fn(),
    pub(crate) ends: Play,
}

/// How a case is to end.
pub(crate) enum Play {
    /// The root panics within 100 ms, and says all these words.
    Reported(&'static [&'static str]),
    /// It ends by itself, having reported so many rings of owners, with all these words.
    Ends(usize, &'static [&'static str]),
    /// It never ends, and says nothing.
    StaysQuiet,
}

impl Case {
    /// As libtest would name it.
    pub(crate) fn test_name(&self) -> String {
        self.name.replace(' ', "_")
    }
}

/// In a child: what it is to play.
pub(crate) fn name_of_the_case() -> Option<String> {
    std::env::var(CASE).ok()
}

/// In a child: runs `main` under a hub that reports its deadlock; the child ends well if that comes in time.
pub(crate) fn reported(main: impl FnOnce()) {
    panics_in_time(|| greenroom::run(main));
}

/// In a child: `f` panics in time, with a report.
pub(crate) fn panics_in_time(f: impl FnOnce()) {
    let begun = Instant::now();
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("a deadlock");
    let took = begun.elapsed();
    let text = payload.downcast::<String>().expect("a report");
    assert!(text.starts_with(REPORT), "{text}");
    assert!(took >= Duration::from_millis(50), "too rash: {took:?}");
    assert!(took < Duration::from_millis(100), "{LATE}: {took:?}");
    // The hub, or else the OS thread, is as good as new.
    assert_eq!(greenroom::spawn(|| 42).join().unwrap(), 42);
}

pub(crate) struct Child {
    process: Process,
    begun: Instant,
    stderr: std::thread::JoinHandle<String>,
}

impl Child {
    pub(crate) fn start(case: &Case) -> Child {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(CASE, case.name)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = process.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).expect("the end of a pipe");
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Child { process, begun: Instant::now(), stderr }
    }

    /// Waits for the end that the case is to have.
    pub(crate) fn judge(mut self, case: &Case) -> Result<(), String> {
        let patience = if matches!(case.ends, Play::StaysQuiet) { QUIET } else { PATIENCE };
        let status = loop {
            match self.process.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if self.begun.elapsed() > patience => break None,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        if status.is_none() {
            self.process.kill().unwrap();
            self.process.wait().unwrap();
        }
        let said = self.stderr.join().unwrap();
        let code = status.map(|status| status.code());
        let has_all = |words: &[&str]| words.iter().all(|word| said.contains(word));
        let as_it_should = match case.ends {
            Play::Reported(words) => code == Some(Some(0)) && said.contains(REPORT) && has_all(words),
            Play::Ends(rings, words) => {
                let reports = said.matches("greenroom:").count();
                code == Some(Some(0)) && !said.contains(REPORT) && reports == rings && has_all(words)
            }
            Play::StaysQuiet => status.is_none() && said.is_empty(),
        };
        if as_it_should { Ok(()) } else { Err(format!("it ended with {status:?} and said:\n{said}")) }
    }
}
