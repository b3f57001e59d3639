//! A chat with rooms: what one says, all others in the room hear.
//!
//! Each member has a queue of lines that it is to hear, and a green thread that writes them; all who write are a group.
//! Nobody who speaks waits for somebody who does not listen: a member whose queue is full is put out.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "chat/rooms.rs"]
mod rooms;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;
#[path = "support/stop_switch.rs"]
mod stop_switch;

use greenroom::net::TcpStream;
use rooms::Rooms;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::{process::ExitCode, rc::Rc};

const USAGE: &str = "\
chat [ADDRESS]

A chat for telnet or nc. A client first says its name and the name of a room, each in a line of its own, then what it
likes. /who lists those in the room, /room NAME goes to another one, /quit ends.
  ADDRESS   where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
SIGINT and SIGTERM end it in order.";

const LONGEST_LINE: usize = 1 << 10;

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    line.conclude(greenroom::run(|| serve(&address)))
}

fn serve(address: &str) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = serving::listen(address)?;
    let switch = stop_switch::StopSwitch::new(&listener)?;
    stop_signals::on_each(move || switch.pull())?;
    println!("listening on {}", listener.local_addr()?);
    let rooms = Rc::new(Rooms::default());
    let entered = Rc::clone(&rooms);
    let outcome = serving::serve(&listener, move |stream| converse(stream, &entered));
    rooms.close(serving::GRACE);
    outcome
}

/// One client, from its name to its end.
fn converse(stream: &TcpStream, rooms: &Rooms) -> io::Result<()> {
    // A member may listen for as long as it likes.
    stream.set_read_timeout(None)?;
    let mut lines = BufReader::new(stream);
    let Some(name) = ask(stream, &mut lines, "your name?")? else { return Ok(()) };
    let Some(room) = ask(stream, &mut lines, "which room?")? else { return Ok(()) };
    let ear = rooms.listen(stream)?;
    let taken = |room: &str| ear.hear(format!("* there is a {name} in {room} already"));
    let Some(mut member) = rooms.enter(&room, &name, &ear) else {
        taken(&room);
        return Ok(());
    };
    while let Some(line) = next_line(&mut lines)? {
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("/quit", _) => break,
            ("/who", _) => ear.hear(format!("* here: {}", member.all().join(", "))),
            ("/room", other) if is_name(other) => match rooms.enter(other, &name, &ear) {
                Some(there) => member = there,
                None => taken(other),
            },
            (command, _) if command.starts_with('/') => ear.hear("* /who, /room NAME, /quit"),
            _ if line.is_empty() => {}
            _ => member.say(&line),
        }
    }
    Ok(())
}

/// A name as one gives it, asked for until it is one; `None` if the client has gone instead.
fn ask(mut stream: &TcpStream, lines: &mut impl BufRead, question: &str) -> io::Result<Option<String>> {
    loop {
        writeln!(stream, "* {question}")?;
        match next_line(lines)? {
            Some(name) if !is_name(&name) => {
                writeln!(stream, "* 1 to 32 letters and digits")?;
            }
            answer => return Ok(answer),
        }
    }
}

fn is_name(word: &str) -> bool {
    (1..=32).contains(&word.chars().count()) && word.chars().all(char::is_alphanumeric)
}

/// The next line, without its end or anything that could confuse a terminal.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if lines.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() > LONGEST_LINE {
        return Err(io::Error::new(ErrorKind::InvalidData, "a line longer than 1 KiB"));
    }
    Ok(Some(String::from_utf8_lossy(&line).chars().filter(|letter| !letter.is_control()).collect()))
}
