//! A TCP relay: whatever comes from a client goes to the target, and back.
//!
//! Each direction is a green thread of its own, so neither waits for the other. A side that has said all shuts down
//! its half only, and that is passed on: the other direction runs until it ends as well. That is what a client needs
//! who sends a request, then its end, and then waits for the answer.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;
#[path = "support/stop_switch.rs"]
mod stop_switch;

use greenroom::net::{self, Shutdown, SocketAddr, TcpStream};
use greenroom::thread;
use greenroom::time::{Duration, Instant};
use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

const USAGE: &str = "\
proxy ADDRESS TARGET

Passes connections on to another server.
  ADDRESS   where to listen, like 127.0.0.1:9090; port 0 picks a free one
  TARGET    where to pass them on to, like example.org:80
SIGINT and SIGTERM end it in order.";

const PATIENCE: Duration = Duration::from_secs(10);
/// A connection over which nothing comes, from neither side, ends after so long.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// What is on the way in one direction, at most, besides the kernel's own buffers.
const ROOM: usize = 32 << 10;

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let (address, target) = (line.address(), line.address());
    line.end();
    let (Some(address), Some(target)) = (address, target) else {
        line.refuse("it needs two addresses, its own and its target's")
    };
    line.conclude(greenroom::run(|| serve(&address, target)))
}

fn serve(address: &str, target: String) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = serving::listen(address)?;
    let switch = stop_switch::StopSwitch::new(&listener)?;
    stop_signals::on_each(move || switch.pull())?;
    println!("listening on {}", listener.local_addr()?);
    serving::serve(&listener, move |client| relay(client, &target))
}

fn relay(client: &TcpStream, target: &str) -> io::Result<()> {
    let server = connect(target).map_err(|error| io::Error::other(format!("{target}: {error}")))?;
    server.set_nodelay(true)?;
    for stream in [client, &server] {
        stream.set_read_timeout(Some(IDLE_LIMIT))?;
        stream.set_write_timeout(Some(IDLE_LIMIT))?;
    }
    let last_moved = Cell::new(Instant::now());
    thread::scope(|scope| {
        let there = scope.spawn(|| pass_on(client, &server, &last_moved));
        let back = pass_on(&server, client, &last_moved);
        there.join().unwrap_or_else(|error| Err(io::Error::other(error))).and(back)
    })
}

/// To the first of the target's addresses that answers in time.
fn connect(target: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    let addresses: Vec<SocketAddr> = net::lookup_host(target)?.collect();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Moves what comes from `source` to `drain`, and its end as well. If that goes wrong both ways are over: nobody can
/// know what the other side has missed.
fn pass_on(source: &TcpStream, drain: &TcpStream, last_moved: &Cell<Instant>) -> io::Result<()> {
    let moved = move_all(source, drain, last_moved);
    if moved.is_err() {
        for stream in [source, drain] {
            // Fails if its peer has reset it: then it is over already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
    moved
}

fn move_all(mut source: &TcpStream, mut drain: &TcpStream, last_moved: &Cell<Instant>) -> io::Result<()> {
    let mut buffer = vec![0; ROOM];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return end(drain),
            Ok(got) => drain.write_all(&buffer[..got])?,
            // This side is silent, the other may be not: a long answer is read in silence.
            Err(error)
                if error.kind() == ErrorKind::WouldBlock && last_moved.get().elapsed() < IDLE_LIMIT =>
            {
                continue;
            }
            Err(error) => return Err(error),
        }
        last_moved.set(Instant::now());
    }
}

fn end(drain: &TcpStream) -> io::Result<()> {
    match drain.shutdown(Shutdown::Write) {
        // Its peer has gone without a word, and wants none.
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
        outcome => outcome,
    }
}
