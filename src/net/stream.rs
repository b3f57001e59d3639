//! A TCP connection.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::time::Duration;

use super::address::{ToSocketAddrs, first_that_works};
use super::connect;
use super::handle::Handle;
use super::transfer::ShortRead;
use super::view::View;

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
    pub(super) handle: Handle,
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

    fn connect_one(address: &SocketAddr, timeout: Option<Duration>) -> io::Result<TcpStream> {
        Ok(TcpStream { handle: Handle::of(connect::connect(address, timeout)?) })
    }

    /// Returns the peer's address.
    ///
    /// # Errors
    ///
    /// If the stream is not connected or was closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.peer_addr()
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
        self.handle.peek(buffer)
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

    fn socket(&self) -> io::Result<View<'_, net::TcpStream>> {
        self.handle.socket()
    }
}

impl Read for &TcpStream {
    /// Receives what has arrived, at most `buffer.len()` bytes; 0 once the peer has shut down its writing side.
    ///
    /// # Switching
    ///
    /// May, when nothing has arrived. Never for an empty buffer, which is full at once.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`; [`WouldBlock`](io::ErrorKind::WouldBlock) when the read timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stream is closed.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.handle.read(buffer, ShortRead::EmptiedIt)
    }

    /// Receives into several buffers, at most 1,024 of them a call.
    ///
    /// # Switching
    ///
    /// May, when nothing has arrived. Never if there is no room in the buffers.
    ///
    /// # Errors
    ///
    /// As `read`.
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.handle.read_vectored(buffers, ShortRead::EmptiedIt)
    }
}

impl Write for &TcpStream {
    /// Sends as much as the socket takes: at least one byte, unless there is none to be sent.
    ///
    /// # Switching
    ///
    /// May, when the send buffer is full.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`, [`BrokenPipe`](io::ErrorKind::BrokenPipe) for a peer that is gone;
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the write timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stream is closed.
    ///
    /// # Cancellation
    ///
    /// An interrupted `write` has sent nothing; an interrupted `write_all` may have sent a part.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.handle.write(bytes)
    }

    /// Sends from several buffers, at most 1,024 of them a call.
    ///
    /// # Switching
    ///
    /// May, when the send buffer is full.
    ///
    /// # Errors
    ///
    /// As `write`.
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.handle.write_vectored(buffers)
    }

    /// Does nothing: what is written is with the kernel already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
