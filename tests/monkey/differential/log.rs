//! What the steps of a script came to, a line each.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::libc_calls::{Errno, Outcome};

/// The steps of one script, or of one of its parties.
#[derive(Default)]
pub(super) struct Log {
    lines: Vec<String>,
    /// Before each line: who writes it.
    party: &'static str,
    files: Vec<PathBuf>,
}

impl Log {
    pub(super) fn of(party: &'static str) -> Log {
        Log { party, lines: Vec::new(), files: Vec::new() }
    }

    pub(super) fn note(&mut self, what: &str, value: impl Debug) {
        let colon = if self.party.is_empty() { "" } else { ": " };
        self.lines.push(format!("{}{colon}{what}: {value:?}", self.party));
    }

    /// A libc call, with its errno.
    pub(super) fn call<T: Debug>(&mut self, what: &str, outcome: Outcome<T>) {
        self.note(what, outcome);
    }

    /// A step of std's, with its errno, or with the kind of an error that has none.
    pub(super) fn step<T: Debug>(&mut self, what: &str, result: io::Result<T>) {
        match result {
            Err(error) => match error.raw_os_error() {
                Some(errno) => self.call(what, Err::<T, Errno>(Errno(errno))),
                None => self.note(what, Err::<T, io::ErrorKind>(error.kind())),
            },
            Ok(value) => self.note(what, Ok::<T, Errno>(value)),
        }
    }

    /// The bytes that a call brought into its buffer.
    pub(super) fn bytes(&mut self, what: &str, got: Outcome<usize>, buffer: &[u8]) {
        let shown = got.map(|length| (length, text(&buffer[..length.min(buffer.len()).min(64)])));
        self.call(what, shown);
    }

    /// The same of std's.
    pub(super) fn read(&mut self, what: &str, got: io::Result<usize>, buffer: &[u8]) {
        self.step(what, got.map(|length| (length, text(&buffer[..length.min(64)]))));
    }

    /// Performs `wait`, which must take `least` at least, and not much longer.
    pub(super) fn lasting<T>(&mut self, what: &str, least: Duration, wait: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let value = wait();
        let took = begin.elapsed();
        let word = match () {
            // The kernel may round down what it was told in another unit.
            () if took + Duration::from_millis(1) < least => format!("too early, {took:?}"),
            () if took > least + LATEST => format!("too late, {took:?}"),
            () => "in time".to_owned(),
        };
        self.note(&format!("{what}, its end"), word);
        value
    }

    /// What another party has written down.
    pub(super) fn add(&mut self, mut other: Log) {
        self.lines.append(&mut other.lines);
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// A path in a folder for such things, removed before and after.
    pub(super) fn path(&mut self, name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("greenroom-monkey-{}-{name}", std::process::id()));
        drop(std::fs::remove_file(&path));
        self.files.push(path.clone());
        path
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.files.iter().for_each(|file| drop(std::fs::remove_file(file)));
    }
}

/// How late a wait may end on a machine that has other work: not so late that milliseconds pass for seconds.
const LATEST: Duration = Duration::from_secs(8);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Says where two logs part, if they do.
pub(super) fn difference(name: &str, expected: &[String], found: &[String]) -> Option<String> {
    let at = (0..expected.len().max(found.len())).find(|&at| expected.get(at) != found.get(at))?;
    let line = |lines: &[String], at: usize| lines.get(at).map_or("(the end)", |line| line).to_owned();
    let before: String = expected[..at].iter().map(|line| format!("         {line}\n")).collect();
    let (plain, ours) = (line(expected, at), line(found, at));
    Some(format!("{name}, step {}:\n{before}  plain: {plain}\n monkey: {ours}\n", at + 1))
}
