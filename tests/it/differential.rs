//! The same scripts of socket operations on std with OS threads and on greenroom: the same bytes and the same kinds of
//! errors, step by step.
//!
//! A script is written once. Its file is compiled twice, below a module `world` that says whose sockets and threads it uses;
//! what each step came to goes into a [`Log`], and the logs are compared.

use std::fmt::Debug;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::support;

mod of_greenroom;
mod of_std;

/// A name, and what to do.
type Script = (&'static str, fn(&mut Log));

/// Defines scripts, and the list of them, from which none can be missing.
macro_rules! scripts {
    ($(fn $name:ident($log:ident: &mut Log) $body:block)+) => {
        /// All scripts of this file.
        pub(in crate::differential) const SCRIPTS: &[Script] = &[$((stringify!($name), $name)),+];
        $(fn $name($log: &mut Log) $body)+
    };
}
use scripts;

/// What the steps of one script came to, each a line.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    /// Before each line: who writes it.
    party: &'static str,
    files: Vec<PathBuf>,
}

impl Log {
    fn of(party: &'static str) -> Log {
        Log { party, lines: Vec::new(), files: Vec::new() }
    }

    fn note(&mut self, what: &str, value: impl Debug) {
        self.lines.push(format!("{}{what}: {value:?}", self.party));
    }

    /// A step that ends in a value, or in an error, of which the kind counts.
    fn step<T: Debug>(&mut self, what: &str, result: io::Result<T>) {
        self.note(what, result.map_err(|error| error.kind()));
    }

    /// A step whose value no line could show, or is nobody's business.
    fn made<T>(&mut self, what: &str, result: io::Result<T>) -> Option<T> {
        self.step(what, result.as_ref().map(drop).map_err(|error| error.kind().into()));
        result.ok()
    }

    /// One call of `read`, and the bytes it brought.
    fn read(&mut self, what: &str, mut from: impl Read, room: usize) {
        let mut buffer = vec![0; room];
        let got = from.read(&mut buffer);
        self.bytes(what, got, &buffer);
    }

    /// The bytes that a call brought into its buffer.
    fn bytes(&mut self, what: &str, got: io::Result<usize>, buffer: &[u8]) {
        self.step(
            what,
            got.map(|length| (length, String::from_utf8_lossy(&buffer[..length.min(64)]).into_owned())),
        );
    }

    /// What another party has written down.
    fn add(&mut self, mut other: Log) {
        self.lines.append(&mut other.lines);
    }

    /// A path in a folder for such things, removed before and after.
    fn path(&mut self, name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("greenroom-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        self.files.push(path.clone());
        path
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn record(script: fn(&mut Log)) -> Vec<String> {
    let mut log = Log::default();
    script(&mut log);
    std::mem::take(&mut log.lines)
}

/// Says where two logs part, if they do.
fn difference(name: &str, expected: &[String], found: &[String]) -> Option<String> {
    let at = (0..expected.len().max(found.len())).find(|&at| expected.get(at) != found.get(at))?;
    let line = |lines: &[String], at: usize| lines.get(at).map_or("(the end)", |line| line).to_owned();
    let before: String = expected[..at].iter().map(|line| format!("       {line}\n")).collect();
    let (theirs, ours) = (line(expected, at), line(found, at));
    Some(format!("{name}, step {}:\n{before}  std: {theirs}\n ours: {ours}\n", at + 1))
}

/// Runs each script on std, then as the root of a hub, then as one green thread among others.
#[track_caller]
fn compare(std: &[Script], ours: &[Script]) {
    let mut differences = Vec::new();
    for (&(name, in_std), &(same, in_ours)) in std.iter().zip(ours) {
        assert_eq!(name, same);
        println!("{name}");
        let expected = support::watch(|| record(in_std));
        assert!(!expected.is_empty(), "{name} has no steps");
        let by_the_root = support::hub(|| record(in_ours));
        let by_another = support::hub(|| greenroom::spawn(move || record(in_ours)).join().unwrap());
        let found = [("the root", by_the_root), ("a green thread", by_another)];
        differences.extend(
            found.iter().filter_map(|(who, lines)| difference(&format!("{name} by {who}"), &expected, lines)),
        );
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn tcp_does_as_stds_step_by_step() {
    compare(of_std::tcp::SCRIPTS, of_greenroom::tcp::SCRIPTS);
}

#[test]
fn udp_does_as_stds_step_by_step() {
    compare(of_std::udp::SCRIPTS, of_greenroom::udp::SCRIPTS);
}

#[test]
fn unix_streams_do_as_stds_step_by_step() {
    compare(of_std::unix::SCRIPTS, of_greenroom::unix::SCRIPTS);
}

#[test]
fn unix_datagrams_do_as_stds_step_by_step() {
    compare(of_std::unix_datagram::SCRIPTS, of_greenroom::unix_datagram::SCRIPTS);
}

#[test]
fn there_are_enough_scripts() {
    use of_greenroom::{tcp, udp, unix, unix_datagram};
    let count = [tcp::SCRIPTS, udp::SCRIPTS, unix::SCRIPTS, unix_datagram::SCRIPTS].concat().len();
    assert!(count >= 60, "{count}");
}

#[test]
fn the_first_step_that_differs_is_shown() {
    let log = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>();
    assert_eq!(difference("x", &log(&["a", "b"]), &log(&["a", "b"])), None);
    let parted = difference("x", &log(&["a", "b"]), &log(&["a", "c"])).unwrap();
    assert_eq!(parted, "x, step 2:\n       a\n  std: b\n ours: c\n");
    let short = difference("x", &log(&["a", "b"]), &log(&["a"])).unwrap();
    assert!(short.ends_with(" ours: (the end)\n"));
}
