//! Standard input, read by one OS thread on behalf of all who wait for it.
//!
//! A descriptor that others share cannot be made non-blocking: they would see it. So the OS thread reads, when somebody
//! waits and not before, and what it has read stays here until somebody takes it.

use std::fmt;
use std::io::{self, BufRead, Lines, Read};

use crate::executor::{self, Future};
use crate::park::Manner;
use crate::park::seat::WaitingFor;
use crate::sync::{Mutex, MutexGuard};

static INPUT: Mutex<Input> = Mutex::new(Input { bytes: Vec::new(), at: 0, coming: None });

/// What was read and not taken, and what is being read.
struct Input {
    /// Taken up to `at`.
    bytes: Vec<u8>,
    at: usize,
    coming: Option<Future<io::Result<Vec<u8>>>>,
}

/// Standard input of the process; the counterpart of [`std::io::Stdin`].
///
/// Whoever waits for input parks; the bytes are those that std's would give, and both may be used. Readers, on whichever
/// hub, are served one after the other: each call has the [lock](Self::lock).
///
/// # Examples
///
/// ```no_run
/// # greenroom::run(|| -> std::io::Result<()> {
/// for line in greenroom::io::stdin().lines() {
///     println!("{}", line?.to_uppercase());
/// }
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Stdin(());

/// Standard input, as long as nobody else may read it; the counterpart of [`std::io::StdinLock`].
///
/// A call that is interrupted takes nothing: a line that has come by half is there for the next.
///
/// # Examples
///
/// ```no_run
/// use greenroom::io::{BufRead, stdin};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let mut lock = stdin().lock();
/// let (mut name, mut town) = (String::new(), String::new());
/// lock.read_line(&mut name)?;
/// lock.read_line(&mut town)?;
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct StdinLock<'a>(MutexGuard<'a, Input>);

/// Returns the standard input of the process.
///
/// # Examples
///
/// ```no_run
/// let mut answer = String::new();
/// greenroom::io::stdin().read_line(&mut answer)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn stdin() -> Stdin {
    Stdin(())
}

impl Stdin {
    /// Waits until nobody else reads, and keeps the others out until the guard is dropped.
    ///
    /// # Switching
    ///
    /// May, if somebody has it; also while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller has it already.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn lock(&self) -> StdinLock<'static> {
        StdinLock(INPUT.lock())
    }

    /// Reads a line, with its end, and adds it to `line`; 0 at the end of the input.
    ///
    /// # Switching
    ///
    /// May, if no whole line has come, or somebody else reads.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) for a line that is not UTF-8, which is lost; those of `read(2)`.
    ///
    /// # Panics
    ///
    /// Panics if the caller has the [lock](Self::lock).
    ///
    /// # Cancellation
    ///
    /// No byte is lost. While somebody else reads, a kill and an expired timeout unwind here.
    pub fn read_line(&self, line: &mut String) -> io::Result<usize> {
        self.lock().read_line(line)
    }

    /// Returns an iterator over the lines, without their ends. It has the lock.
    ///
    /// # Switching
    ///
    /// May, if somebody else reads. `next` may, too, as [`read_line`](Self::read_line).
    ///
    /// # Panics
    ///
    /// Panics if the caller has the [lock](Self::lock).
    ///
    /// # Cancellation
    ///
    /// As [`read_line`](Self::read_line).
    pub fn lines(self) -> Lines<StdinLock<'static>> {
        self.lock().lines()
    }
}

impl Read for Stdin {
    /// Reads what has come, at most `buffer.len()` bytes; 0 at the end of the input.
    ///
    /// # Switching
    ///
    /// May, if nothing has come, or somebody else reads.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Panics
    ///
    /// Panics if the caller has the [lock](Stdin::lock).
    ///
    /// # Cancellation
    ///
    /// No byte is lost. While somebody else reads, a kill and an expired timeout unwind here.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        self.lock().read_to_end(bytes)
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        self.lock().read_to_string(text)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.lock().read_exact(buffer)
    }
}

impl Read for &Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        self.lock().read_to_end(bytes)
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        self.lock().read_to_string(text)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.lock().read_exact(buffer)
    }
}

impl Read for StdinLock<'_> {
    /// Reads what has come, at most `buffer.len()` bytes; 0 at the end of the input.
    ///
    /// # Switching
    ///
    /// May, if nothing has come. Never for an empty buffer, which is full at once.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let all = self.0.fill_until(|_, _| None)?;
        bytes.extend_from_slice(self.0.take(all));
        Ok(all)
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        let all = self.0.fill_until(|_, _| None)?;
        add_text(text, self.0.take(all))
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let wanted = buffer.len();
        let there = self.0.fill_until(|bytes, _| (bytes.len() >= wanted).then_some(wanted))?;
        if there < wanted {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "failed to fill whole buffer"));
        }
        buffer.copy_from_slice(self.0.take(wanted));
        Ok(())
    }
}

impl BufRead for StdinLock<'_> {
    /// Returns what has come and is not yet consumed; nothing at the end of the input.
    ///
    /// # Switching
    ///
    /// May, if nothing has come.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.0.untaken().is_empty() {
            self.0.refill()?;
        }
        Ok(self.0.untaken())
    }

    fn consume(&mut self, count: usize) {
        self.0.take(count);
    }

    fn read_until(&mut self, end: u8, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let count = self.0.fill_until(|bytes, seen| {
            let found = bytes[seen..].iter().position(|byte| *byte == end);
            found.map(|place| seen + place + 1)
        })?;
        bytes.extend_from_slice(self.0.take(count));
        Ok(count)
    }

    fn read_line(&mut self, line: &mut String) -> io::Result<usize> {
        let mut bytes = Vec::new();
        self.read_until(b'\n', &mut bytes)?;
        add_text(line, &bytes)
    }
}

fn add_text(text: &mut String, bytes: &[u8]) -> io::Result<usize> {
    let more = std::str::from_utf8(bytes);
    let more =
        more.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))?;
    text.push_str(more);
    Ok(more.len())
}

impl Input {
    fn untaken(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let from = self.at;
        self.at = (from + count).min(self.bytes.len());
        &self.bytes[from..self.at]
    }

    /// Reads on until `enough` says how many bytes are wanted, or to the end; returns how many there are. Nothing is taken:
    /// whoever is interrupted here leaves all of it. `enough` is told how many of the bytes it has seen before.
    fn fill_until(&mut self, enough: impl Fn(&[u8], usize) -> Option<usize>) -> io::Result<usize> {
        let mut seen = 0;
        loop {
            if let Some(count) = enough(self.untaken(), seen) {
                return Ok(count);
            }
            seen = self.untaken().len();
            if self.refill()? == 0 {
                return Ok(seen);
            }
        }
    }

    /// Waits for more bytes; 0 at the end. An interrupted caller leaves the read to the next.
    fn refill(&mut self) -> io::Result<usize> {
        let coming = self.coming.get_or_insert_with(|| executor::have_read(read_what_comes));
        coming.await_end(Manner::Fallible, WaitingFor::Readable, None)?;
        let read = self.coming.take().expect("as was just awaited").take().map_err(io::Error::other)??;
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(&read);
        Ok(read.len())
    }
}

/// Runs on the OS thread that reads. It goes through std's buffer, so that what std has read before comes first.
fn read_what_comes() -> io::Result<Vec<u8>> {
    let mut input = io::stdin().lock();
    loop {
        match input.fill_buf() {
            Ok(bytes) => {
                let bytes = bytes.to_vec();
                input.consume(bytes.len());
                return Ok(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl fmt::Debug for StdinLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdinLock").finish_non_exhaustive()
    }
}
