//! A Unix socket that waits for connections.

use std::io;
use std::iter::FusedIterator;
use std::os::fd::BorrowedFd;
use std::os::unix::net as unix;
use std::path::Path;

use super::{SocketAddr, UnixStream};
use crate::net::handle::Handle;
use crate::net::view::View;

/// A Unix socket server, listening for connections; the counterpart of [`std::os::unix::net::UnixListener`].
///
/// # Examples
///
/// ```
/// use greenroom::os::linux::net::SocketAddrExt;
/// use greenroom::os::unix::net::{SocketAddr, UnixListener, UnixStream};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let name = SocketAddr::from_abstract_name(format!("greenroom {}", std::process::id()))?;
/// let listener = UnixListener::bind_addr(&name)?;
/// greenroom::spawn(move || UnixStream::connect_addr(&name));
/// let (_stream, peer) = listener.accept()?;
/// assert!(peer.is_unnamed());
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct UnixListener {
    pub(super) handle: Handle,
}

impl UnixListener {
    /// Makes a listener at a path, where it makes a file; with std's backlog.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) if something is there, be it a file that an earlier listener left;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a path of more than 107 bytes or with a NUL in it; and those of
    /// `bind(2)`.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::of_new(unix::UnixListener::bind(path)?)
    }

    /// Makes a listener at an address, which may be an abstract name; that is free again once the listener is gone.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::of_new(unix::UnixListener::bind_addr(address)?)
    }

    fn of_new(listener: unix::UnixListener) -> io::Result<UnixListener> {
        Ok(UnixListener { handle: Handle::of_new(listener.into())? })
    }

    /// Takes the next connection off the queue, with its peer's address.
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
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let accept = |fd: BorrowedFd<'_>| View::<unix::UnixListener>::new(fd).accept();
        let (stream, peer) = self.handle.receive(accept, |_| false)?;
        Ok((UnixStream::of_new(stream)?, peer))
    }

    /// Returns an iterator over the connections received; it never ends.
    ///
    /// # Switching
    ///
    /// Never; its `next` is [`accept`](Self::accept).
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }
}

impl<'a> IntoIterator for &'a UnixListener {
    type Item = io::Result<UnixStream>;
    type IntoIter = Incoming<'a>;

    fn into_iter(self) -> Incoming<'a> {
        self.incoming()
    }
}

/// The connections a [`UnixListener`] receives, without their peers' addresses; made by [`UnixListener::incoming`].
#[derive(Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Incoming<'a> {
    listener: &'a UnixListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<UnixStream>;

    /// Accepts the next connection. Never returns `None`; after [`UnixListener::close`] it returns errors for ever.
    ///
    /// # Switching
    ///
    /// May, when no connection is queued.
    fn next(&mut self) -> Option<io::Result<UnixStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}
