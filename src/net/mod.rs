//! TCP and UDP as in [`std::net`]: a call that would block parks its green thread instead of the OS thread.
//!
//! ```
//! use greenroom::io::{Read, Write};
//! use greenroom::net::{TcpListener, TcpStream};
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let mut client = TcpStream::connect(listener.local_addr()?)?;
//! let (mut server, _) = listener.accept()?;
//! let answer = greenroom::spawn(move || server.write_all(b"hello"));
//! let mut heard = [0; 5];
//! client.read_exact(&mut heard)?;
//! assert_eq!(&heard, b"hello");
//! # answer.join().unwrap() })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Types, methods and results are those of [`std::net`]; what does not wait (addresses, [`Shutdown`]) is std's
//! own type, re-exported. Four things differ, each on purpose:
//!
//! - Sockets stay on the OS thread that made them: they are neither `Send` nor `Sync`.
//! - [`TcpStream::try_clone`] shares one descriptor, and [`TcpStream::close`], by any handle, ends the waits of
//!   all others with [`NotConnected`](std::io::ErrorKind::NotConnected). A number that was closed is given back
//!   only with the last handle.
//! - Names are looked up on a few OS threads beside the hub ([`lookup_host`]), as `getaddrinfo` cannot wait
//!   cooperatively.
//! - A listener's backlog is 1,024 connections where std asks for 128; [`TcpListener::builder`] sets it.
//!
//! For descriptors that are no sockets of these types (a pipe, a C library's socket) there are [`wait_readable`] and
//! [`wait_writable`]. Unix sockets are in [`os::unix::net`](crate::os::unix::net).
//!
//! A peer that is gone is always an error, never a `SIGPIPE`, whatever the program does with that signal.
//!
//! # Cancellation
//!
//! Every call here that waits returns [`io::Result`](std::io::Result), so a green thread that is cancelled or
//! whose [`timeout`](crate::time::timeout) has expired gets an error and keeps its stack; a kill unwinds it.
//! Neither loses bytes: what was not yet read stays in the socket.
//!
//! # Traps
//!
//! * A socket timeout ([`TcpStream::set_read_timeout`]) ends in [`WouldBlock`](std::io::ErrorKind::WouldBlock), as std's
//!   does on Unix; a [`timeout`](crate::time::timeout) scope ends in [`TimedOut`](std::io::ErrorKind::TimedOut).
//! * Once its scope is over, or it was cancelled, each call of a green thread that would wait fails: a loop that retries
//!   after every error never ends.
//! * An `accept` loop that goes on after an error without a pause spins when descriptors run out.

mod address;
mod builder;
mod connect;
#[expect(unsafe_code, reason = "std's FromRawFd, which is unsafe to call")]
pub(crate) mod face;
pub(crate) mod handle;
mod listener;
mod lookup;
#[expect(unsafe_code, reason = "addresses as the kernel reads and writes them")]
pub(crate) mod name;
mod readiness;
#[expect(unsafe_code, reason = "system calls on sockets that std does not make")]
pub(crate) mod socket;
mod stream;
pub(crate) mod transfer;
mod udp;
#[expect(unsafe_code, reason = "std's socket types lent a descriptor that they must not close")]
pub(crate) mod view;

pub use address::ToSocketAddrs;
pub use builder::TcpListenerBuilder;
pub use listener::{Incoming, TcpListener};
pub use lookup::lookup_host;
pub use readiness::{wait_readable, wait_writable};
pub use std::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6,
};
pub use stream::TcpStream;
pub use udp::UdpSocket;
