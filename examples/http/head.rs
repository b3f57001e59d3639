//! Where a request's head ends: at the first empty line. Every line ends in CRLF, and a bare LF is refused, for others
//! on the way may not take it for an end (RFC 9112, 2.2).

use super::refusal::Refusal;
use std::io::BufRead;

/// The search for the end of one head, resumed as bytes come in.
#[derive(Default)]
pub(crate) struct Search {
    /// Where the line begins that is looked at.
    line: usize,
    /// What has been looked at.
    seen: usize,
    /// How long the first line is, if it has ended.
    first_line: Option<usize>,
}

impl Search {
    /// Returns the length of the head with its empty line, or None if more is to come.
    pub(crate) fn end_of_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        loop {
            // A search for one byte by whole words: this is where most of a request's instructions would go.
            let passed = (&bytes[self.seen..]).skip_until(b'\n').unwrap_or(0);
            self.seen += passed;
            if passed == 0 || bytes[self.seen - 1] != b'\n' {
                return Ok(None);
            }
            let end = self.seen - 1;
            if end == self.line || bytes[end - 1] != b'\r' {
                return Err(Refusal::bad("a line that does not end in CRLF"));
            }
            if end == self.line + 1 {
                return Ok(Some(self.seen));
            }
            self.line = self.seen;
            self.first_line.get_or_insert(self.seen);
        }
    }

    /// Whether the first line alone is longer than `limit`; as far as it has come.
    pub(crate) fn first_line_exceeds(&self, limit: usize) -> bool {
        self.first_line.unwrap_or(self.seen) > limit
    }
}
