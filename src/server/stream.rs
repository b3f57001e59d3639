//! The stream server: an accept loop with a green thread for each connection.

use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use super::crew::Crew;
use super::handle::ServerHandle;
use super::limits::positive;
use super::listener::Listener;
use super::running::Running;
use crate::net::TcpListener;
use crate::pool::Pool;
use crate::thread;

/// A server of connections: it accepts them, and calls a handler for each, in a green thread of its own; gevent's
/// `StreamServer`.
///
/// A handler that panics costs its own connection. Errors of `accept` that pass (no descriptor or memory is left, the client
/// has gone) are waited out: the next attempt is made 5 ms later, then twice as late each time, up to 1 s. So is having no stack
/// for a handler, which costs that client its connection.
///
/// # Examples
///
/// ```
/// use greenroom::{net::TcpListener, pool::Pool, server::StreamServer};
/// use std::{io::Write, time::Duration};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let server = StreamServer::new(listener, |mut stream, peer| drop(write!(stream, "hello {peer}")))
///     .pool(Pool::new(10_000))
///     .idle_timeout(Duration::from_secs(60));
/// # server.handle().close();
/// server.serve_forever()
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a server does nothing until `serve_forever` or `start`"]
pub struct StreamServer<L: Listener = TcpListener> {
    server: Rc<Running<L>>,
    handler: Rc<dyn Fn(L::Stream, L::Address)>,
    crew: Crew,
}

impl<L: Listener> StreamServer<L> {
    /// Makes a server that calls `handler` with each connection, and its peer's address.
    pub fn new<F>(listener: L, handler: F) -> StreamServer<L>
    where
        F: Fn(L::Stream, L::Address) + 'static,
    {
        StreamServer { server: Running::new(listener), handler: Rc::new(handler), crew: Crew::new() }
    }

    /// Bounds how many connections are served at once: while the pool is full nobody is accepted, and who comes waits in the
    /// listener's backlog. Default: no bound.
    pub fn pool(mut self, pool: Pool) -> StreamServer<L> {
        self.crew.pool = Some(pool);
        self
    }

    /// Sets how many are accepted in a row before the others of this hub get a turn, at least 1. Default: 100.
    pub fn max_accept(mut self, n: usize) -> StreamServer<L> {
        self.crew.in_a_row = n.max(1);
        self
    }

    /// Sets how long a handler's read may wait: as `set_read_timeout` on each stream. Default: for ever.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is zero.
    #[track_caller]
    pub fn read_timeout(mut self, limit: Duration) -> StreamServer<L> {
        self.crew.limits.read = positive(limit);
        self
    }

    /// Sets how long a handler's write may wait: as `set_write_timeout` on each stream. Default: for ever.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is zero.
    #[track_caller]
    pub fn write_timeout(mut self, limit: Duration) -> StreamServer<L> {
        self.crew.limits.write = positive(limit);
        self
    }

    /// Sets how long a client may do nothing while a handler waits for it, to send or to take what is sent. The call that
    /// waits fails with [`WouldBlock`](io::ErrorKind::WouldBlock). Default: for ever.
    ///
    /// A [`read_timeout`](Self::read_timeout) or [`write_timeout`](Self::write_timeout) goes before it.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is zero.
    #[track_caller]
    pub fn idle_timeout(mut self, limit: Duration) -> StreamServer<L> {
        self.crew.limits.idle = positive(limit);
        self
    }

    /// Sets how long a connection may last, however busy it is: each handler runs inside a [`timeout`](crate::timeout).
    /// Default: for ever.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is zero.
    #[track_caller]
    pub fn lifetime(mut self, limit: Duration) -> StreamServer<L> {
        self.crew.limits.lifetime = positive(limit);
        self
    }

    /// Returns a handle, by which others can stop what [`serve_forever`](Self::serve_forever) does.
    pub fn handle(&self) -> ServerHandle<L> {
        ServerHandle { server: self.server.clone() }
    }

    /// Serves until the server is stopped, or its listener closed, and then until all its connections have ended.
    ///
    /// Whatever ends it, the listener is closed; connections that are open go on, unless it was stopped.
    ///
    /// # Switching
    ///
    /// May: it waits for connections.
    ///
    /// # Errors
    ///
    /// What `accept` fails with, if that does not pass: [`Cancelled`](crate::thread::Cancelled) and [`Elapsed`](crate::Elapsed) among them.
    ///
    /// # Cancellation
    ///
    /// Cancel and an expired timeout end it with an error; the latter unwinds if it waits for room in the pool, or for the
    /// connections' end. A kill unwinds.
    #[track_caller]
    pub fn serve_forever(self) -> io::Result<()> {
        let begun = self.server.begin();
        self.accept_until_closed(Location::caller())?;
        // A handler that stops the server waits for the end of the loop, not of the last connection: it is one itself.
        drop(begun);
        self.server.connections.wait_for_all();
        Ok(())
    }

    /// Serves in a green thread of its own.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    #[track_caller]
    pub fn start(self) -> ServerHandle<L> {
        let site = Location::caller();
        let handle = self.handle();
        let begun = self.server.begin();
        thread::spawn_at(site, move || {
            let _begun = begun;
            if let Err(error) = self.accept_until_closed(site) {
                self.server.fail(error);
            }
        });
        handle
    }

    fn accept_until_closed(&self, site: &'static Location<'static>) -> io::Result<()> {
        self.crew.serve_all(&self.server, site, || {
            let (stream, peer) = self.server.socket.accept_one()?;
            if self.crew.limits.set_on::<L>(&stream).is_err() {
                return Ok(None);
            }
            let handler = self.handler.clone();
            Ok(Some(move || handler(stream, peer)))
        })
    }
}

impl<L: Listener> fmt::Debug for StreamServer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamServer")
            .field("local_addr", &self.server.socket.address().ok())
            .field("crew", &self.crew)
            .finish_non_exhaustive()
    }
}
