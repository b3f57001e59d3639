//! [`std::io`], for programs that say `greenroom::` where they said `std::`.
//!
//! ```
//! use greenroom::io::{BufRead, BufReader, Write};
//! use greenroom::net::{TcpListener, TcpStream};
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let mut client = TcpStream::connect(listener.local_addr()?)?;
//! client.write_all(b"first\nsecond\n")?;
//! let mut lines = BufReader::new(listener.accept()?.0).lines();
//! assert_eq!((lines.next().unwrap()?, lines.next().unwrap()?), ("first".into(), "second".into()));
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Nothing here waits by itself but [`stdin`]: readers and writers park if what they read from or write to does, so std's
//! traits and adapters are used as they are.
//!
//! Standard output and standard error are std's own. None of their calls switches, so what one `print!`, `write!` or
//! `write_all` writes is never torn by another green thread.
//!
//! # Traps
//!
//! * A call to standard output blocks the OS thread while nobody reads what it is connected to.
//! * The lock of standard output belongs to the OS thread: it does not keep other green threads out if its holder parks, and
//!   neither does a `print!` with an argument that parks while it is formatted.
//! * A `read_exact` or `write_all` that a timeout or [`cancel`](crate::JoinHandle::cancel) ends has passed on a part of
//!   its bytes, and nobody can say how many.
//! * A `BufWriter` that is dropped by a kill writes what the socket takes at once, and loses the rest: who unwinds does
//!   not wait.

mod stdin;

pub use self::stdin::{Stdin, StdinLock, stdin};
pub use std::io::{
    BufRead, BufReader, BufWriter, Bytes, Chain, Cursor, Empty, Error, ErrorKind, IntoInnerError, IoSlice,
    IoSliceMut, IsTerminal, LineWriter, Lines, Read, Repeat, Result, Seek, SeekFrom, Sink, Split, Stderr,
    StderrLock, Stdout, StdoutLock, Take, Write, copy, empty, prelude, read_to_string, repeat, sink, stderr,
    stdout,
};
