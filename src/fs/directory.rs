//! Directories: what is in them, and how they are made.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, DirEntryExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{FileType, Metadata, off};

/// How many entries are fetched at once.
const BATCH: usize = 64;

/// The entries of a directory, in no order; the counterpart of [`std::fs::ReadDir`]. Made by [`read_dir`].
///
/// # Examples
///
/// ```
/// # greenroom::run(|| -> std::io::Result<()> {
/// let names = greenroom::fs::read_dir(".")?.map(|entry| entry.map(|entry| entry.file_name()));
/// let names: Vec<_> = names.collect::<Result<_, _>>()?;
/// assert!(names.iter().any(|name| name == "Cargo.toml"));
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ReadDir {
    /// A job has it for the time of one batch.
    entries: Arc<Mutex<fs::ReadDir>>,
    fetched: VecDeque<io::Result<DirEntry>>,
    is_over: bool,
}

/// An entry of a directory; the counterpart of [`std::fs::DirEntry`].
///
/// # Examples
///
/// ```
/// # greenroom::run(|| -> std::io::Result<()> {
/// for entry in greenroom::fs::read_dir("src")? {
///     let entry = entry?;
///     println!("{} {}", entry.path().display(), entry.file_type()?.is_dir());
/// }
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct DirEntry {
    entry: Arc<fs::DirEntry>,
    /// As the directory said it; None if it did not.
    kind: Option<FileType>,
}

/// Opens a directory and returns its entries, but for `.` and `..`.
///
/// # Switching
///
/// Always. `next` may, too: it fetches 64 entries at a time.
///
/// # Errors
///
/// As [`std::fs::read_dir`].
///
/// # Cancellation
///
/// It acts before the call or after it: see the [module](super).
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref().to_owned();
    let entries = Arc::new(Mutex::new(off(move || fs::read_dir(path))?));
    Ok(ReadDir { entries, fetched: VecDeque::new(), is_over: false })
}

/// Fetches some entries; fewer than a batch if there are no more.
fn fetch(entries: &Mutex<fs::ReadDir>) -> VecDeque<io::Result<DirEntry>> {
    let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
    let with_kind = |entry: fs::DirEntry| {
        let kind = entry.file_type().ok();
        DirEntry { entry: Arc::new(entry), kind }
    };
    entries.by_ref().take(BATCH).map(|entry| entry.map(with_kind)).collect()
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    /// Returns the next entry.
    ///
    /// # Switching
    ///
    /// May: entries are fetched by the batch.
    ///
    /// # Cancellation
    ///
    /// It acts before some are fetched, which fails then, or after that: see the [module](super).
    fn next(&mut self) -> Option<io::Result<DirEntry>> {
        if self.fetched.is_empty() && !self.is_over {
            let entries = self.entries.clone();
            match off(move || Ok(fetch(&entries))) {
                Ok(fetched) => self.fetched = fetched,
                Err(error) => return Some(Err(error)),
            }
            self.is_over = self.fetched.len() < BATCH;
        }
        self.fetched.pop_front()
    }
}

impl DirEntry {
    /// Returns the path: that of the directory as it was opened, and the name.
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// Returns the name.
    pub fn file_name(&self) -> OsString {
        self.entry.file_name()
    }

    /// Tells about what is there, following no symbolic link.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `lstat(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn metadata(&self) -> io::Result<Metadata> {
        let entry = self.entry.clone();
        off(move || entry.metadata())
    }

    /// Tells what kind of file it was when the directory was read, following no symbolic link.
    ///
    /// # Switching
    ///
    /// May, if that could not be known then.
    ///
    /// # Errors
    ///
    /// Those of `lstat(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn file_type(&self) -> io::Result<FileType> {
        match self.kind {
            Some(kind) => Ok(kind),
            None => self.metadata().map(|metadata| metadata.file_type()),
        }
    }
}

impl DirEntryExt for DirEntry {
    fn ino(&self) -> u64 {
        self.entry.ino()
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.fmt(f)
    }
}

/// How a directory is to be made; the counterpart of [`std::fs::DirBuilder`].
///
/// It has the method of [`DirBuilderExt`], too: `mode`.
///
/// # Examples
///
/// ```
/// use greenroom::fs::{self, DirBuilder};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let path = std::env::temp_dir().join(format!("greenroom-dir-{}", std::process::id()));
/// DirBuilder::new().recursive(true).create(path.join("a/b"))?;
/// assert!(fs::exists(path.join("a"))?);
/// # fs::remove_dir_all(path)?;
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct DirBuilder {
    recursive: bool,
    mode: Option<u32>,
}

impl DirBuilder {
    /// Makes a builder of one directory.
    #[expect(clippy::new_without_default, reason = "as std's")]
    pub fn new() -> DirBuilder {
        DirBuilder { recursive: false, mode: None }
    }

    /// Sets whether those above it that are missing are made, too.
    pub fn recursive(&mut self, recursive: bool) -> &mut DirBuilder {
        self.recursive = recursive;
        self
    }

    /// Makes the directory.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// As [`std::fs::DirBuilder::create`].
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(self.recursive);
        if let Some(mode) = self.mode {
            builder.mode(mode);
        }
        let path = path.as_ref().to_owned();
        off(move || builder.create(path))
    }
}

impl DirBuilderExt for DirBuilder {
    fn mode(&mut self, mode: u32) -> &mut DirBuilder {
        self.mode = Some(mode);
        self
    }
}
