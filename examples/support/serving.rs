//! The accept loop of the example servers.
//!
//! A green thread serves each client; once the listener is closed, the loop ends in order.
#![allow(dead_code, reason = "a server with a loop of its own compiles this file for its parts only")]

use greenroom::net::{SocketAddr, TcpListener, TcpStream};
use greenroom::thread::{self, Thread};
use greenroom::time::{Duration, Instant};
use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

/// A client that neither sends nor takes anything for so long loses its connection.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// What open sessions get to end by themselves once the listener is closed.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Listens on `address`, with room for a crowd that connects at once.
pub(crate) fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::builder().backlog(4096).bind(address);
    listener.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// Serves every client of `listener` until that is closed. Sessions are daemons: what still stands after
/// the grace period is unwound by the end of `greenroom::run`.
pub(crate) fn serve<F>(listener: &TcpListener, session: F) -> io::Result<()>
where
    F: Fn(&TcpStream) -> io::Result<()> + 'static,
{
    let session = Rc::new(session);
    let open = Rc::new(OpenSessions { count: Cell::new(0), server: thread::current() });
    while let Some((stream, peer)) = accept(listener)? {
        let (session, entry) = (Rc::clone(&session), OpenSessions::enter(&open));
        let run = move || {
            let _entry = entry;
            serve_one(&stream, peer, &*session);
        };
        if let Err(error) = thread::Builder::new().daemon(true).spawn(run) {
            eprintln!("{peer}: turned away: {error}");
        }
    }
    open.wait_until_none(Instant::now() + GRACE);
    Ok(())
}

/// The next client, or `None` once the listener is closed. Waits out what passes.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    let mut pause = SHORTEST_PAUSE;
    loop {
        match listener.accept() {
            Ok(client) => return Ok(Some(client)),
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(None),
            Err(error) if passes(&error) => {
                thread::sleep(pause);
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Serves one client, who costs at most its own connection.
pub(crate) fn serve_one(
    stream: &TcpStream,
    peer: SocketAddr,
    session: impl Fn(&TcpStream) -> io::Result<()>,
) {
    let limited = || {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IDLE_LIMIT))?;
        stream.set_write_timeout(Some(IDLE_LIMIT))?;
        session(stream)
    };
    report(peer, limited());
}

/// A client that goes away or falls asleep is no news; one that breaks the protocol is.
fn report(peer: SocketAddr, outcome: io::Result<()>) {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof, WouldBlock};
    match outcome {
        Ok(()) => {}
        Err(error)
            if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) => {}
        // The kind with which a socket timeout ends, as std's do on Unix.
        Err(error) if error.kind() == WouldBlock => {}
        Err(error) => eprintln!("{peer}: {error}"),
    }
}

/// Errors of `accept` that are about one lost client or a want that others can end: accept(2), "Error
/// handling".
fn passes(error: &io::Error) -> bool {
    use libc::{ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO};
    matches!(error.raw_os_error(), Some(ECONNABORTED | EINTR | EMFILE | ENFILE | ENOBUFS | ENOMEM | EPROTO))
}

/// How many sessions are open, and who waits for the last of them.
struct OpenSessions {
    count: Cell<usize>,
    server: Thread,
}

/// One session; leaves the count when dropped, however the session ends.
struct Entry(Rc<OpenSessions>);

impl OpenSessions {
    fn enter(open: &Rc<OpenSessions>) -> Entry {
        open.count.set(open.count.get() + 1);
        Entry(Rc::clone(open))
    }

    fn wait_until_none(&self, deadline: Instant) {
        while self.count.get() > 0 && Instant::now() < deadline {
            thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let left = self.0.count.get() - 1;
        self.0.count.set(left);
        if left == 0 {
            self.0.server.unpark();
        }
    }
}
