//! The hello server without connections: each datagram is answered with `hello`, but for a `bye`, which ends a talk.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/stop_signals.rs"]
mod stop_signals;

use greenroom::net::UdpSocket;
use greenroom::pool::Pool;
use greenroom::server::DatagramServer;
use greenroom::sync::{Arc, Event};
use greenroom::time::Duration;
use std::{io, process::ExitCode};

const USAGE: &str = "\
hello_server_udp [ADDRESS]

Answers each datagram with hello, but for a bye.
  ADDRESS   where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
SIGINT and SIGTERM end it in order.";

/// How many datagrams are answered at once; the others wait in the socket's buffer.
const AT_ONCE: usize = 1_000;
const GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    line.conclude(greenroom::run(|| serve(&address)))
}

fn serve(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    let server = DatagramServer::new(socket, |socket, datagram, peer| {
        if datagram != b"bye" {
            // A client that is gone misses nothing.
            let _ = socket.send_to(b"hello", peer);
        }
    })
    .pool(Pool::new(AT_ONCE));
    let (stop, handle) = (Arc::new(Event::new()), server.handle());
    stop_signals::on_each({
        let stop = stop.clone();
        move || stop.set()
    })?;
    println!("listening on {}", handle.local_addr()?);
    let ending = greenroom::thread::Builder::new().daemon(true).spawn(move || {
        stop.wait();
        handle.stop(GRACE);
    });
    drop(ending?);
    server.serve_forever()
}
