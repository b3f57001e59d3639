//! Unix sockets as in [`std::os::unix::net`]: a call that would block parks its green thread instead of the OS thread.
//!
//! ```
//! use greenroom::io::{BufRead, BufReader, Write};
//! use greenroom::os::unix::net::{UnixListener, UnixStream};
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let path = std::env::temp_dir().join(format!("greenroom-lines-{}", std::process::id()));
//! let listener = UnixListener::bind(&path)?;
//! let mut client = UnixStream::connect(&path)?;
//! # std::fs::remove_file(&path)?;
//! writeln!(client, "hello")?;
//! let line = BufReader::new(listener.accept()?.0).lines().next().unwrap()?;
//! assert_eq!(line, "hello");
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Types, methods and results are those of [`std::os::unix::net`], with the differences that the module
//! [`net`](crate::net) lists. [`SocketAddr`] is std's own; an abstract name is made by std's
//! [`SocketAddrExt`](crate::os::linux::net::SocketAddrExt) and goes to `bind_addr` and `connect_addr`. Who is at the other
//! end of a stream tells [`UnixStream::peer_cred`], which std has not made stable yet. Descriptors cannot be passed.
//!
//! # Traps
//!
//! * The file of a bound socket stays when the socket goes, as with std: whoever binds removes it.
//! * Of two situations the kernel says nothing when they end: a listener's queue that is full, and a
//!   [`send_to`](UnixDatagram::send_to) to a receiver that is full of others' datagrams. There the caller looks again, at
//!   most 16 ms later, where std is told.

mod credentials;
mod datagram;
#[expect(unsafe_code, reason = "std's FromRawFd, which is unsafe to call")]
mod face;
mod listener;
mod stream;

pub use credentials::UCred;
pub use datagram::UnixDatagram;
pub use listener::{Incoming, UnixListener};
pub use std::os::unix::net::SocketAddr;
pub use stream::UnixStream;
