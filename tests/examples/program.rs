//! An example program as its user runs it: started, waited for, ended by a signal, never left behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(180);

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert_lines(&self, wanted: &[&str]) {
        assert_eq!(self.stdout.lines().collect::<Vec<_>>(), wanted, "{self:?}");
        assert_eq!(self.code, Some(0), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn assert_took(&self, least: f64, most: f64) {
        let took = self.took.as_secs_f64();
        assert!((least..=most).contains(&took), "took {took} s, not {least} to {most} s");
    }

    #[track_caller]
    pub(crate) fn assert_one_line_error(&self, name: &str, code: i32) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        assert!(
            self.stderr.lines().count() == 1 && self.stderr.starts_with(&format!("{name}: ")),
            "{self:?}"
        );
    }

    /// The words of the last line.
    pub(crate) fn figures(&self) -> Vec<&str> {
        self.stdout.lines().last().unwrap_or_default().split(' ').collect()
    }
}

/// A program while it runs; it does not outlive this value.
pub(crate) struct Program {
    child: Child,
    started: Instant,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Program {
    pub(crate) fn start(command: Command) -> Program {
        Program::start_fed(command, b"")
    }

    fn start_fed(mut command: Command, input: &'static [u8]) -> Program {
        let started = Instant::now();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            let built_by = "cargo build --examples, and cargo test without a filter, build it";
            panic!("{}: {error} ({built_by})", command.get_program().display());
        });
        let mut stdin = child.stdin.take().unwrap();
        // A program that ends before it has read everything leaves a broken pipe.
        thread::spawn(move || drop(stdin.write_all(input)));
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Program { child, started, stdout, stderr }
    }

    /// The next line on its standard output.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.stdout.recv_timeout(PATIENCE).expect("it says one more line");
        line.trim_end().to_owned()
    }

    /// Sends `signal`, and waits for its end.
    #[track_caller]
    #[expect(unsafe_code, reason = "std can only send SIGKILL")]
    pub(crate) fn end_by(self, signal: i32) -> Outcome {
        let id = self.child.id() as i32;
        // SAFETY: kill takes two numbers and no memory. The child has not been waited for, so the id is its
        // own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
        self.finish()
    }

    /// Waits for its end, for as long as anybody has patience.
    #[track_caller]
    fn finish(mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() >= deadline {
                // It holds its output open until it is dead.
                self.child.kill().unwrap();
                let said: String = self.stdout.iter().chain(self.stderr.iter()).collect();
                panic!("still running after {PATIENCE:?}; it said: {said}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let took = self.started.elapsed();
        let (stdout, stderr) = (self.stdout.iter().collect(), self.stderr.iter().collect());
        Outcome { code: status.code(), stdout, stderr, took }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only for a child that has ended and been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn start(name: &str, arguments: &[&str]) -> Program {
    Program::start(example(name, arguments))
}

#[track_caller]
pub(crate) fn finish(name: &str, arguments: &[&str]) -> Outcome {
    Program::start(example(name, arguments)).finish()
}

/// As [`finish`], with `input` as its standard input.
#[track_caller]
pub(crate) fn finish_fed(input: &'static [u8], name: &str, arguments: &[&str]) -> Outcome {
    Program::start_fed(example(name, arguments), input).finish()
}

/// As [`finish`], under a limit on what the process may map.
#[track_caller]
pub(crate) fn finish_within(address_space: u64, name: &str, arguments: &[&str]) -> Outcome {
    let program = example(name, arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {} && exec \"$0\" \"$@\"", address_space / 1024)]);
    shell.arg(program.get_program()).args(program.get_args());
    Program::start(shell).finish()
}

/// Cargo puts the examples next to the directory of the test binaries.
fn example(name: &str, arguments: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let mut command = Command::new(profile.join("examples").join(name));
    command.args(arguments);
    command
}

/// The lines of an output, read on an OS thread of their own so that the program never waits for its
/// reader.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|length| length > 0)
            && sender.send(line.split_off(0)).is_ok()
        {}
    });
    receiver
}

/// A server on a free port.
pub(crate) struct Server {
    program: Program,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(name: &str) -> Server {
        Server::start_with(name, &[])
    }

    pub(crate) fn start_with(name: &str, options: &[&str]) -> Server {
        let program = start(name, &[&["127.0.0.1:0"], options].concat());
        let line = program.line();
        let address = line.strip_prefix("listening on ").expect("a server says where it listens").to_owned();
        Server { program, address }
    }

    /// How many OS threads it has.
    #[cfg(feature = "monkey")]
    pub(crate) fn os_threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.program.child.id())).unwrap().count()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `signal` and checks that the server ends in order; returns what it said on standard error.
    #[track_caller]
    pub(crate) fn end_by(self, signal: i32) -> String {
        let outcome = self.program.end_by(signal);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
        outcome.stderr
    }
}
