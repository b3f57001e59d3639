//! The server of the hello protocol once more, with std's sockets: one OS thread, a green thread for each client.
//!
//! Nothing below `main` knows of green threads but the `spawn`: `patch_all` has the accept, the reads and the writes of
//! `std::net` park whoever makes them. `swarm` sends a crowd at it, as at `hello_server`.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/hello.rs"]
mod hello;
#[path = "support/stop_signals.rs"]
mod stop_signals;

use greenroom::{monkey, thread};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const USAGE: &str = "\
hello_server_std [ADDRESS]

Says hello to every client and takes its bye, over and over until the client hangs up; with plain std::net.
  ADDRESS   where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
SIGINT and SIGTERM end it in order.";

/// A client that neither sends nor takes anything for so long loses its connection.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// How long no client is accepted after one could not be: there may be no descriptors left.
const PAUSE: Duration = Duration::from_millis(20);
/// How many clients may wait to be accepted.
const CROWD: libc::c_int = 4096;

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    monkey::patch_all();
    line.conclude(greenroom::run(|| serve(&address)))
}

fn serve(address: &str) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    make_room(&listener)?;
    let own = listener.local_addr()?;
    let stopping = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopping);
    stop_signals::on_each(move || {
        asked.store(true, Ordering::Release);
        // std cannot end an accept but by a client. If this one is not let in, the process is going down already.
        drop(TcpStream::connect(own));
    })?;
    println!("listening on {own}");
    for stream in listener.incoming() {
        if stopping.load(Ordering::Acquire) {
            break;
        }
        // A daemon: sessions that are still open at the end are unwound.
        let session = |stream| thread::Builder::new().daemon(true).spawn(move || attend(&stream));
        if let Err(error) = stream.and_then(session) {
            eprintln!("a client is turned away: {error}");
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}

/// Has `listener` queue a crowd that connects at once. std's queue 128 clients who were not accepted yet; of those beyond,
/// Linux may forget one who takes itself for connected (SYN cookies), and who then waits for its hello in vain.
#[expect(unsafe_code, reason = "std has no call for the length of the queue")]
fn make_room(listener: &TcpListener) -> io::Result<()> {
    // SAFETY: listen takes no memory of ours; asked of a socket that listens, it sets the length anew (S18).
    match unsafe { libc::listen(listener.as_raw_fd(), CROWD) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Serves one client, who costs at most its own connection.
fn attend(stream: &TcpStream) {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof, WouldBlock};
    let talk = || {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IDLE_LIMIT))?;
        stream.set_write_timeout(Some(IDLE_LIMIT))?;
        hello::serve(stream, &Cell::new(0))
    };
    let gone = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof, WouldBlock];
    match talk() {
        Ok(()) => {}
        // One that goes away or falls asleep is no news; one that breaks the protocol is.
        Err(error) if gone.contains(&error.kind()) => {}
        // The server ends: so a call of std learns that its green thread is to unwind.
        Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {}
        Err(error) => eprintln!("a client: {error}"),
    }
}
