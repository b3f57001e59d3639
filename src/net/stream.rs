//! A TCP connection.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use super::address::{ToSocketAddrs, first_that_works};
use super::connect;
use super::socket;
use super::view::View;
use crate::park::source::Source;

/// A TCP connection between this socket and a remote one; the counterpart of [`std::net::TcpStream`].
///
/// One green thread may read while another writes. Several that read, or several that write, are served in
/// turn, each byte going to one of them. Reading and writing are by [`Read`](io::Read) and
/// [`Write`](io::Write), which `&TcpStream` has too.
///
/// # Examples
///
/// ```
/// use greenroom::io::{Read, Write};
/// use greenroom::net::{TcpListener, TcpStream};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = TcpStream::connect(listener.local_addr()?)?;
/// let (mut server, _) = listener.accept()?;
/// greenroom::spawn(move || server.write_all(b"hello"));
/// let mut heard = String::new();
/// client.read_to_string(&mut heard)?;
/// assert_eq!(heard, "hello");
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpStream {
    pub(super) source: Rc<Source>,
    pub(super) timeouts: Rc<Timeouts>,
}

/// How long reads and writes of one socket may wait, for all its handles. The kernel holds the same values, so
/// that std's getters answer as ever and [`TcpStream::into_std`] passes them on; these copies save a system
/// call a read.
#[derive(Default)]
pub(super) struct Timeouts {
    pub(super) read: Cell<Option<Duration>>,
    pub(super) write: Cell<Option<Duration>>,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers.
    ///
    /// # Switching
    ///
    /// May, when the peer does not answer at once, or a host name is looked up.
    ///
    /// # Errors
    ///
    /// That of the last address: [`ConnectionRefused`](io::ErrorKind::ConnectionRefused),
    /// [`TimedOut`](io::ErrorKind::TimedOut), [`NetworkUnreachable`](io::ErrorKind::NetworkUnreachable) and
    /// their like. A socket that the kernel connected to itself (its own port was the one asked for) counts as
    /// refused.
    ///
    /// # Cancellation
    ///
    /// The attempt is given up and its socket closed.
    pub fn connect<A: ToSocketAddrs>(address: A) -> io::Result<TcpStream> {
        first_that_works(address, |address| TcpStream::connect_one(address, None))
    }

    /// Connects to one address, waiting no longer than `timeout`.
    ///
    /// # Switching
    ///
    /// May, when the peer does not answer at once.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); [`TimedOut`](io::ErrorKind::TimedOut) when the time is over, and
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a timeout of zero.
    ///
    /// # Cancellation
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_timeout(address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        TcpStream::connect_one(address, Some(timeout)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "connection timed out"),
            _ => error,
        })
    }

    /// Takes over a stream of std's, whichever mode it was in, with its timeouts.
    ///
    /// # Errors
    ///
    /// If the descriptor cannot be made non-blocking.
    pub fn from_std(stream: net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::adopt_with_timeouts(stream.into())
    }

    /// Turns this stream into one of std's, in blocking mode.
    ///
    /// While other handles share the descriptor, the result has a duplicate of it; they go on as before.
    ///
    /// # Errors
    ///
    /// If the stream was closed, or its descriptor has to be duplicated and cannot.
    pub fn into_std(self) -> io::Result<net::TcpStream> {
        self.socket()?;
        Source::into_fd(self.source).map(net::TcpStream::from)
    }

    fn connect_one(address: &SocketAddr, timeout: Option<Duration>) -> io::Result<TcpStream> {
        Ok(TcpStream { source: connect::connect(address, timeout)?, timeouts: Rc::default() })
    }

    /// Takes over a socket that has no timeouts.
    pub(super) fn adopt(descriptor: OwnedFd) -> io::Result<TcpStream> {
        Ok(TcpStream { source: Source::new(descriptor)?, timeouts: Rc::default() })
    }

    fn adopt_with_timeouts(descriptor: OwnedFd) -> io::Result<TcpStream> {
        let stream = TcpStream::adopt(descriptor)?;
        let socket = View::<net::TcpStream>::new(stream.as_fd());
        stream.timeouts.read.set(socket.read_timeout().unwrap_or(None));
        stream.timeouts.write.set(socket.write_timeout().unwrap_or(None));
        Ok(stream)
    }

    /// Returns the peer's address.
    ///
    /// # Errors
    ///
    /// If the stream is not connected or was closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.peer_addr()
    }

    /// Returns this end's address.
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.local_addr()
    }

    /// Shuts down reading, writing, or both; whoever waits to read is woken with 0 bytes, to write with an error.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the peer has reset the connection or the stream was closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket()?.shutdown(how)
    }

    /// Closes the connection, whatever other handles there are; every call that waits on it ends.
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

    /// Returns a second handle to the same connection; both share one descriptor, where std duplicates it, and its
    /// timeouts.
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        self.socket()?;
        Ok(TcpStream { source: Rc::clone(&self.source), timeouts: Rc::clone(&self.timeouts) })
    }

    /// Receives data and leaves it in the queue, so that the next read or peek returns it again.
    ///
    /// # Switching
    ///
    /// May, when nothing has arrived.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`; [`WouldBlock`](io::ErrorKind::WouldBlock) when the read timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stream is closed.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // Nothing was taken out, so however short the peek, the next attempt may succeed.
        self.receive(buffer.len(), |fd| socket::peek(fd, buffer), |_| false)
    }

    /// Returns the longest that a read waits, as the kernel keeps it, rounded up to its tick; `None` is for ever.
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.socket()?.read_timeout()
    }

    /// Sets the longest that a read or peek waits, for all handles; `None` is for ever.
    ///
    /// Then it fails with [`WouldBlock`](io::ErrorKind::WouldBlock), as std's does on Unix. A wait that has begun keeps
    /// the limit it began with.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a timeout of zero,
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the stream was closed.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket()?.set_read_timeout(timeout)?;
        self.timeouts.read.set(timeout);
        Ok(())
    }

    /// Returns the longest that a write waits, as the kernel keeps it, rounded up to its tick; `None` is for ever.
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.socket()?.write_timeout()
    }

    /// Sets the longest that a write waits, for all handles; `None` is for ever.
    ///
    /// Then it fails with [`WouldBlock`](io::ErrorKind::WouldBlock), as std's does on Unix. A wait that has begun keeps
    /// the limit it began with.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a timeout of zero,
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the stream was closed.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket()?.set_write_timeout(timeout)?;
        self.timeouts.write.set(timeout);
        Ok(())
    }

    /// Returns whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.socket()?.nodelay()
    }

    /// Sets whether small writes are sent at once instead of being gathered (Nagle's algorithm, RFC 896).
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket()?.set_nodelay(nodelay)
    }

    /// Returns the time to live of packets sent (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn ttl(&self) -> io::Result<u32> {
        self.socket()?.ttl()
    }

    /// Sets the time to live of packets sent.
    ///
    /// # Errors
    ///
    /// If the value is out of range, or the stream was closed.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket()?.set_ttl(ttl)
    }

    /// Returns and clears the error pending on the socket (`SO_ERROR`).
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket()?.take_error()
    }

    /// Makes calls that would park fail with [`WouldBlock`](io::ErrorKind::WouldBlock) instead, for all handles.
    ///
    /// # Errors
    ///
    /// If the stream was closed.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket()?;
        self.source.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Lends the socket to std, unless it was closed.
    fn socket(&self) -> io::Result<View<'_, net::TcpStream>> {
        if self.source.is_closed() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(View::new(self.source.fd()))
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        View::<net::TcpStream>::new(self.as_fd()).fmt(formatter)
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.fd()
    }
}

impl AsRawFd for TcpStream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl From<OwnedFd> for TcpStream {
    /// Takes over a descriptor; [`TcpStream::from_std`] does so without a panic.
    ///
    /// # Panics
    ///
    /// If the descriptor cannot be made non-blocking.
    fn from(descriptor: OwnedFd) -> TcpStream {
        TcpStream::adopt_with_timeouts(descriptor).expect("a descriptor that can be made non-blocking")
    }
}

impl TryFrom<net::TcpStream> for TcpStream {
    type Error = io::Error;

    fn try_from(stream: net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(stream)
    }
}

impl From<TcpStream> for OwnedFd {
    /// Gives the descriptor up as [`TcpStream::into_std`] does, which has no panic.
    ///
    /// # Panics
    ///
    /// If the stream was closed, or its descriptor has to be duplicated and cannot.
    fn from(stream: TcpStream) -> OwnedFd {
        stream.into_std().expect("an open stream that gives its descriptor up").into()
    }
}

impl IntoRawFd for TcpStream {
    /// Gives the descriptor up as [`TcpStream::into_std`] does, which has no panic.
    ///
    /// # Panics
    ///
    /// If the stream was closed, or its descriptor has to be duplicated and cannot.
    fn into_raw_fd(self) -> RawFd {
        OwnedFd::from(self).into_raw_fd()
    }
}
