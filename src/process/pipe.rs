//! Our ends of the pipes to a child.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::process::{self, Stdio};
use std::rc::Rc;

use crate::park::source::{Direction, Source};
use crate::sys;

/// The standard input of a child, to be written to; the counterpart of [`std::process::ChildStdin`].
///
/// Dropping it is the end of the child's input.
///
/// # Examples
///
/// ```
/// use greenroom::io::Write;
/// use greenroom::process::{Command, Stdio};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// cat.stdin.take().unwrap().write_all(b"through a cat")?;
/// assert_eq!(cat.wait_with_output()?.stdout, b"through a cat");
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ChildStdin(Rc<Source>);

/// The standard output of a child, to be read; the counterpart of [`std::process::ChildStdout`].
///
/// # Examples
///
/// ```
/// use greenroom::io::{BufRead, BufReader};
/// use greenroom::process::{Command, Stdio};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let mut echo = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
/// let mut lines = BufReader::new(echo.stdout.take().unwrap()).lines();
/// assert_eq!(lines.next().unwrap()?, "hello");
/// echo.wait()?;
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ChildStdout(Rc<Source>);

/// The standard error of a child, to be read; the counterpart of [`std::process::ChildStderr`].
///
/// # Examples
///
/// ```
/// use greenroom::io::Read;
/// use greenroom::process::{Command, Stdio};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let mut child = Command::new("sh").args(["-c", "echo oh >&2"]).stderr(Stdio::piped()).spawn()?;
/// let mut complaint = String::new();
/// child.stderr.take().unwrap().read_to_string(&mut complaint)?;
/// assert_eq!(complaint, "oh\n");
/// child.wait()?;
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ChildStderr(Rc<Source>);

impl Write for ChildStdin {
    /// Writes as much as the pipe takes: at least one byte, unless there is none to be written.
    ///
    /// # Switching
    ///
    /// May, when the pipe is full.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if nobody reads the other end any more; never a SIGPIPE, whatever the
    /// program does with that signal.
    ///
    /// # Cancellation
    ///
    /// An interrupted `write` has written nothing; an interrupted `write_all` may have written a part.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    /// Does nothing: what is written is with the kernel already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for &ChildStdin {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = |fd: BorrowedFd<'_>| sys::write_to_pipe(fd, bytes);
        self.0.transfer(Direction::Write, None, write, |&written| written < bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for ChildStdout {
    /// Reads what has come, at most `buffer.len()` bytes; 0 once the child and whoever else has the other end has closed it.
    ///
    /// # Switching
    ///
    /// May, when nothing has come. Never for an empty buffer, which is full at once.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(&self.0, buffer)
    }
}

impl Read for ChildStderr {
    /// Reads what has come, as [`ChildStdout`] does.
    ///
    /// # Switching
    ///
    /// May, when nothing has come. Never for an empty buffer, which is full at once.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(&self.0, buffer)
    }
}

fn read(source: &Source, buffer: &mut [u8]) -> io::Result<usize> {
    let room = buffer.len();
    if room == 0 {
        return Ok(0);
    }
    // A read that is not full has emptied the pipe. 0 is the end, which stays readable.
    let emptied = |&got: &usize| 0 < got && got < room;
    source.transfer(Direction::Read, None, |fd| sys::read(fd, buffer), emptied)
}

/// What all three have: std's type they are made from, and the ways to the descriptor.
macro_rules! an_end {
    ($end:ident) => {
        impl $end {
            /// Takes over std's pipe of the same name.
            ///
            /// # Errors
            ///
            /// If the descriptor cannot be made non-blocking.
            pub fn from_std(pipe: process::$end) -> io::Result<$end> {
                Source::new(pipe.into()).map($end)
            }
        }

        impl AsFd for $end {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.fd()
            }
        }

        impl AsRawFd for $end {
            fn as_raw_fd(&self) -> RawFd {
                self.as_fd().as_raw_fd()
            }
        }

        impl From<$end> for OwnedFd {
            /// Gives the descriptor up, in blocking mode again.
            ///
            /// # Panics
            ///
            /// If it cannot be made blocking.
            fn from(end: $end) -> OwnedFd {
                Source::into_fd(end.0).expect("a descriptor that can be made blocking")
            }
        }

        impl IntoRawFd for $end {
            fn into_raw_fd(self) -> RawFd {
                OwnedFd::from(self).into_raw_fd()
            }
        }

        impl From<$end> for Stdio {
            /// Makes it a standard stream of another child, in blocking mode again.
            ///
            /// # Panics
            ///
            /// If it cannot be made blocking.
            fn from(end: $end) -> Stdio {
                OwnedFd::from(end).into()
            }
        }
    };
}

an_end!(ChildStdin);
an_end!(ChildStdout);
an_end!(ChildStderr);
