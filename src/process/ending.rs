//! How the end of one child is waited for.

use std::io;
use std::os::fd::BorrowedFd;
use std::process::{self, ExitStatus};
use std::rc::Rc;
use std::time::Duration;

use super::station::Watch;
use crate::hub::task::WaitingFor;
use crate::park::Manner;
use crate::park::bell::Heard;
use crate::park::line::How;
use crate::park::seat::Seat;
use crate::park::source::{Direction, Source};
use crate::sys;

/// By what the end of a child shows.
#[derive(Debug)]
pub(super) enum Ending {
    /// Nobody has had to wait yet.
    Unasked,
    /// By a descriptor that becomes readable.
    Descriptor(Rc<Source>),
    /// By SIGCHLD.
    Signal,
}

impl Ending {
    /// Waits for the end of `child`, at most for `limit`; None if it was not in time.
    pub(super) fn wait(
        &mut self,
        child: &mut process::Child,
        limit: Option<Duration>,
    ) -> io::Result<Option<ExitStatus>> {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if let Ending::Unasked = self {
            // The child has not been reaped, so the number is its own. Without a descriptor (an old kernel, a sandbox, none
            // left) there is the signal.
            let opened = sys::open_pidfd(child.id()).and_then(Source::new);
            *self = opened.map_or(Ending::Signal, Ending::Descriptor);
        }
        match self {
            Ending::Descriptor(source) => wait_for_descriptor(source, child, limit),
            _ => wait_for_signal(child, limit),
        }
    }
}

fn wait_for_descriptor(
    source: &Source,
    child: &mut process::Child,
    limit: Option<Duration>,
) -> io::Result<Option<ExitStatus>> {
    let reap = |_: BorrowedFd<'_>| child.try_wait()?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
    let what = WaitingFor::ChildEnd;
    match source.transfer_as(Direction::Read, Manner::Fallible, what, limit, reap, |_| false) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        ended => ended.map(Some),
    }
}

fn wait_for_signal(child: &mut process::Child, limit: Option<Duration>) -> io::Result<Option<ExitStatus>> {
    let limit = limit.and_then(|limit| Seat::here().limit(limit));
    let how = How { manner: Manner::Fallible, what: WaitingFor::ChildEnd, limit };
    let watch = Watch::begin(child.id())?;
    loop {
        // After the watch has begun: an end before that rings nothing.
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if watch.bell().wait(how)? == Heard::Not {
            return Ok(None);
        }
    }
}
