//! How long a server's connections may keep it waiting.

use std::io;
use std::time::Duration;

use super::listener::Listener;
use crate::time::timeout;

#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Limits {
    pub(super) read: Option<Duration>,
    pub(super) write: Option<Duration>,
    /// Of reads and writes that have no limit of their own.
    pub(super) idle: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
}

impl Limits {
    /// Sets those of the socket.
    pub(super) fn set_on<L: Listener>(&self, stream: &L::Stream) -> io::Result<()> {
        L::limit(stream, self.read.or(self.idle), self.write.or(self.idle))
    }

    /// Runs a handler no longer than it may live.
    pub(super) fn run(&self, handler: impl FnOnce()) {
        match self.lifetime {
            None => handler(),
            // That it was over is no news: its waits have failed.
            Some(limit) => drop(timeout(limit, handler)),
        }
    }
}

/// A limit that is one.
#[track_caller]
pub(super) fn positive(limit: Duration) -> Option<Duration> {
    assert!(!limit.is_zero(), "a limit of no time at all would end every connection");
    Some(limit)
}
