//! [`std::io`], for programs that say `greenroom::` where they said `std::`.
//!
//! Nothing here waits by itself: readers and writers park if what they read from or write to does, so std's
//! traits and adapters are used as they are. Standard input and output block the OS thread as ever and are not
//! passed on.

pub use std::io::{
    BufRead, BufReader, BufWriter, Bytes, Chain, Cursor, Empty, Error, ErrorKind, IntoInnerError, IoSlice,
    IoSliceMut, LineWriter, Lines, Read, Repeat, Result, Seek, SeekFrom, Sink, Split, Take, Write, copy,
    empty, prelude, read_to_string, repeat, sink,
};
