//! The date of an answer, written once a second.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// As long as every date of this form is (RFC 9110, 5.6.7).
const LENGTH: usize = "Sun, 06 Nov 1994 08:49:37 GMT".len();

#[derive(Default)]
pub(crate) struct Date {
    second: Cell<u64>,
    text: Cell<[u8; LENGTH]>,
}

impl Date {
    pub(crate) fn now(&self) -> [u8; LENGTH] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.second.replace(now) != now {
            let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(now));
            self.text.set(text.as_bytes().try_into().expect("a date of the one length"));
        }
        self.text.get()
    }
}
