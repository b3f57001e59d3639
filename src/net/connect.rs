//! The making of a connection: `connect(2)`, wait until writable, ask how it went.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use super::name::Name;
use super::socket;
use super::view::View;
use crate::park::source::{Direction, Source};

/// Connects a new socket to `address`; when `timeout` is over, the error is `WouldBlock`.
pub(super) fn connect(address: &SocketAddr, timeout: Option<Duration>) -> io::Result<Rc<Source>> {
    let name = Name::of_inet(address);
    let descriptor = socket::open(&name)?;
    match socket::connect(descriptor.as_fd(), &name) {
        // A signal does not end the attempt either: it goes on behind the caller's back (POSIX, connect).
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => {}
        started => started?,
    }
    let source = Source::new(descriptor)?;
    let peer = source.transfer(Direction::Write, timeout, |fd| outcome(&View::new(fd)), |_| false)?;
    // A connect to a free local port that the kernel happens to give to this very socket succeeds: both ends of
    // a simultaneous open (RFC 9293, 3.5) are then this one. Nobody listens there, which is what the caller
    // must hear.
    if View::<TcpStream>::new(source.fd()).local_addr()? == peer {
        return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
    }
    Ok(source)
}

/// How the attempt ended: the peer's address, its error, or `WouldBlock` while it has not.
///
/// Being writable proves nothing, as a wake may be spurious (mio issue 1942): only a socket that has a peer is
/// connected.
fn outcome(socket: &TcpStream) -> io::Result<SocketAddr> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    socket.peer_addr().map_err(|error| match error.kind() {
        io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
        _ => error,
    })
}
