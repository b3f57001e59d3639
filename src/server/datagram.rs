//! The datagram server: a receive loop with a green thread for each datagram.

use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use super::crew::Crew;
use super::handle::ServerHandle;
use super::limits::positive;
use super::listener::sealed::Endpoint as _;
use super::running::Running;
use crate::net::{SocketAddr, UdpSocket};
use crate::pool::Pool;
use crate::thread;

/// The longest datagram there is: the length field of UDP has 16 bits.
const LONGEST: usize = (1 << 16) - 1;

type Handler = dyn Fn(&UdpSocket, Vec<u8>, SocketAddr);

/// A server of datagrams: it receives them, and calls a handler for each, in a green thread of its own; gevent's
/// `DatagramServer`.
///
/// A handler answers by the socket that it is lent. One that panics costs its own datagram. Errors that pass (no memory is
/// left, an earlier answer has reached nobody) do not end the server; without a stack for a handler a datagram is lost, as
/// datagrams may be.
///
/// # Examples
///
/// ```
/// use greenroom::{net::UdpSocket, server::DatagramServer};
/// use std::time::Duration;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// let server = DatagramServer::new(socket, |socket, datagram, peer| drop(socket.send_to(&datagram, peer))).start();
/// let client = UdpSocket::bind("127.0.0.1:0")?;
/// client.send_to(b"hello", server.local_addr()?)?;
/// assert_eq!(client.recv(&mut [0; 16])?, 5);
/// server.stop(Duration::from_secs(1));
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a server does nothing until `serve_forever` or `start`"]
pub struct DatagramServer {
    server: Rc<Running<UdpSocket>>,
    handler: Rc<Handler>,
    crew: Crew,
}

impl DatagramServer {
    /// Makes a server that calls `handler` with each datagram and its sender's address, and with the socket to answer by.
    pub fn new<F>(socket: UdpSocket, handler: F) -> DatagramServer
    where
        F: Fn(&UdpSocket, Vec<u8>, SocketAddr) + 'static,
    {
        DatagramServer { server: Running::new(socket), handler: Rc::new(handler), crew: Crew::new() }
    }

    /// Bounds how many datagrams are handled at once: while the pool is full none is received, and what comes waits in the
    /// socket's buffer, or is lost when that is full. Default: no bound.
    pub fn pool(mut self, pool: Pool) -> DatagramServer {
        self.crew.pool = Some(pool);
        self
    }

    /// Sets how long a handler may take: it runs inside a [`timeout`](crate::timeout). Default: for ever.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is zero.
    #[track_caller]
    pub fn lifetime(mut self, limit: Duration) -> DatagramServer {
        self.crew.limits.lifetime = positive(limit);
        self
    }

    /// Returns a handle, by which others can stop what [`serve_forever`](Self::serve_forever) does.
    pub fn handle(&self) -> ServerHandle<UdpSocket> {
        ServerHandle { server: self.server.clone() }
    }

    /// Serves until the server is stopped, or its socket closed, and then until all its handlers have ended.
    ///
    /// Whatever ends it, the socket is closed; handlers go on, unless it was stopped, but cannot send any more.
    ///
    /// # Switching
    ///
    /// May: it waits for datagrams.
    ///
    /// # Errors
    ///
    /// As [`StreamServer::serve_forever`](super::StreamServer::serve_forever), with the errors of `recvfrom`. A read timeout of
    /// the socket is one of them.
    ///
    /// # Cancellation
    ///
    /// As [`StreamServer::serve_forever`](super::StreamServer::serve_forever).
    #[track_caller]
    pub fn serve_forever(self) -> io::Result<()> {
        let begun = self.server.begin();
        self.receive_until_closed(Location::caller())?;
        // As in the stream server: a handler may wait for the end of the loop.
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
    pub fn start(self) -> ServerHandle<UdpSocket> {
        let site = Location::caller();
        let handle = self.handle();
        let begun = self.server.begin();
        thread::spawn_at(site, move || {
            let _begun = begun;
            if let Err(error) = self.receive_until_closed(site) {
                self.server.fail(error);
            }
        });
        handle
    }

    fn receive_until_closed(&self, site: &'static Location<'static>) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        self.crew.serve_all(&self.server, site, || {
            let (length, peer) = match self.server.socket.recv_from(&mut buffer) {
                // An answer that an earlier handler sent found nobody (a connected socket is told).
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(None),
                received => received?,
            };
            let (server, handler) = (self.server.clone(), self.handler.clone());
            let datagram = buffer[..length].to_vec();
            Ok(Some(move || handler(&server.socket, datagram, peer)))
        })
    }
}

impl fmt::Debug for DatagramServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramServer")
            .field("local_addr", &self.server.socket.address().ok())
            .field("crew", &self.crew)
            .finish_non_exhaustive()
    }
}
