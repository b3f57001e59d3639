//! An open file.

use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::{FileTimes, Metadata, OpenOptions, Permissions, off};

/// The most that one call reads or writes: each has a buffer of its own.
const MOST: usize = 2 << 20;

/// An open file; the counterpart of [`std::fs::File`].
///
/// Reading, writing and seeking are by [`Read`], [`Write`] and [`Seek`], which `&File` has too; at a given offset, by
/// [`FileExt`]. One call transfers at most 2 MiB.
///
/// # Examples
///
/// ```
/// use greenroom::fs::{self, File};
/// use greenroom::io::{Read, Seek, Write};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let path = std::env::temp_dir().join(format!("greenroom-file-{}", std::process::id()));
/// let mut file = File::options().read(true).write(true).create(true).open(&path)?;
/// file.write_all(b"hello")?;
/// file.rewind()?;
/// let mut text = String::new();
/// file.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # fs::remove_file(&path)?;
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct File(Arc<fs::File>);

impl File {
    /// Opens a file for reading.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// As [`std::fs::File::open`].
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens a file for writing, emptied if it is there and made if it is not.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// As [`std::fs::File::create`].
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn create(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file that is not there yet, for reading and writing.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// As [`std::fs::File::create_new`].
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn create_new(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// Returns options of which none is set.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes over a file of std's.
    pub fn from_std(file: fs::File) -> File {
        File(Arc::new(file))
    }

    /// Turns it into one of std's.
    ///
    /// # Errors
    ///
    /// If a call that was left behind still has the descriptor, which then has to be duplicated and cannot.
    pub fn into_std(self) -> io::Result<fs::File> {
        Arc::try_unwrap(self.0).or_else(|shared| shared.try_clone())
    }

    /// Waits until all that was written, and what is known about the file, is on the disk.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `fsync(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn sync_all(&self) -> io::Result<()> {
        self.with(|file| file.sync_all())
    }

    /// Waits until all that was written is on the disk.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `fdatasync(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn sync_data(&self) -> io::Result<()> {
        self.with(|file| file.sync_data())
    }

    /// Cuts the file to `size` bytes, or lengthens it with zeroes.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `ftruncate(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        self.with(move |file| file.set_len(size))
    }

    /// Tells about the file.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `fstat(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.with(|file| file.metadata())
    }

    /// Sets the permissions of the file.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `fchmod(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.with(move |file| file.set_permissions(permissions))
    }

    /// Sets when the file was last read and written.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `futimens(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    pub fn set_times(&self, times: FileTimes) -> io::Result<()> {
        self.with(move |file| file.set_times(times))
    }

    /// Returns a second handle to the same open file, with the same offset and a descriptor of its own.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// If there is no descriptor left.
    pub fn try_clone(&self) -> io::Result<File> {
        self.0.try_clone().map(File::from_std)
    }

    /// Has `job` done to the file elsewhere.
    fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&fs::File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let file = self.0.clone();
        off(move || {
            let done = job(&file);
            // Before its caller goes on: else the descriptor would be shared for a moment longer.
            drop(file);
            done
        })
    }

    /// Has as much read as `buffer` has room for, into a buffer that belongs to the job.
    fn fill(
        &self,
        buffer: &mut [u8],
        read: impl FnOnce(&fs::File, &mut [u8]) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<usize> {
        let room = buffer.len().min(MOST);
        let bytes = self.with(move |file| {
            let mut bytes = vec![0; room];
            let count = read(file, &mut bytes)?;
            bytes.truncate(count);
            Ok(bytes)
        })?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn drain(
        &self,
        bytes: &[u8],
        write: impl FnOnce(&fs::File, &[u8]) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<usize> {
        let bytes = bytes[..bytes.len().min(MOST)].to_vec();
        self.with(move |file| write(file, &bytes))
    }
}

impl Read for &File {
    /// Reads from where the file stands, at most `buffer.len()` bytes; 0 at its end.
    ///
    /// # Switching
    ///
    /// Always. Never for an empty buffer, which is full at once.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it, so the offset moves by what was returned.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.fill(buffer, |mut file, bytes| file.read(bytes))
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let (read, more) = self.with(|mut file| {
            let mut more = Vec::new();
            Ok((file.read_to_end(&mut more), more))
        })?;
        bytes.extend_from_slice(&more);
        read
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        let (read, more) = self.with(|mut file| {
            let mut more = String::new();
            Ok((file.read_to_string(&mut more), more))
        })?;
        text.push_str(&more);
        read
    }
}

impl Write for &File {
    /// Writes where the file stands, at most 2 MiB of `bytes`; returns how many.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `write(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it; an interrupted `write_all` of more than 2 MiB may have written a part.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.drain(bytes, |mut file, bytes| file.write(bytes))
    }

    /// Does nothing: what is written is with the kernel already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    /// Moves to another place in the file; returns how far from its begin that is.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// Those of `lseek(2)`.
    ///
    /// # Cancellation
    ///
    /// It acts before the call or after it: see the [module](super).
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // On the pool, too: the kernel has seeks wait for a read that another handle has begun.
        self.with(move |mut file| file.seek(to))
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        (&*self).read_to_end(bytes)
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        (&*self).read_to_string(text)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}

impl FileExt for File {
    /// Reads from `offset` on; where the file stands does not matter and stays.
    ///
    /// # Switching
    ///
    /// Always.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.fill(buffer, move |file, bytes| file.read_at(bytes, offset))
    }

    /// Writes from `offset` on; where the file stands does not matter and stays.
    ///
    /// # Switching
    ///
    /// Always.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.drain(bytes, move |file, bytes| file.write_at(bytes, offset))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<fs::File> for File {
    fn from(file: fs::File) -> File {
        File::from_std(file)
    }
}

impl From<OwnedFd> for File {
    fn from(descriptor: OwnedFd) -> File {
        File::from_std(descriptor.into())
    }
}

impl From<File> for OwnedFd {
    /// Gives the descriptor up as [`File::into_std`] does, which has no panic.
    ///
    /// # Panics
    ///
    /// If it has to be duplicated and cannot.
    fn from(file: File) -> OwnedFd {
        file.into_std().expect("a file that gives its descriptor up").into()
    }
}

impl From<File> for std::process::Stdio {
    /// Makes it a standard stream of a child, as [`File::into_std`] gives it up, which has no panic.
    ///
    /// # Panics
    ///
    /// If its descriptor has to be duplicated and cannot.
    fn from(file: File) -> std::process::Stdio {
        OwnedFd::from(file).into()
    }
}

impl IntoRawFd for File {
    /// Gives the descriptor up as [`File::into_std`] does, which has no panic.
    ///
    /// # Panics
    ///
    /// If it has to be duplicated and cannot.
    fn into_raw_fd(self) -> RawFd {
        OwnedFd::from(self).into_raw_fd()
    }
}
