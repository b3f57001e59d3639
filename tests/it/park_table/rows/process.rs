//! Rows: waits for children, and for their pipes. Those that nobody reaps are `head`, which ends with its input: when the row does.

use std::io::{self, PipeWriter, Read, Write};

use greenroom::process::{Child, Command, Stdio};

use super::super::Manner::Fallible;
use super::super::{Call, Row};
use super::{LONG, row};

pub(super) const ROWS: &[Row] = &[
    row("process::Child::wait", Fallible, |_| with_a_child(|child| child.wait().map(drop))),
    row("process::Child::wait_timeout", Fallible, |_| {
        with_a_child(|child| child.wait_timeout(LONG).map(drop))
    }),
    row("process::Child::wait_with_output", Fallible, |_| {
        with_a_command(|command| command.spawn()?.wait_with_output().map(drop))
    }),
    row("process::Command::status", Fallible, |_| with_a_command(|command| command.status().map(drop))),
    row("process::Command::output", Fallible, |_| with_a_command(|command| command.output().map(drop))),
    row("process::ChildStdin::write", Fallible, |_| {
        // It never reads.
        let mut child = Started(Command::new("sleep").arg("1000").stdin(Stdio::piped()).spawn().unwrap());
        let mut stdin = child.0.stdin.take().unwrap();
        Box::new(move || {
            let _child = &child;
            stdin.write_all(&[0; 1 << 20])
        })
    }),
    row("process::ChildStdout::read", Fallible, |_| {
        with_a_child(|child| child.stdout.as_mut().unwrap().read(&mut [0; 8]).map(drop))
    }),
    row("process::ChildStderr::read", Fallible, |_| {
        with_a_child(|child| child.stderr.as_mut().unwrap().read(&mut [0; 8]).map(drop))
    }),
];

/// A command whose children end when the pipe is dropped.
fn head() -> (Command, PipeWriter) {
    let (input, keeps) = io::pipe().unwrap();
    let mut command = Command::new("head");
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, keeps)
}

fn with_a_command(mut call: impl FnMut(&mut Command) -> io::Result<()> + 'static) -> Call {
    let (mut command, keeps) = head();
    Box::new(move || {
        let _keeps = &keeps;
        call(&mut command)
    })
}

fn with_a_child(mut call: impl FnMut(&mut Child) -> io::Result<()> + 'static) -> Call {
    let (mut command, keeps) = head();
    let mut child = Started(command.spawn().unwrap());
    Box::new(move || {
        let _keeps = &keeps;
        call(&mut child.0)
    })
}

/// A child that ends with its row, and is reaped by it.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        // The victim may be unwinding, and then does not wait.
        while self.0.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
    }
}
