//! Echo on every core: one hub an OS thread, each with a listener of its own on the same port (`SO_REUSEPORT`).
//!
//! The kernel spreads the clients over the hubs. `who` as the first line asks which hub it is.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/stop_signals.rs"]
mod stop_signals;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::server::{StreamServer, per_core};
use greenroom::time::Duration;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};

const USAGE: &str = "\
per_core_server [ADDRESS] [--workers N]

Sends every line back, on N OS threads; the line `who` is answered with the number of the OS thread.
  ADDRESS       where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
  --workers N   how many OS threads, by default as many as there are cores
SIGINT and SIGTERM end it in order.";

/// A client that says nothing for so long loses its connection.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = line.number("--workers").map_or(cores, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    line.conclude(serve(&address, workers))
}

fn serve(address: &str, workers: usize) -> io::Result<()> {
    descriptor_limit::raise()?;
    // The first listener finds the port; nobody accepts from it, so it must not take part in the spreading.
    let reserved = listen(address)?;
    let address = reserved.local_addr()?.to_string();
    let (ready, all_ready) = mpsc::channel();
    let shared = address.clone();
    let team = Arc::new(per_core(workers, move |worker| {
        let listener = listen(&shared);
        ready.send(listener.as_ref().err().map(ToString::to_string)).expect("main waits for all");
        let Ok(listener) = listener else { return };
        let server = StreamServer::new(listener, move |stream, _peer| drop(echo(&stream, worker.index)));
        if let Err(error) = server.idle_timeout(IDLE_LIMIT).serve_forever() {
            eprintln!("worker {}: {error}", worker.index);
        }
    }));
    for _ in 0..workers {
        if let Ok(Some(error)) = all_ready.recv() {
            return Err(io::Error::other(error));
        }
    }
    drop(reserved);
    stop_signals::on_each({
        let team = team.clone();
        move || team.stop()
    })?;
    println!("listening on {address}");
    team.join().into_iter().find_map(Result::err).map_or(Ok(()), |error| Err(io::Error::other(error)))
}

fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::builder().reuse_port(true).backlog(4096).bind(address);
    listener.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

fn echo(mut stream: &TcpStream, worker: usize) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        match line?.as_str() {
            "who" => writeln!(stream, "{worker}")?,
            line => writeln!(stream, "{line}")?,
        }
    }
    Ok(())
}
