//! Files, as in [`std::fs`]: each call that may touch a disk runs on an OS thread of the hub's pool, and its caller parks.
//!
//! ```
//! use greenroom::fs;
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let path = std::env::temp_dir().join(format!("greenroom-{}", std::process::id()));
//! fs::write(&path, "hello")?;
//! assert_eq!(fs::read_to_string(&path)?, "hello");
//! fs::remove_file(&path)?;
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Names, signatures and results are those of [`std::fs`]. The OS threads are those of [`unblock`](crate::unblock), as many as
//! [`blocking_threads`](crate::runtime::Builder::blocking_threads) says; when all are busy, calls wait in order. Where nobody
//! could run meanwhile (on an OS thread without a hub, in a destructor while its green thread is unwinding) a call blocks the
//! OS thread, as std's does.
//!
//! # Cancellation
//!
//! A call that has begun is never interrupted: a read moves the offset of the file, and nobody would know how far. A kill,
//! a cancel or an expired timeout acts before a call begins (then nothing has happened, and the call fails or unwinds) or at
//! the next wait after it.
//!
//! # Traps
//!
//! * A call costs some 20 µs more than std's: many small reads and writes belong into a
//!   [`BufReader`](crate::io::BufReader) or [`BufWriter`](crate::io::BufWriter).
//! * A read of a FIFO or a terminal lasts as long as nobody writes, and keeps an OS thread and its green thread for that
//!   long, killed or not.
//! * Dropping a [`File`] closes it at once, which on some network file systems blocks; [`File::sync_all`] before that does
//!   the waiting.

mod directory;
mod file;
mod options;
mod paths;

use std::io;

use crate::executor;

pub use directory::{DirBuilder, DirEntry, ReadDir, read_dir};
pub use file::File;
pub use options::OpenOptions;
pub use paths::{
    canonicalize, copy, create_dir, create_dir_all, exists, hard_link, metadata, read, read_link,
    read_to_string, remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink,
    symlink_metadata, write,
};
pub use std::fs::{FileTimes, FileType, Metadata, Permissions};

/// Does what blocks elsewhere.
fn off<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    executor::finish(job)?
}
