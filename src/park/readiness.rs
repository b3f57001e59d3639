//! Readiness of a descriptor that stays somebody else's: whether a call on it would have to wait.
//!
//! The kernel's poller knows a descriptor by its number, once; the caller's may be known to it already, as one of our own
//! sockets or by another waiter. So each wait has a duplicate for itself. A duplicate would keep a connection alive that
//! one of our sockets closes meanwhile: those closes are told to [`closed`].

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use slab::Slab;

use crate::hub;
use crate::park;
use crate::park::source::{Direction, Source};
use crate::sys;

thread_local! {
    /// The waits of this OS thread: the number each was asked about, and its duplicate.
    static WAITS: RefCell<Slab<(RawFd, Rc<Source>)>> = const { RefCell::new(Slab::new()) };
}

/// Waits until a call in this direction would not have to, because it would succeed, fail or meet the end. False if
/// `timeout` was over first.
pub(crate) fn wait(fd: BorrowedFd<'_>, direction: Direction, timeout: Option<Duration>) -> io::Result<bool> {
    // What cannot be polled, as a file on disk, says at once that it is ready.
    if is_ready(fd, direction)? {
        park::spend(hub::current());
        return Ok(true);
    }
    let source = Source::as_it_is(fd.try_clone_to_owned()?);
    let wait = Wait::enter(fd, source);
    let look = |fd: BorrowedFd<'_>| match is_ready(fd, direction)? {
        true => Ok(()),
        false => Err(io::ErrorKind::WouldBlock.into()),
    };
    match wait.source.transfer(direction, timeout, look, |_| false) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => is_ready(wait.source.fd(), direction),
        ended => ended.map(|()| true),
    }
}

fn is_ready(fd: BorrowedFd<'_>, direction: Direction) -> io::Result<bool> {
    match direction {
        Direction::Read => sys::is_readable(fd),
        Direction::Write => sys::is_writable(fd),
    }
}

/// One of our sockets was closed: who waits for its number hears of it, and keeps nothing of it alive.
pub(crate) fn closed(fd: BorrowedFd<'_>) {
    let number = fd.as_raw_fd();
    let concerned = WAITS.try_with(|waits| {
        let waits = waits.borrow();
        let concerned = waits.iter().filter(|(_, (asked, _))| *asked == number);
        concerned.map(|(_, (_, source))| source.clone()).collect()
    });
    let concerned: Vec<Rc<Source>> = concerned.unwrap_or_default();
    for source in concerned {
        // The duplicate is gone all the same; its own closes ask here again, and find nobody.
        let _ = source.close();
    }
}

/// An entry in the list of waits; left on every way out.
struct Wait {
    source: Rc<Source>,
    /// None among the destructors of thread-locals, where there is no list.
    entry: Option<usize>,
}

impl Wait {
    fn enter(fd: BorrowedFd<'_>, source: Rc<Source>) -> Wait {
        let entry = WAITS.try_with(|waits| waits.borrow_mut().insert((fd.as_raw_fd(), source.clone()))).ok();
        Wait { source, entry }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            let _ = WAITS.try_with(|waits| waits.borrow_mut().remove(entry));
        }
    }
}
