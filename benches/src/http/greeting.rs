//! The answers, ready to be sent: their one part that changes is the date.

use super::BODY;
use std::time::{Duration, SystemTime};

/// For a request that is none, and for one that this server cannot take; the connection is closed behind it.
pub(super) const REFUSAL: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The whole answer, made again each second.
pub(super) struct Greeting {
    bytes: Vec<u8>,
    good_until: SystemTime,
}

impl Greeting {
    pub(super) fn new() -> Greeting {
        Greeting { bytes: Vec::new(), good_until: SystemTime::UNIX_EPOCH }
    }

    pub(super) fn bytes(&mut self) -> &[u8] {
        let now = SystemTime::now();
        // A clock that is set back must not freeze the date.
        if now >= self.good_until || self.good_until > now + Duration::from_secs(1) {
            self.make(now);
        }
        &self.bytes
    }

    fn make(&mut self, now: SystemTime) {
        let date = httpdate::fmt_http_date(now);
        let length = BODY.len();
        self.bytes = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nDate: {date}\r\n\r\n{BODY}"
        )
        .into_bytes();
        let past_the_second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.subsec_nanos());
        self.good_until = now + Duration::from_secs(1) - Duration::from_nanos(u64::from(past_the_second));
    }
}
