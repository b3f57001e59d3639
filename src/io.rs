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
//! Nothing here waits by itself: readers and writers park if what they read from or write to does, so std's
//! traits and adapters are used as they are.
//!
//! # Traps
//!
//! * Standard input, standard output and files block the OS thread as ever, and are not passed on.
//! * A `read_exact` or `write_all` that a timeout or [`cancel`](crate::JoinHandle::cancel) ends has passed on a part of
//!   its bytes, and nobody can say how many.
//! * A `BufWriter` that is dropped by a kill writes what the socket takes at once, and loses the rest: who unwinds does
//!   not wait.

pub use std::io::{
    BufRead, BufReader, BufWriter, Bytes, Chain, Cursor, Empty, Error, ErrorKind, IntoInnerError, IoSlice,
    IoSliceMut, LineWriter, Lines, Read, Repeat, Result, Seek, SeekFrom, Sink, Split, Take, Write, copy,
    empty, prelude, read_to_string, repeat, sink,
};
