//! A Unix socket for datagrams.

use std::io;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::os::unix::net as unix;
use std::path::Path;

use super::SocketAddr;
use crate::net::handle::Handle;
use crate::net::name::Name;
use crate::net::socket;
use crate::net::view::View;
use crate::sys;

/// A Unix socket for datagrams, which arrive whole and in order; the counterpart of [`std::os::unix::net::UnixDatagram`].
///
/// As with a [`UdpSocket`](crate::net::UdpSocket), what a buffer has no room for is lost, and an empty datagram is
/// received as 0 bytes.
///
/// # Examples
///
/// ```
/// use greenroom::os::unix::net::UnixDatagram;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let (near, far) = UnixDatagram::pair()?;
/// let sender = greenroom::spawn(move || far.send(b"hello"));
/// let mut buffer = [0; 64];
/// assert_eq!(near.recv(&mut buffer)?, 5);
/// assert_eq!(sender.join().unwrap()?, 5);
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UnixDatagram {
    pub(super) handle: Handle,
}

impl UnixDatagram {
    /// Makes a socket at a path, where it makes a file.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// As [`UnixListener::bind`](super::UnixListener::bind).
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::of_new(unix::UnixDatagram::bind(path)?)
    }

    /// Makes a socket at an address, which may be an abstract name.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::of_new(unix::UnixDatagram::bind_addr(address)?)
    }

    /// Makes a socket without an address: it can send, and nobody can answer.
    ///
    /// # Errors
    ///
    /// Those of `socket(2)`.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::of_new(unix::UnixDatagram::unbound()?)
    }

    /// Makes two sockets, connected with each other.
    ///
    /// # Errors
    ///
    /// Those of `socketpair(2)`.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (near, far) = unix::UnixDatagram::pair()?;
        Ok((UnixDatagram::of_new(near)?, UnixDatagram::of_new(far)?))
    }

    fn of_new(socket: unix::UnixDatagram) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { handle: Handle::of_new(socket.into())? })
    }

    /// Makes the socket at a path the only one to send to and to receive from; the next call makes another so.
    ///
    /// # Switching
    ///
    /// Never: there is no connection to wait for.
    ///
    /// # Errors
    ///
    /// As [`UnixStream::connect`](super::UnixStream::connect).
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.socket()?.connect(path)
    }

    /// Makes the socket at an address the only one to send to and to receive from.
    ///
    /// # Switching
    ///
    /// Never: there is no connection to wait for.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        self.socket()?.connect_addr(address)
    }

    /// Sends one datagram to the socket connected to.
    ///
    /// # Switching
    ///
    /// May, when its queue or the send buffer is full.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`, [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) for a receiver that is gone;
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the write timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once this socket is closed, or if it is not connected.
    ///
    /// # Cancellation
    ///
    /// An interrupted `send` has sent nothing.
    pub fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        self.handle.send(|fd| socket::send(fd, datagram), |_| false)
    }

    /// Sends one datagram to the socket at a path.
    ///
    /// # Switching
    ///
    /// May, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send) and, for the path, [`UnixStream::connect`](super::UnixStream::connect).
    ///
    /// # Cancellation
    ///
    /// As [`send`](Self::send).
    pub fn send_to<P: AsRef<Path>>(&self, datagram: &[u8], path: P) -> io::Result<usize> {
        self.send_to_addr(datagram, &SocketAddr::from_pathname(path)?)
    }

    /// Sends one datagram to the socket at an address, which may be an abstract name.
    ///
    /// # Switching
    ///
    /// May, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    ///
    /// # Cancellation
    ///
    /// As [`send`](Self::send).
    pub fn send_to_addr(&self, datagram: &[u8], address: &SocketAddr) -> io::Result<usize> {
        let name = Name::of_unix(address);
        // Whom a socket is not connected to tells it nothing when there is room again.
        self.handle.insist_on_sending(|fd| socket::send_to(fd, datagram, &name))
    }

    /// Receives one datagram.
    ///
    /// # Switching
    ///
    /// May, when none has arrived, whatever the size of the buffer.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`; [`WouldBlock`](io::ErrorKind::WouldBlock) when the read timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the socket is closed.
    ///
    /// # Cancellation
    ///
    /// No datagram is lost.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(|fd| socket::receive(fd, buffer), 0)
    }

    /// Receives one datagram, with its sender's address.
    ///
    /// # Switching
    ///
    /// May, as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (length, sender) = self.receive(|fd| socket::receive_from(fd, buffer), (0, Name::none()))?;
        Ok((length, sender.to_unix()?))
    }

    /// Receives one datagram and leaves it in the queue, so that the next receive or peek returns it again.
    ///
    /// # Switching
    ///
    /// May, as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(|fd| socket::peek(fd, buffer), 0)
    }

    /// Receives one datagram, with its sender's address, and leaves it in the queue.
    ///
    /// # Switching
    ///
    /// May, as [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (length, sender) = self.receive(|fd| socket::peek_from(fd, buffer), (0, Name::none()))?;
        Ok((length, sender.to_unix()?))
    }

    /// Returns the address connected to.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if there is none, or the socket was closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.peer_addr()
    }

    /// Shuts down receiving, sending, or both; whoever waits to receive is woken with 0 bytes, to send with an error.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// Those of `shutdown(2)`; [`NotConnected`](io::ErrorKind::NotConnected) if the socket was closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket()?.shutdown(how)
    }

    /// Runs a call that receives. A call that waits returns 0 once receiving was shut down; one that does not, as ours,
    /// says "would block" for ever after (`__skb_wait_for_more_packets` in the kernel), and only a poll shows the end.
    fn receive<T>(&self, mut call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>, nothing: T) -> io::Result<T> {
        let received = self.handle.receive(
            |fd| match call(fd) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.has_ended(fd) => Ok(None),
                ended => ended.map(Some),
            },
            |_| false,
        )?;
        Ok(received.unwrap_or(nothing))
    }

    fn has_ended(&self, fd: BorrowedFd<'_>) -> bool {
        !self.handle.is_nonblocking() && sys::has_ended(fd)
    }

    fn socket(&self) -> io::Result<View<'_, unix::UnixDatagram>> {
        self.handle.socket()
    }
}
