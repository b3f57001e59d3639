//! The hub inside somebody else's loop.
//!
//! A program that already has a poll loop (a GUI, another runtime, here poll(2) by hand) adds one
//! descriptor to it, the hub's, and gives the hub a turn when that is readable or the hub's next deadline
//! has come. Both sides go on at the same time.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::{Runtime, sleep, spawn};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ROUNDS: u32 = 5;
const BETWEEN_ECHOES: Duration = Duration::from_millis(50);
const BETWEEN_RINGS: Duration = Duration::from_millis(70);

fn main() -> ExitCode {
    let line = command_line::CommandLine::new("embed: a hub and another timer side by side in one poll loop");
    line.end();
    line.conclude(foreign_loop())
}

/// The loop that owns the waiting. Its own business is a bell that rings now and then.
fn foreign_loop() -> io::Result<()> {
    let runtime = Runtime::new()?;
    let guest = runtime.spawn(echo_to_myself);
    let mut rings = 0;
    let mut next_ring = Instant::now() + BETWEEN_RINGS;
    let mut unfinished = true;

    while rings < ROUNDS || !guest.is_finished() {
        let wake_at = match runtime.next_deadline() {
            _ if unfinished => Instant::now(),
            Some(deadline) => deadline.min(next_ring),
            None => next_ring,
        };
        wait_readable(runtime.as_fd(), wake_at)?;
        unfinished = runtime.turn(Some(Duration::ZERO))?.ready > 0;
        if Instant::now() >= next_ring {
            rings += 1;
            next_ring += BETWEEN_RINGS;
            println!("foreign loop: ring {rings}");
        }
    }
    guest.join().map_err(io::Error::other)?
}

/// Green threads that know nothing of the foreign loop: a server and its client.
fn echo_to_myself() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = spawn(move || -> io::Result<u64> {
        let (stream, _) = listener.accept()?;
        io::copy(&mut &stream, &mut &stream)
    });
    let mut stream = TcpStream::connect(address)?;
    for round in 1..=ROUNDS {
        let mut echo = [0; 4];
        stream.write_all(b"ping")?;
        stream.read_exact(&mut echo)?;
        println!("green thread: {} {round}", String::from_utf8_lossy(&echo));
        sleep(BETWEEN_ECHOES);
    }
    drop(stream);
    server.join().map_err(io::Error::other)?.map(drop)
}

/// Waits until `descriptor` is readable or `until` has come.
#[expect(unsafe_code, reason = "the foreign loop calls poll(2) by hand")]
fn wait_readable(descriptor: BorrowedFd<'_>, until: Instant) -> io::Result<()> {
    // poll counts in milliseconds: rounded up, lest it spin through the last one.
    let patience = until.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
    let mut entry = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: poll touches one entry, ours, only within the call (S18); the borrow keeps the descriptor
    // open (S17).
    let found = unsafe { libc::poll(&raw mut entry, 1, i32::try_from(patience).unwrap_or(i32::MAX)) };
    match (found, io::Error::last_os_error()) {
        (-1, error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}
