//! A UDP socket.

use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::address::{ToSocketAddrs, first_that_works};
use super::handle::Handle;
use super::name::Name;
use super::socket;
use super::view::View;

/// A UDP socket; the counterpart of [`std::net::UdpSocket`].
///
/// A datagram goes to one receiver, whole: what its buffer has no room for is lost, and an empty one is received as 0
/// bytes. Several green threads that receive are served in turn.
///
/// # Examples
///
/// ```
/// use greenroom::net::UdpSocket;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let echo = UdpSocket::bind("127.0.0.1:0")?;
/// let client = UdpSocket::bind("127.0.0.1:0")?;
/// client.connect(echo.local_addr()?)?;
/// client.send(b"hello")?;
/// let mut buffer = [0; 1500];
/// let (length, from) = echo.recv_from(&mut buffer)?;
/// echo.send_to(&buffer[..length], from)?;
/// assert_eq!(client.recv(&mut buffer)?, 5);
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UdpSocket {
    pub(super) handle: Handle,
}

impl UdpSocket {
    /// Makes a socket on the first of the addresses that can be had; port 0 asks for any free one.
    ///
    /// # Switching
    ///
    /// May, when a host name is looked up.
    ///
    /// # Errors
    ///
    /// That of the last address, as [`TcpListener::bind`](super::TcpListener::bind).
    pub fn bind<A: ToSocketAddrs>(address: A) -> io::Result<UdpSocket> {
        let socket = first_that_works(address, |address| net::UdpSocket::bind(address))?;
        Ok(UdpSocket { handle: Handle::of_new(socket.into())? })
    }

    /// Makes the first of the addresses that works the only one to send to and to receive from; the next call makes
    /// another so.
    ///
    /// # Switching
    ///
    /// May, when a host name is looked up. There is no connection to wait for.
    ///
    /// # Errors
    ///
    /// That of the last address; that nobody is there shows only later, as
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) of a `send` or `recv`.
    pub fn connect<A: ToSocketAddrs>(&self, address: A) -> io::Result<()> {
        first_that_works(address, |address| self.socket()?.connect(address))
    }

    /// Sends one datagram to the address connected to.
    ///
    /// # Switching
    ///
    /// May, when the send buffer is full.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`, among them what an earlier datagram came to;
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the write timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the socket is closed.
    ///
    /// # Cancellation
    ///
    /// An interrupted `send` has sent nothing.
    pub fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        self.handle.send(|fd| socket::send(fd, datagram), |_| false)
    }

    /// Sends one datagram to an address, the first if there are several.
    ///
    /// # Switching
    ///
    /// May, when the send buffer is full or a host name is looked up.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`InvalidInput`](io::ErrorKind::InvalidInput) if there is no address.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Self::send).
    pub fn send_to<A: ToSocketAddrs>(&self, datagram: &[u8], address: A) -> io::Result<usize> {
        let Some(address) = address.to_socket_addrs()?.next() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no addresses to send data to"));
        };
        let name = Name::of_inet(&address);
        self.handle.send(|fd| socket::send_to(fd, datagram, &name), |_| false)
    }

    /// Receives one datagram, from the address connected to if there is one.
    ///
    /// # Switching
    ///
    /// May, when none has arrived, whatever the size of the buffer.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`, among them [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) for an earlier `send` to a
    /// port where nobody was; [`WouldBlock`](io::ErrorKind::WouldBlock) when the read timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the socket is closed.
    ///
    /// # Cancellation
    ///
    /// No datagram is lost.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.handle.receive(|fd| socket::receive(fd, buffer), |_| false)
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
        let (length, sender) = self.handle.receive(|fd| socket::receive_from(fd, buffer), |_| false)?;
        Ok((length, sender.to_inet()?))
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
        self.handle.receive(|fd| socket::peek(fd, buffer), |_| false)
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
        let (length, sender) = self.handle.receive(|fd| socket::peek_from(fd, buffer), |_| false)?;
        Ok((length, sender.to_inet()?))
    }

    /// Returns the address connected to.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if there is none, or the socket was closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket()?.peer_addr()
    }

    /// Returns whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.socket()?.broadcast()
    }

    /// Sets whether datagrams may go to broadcast addresses; at first they may not.
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.socket()?.set_broadcast(on)
    }

    /// Returns whether IPv4 multicasts sent from here come back to this machine (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.socket()?.multicast_loop_v4()
    }

    /// Sets whether IPv4 multicasts sent from here come back to this machine.
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.socket()?.set_multicast_loop_v4(on)
    }

    /// Returns over how many routers an IPv4 multicast goes (`IP_MULTICAST_TTL`).
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.socket()?.multicast_ttl_v4()
    }

    /// Sets over how many routers an IPv4 multicast goes; 1, which is none, unless set.
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.socket()?.set_multicast_ttl_v4(ttl)
    }

    /// Returns whether IPv6 multicasts sent from here come back to this machine (`IPV6_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// If the socket was closed or is not of IPv6.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.socket()?.multicast_loop_v6()
    }

    /// Sets whether IPv6 multicasts sent from here come back to this machine.
    ///
    /// # Errors
    ///
    /// If the socket was closed or is not of IPv6.
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.socket()?.set_multicast_loop_v6(on)
    }

    /// Returns the time to live of datagrams sent (`IP_TTL`).
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn ttl(&self) -> io::Result<u32> {
        self.socket()?.ttl()
    }

    /// Sets the time to live of datagrams sent.
    ///
    /// # Errors
    ///
    /// If the socket was closed.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.socket()?.set_ttl(ttl)
    }

    /// Receives what is sent to an IPv4 group, from now on; the unspecified interface leaves the choice to the system.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`, or if the socket was closed.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.socket()?.join_multicast_v4(group, interface)
    }

    /// Ends what [`join_multicast_v4`](Self::join_multicast_v4) began.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`, or if the socket was closed.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.socket()?.leave_multicast_v4(group, interface)
    }

    /// Receives what is sent to an IPv6 group, from now on; interface 0 leaves the choice to the system.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`, or if the socket was closed.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket()?.join_multicast_v6(group, interface)
    }

    /// Ends what [`join_multicast_v6`](Self::join_multicast_v6) began.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`, or if the socket was closed.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket()?.leave_multicast_v6(group, interface)
    }

    fn socket(&self) -> io::Result<View<'_, net::UdpSocket>> {
        self.handle.socket()
    }
}
