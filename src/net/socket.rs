//! The system calls on sockets that std does not make, or not with the flags needed here; one function a call.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::{self, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, socklen_t};

use super::name::Name;

/// The most slices the kernel takes in one call: `UIO_MAXIOV` of `readv(2)`.
pub(super) const MOST_SLICES: usize = 1024;

/// Makes a stream socket of the family of `name`; non-blocking and closed on exec from its first moment.
pub(crate) fn open(name: &Name) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: S17: the call takes no pointers, and the number it returns is new, so nobody else owns it.
    unsafe { Ok(OwnedFd::from_raw_fd(check(libc::socket(name.family(), kind, 0))?)) }
}

/// Connects, or starts to. A TCP socket is writable once the attempt has ended, well or badly: `connect(2)`,
/// `EINPROGRESS`.
pub(crate) fn connect(socket: BorrowedFd<'_>, name: &Name) -> io::Result<()> {
    // SAFETY: S18: pointer and length are those of `name`, which lives across the call.
    check(unsafe { libc::connect(socket.as_raw_fd(), name.pointer(), name.length()) }).map(drop)
}

/// Gives the socket its own address.
pub(super) fn bind(socket: BorrowedFd<'_>, name: &Name) -> io::Result<()> {
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
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    receive_with(socket, buffer, 0)
}

/// Receives what has arrived and leaves it in the queue.
pub(crate) fn peek(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    receive_with(socket, buffer, libc::MSG_PEEK)
}

fn receive_with(socket: BorrowedFd<'_>, buffer: &mut [u8], flags: c_int) -> io::Result<usize> {
    let (start, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: S18: start and room are those of `buffer`, borrowed for us alone across the call.
    transferred(unsafe { libc::recv(socket.as_raw_fd(), start, room, flags | libc::MSG_DONTWAIT) })
}

/// Receives one datagram, with its sender's address; what the buffer has no room for is lost.
pub(crate) fn receive_from(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Name)> {
    receive_from_with(socket, buffer, 0)
}

/// Receives one datagram, with its sender's address, and leaves it in the queue.
pub(crate) fn peek_from(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Name)> {
    receive_from_with(socket, buffer, libc::MSG_PEEK)
}

fn receive_from_with(socket: BorrowedFd<'_>, buffer: &mut [u8], flags: c_int) -> io::Result<(usize, Name)> {
    let (start, room, flags) = (buffer.as_mut_ptr().cast(), buffer.len(), flags | libc::MSG_DONTWAIT);
    let mut sender = Name::room();
    let (name, length) = sender.parts_mut();
    // SAFETY: S18: start and room are those of `buffer`, name and length those of `sender`, all ours alone across the
    // call.
    let got = transferred(unsafe { libc::recvfrom(socket.as_raw_fd(), start, room, flags, name, length) })?;
    Ok((got, sender))
}

/// Sends one datagram to whom the name belongs.
pub(crate) fn send_to(socket: BorrowedFd<'_>, bytes: &[u8], to: &Name) -> io::Result<usize> {
    let (start, length) = (bytes.as_ptr().cast(), bytes.len());
    let (name, name_length) = (to.pointer(), to.length());
    // SAFETY: S18: start and length are those of `bytes`, the others those of `to`; both live across the call.
    transferred(unsafe { libc::sendto(socket.as_raw_fd(), start, length, SEND_FLAGS, name, name_length) })
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
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
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

/// Who is at the other end of a Unix socket, as the kernel noted when the two were connected: process, user, group.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<(Option<i32>, u32, u32)> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as socklen_t;
    // SAFETY: S18: the pointers are those of `peer` and of its length, which live across the call.
    check(unsafe {
        let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
        libc::getsockopt(socket.as_raw_fd(), level, option, ptr::from_mut(&mut peer).cast(), &mut length)
    })?;
    Ok((Some(peer.pid), peer.uid, peer.gid))
}

/// Who is at the other end of a Unix socket; this system does not tell which process.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<(Option<i32>, u32, u32)> {
    let (mut user, mut group) = (0, 0);
    // SAFETY: S18: the pointers are those of two variables that live across the call.
    check(unsafe { libc::getpeereid(socket.as_raw_fd(), &mut user, &mut group) })?;
    Ok((None, user, group))
}

const SEND_FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// A message of buffers only: no name, no control data.
fn message_of(buffers: *mut libc::iovec, count: usize) -> libc::msghdr {
    // SAFETY: S18: all zero is a valid msghdr, with no buffers at all.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = buffers;
    message.msg_iovlen = count as _;
    message
}

fn transferred(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
