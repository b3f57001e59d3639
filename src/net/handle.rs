//! One handle of a socket: what every kind of socket is made of.

use std::cell::Cell;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use super::view::View;
use crate::park::source::{Direction, Source};
use crate::sys;

/// The socket, shared by its handles, with its timeouts.
#[derive(Clone)]
pub(crate) struct Handle {
    source: Rc<Source>,
    timeouts: Rc<Timeouts>,
}

/// How long reads and writes of one socket may wait, for all its handles. The kernel holds the same values, so
/// that std's getters answer as ever and `into_std` passes them on; these copies save a system call a read.
#[derive(Default)]
struct Timeouts {
    read: Cell<Option<Duration>>,
    write: Cell<Option<Duration>>,
}

/// Std's type whose methods set and read what all sockets have: any would do.
type AnySocket = TcpStream;

impl Handle {
    /// Takes over a socket that has no timeouts.
    pub(crate) fn of_new(descriptor: OwnedFd) -> io::Result<Handle> {
        Ok(Handle::of(Source::new(descriptor)?))
    }

    pub(super) fn of(source: Rc<Source>) -> Handle {
        Handle { source, timeouts: Rc::default() }
    }

    /// Takes over a socket in whichever mode it is, with its timeouts.
    pub(crate) fn adopt(descriptor: OwnedFd) -> io::Result<Handle> {
        let handle = Handle::of_new(descriptor)?;
        let socket = View::<AnySocket>::new(handle.fd());
        handle.timeouts.read.set(socket.read_timeout().unwrap_or(None));
        handle.timeouts.write.set(socket.write_timeout().unwrap_or(None));
        Ok(handle)
    }

    /// Lends the socket to std, unless it was closed.
    pub(crate) fn socket<S: From<OwnedFd>>(&self) -> io::Result<View<'_, S>> {
        if self.source.is_closed() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(View::new(self.fd()))
    }

    /// The descriptor; that of a dead socket once it was closed.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.source.fd()
    }

    pub(crate) fn close(&self) -> io::Result<()> {
        self.source.close()
    }

    pub(crate) fn try_clone(&self) -> io::Result<Handle> {
        self.socket::<AnySocket>()?;
        Ok(self.clone())
    }

    /// The descriptor itself, blocking again; a duplicate while other handles share it. Their calls all say
    /// `MSG_DONTWAIT`.
    pub(crate) fn into_fd(self) -> io::Result<OwnedFd> {
        self.socket::<AnySocket>()?;
        Source::into_fd(self.source)
    }

    /// As [`into_fd`](Self::into_fd) for a listener, where what is shared stays non-blocking: the kernel knows one
    /// mode for all duplicates, and has no `accept` that would not wait in the other.
    pub(crate) fn into_listening_fd(self) -> io::Result<OwnedFd> {
        let is_shared = Rc::strong_count(&self.source) > 1;
        let descriptor = self.into_fd()?;
        sys::set_nonblocking(descriptor.as_fd(), is_shared)?;
        Ok(descriptor)
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket::<AnySocket>()?;
        self.source.set_nonblocking(nonblocking);
        Ok(())
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.source.is_nonblocking()
    }

    pub(crate) fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.socket::<AnySocket>()?.read_timeout()
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket::<AnySocket>()?.set_read_timeout(timeout)?;
        self.timeouts.read.set(timeout);
        Ok(())
    }

    pub(crate) fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.socket::<AnySocket>()?.write_timeout()
    }

    pub(crate) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket::<AnySocket>()?.set_write_timeout(timeout)?;
        self.timeouts.write.set(timeout);
        Ok(())
    }

    /// Runs a call that receives, waiting as the read timeout allows. `drained` is as in [`Source::transfer`].
    #[inline]
    pub(crate) fn receive<T>(
        &self,
        call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
        drained: impl FnOnce(&T) -> bool,
    ) -> io::Result<T> {
        self.source.transfer(Direction::Read, self.timeouts.read.get(), call, drained)
    }

    /// Runs a call that sends, waiting as the write timeout allows.
    #[inline]
    pub(crate) fn send<T>(
        &self,
        call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
        drained: impl FnOnce(&T) -> bool,
    ) -> io::Result<T> {
        self.source.transfer(Direction::Write, self.timeouts.write.get(), call, drained)
    }

    /// Runs a call that sends, where the kernel may never say that there is room.
    pub(crate) fn insist_on_sending<T>(
        &self,
        call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.source.insist(Direction::Write, self.timeouts.write.get(), call)
    }
}
