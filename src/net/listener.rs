//! A TCP socket that waits for connections.

use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use super::address::ToSocketAddrs;
use super::builder::TcpListenerBuilder;
use super::stream::TcpStream;
use super::view::View;
use crate::park::source::{Direction, Source};

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
    source: Rc<Source>,
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

    /// Takes over a listener of std's, whichever mode it was in.
    ///
    /// # Errors
    ///
    /// If the descriptor cannot be made non-blocking.
    pub fn from_std(listener: net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::adopt(listener.into())
    }

    /// Turns this listener into one of std's, in blocking mode.
    ///
    /// While other handles share the descriptor, the result has a duplicate of it and is non-blocking: the
    /// kernel knows one mode for both, and an `accept` of theirs must not stop the OS thread.
    ///
    /// # Errors
    ///
    /// If the listener was closed, or its descriptor has to be duplicated and cannot.
    pub fn into_std(self) -> io::Result<net::TcpListener> {
        self.socket()?;
        let is_shared = Rc::strong_count(&self.source) > 1;
        let listener = net::TcpListener::from(Source::into_fd(self.source)?);
        listener.set_nonblocking(is_shared)?;
        Ok(listener)
    }

    pub(super) fn adopt(descriptor: OwnedFd) -> io::Result<TcpListener> {
        Ok(TcpListener { source: Source::new(descriptor)? })
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
        let (stream, peer) = self.source.transfer(Direction::Read, None, accept, |_| false)?;
        Ok((TcpStream::adopt(stream.into())?, peer))
    }

    /// Returns an iterator over the connections received; it never ends.
    ///
    /// # Switching
    ///
    /// Never; its `next` is [`accept`](Self::accept).
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Closes the listener, whatever other handles there are: the port is free, and every `accept` that waits ends.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// Those of the system; the socket is closed all the same. Closing it again does nothing.
    pub fn close(&self) -> io::Result<()> {
        self.source.close()
    }

    /// Returns a second handle to the same listener; both share one descriptor, where std duplicates it.
    ///
    /// # Errors
    ///
    /// If the listener was closed.
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        self.socket()?;
        Ok(TcpListener { source: Rc::clone(&self.source) })
    }

    /// Returns the address listened on.
    ///
    /// # Errors
    ///
    /// If the listener was closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.local_addr()
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

    /// Returns and clears the error pending on the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// If the listener was closed.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket()?.take_error()
    }

    /// Makes calls that would park fail with [`WouldBlock`](io::ErrorKind::WouldBlock) instead, for all handles.
    ///
    /// # Errors
    ///
    /// If the listener was closed.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket()?;
        self.source.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Lends the socket to std, unless it was closed.
    fn socket(&self) -> io::Result<View<'_, net::TcpListener>> {
        if self.source.is_closed() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(View::new(self.source.fd()))
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

impl fmt::Debug for TcpListener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        View::<net::TcpListener>::new(self.as_fd()).fmt(formatter)
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.fd()
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl From<OwnedFd> for TcpListener {
    /// Takes over a descriptor; [`TcpListener::from_std`] does so without a panic.
    ///
    /// # Panics
    ///
    /// If the descriptor cannot be made non-blocking.
    fn from(descriptor: OwnedFd) -> TcpListener {
        TcpListener::adopt(descriptor).expect("a descriptor that can be made non-blocking")
    }
}

impl TryFrom<net::TcpListener> for TcpListener {
    type Error = io::Error;

    fn try_from(listener: net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }
}

impl From<TcpListener> for OwnedFd {
    /// Gives the descriptor up as [`TcpListener::into_std`] does, which has no panic.
    ///
    /// # Panics
    ///
    /// If the listener was closed, or its descriptor has to be duplicated and cannot.
    fn from(listener: TcpListener) -> OwnedFd {
        listener.into_std().expect("an open listener that gives its descriptor up").into()
    }
}

impl IntoRawFd for TcpListener {
    /// Gives the descriptor up as [`TcpListener::into_std`] does, which has no panic.
    ///
    /// # Panics
    ///
    /// If the listener was closed, or its descriptor has to be duplicated and cannot.
    fn into_raw_fd(self) -> RawFd {
        OwnedFd::from(self).into_raw_fd()
    }
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
