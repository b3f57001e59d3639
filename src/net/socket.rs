//! The system calls on stream sockets that std does not make, or not with the flags needed here; one function a
//! call.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::{self, size_of};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, socklen_t};

/// The most slices the kernel takes in one call: `UIO_MAXIOV` of `readv(2)`.
pub(super) const MOST_SLICES: usize = 1024;

/// Makes a TCP socket of the family of `address`; non-blocking and closed on exec from its first moment.
pub(super) fn open(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: S17: the call takes no pointers, and the number it returns is new, so nobody else owns it.
    unsafe { Ok(OwnedFd::from_raw_fd(check(libc::socket(family, kind, 0))?)) }
}

/// Starts to connect. The socket is writable once the attempt has ended, well or badly: `connect(2)`,
/// `EINPROGRESS`.
pub(super) fn start_connect(socket: BorrowedFd<'_>, address: &SocketAddr) -> io::Result<()> {
    let name = Name::of(address);
    // SAFETY: S18: pointer and length are those of `name`, which lives across the call.
    let started = check(unsafe { libc::connect(socket.as_raw_fd(), name.pointer(), name.length()) });
    match started {
        // A signal does not end the attempt either: it goes on behind the caller's back (POSIX, connect).
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => Ok(()),
        other => other.map(drop),
    }
}

/// Gives the socket its own address.
pub(super) fn bind(socket: BorrowedFd<'_>, address: &SocketAddr) -> io::Result<()> {
    let name = Name::of(address);
    // SAFETY: S18: pointer and length are those of `name`, which lives across the call.
    check(unsafe { libc::bind(socket.as_raw_fd(), name.pointer(), name.length()) }).map(drop)
}

/// Starts to queue connections, up to `backlog` of them and never more than the kernel's `net.core.somaxconn`.
pub(super) fn listen(socket: BorrowedFd<'_>, backlog: u32) -> io::Result<()> {
    let backlog = c_int::try_from(backlog).unwrap_or(c_int::MAX);
    // SAFETY: S17: no pointers; the borrow keeps the number open across the call.
    check(unsafe { libc::listen(socket.as_raw_fd(), backlog) }).map(drop)
}

/// Switches a socket option that is on or off.
pub(super) fn set_option(socket: BorrowedFd<'_>, level: c_int, option: c_int, on: bool) -> io::Result<()> {
    let value = c_int::from(on);
    let length = size_of::<c_int>() as socklen_t;
    // SAFETY: S18: pointer and length are those of `value`, which lives across the call.
    check(unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(&value).cast(), length)
    })
    .map(drop)
}

/// Receives what has arrived; 0 once the peer has ended its side.
///
/// The transfers here say `MSG_DONTWAIT` although the socket is non-blocking: that mode belongs to all
/// duplicates of a descriptor, and whoever holds one may have changed it (`into_std` of a shared socket does).
pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    receive_with(socket, buffer, 0)
}

/// Receives what has arrived and leaves it in the queue.
pub(super) fn peek(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    receive_with(socket, buffer, libc::MSG_PEEK)
}

fn receive_with(socket: BorrowedFd<'_>, buffer: &mut [u8], flags: c_int) -> io::Result<usize> {
    let (start, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: S18: start and room are those of `buffer`, borrowed for us alone across the call.
    transferred(unsafe { libc::recv(socket.as_raw_fd(), start, room, flags | libc::MSG_DONTWAIT) })
}

/// Receives into several buffers, of which there are at most [`MOST_SLICES`].
pub(super) fn receive_vectored(socket: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    // IoSliceMut is documented to have the layout of iovec.
    let mut message = message_of(buffers.as_mut_ptr().cast(), buffers.len());
    // SAFETY: S18: the buffers, and what they borrow for us alone, live across the call, which keeps no pointer
    // to them.
    transferred(unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_DONTWAIT) })
}

/// Sends what the socket takes. A peer that is gone is an error and no `SIGPIPE`.
pub(super) fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let (start, length) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: S18: start and length are those of `bytes`, which live across the call.
    transferred(unsafe { libc::send(socket.as_raw_fd(), start, length, SEND_FLAGS) })
}

/// Sends from several buffers, of which there are at most [`MOST_SLICES`].
pub(super) fn send_vectored(socket: BorrowedFd<'_>, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
    // IoSlice is documented to have the layout of iovec; sendmsg only reads through it.
    let message = message_of(buffers.as_ptr().cast_mut().cast(), buffers.len());
    // SAFETY: S18: the buffers and what they borrow live across the call, which keeps no pointer to them.
    transferred(unsafe { libc::sendmsg(socket.as_raw_fd(), &message, SEND_FLAGS) })
}

const SEND_FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// A message of buffers only: no name, no control data.
fn message_of(buffers: *mut libc::iovec, count: usize) -> libc::msghdr {
    // SAFETY: S18: all zero is a valid msghdr, with no buffers at all.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = buffers;
    message.msg_iovlen = count;
    message
}

fn transferred(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// An address in the kernel's form.
enum Name {
    V4(libc::sockaddr_in),
    V6(libc::sockaddr_in6),
}

impl Name {
    fn of(address: &SocketAddr) -> Name {
        match address {
            SocketAddr::V4(address) => {
                // SAFETY: S18: all zero is a valid sockaddr_in; the fields that matter are set below.
                let mut name: libc::sockaddr_in = unsafe { mem::zeroed() };
                name.sin_family = libc::AF_INET as libc::sa_family_t;
                name.sin_port = address.port().to_be();
                name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
                Name::V4(name)
            }
            SocketAddr::V6(address) => {
                // SAFETY: S18: all zero is a valid sockaddr_in6; the fields that matter are set below.
                let mut name: libc::sockaddr_in6 = unsafe { mem::zeroed() };
                name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                name.sin6_port = address.port().to_be();
                name.sin6_addr.s6_addr = address.ip().octets();
                name.sin6_flowinfo = address.flowinfo();
                name.sin6_scope_id = address.scope_id();
                Name::V6(name)
            }
        }
    }

    fn pointer(&self) -> *const libc::sockaddr {
        match self {
            Name::V4(name) => ptr::from_ref(name).cast(),
            Name::V6(name) => ptr::from_ref(name).cast(),
        }
    }

    fn length(&self) -> socklen_t {
        let bytes = match self {
            Name::V4(name) => size_of_val(name),
            Name::V6(name) => size_of_val(name),
        };
        bytes as socklen_t
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
