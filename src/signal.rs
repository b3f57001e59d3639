//! Signals of the process, waited for by green threads.
//!
//! ```
//! use greenroom::signal::{self, Signals};
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let signals = Signals::new([signal::SIGTERM, signal::SIGUSR1])?;
//! // As `kill -USR1` does from outside.
//! greenroom::spawn(|| signal_hook::low_level::raise(signal::SIGUSR1));
//! assert_eq!(signals.wait(), signal::SIGUSR1);
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The handlers are those of the crate [signal-hook](https://docs.rs/signal-hook): they set a flag and write a byte, and
//! go on to whatever handler there was before.
//!
//! # Traps
//!
//! * A signal that somebody has asked for here does no longer what it does by default, for as long as the process lives:
//!   after a first [`ctrl_c`] the key ends the program no more, whether somebody waits for it or not.
//! * The kernel counts nothing: two signals of one number that come before the first was waited for are one.

use std::borrow::Borrow;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::FORBIDDEN;
use signal_hook::{flag, low_level};

use crate::hub::task::WaitingFor;
use crate::park::source::{Direction, Source};
use crate::park::{self, Manner};
use crate::sys;

pub use libc::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
    SIGURG, SIGUSR1, SIGUSR2, SIGWINCH,
};

/// Some signals, caught from the moment this is made until it is dropped.
///
/// What comes while nobody waits is there for the next who does. Each `Signals` gets each signal, on whichever hub it is; of
/// several green threads that wait for the same one, one gets it. As an iterator it gives what [`wait`](Self::wait) does,
/// and ends only for a caller that is unwinding.
///
/// # Examples
///
/// ```no_run
/// use greenroom::signal::{SIGHUP, SIGTERM, Signals};
///
/// # fn reload() {}
/// for number in Signals::new([SIGHUP, SIGTERM])? {
///     match number {
///         SIGHUP => reload(),
///         _ => break,
///     }
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Signals {
    watched: Vec<Watched>,
    /// A byte comes after each flag.
    source: Rc<Source>,
    /// Without it, the end of the last of those that are watched would be the end of the stream.
    _writer: UnixStream,
}

/// One signal, as long as somebody wants it.
struct Watched {
    number: i32,
    arrived: Arc<AtomicBool>,
    /// What the handler does, in this order: sets the flag, writes the byte.
    actions: Vec<SigId>,
}

impl Signals {
    /// Catches these signals from now on.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a number that is no signal or one that cannot be caught (SIGKILL,
    /// SIGSTOP) or must not (SIGSEGV, SIGFPE, SIGILL); and if there is no descriptor left.
    pub fn new<I>(signals: I) -> io::Result<Signals>
    where
        I: IntoIterator,
        I::Item: Borrow<i32>,
    {
        let (reader, writer) = UnixStream::pair()?;
        let watched = signals.into_iter().map(|number| Watched::new(*number.borrow(), &writer));
        let watched = watched.collect::<io::Result<_>>()?;
        Ok(Signals { watched, source: Source::new(reader.into())?, _writer: writer })
    }

    /// Waits for the next signal and returns its number.
    ///
    /// # Switching
    ///
    /// May, if none has come. While the caller is unwinding it does not wait: it returns 0, which is no signal.
    ///
    /// # Panics
    ///
    /// If the kernel refuses to watch one more descriptor.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; no signal is lost.
    pub fn wait(&self) -> i32 {
        self.next_number().unwrap_or(0)
    }

    fn next_number(&self) -> Option<i32> {
        match self.arrival(Manner::Infallible) {
            Ok(number) => Some(number),
            Err(_) if park::refuses() => None,
            Err(error) => panic!("cannot wait for a signal: {error}"),
        }
    }

    fn arrival(&self, manner: Manner) -> io::Result<i32> {
        loop {
            if let Some(watched) = self.watched.iter().find(|watched| watched.take()) {
                return Ok(watched.number);
            }
            // One byte a flag: the next who waits has one, too.
            let read = |fd: BorrowedFd<'_>| sys::read(fd, &mut [0]);
            self.source.transfer_as(Direction::Read, manner, WaitingFor::Signal, None, read, |_| false)?;
        }
    }
}

impl Watched {
    fn new(number: i32, writer: &UnixStream) -> io::Result<Watched> {
        if FORBIDDEN.contains(&number) {
            let why = format!("the signal {number} cannot be waited for");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let arrived = Arc::new(AtomicBool::new(false));
        let mut watched = Watched { number, arrived: arrived.clone(), actions: Vec::new() };
        // In order: whoever reads the byte finds the flag.
        watched.actions.push(flag::register(number, arrived)?);
        watched.actions.push(low_level::pipe::register(number, writer.try_clone()?)?);
        Ok(watched)
    }

    fn take(&self) -> bool {
        self.arrived.swap(false, Ordering::SeqCst)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for action in self.actions.drain(..) {
            low_level::unregister(action);
        }
    }
}

impl Iterator for Signals {
    type Item = i32;

    /// Waits for the next signal, as [`Signals::wait`] does.
    ///
    /// # Switching
    ///
    /// May, if none has come. While the caller is unwinding it returns `None` instead.
    ///
    /// # Panics
    ///
    /// If the kernel refuses to watch one more descriptor.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; no signal is lost.
    fn next(&mut self) -> Option<i32> {
        self.next_number()
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.watched.iter().map(|watched| watched.number)).finish()
    }
}

/// Waits until somebody presses Ctrl-C, or SIGINT comes from elsewhere; from the first call on it ends the program no more.
///
/// # Switching
///
/// Always.
///
/// # Errors
///
/// If the signal cannot be caught, as there is no descriptor left; if the caller is unwinding.
///
/// # Cancellation
///
/// It fails, and what comes later is lost unless somebody else waits for it.
///
/// # Examples
///
/// ```
/// # greenroom::run(|| {
/// let worker = greenroom::spawn(|| greenroom::sleep(std::time::Duration::from_secs(3600)));
/// # greenroom::spawn(|| signal_hook::low_level::raise(greenroom::signal::SIGINT));
/// greenroom::signal::ctrl_c()?;
/// worker.kill();
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn ctrl_c() -> io::Result<()> {
    Signals::new([SIGINT])?.arrival(Manner::Fallible).map(drop)
}
