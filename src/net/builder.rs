//! The settings of a listening socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use super::address::{ToSocketAddrs, first_that_works};
use super::listener::TcpListener;
use super::name::Name;
use super::socket;

/// What [`TcpListener::bind`] asks for. std asks for 128; here one green thread a connection is cheap, and a
/// burst that finds the queue full waits a second for TCP to try again.
const BACKLOG: u32 = 1024;

/// Settings for a [`TcpListener`] to be; made by [`TcpListener::builder`].
///
/// # Examples
///
/// ```
/// use greenroom::net::TcpListener;
///
/// let first = TcpListener::builder().backlog(4096).reuse_port(true).bind("127.0.0.1:0")?;
/// let second = TcpListener::builder().reuse_port(true).bind(first.local_addr()?)?;
/// assert_eq!(first.local_addr()?, second.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `bind`"]
pub struct TcpListenerBuilder {
    backlog: u32,
    reuse_port: bool,
    /// `None`: as the system is set up (`net.ipv6.bindv6only`).
    only_v6: Option<bool>,
}

impl TcpListenerBuilder {
    pub(super) fn new() -> TcpListenerBuilder {
        TcpListenerBuilder { backlog: BACKLOG, reuse_port: false, only_v6: None }
    }

    /// Sets how many connections may wait to be accepted; 1,024 unless set, and at most `net.core.somaxconn`.
    pub fn backlog(mut self, connections: u32) -> TcpListenerBuilder {
        self.backlog = connections;
        self
    }

    /// Lets several listeners of this user share one address (`SO_REUSEPORT`); the kernel spreads connections
    /// over them.
    pub fn reuse_port(mut self, on: bool) -> TcpListenerBuilder {
        self.reuse_port = on;
        self
    }

    /// Sets whether a listener on an IPv6 address refuses IPv4 clients (`IPV6_V6ONLY`); no effect on an IPv4
    /// address.
    pub fn only_v6(mut self, on: bool) -> TcpListenerBuilder {
        self.only_v6 = Some(on);
        self
    }

    /// Makes the socket, binds it to the first of the addresses that can be had, and listens.
    ///
    /// # Switching
    ///
    /// May, when a host name is looked up.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    pub fn bind<A: ToSocketAddrs>(self, address: A) -> io::Result<TcpListener> {
        first_that_works(address, |address| self.listen(address))
    }

    fn listen(&self, address: &SocketAddr) -> io::Result<TcpListener> {
        let name = Name::of_inet(address);
        let descriptor = socket::open(&name)?;
        let fd = descriptor.as_fd();
        // As std: else a server that restarts could not have its port while old connections sit in TIME_WAIT.
        socket::set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, true)?;
        if self.reuse_port {
            socket::set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, true)?;
        }
        if let (SocketAddr::V6(_), Some(on)) = (address, self.only_v6) {
            socket::set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, on)?;
        }
        socket::bind(fd, &name)?;
        socket::listen(fd, self.backlog)?;
        TcpListener::of_new(descriptor)
    }
}
