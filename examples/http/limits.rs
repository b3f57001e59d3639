//! What one client may send, and how long it may take.

use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Bytes of a request's head.
    pub(crate) head: usize,
    /// Bytes of a request's body.
    pub(crate) body: u64,
    /// From one request to the first byte of the next, and for any byte that is waited for.
    pub(crate) idle: Duration,
    /// From the first byte of a head to its last.
    pub(crate) head_time: Duration,
    /// For a body, or for what is left of an answer that did not fit the socket at once; and a second more for each
    /// [`SLOWEST`](Self::SLOWEST) bytes of it.
    pub(crate) body_time: Duration,
}

impl Limits {
    /// The slowest client that is served, in bytes a second.
    const SLOWEST: u64 = 16 << 10;

    /// How long so many bytes may take.
    pub(crate) fn time_for(&self, bytes: u64) -> Duration {
        self.body_time + Duration::from_secs(bytes / Limits::SLOWEST)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: 16 << 10,
            body: 8 << 20,
            idle: Duration::from_secs(60),
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(20),
        }
    }
}
