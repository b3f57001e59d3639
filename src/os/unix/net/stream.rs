//! A connection between Unix sockets.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net as unix;
use std::path::Path;

use super::{SocketAddr, UCred};
use crate::net::handle::Handle;
use crate::net::name::Name;
use crate::net::socket;
use crate::net::transfer::ShortRead;
use crate::net::view::View;

/// A connection between two sockets of one machine; the counterpart of [`std::os::unix::net::UnixStream`].
///
/// It is read, written and shared as a [`TcpStream`](crate::net::TcpStream) is.
///
/// # Examples
///
/// ```
/// use greenroom::io::{Read, Write};
/// use greenroom::os::unix::net::UnixStream;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let (mut near, mut far) = UnixStream::pair()?;
/// greenroom::spawn(move || far.write_all(b"hello"));
/// let mut heard = String::new();
/// near.read_to_string(&mut heard)?;
/// assert_eq!(heard, "hello");
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UnixStream {
    pub(super) handle: Handle,
}

impl UnixStream {
    /// Connects to the listener at a path.
    ///
    /// # Switching
    ///
    /// May, when the listener's queue is full.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound) if nothing is there, [`ConnectionRefused`](io::ErrorKind::ConnectionRefused)
    /// if nobody listens any more, [`InvalidInput`](io::ErrorKind::InvalidInput) for a path of more than 107 bytes or
    /// with a NUL in it, and those of `connect(2)`.
    ///
    /// # Cancellation
    ///
    /// The attempt is given up and its socket closed.
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// Connects to the listener at an address, which may be an abstract name.
    ///
    /// # Switching
    ///
    /// May, as [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); [`InvalidInput`](io::ErrorKind::InvalidInput) for an address without a name.
    ///
    /// # Cancellation
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        let name = Name::of_unix(address);
        let handle = Handle::of_new(socket::open(&name)?)?;
        // A queue that is full is "would block", and not "in progress": there is no event when it no longer is.
        handle.insist_on_sending(|fd| socket::connect(fd, &name))?;
        Ok(UnixStream { handle })
    }

    /// Makes two streams, connected with each other.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// Those of `socketpair(2)`.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (near, far) = unix::UnixStream::pair()?;
        Ok((UnixStream::of_new(near)?, UnixStream::of_new(far)?))
    }

    pub(super) fn of_new(stream: unix::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream { handle: Handle::of_new(stream.into())? })
    }

    /// Returns the peer's address.
    ///
    /// # Errors
    ///
    /// If the stream is not connected or was closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.peer_addr()
    }

    /// Returns who is at the other end.
    ///
    /// # Errors
    ///
    /// Those of `getsockopt(2)`, or if the stream was closed.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        let (pid, uid, gid) = socket::peer(self.socket()?.as_fd())?;
        Ok(UCred { uid, gid, pid })
    }

    /// Shuts down reading, writing, or both; whoever waits to read is woken with 0 bytes, to write with an error.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the stream was closed.
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

    fn socket(&self) -> io::Result<View<'_, unix::UnixStream>> {
        self.handle.socket()
    }
}

impl Read for &UnixStream {
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
        self.handle.read(buffer, ShortRead::MayLeaveMore)
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
        self.handle.read_vectored(buffers, ShortRead::MayLeaveMore)
    }
}

impl Write for &UnixStream {
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

impl Read for UnixStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for UnixStream {
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
