//! The handle of a server that runs.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::listener::Endpoint;
use super::running::{Running, Stop};
use crate::net::TcpListener;

/// A server that runs; made by [`StreamServer::start`](super::StreamServer::start),
/// [`StreamServer::handle`](super::StreamServer::handle) and the same of [`DatagramServer`](super::DatagramServer).
///
/// Clones are handles of the same server. Dropping them stops nothing: the server goes on, and [`run`](crate::run) waits for
/// it.
///
/// # Examples
///
/// ```
/// use greenroom::{net::TcpListener, server::StreamServer};
/// use std::time::Duration;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let server = StreamServer::new(TcpListener::bind("127.0.0.1:0")?, |_stream, _peer| ()).start();
/// assert_eq!(server.connections(), 0);
/// server.stop(Duration::from_secs(1));
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ServerHandle<E: Endpoint = TcpListener> {
    pub(super) server: Rc<Running<E>>,
}

impl<E: Endpoint> ServerHandle<E> {
    /// Ends the server: closes its socket, [cancels](crate::JoinHandle::cancel) all handlers, and
    /// [kills](crate::JoinHandle::kill) those that still stand when `grace` is over. Returns when all have ended.
    ///
    /// From the first moment on the port is free and nobody is accepted. A handler may call it, and is then neither
    /// cancelled nor waited for. Stopping again, by another handle, is fine; each call has its own grace.
    ///
    /// # Switching
    ///
    /// May, if there are connections, or the server has begun. While the caller is unwinding the handlers are killed at once,
    /// and nobody waits.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the handlers that are left are killed, and not waited for.
    pub fn stop(self, grace: Duration) {
        self.server.stop(grace);
    }

    /// Closes the socket: nobody else is served, and handlers go on.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn close(&self) {
        self.server.close();
    }

    /// Waits until the server has ended, and all its connections; a handler's own is not waited for.
    ///
    /// # Switching
    ///
    /// May, if it has not ended. Returns at once while the caller is unwinding.
    ///
    /// # Errors
    ///
    /// What ended it, if that was neither [`stop`](Self::stop) nor a [`close`](Self::close); to the first who asks. A server
    /// that runs in [`serve_forever`](super::StreamServer::serve_forever) tells the caller of that instead.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the server goes on.
    pub fn join(&self) -> io::Result<()> {
        self.server.join()
    }

    /// Returns the address listened on.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the socket is closed.
    pub fn local_addr(&self) -> io::Result<E::Address> {
        self.server.socket.address()
    }

    /// Returns how many connections, or datagrams, are being served.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn connections(&self) -> usize {
        self.server.connections.count()
    }
}

impl<E: Endpoint> Clone for ServerHandle<E> {
    fn clone(&self) -> ServerHandle<E> {
        ServerHandle { server: self.server.clone() }
    }
}

impl<E: Endpoint> fmt::Debug for ServerHandle<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("local_addr", &self.local_addr().ok())
            .field("connections", &self.connections())
            .finish()
    }
}
