//! Where a request's head ends: at the first empty line. Every line ends in CRLF, and a bare LF is refused, for others
//! on the way may not take it for an end (RFC 9112, 2.2).

use super::refusal::Refusal;

/// The search for the end of one head, resumed as bytes come in.
#[derive(Default)]
pub(crate) struct Search {
    /// Where the line begins that is looked at.
    line: usize,
    /// What has been looked at.
    seen: usize,
}

impl Search {
    /// Returns the length of the head with its empty line, or None if more is to come.
    pub(crate) fn end_of_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        while let Some(at) = bytes[self.seen..].iter().position(|&byte| byte == b'\n') {
            let end = self.seen + at;
            if end == self.line || bytes[end - 1] != b'\r' {
                return Err(Refusal::bad("a line that does not end in CRLF"));
            }
            self.seen = end + 1;
            if end == self.line + 1 {
                return Ok(Some(end + 1));
            }
            self.line = end + 1;
        }
        self.seen = bytes.len();
        Ok(None)
    }

    /// Whether the first line has not ended yet.
    pub(crate) fn is_in_first_line(&self) -> bool {
        self.line == 0
    }
}
