//! Three tasks and two queues: standard input, to upper case, into a file.
//!
//! A task that ends closes its queues. That is the end of input for the one behind it and the end of work for
//! the one before it, so the end of standard input ends all three, and so does a full disk.
//! Standard input and the file block an OS thread each time, one of the executor's: `unblock`.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::queue::Queue;
use greenroom::{spawn, unblock};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

const USAGE: &str = "\
pipeline FILE

Writes standard input to FILE, its ASCII letters in upper case.";

type Lines = Queue<Vec<u8>>;

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let name = line.word();
    line.end();
    let name = name.unwrap_or_else(|| line.refuse("it needs the name of a file"));
    let created =
        File::create(&name).map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")));
    line.conclude(created.and_then(|file| greenroom::run(|| into_upper_case(file))))
}

fn into_upper_case(file: File) -> io::Result<()> {
    let (lines, upper): (Lines, Lines) = (Queue::bounded(16), Queue::bounded(16));
    let (read_into, written_from) = (lines.clone(), upper.clone());
    let reader = spawn(move || read(&read_into));
    spawn(move || convert(&lines, &upper));
    let writer = spawn(move || write(&written_from, file));

    let written = writer.join().map_err(io::Error::other)?;
    if written.is_err() {
        // It may be waiting for a line that nobody wants any more.
        reader.kill();
        return written;
    }
    reader.join().map_err(io::Error::other)?
}

fn read(lines: &Lines) -> io::Result<()> {
    let _end = Closing(lines);
    loop {
        let line = unblock(|| {
            let mut line = Vec::new();
            io::stdin().lock().read_until(b'\n', &mut line).map(|_| line)
        })?;
        if line.is_empty() || lines.put(line).is_err() {
            return Ok(());
        }
    }
}

fn convert(lines: &Lines, upper: &Lines) {
    let _ends = [Closing(lines), Closing(upper)];
    for mut line in lines {
        line.make_ascii_uppercase();
        if upper.put(line).is_err() {
            break;
        }
    }
}

fn write(upper: &Lines, mut file: File) -> io::Result<()> {
    let _end = Closing(upper);
    for line in upper {
        file = unblock(move || file.write_all(&line).map(|()| file))?;
    }
    Ok(())
}

/// Closes a queue when its task is over, whichever way that ends.
struct Closing<'a>(&'a Lines);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
