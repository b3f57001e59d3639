//! The look-up of a host name, off the hub.

use std::io;
use std::net::{self, SocketAddr};

use super::address::ToSocketAddrs;
use crate::executor;

/// Looks a host up and returns its addresses, in the order the system's resolver prefers.
///
/// The look-up is `getaddrinfo`, which blocks; it runs on one of at most four OS threads kept for this alone,
/// so that the other green threads go on. Text that is an address already needs none of that.
///
/// # Switching
///
/// May, when a host name is looked up.
///
/// # Errors
///
/// As [`std::net::ToSocketAddrs::to_socket_addrs`], and the error of starting the OS thread if none can be had.
///
/// # Cancellation
///
/// An interrupted look-up is finished by its OS thread and its answer dropped there.
///
/// # Examples
///
/// ```
/// let mut found = greenroom::net::lookup_host("localhost:80")?;
/// assert!(found.all(|address| address.ip().is_loopback()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn lookup_host<A: ToSocketAddrs>(host: A) -> io::Result<impl Iterator<Item = SocketAddr>> {
    host.to_socket_addrs()
}

/// Asks the system's resolver for `host` on an OS thread of the look-up pool.
pub(super) fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_owned();
    executor::lookup(move || Ok(net::ToSocketAddrs::to_socket_addrs(&(host, port))?.collect()))?
}
