//! Waits for a descriptor that is no socket of this crate's.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::park::readiness;
use crate::park::source::Direction;

/// Waits until a read from the descriptor would not wait: something has arrived, the end has, or an error. False if
/// `timeout` was over first.
///
/// Whatever `poll(2)` knows will do: pipes, terminals, the sockets of a C library, `eventfd` and its like. What cannot be
/// polled, as a file on disk, is always ready. The descriptor stays the caller's, in the mode it was in; and as others may
/// read from it too, the read that follows is best made in non-blocking mode.
///
/// # Switching
///
/// May, when it is not ready.
///
/// # Errors
///
/// If the system has no descriptor left (the wait is for a duplicate), or the poller does not take it;
/// [`NotConnected`](io::ErrorKind::NotConnected) when a socket of this crate is closed meanwhile.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let (mut reader, mut writer) = std::io::pipe()?;
/// greenroom::spawn(move || writer.write_all(b"hello"));
/// assert!(greenroom::net::wait_readable(&reader, None)?);
/// assert_eq!(reader.read(&mut [0; 8])?, 5);
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn wait_readable<D: AsFd>(descriptor: D, timeout: Option<Duration>) -> io::Result<bool> {
    readiness::wait(descriptor.as_fd(), Direction::Read, timeout)
}

/// Waits until a write to the descriptor would not wait: there is room, or an error. False if `timeout` was over first.
///
/// What descriptors it takes, and how, is as with [`wait_readable`].
///
/// # Switching
///
/// May, when it is not ready.
///
/// # Errors
///
/// As [`wait_readable`].
///
/// # Examples
///
/// ```
/// let (_reader, writer) = std::io::pipe()?;
/// assert!(greenroom::net::wait_writable(&writer, None)?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn wait_writable<D: AsFd>(descriptor: D, timeout: Option<Duration>) -> io::Result<bool> {
    readiness::wait(descriptor.as_fd(), Direction::Write, timeout)
}
