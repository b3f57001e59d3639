//! A TCP socket that waits for connections.

use std::io;
use std::iter::FusedIterator;
use std::net::{self, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};

use super::address::ToSocketAddrs;
use super::builder::TcpListenerBuilder;
use super::handle::Handle;
use super::stream::TcpStream;
use super::view::View;

/// A TCP socket server, listening for connections; the counterpart of [`std::net::TcpListener`].
///
/// # Examples
///
/// ```
/// use greenroom::io::Read;
/// use greenroom::net::{TcpListener, TcpStream};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// greenroom::spawn(move || TcpStream::connect(address));
/// let (mut client, _) = listener.accept()?;
/// assert_eq!(client.read(&mut [0; 8])?, 0);
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpListener {
    pub(super) handle: Handle,
}

impl TcpListener {
    /// Makes a listener on the first of the addresses that can be had; port 0 asks for any free one.
    ///
    /// # Switching
    ///
    /// May, when a host name is looked up.
    ///
    /// # Errors
    ///
    /// That of the last address: [`AddrInUse`](io::ErrorKind::AddrInUse),
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) for a privileged port,
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) for an address of another machine.
    pub fn bind<A: ToSocketAddrs>(address: A) -> io::Result<TcpListener> {
        TcpListener::builder().bind(address)
    }

    /// Returns the settings of a listener to be: backlog, shared port, IPv6 only.
    pub fn builder() -> TcpListenerBuilder {
        TcpListenerBuilder::new()
    }

    pub(super) fn of_new(descriptor: OwnedFd) -> io::Result<TcpListener> {
        Ok(TcpListener { handle: Handle::of_new(descriptor)? })
    }

    /// Takes the next connection off the queue, with its peer's address.
    ///
    /// A connection that failed while it was queued is passed over. Running out of descriptors is not: the
    /// connection stays in the queue, so a loop that meets [`io::Error`]s here should pause before it goes on.
    ///
    /// # Switching
    ///
    /// May, when no connection is queued.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`; [`NotConnected`](io::ErrorKind::NotConnected) once the listener is closed.
    ///
    /// # Cancellation
    ///
    /// No connection is lost: it stays queued for the next call.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let accept = |fd: BorrowedFd<'_>| accept_living(&View::new(fd));
        let (stream, peer) = self.handle.receive(accept, |_| false)?;
        Ok((TcpStream { handle: Handle::of_new(stream.into())? }, peer))
    }

    /// Returns an iterator over the connections received; it never ends.
    ///
    /// # Switching
    ///
    /// Never; its `next` is [`accept`](Self::accept).
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Returns the time to live of packets sent, as [`std::net::TcpListener::ttl`].
    ///
    /// # Errors
    ///
    /// If the listener was closed.
    pub fn ttl(&self) -> io::Result<u32> {
        self.socket()?.ttl()
    }

    /// Sets the time to live of packets sent from connections accepted from now on.
    ///
    /// # Errors
    ///
    /// If the value is out of range, or the listener was closed.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket()?.set_ttl(ttl)
    }

    fn socket(&self) -> io::Result<View<'_, net::TcpListener>> {
        self.handle.socket()
    }
}

/// The most dead connections that one attempt passes over: a system that answers so for ever must not hold the
/// OS thread for ever.
const MOST_PASSED_OVER: usize = 64;

/// Accepts, passing over connections that died in the queue: Linux reports those as errors of `accept` itself, to
/// be taken as "try again" (accept(2), "Error handling").
fn accept_living(listener: &net::TcpListener) -> io::Result<(net::TcpStream, SocketAddr)> {
    let mut passed_over = 0;
    loop {
        match listener.accept() {
            Err(error) if is_of_a_dead_connection(&error) && passed_over < MOST_PASSED_OVER => {
                passed_over += 1
            }
            ended => return ended,
        }
    }
}

fn is_of_a_dead_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENONET
                // A firewall's rule against this one connection.
                | libc::EPERM
        )
    )
}

/// The connections a [`TcpListener`] receives, without their peers' addresses; made by [`TcpListener::incoming`].
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    /// Accepts the next connection. Never returns `None`; after [`TcpListener::close`] it returns errors for ever.
    ///
    /// # Switching
    ///
    /// May, when no connection is queued.
    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}
