//! A child process.

use std::fmt;
use std::io::{self, Read};
use std::process::{self, ExitStatus, Output};
use std::rc::Rc;
use std::time::Duration;

use super::ending::Ending;
use super::pipe::{ChildStderr, ChildStdin, ChildStdout};
use crate::hub::task::WaitingFor;
use crate::park::Manner;
use crate::park::bell::Bell;
use crate::park::line::How;
use crate::sys;
use crate::thread::{self, JoinHandle};

/// A process that was started by [`Command`](super::Command); the counterpart of [`std::process::Child`].
///
/// Dropping it does nothing to the process, which runs on and, after its end, stays a zombie until this process ends.
///
/// # Examples
///
/// ```
/// use greenroom::process::Command;
/// use std::time::Duration;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let mut child = Command::new("sleep").arg("60").spawn()?;
/// if child.wait_timeout(Duration::from_millis(5))?.is_none() {
///     child.terminate()?;
/// }
/// assert!(!child.wait()?.success());
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Child {
    /// Writes to its standard input, if that was to be [piped](super::Stdio::piped).
    pub stdin: Option<ChildStdin>,
    /// Reads its standard output, if that was to be piped.
    pub stdout: Option<ChildStdout>,
    /// Reads its standard error, if that was to be piped.
    pub stderr: Option<ChildStderr>,
    process: process::Child,
    ending: Ending,
}

impl Child {
    /// Takes over a child of std's, with those of its pipes that nobody has taken.
    ///
    /// # Errors
    ///
    /// If a pipe cannot be made non-blocking.
    pub fn from_std(mut child: process::Child) -> io::Result<Child> {
        Ok(Child {
            stdin: child.stdin.take().map(ChildStdin::from_std).transpose()?,
            stdout: child.stdout.take().map(ChildStdout::from_std).transpose()?,
            stderr: child.stderr.take().map(ChildStderr::from_std).transpose()?,
            process: child,
            ending: Ending::Unasked,
        })
    }

    /// Has its end told by SIGCHLD.
    pub(super) fn watch_by_signal(&mut self) {
        self.ending = Ending::Signal;
    }

    /// Returns the number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Closes the child's standard input, waits for its end and returns how it ended; later calls return the same.
    ///
    /// # Switching
    ///
    /// May, if it has not ended.
    ///
    /// # Errors
    ///
    /// If somebody else has reaped the child.
    ///
    /// # Cancellation
    ///
    /// The child runs on, and can be waited for again.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        let ended = self.ending.wait(&mut self.process, None)?;
        Ok(ended.expect("without a limit it waits for the end"))
    }

    /// Closes the child's standard input and waits for its end, at most for `limit`; returns `None` if it has not ended.
    ///
    /// # Switching
    ///
    /// May, if it has not ended.
    ///
    /// # Errors
    ///
    /// If somebody else has reaped the child.
    ///
    /// # Cancellation
    ///
    /// The child runs on, and can be waited for again.
    pub fn wait_timeout(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        drop(self.stdin.take());
        self.ending.wait(&mut self.process, Some(limit))
    }

    /// Returns how the child ended, if it has; its standard input stays open.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// If somebody else has reaped the child.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Closes the child's standard input, reads its output and its errors to their ends, both at once, and waits for its
    /// end.
    ///
    /// What was not [piped](super::Stdio::piped), or was taken, comes back empty.
    ///
    /// # Switching
    ///
    /// May, until the child has ended and whoever else has the other ends of its pipes has closed them.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`, and if somebody else has reaped the child.
    ///
    /// # Cancellation
    ///
    /// What was read is lost. The child runs on with its pipes broken; a daemon reaps it once it has ended, if the hub is
    /// still there.
    pub fn wait_with_output(mut self) -> io::Result<Output> {
        drop(self.stdin.take());
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let mut kept = Kept(Some(self));
        let errors = Errors::read(stderr)?;
        let mut output = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut output)?;
        }
        let stderr = errors.wait()?;
        Ok(Output { status: kept.wait()?, stdout: output, stderr })
    }

    /// Waits for its end with nobody left who could do so later.
    pub(super) fn wait_once(self) -> io::Result<ExitStatus> {
        Kept(Some(self)).wait()
    }

    /// Ends the child at once: SIGKILL. It is still to be waited for.
    ///
    /// Nothing happens if it was waited for before: its number may be another's by now.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// Those of `kill(2)`, such as [`PermissionDenied`](io::ErrorKind::PermissionDenied).
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    /// Asks the child to end: SIGTERM. It may take its time, or not heed it; and it is still to be waited for.
    ///
    /// Nothing happens if it has ended.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// As [`kill`](Self::kill); and if somebody else has reaped the child.
    pub fn terminate(&mut self) -> io::Result<()> {
        // Whoever has not been reaped has the number still.
        match self.process.try_wait()? {
            Some(_) => Ok(()),
            None => sys::terminate(self.process.id()),
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id())
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .finish_non_exhaustive()
    }
}

/// A child whose only handle is inside a call: if that is interrupted, somebody else is to reap it.
struct Kept(Option<Child>);

impl Kept {
    fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.0.as_mut().expect("taken below only").wait();
        if status.is_ok() {
            self.0 = None;
        }
        status
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        if let Ok(None) = child.try_wait() {
            let reaper = thread::Builder::new().name("reaper of a child").daemon(true);
            // An ending hub takes nobody new; then it stays a zombie.
            let _ = reaper.spawn(move || child.wait());
        }
    }
}

/// The standard error of a child, read by a green thread of its own while somebody reads the output.
struct Errors(Option<Reading>);

struct Reading {
    reader: JoinHandle<io::Result<Vec<u8>>>,
    over: Rc<Bell>,
}

impl Errors {
    fn read(stderr: Option<ChildStderr>) -> io::Result<Errors> {
        let Some(mut stderr) = stderr else { return Ok(Errors(None)) };
        let over = Rc::new(Bell::new());
        let rings = Rings(over.clone());
        let reader = thread::Builder::new().name("standard error of a child").spawn(move || {
            let _rings = rings;
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).map(|_| bytes)
        })?;
        Ok(Errors(Some(Reading { reader, over })))
    }

    fn wait(mut self) -> io::Result<Vec<u8>> {
        let Some(reading) = &self.0 else { return Ok(Vec::new()) };
        let how = How { manner: Manner::Fallible, what: WaitingFor::Readable, limit: None };
        reading.over.wait(how)?;
        let Some(Reading { reader, .. }) = self.0.take() else { unreachable!("as was just seen") };
        reader.join().unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        if let Some(reading) = &self.0 {
            reading.reader.kill();
        }
    }
}

/// Rings when it is dropped: however the reader ends.
struct Rings(Rc<Bell>);

impl Drop for Rings {
    fn drop(&mut self) {
        self.0.ring();
    }
}
