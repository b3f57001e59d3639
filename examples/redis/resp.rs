//! A request of the Redis protocol (RESP2), found in the bytes of a connection as they arrive.
//!
//! Nothing is copied: a request is where its arguments stand in the buffer. One that has arrived in part is not
//! read again from its beginning when more of it is there.
#![allow(dead_code, reason = "the tests of the examples compile this file for itself")]

use std::fmt::{self, Display, Formatter};
use std::ops::{Index, Range};

/// Redis's own limits: `proto-max-bulk-len`, and that of the number of arguments.
const LONGEST_ARGUMENT: i64 = 512 << 20;
const MOST_ARGUMENTS: i64 = 1 << 20;
/// The line of an inline request, without its end.
const LONGEST_INLINE: usize = 64 << 10;
/// More than the limits have, and so few that no number is too large for an `i64`.
const MOST_DIGITS: usize = 18;
const LONGEST_REQUEST: usize = 1 << 30;

/// What is wrong with a request; nothing behind it can be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    ArgumentCount,
    ArgumentLength,
    ExpectedArgument(u8),
    ExpectedLineEnd,
    InlineTooLong,
    RequestTooLong,
}

impl Display for ProtocolError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            ProtocolError::ArgumentCount => f.write_str("invalid multibulk length"),
            ProtocolError::ArgumentLength => f.write_str("invalid bulk length"),
            ProtocolError::ExpectedArgument(byte) => {
                write!(f, "expected '$', got '{}'", byte.escape_ascii())
            }
            ProtocolError::ExpectedLineEnd => f.write_str("expected a line end behind an argument"),
            ProtocolError::InlineTooLong => f.write_str("too big inline request"),
            ProtocolError::RequestTooLong => f.write_str("too big request"),
        }
    }
}

/// One whole request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    bytes: &'a [u8],
    arguments: &'a [Range<usize>],
}

impl<'a> Request<'a> {
    /// How many bytes it takes.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// How many arguments there are, the command's name among them. None for an empty line.
    pub(crate) fn count(&self) -> usize {
        self.arguments.len()
    }

    /// The arguments from the `first` on.
    pub(crate) fn from(&self, first: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.arguments[first..].iter().map(move |place| &bytes[place.clone()])
    }
}

impl Index<usize> for Request<'_> {
    type Output = [u8];

    fn index(&self, at: usize) -> &[u8] {
        &self.bytes[self.arguments[at].clone()]
    }
}

/// What is known of the request that arrives.
#[derive(Debug, Default)]
pub(crate) struct RequestParser {
    arguments: Vec<Range<usize>>,
    /// How many bytes of it are understood.
    position: usize,
    /// How many arguments are to come; `None` before that is known.
    missing: Option<usize>,
    /// The length of the next one, once its header has been read.
    length: Option<usize>,
    /// The request was handed out: the next bytes are another's.
    done: bool,
}

impl RequestParser {
    /// The request at the head of `bytes`, or `None` if a part of it is still to come. Then the next call is to
    /// begin at the same byte.
    pub(crate) fn next<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Option<Request<'a>>, ProtocolError> {
        if self.done {
            self.arguments.clear();
            // One long request is no reason to keep room for its like.
            self.arguments.shrink_to(64);
            (self.position, self.missing, self.length, self.done) = (0, None, None, false);
        }
        let whole = match (self.missing, bytes.first()) {
            (None, None) => false,
            (None, Some(b'*')) => match self.take_number(bytes, ProtocolError::ArgumentCount)? {
                None => false,
                Some(count) if count > MOST_ARGUMENTS => return Err(ProtocolError::ArgumentCount),
                Some(count) => {
                    // Less than none is none, to Redis.
                    self.missing = Some(usize::try_from(count).unwrap_or(0));
                    self.take_arguments(bytes)?
                }
            },
            (None, Some(_)) => self.take_inline(bytes)?,
            (Some(_), _) => self.take_arguments(bytes)?,
        };
        if !whole && bytes.len() > LONGEST_REQUEST {
            return Err(ProtocolError::RequestTooLong);
        }
        self.done = whole;
        Ok(whole.then_some(Request { bytes: &bytes[..self.position], arguments: &self.arguments }))
    }

    fn take_arguments(&mut self, bytes: &[u8]) -> Result<bool, ProtocolError> {
        while self.missing != Some(0) {
            let length = match self.length {
                Some(length) => length,
                None => match bytes.get(self.position) {
                    None => return Ok(false),
                    Some(b'$') => match self.take_number(bytes, ProtocolError::ArgumentLength)? {
                        None => return Ok(false),
                        Some(length @ 0..=LONGEST_ARGUMENT) => length as usize,
                        Some(_) => return Err(ProtocolError::ArgumentLength),
                    },
                    Some(byte) => return Err(ProtocolError::ExpectedArgument(*byte)),
                },
            };
            let end = self.position + length;
            match bytes.get(end..end + 2) {
                Some(b"\r\n") => self.arguments.push(self.position..end),
                Some(_) => return Err(ProtocolError::ExpectedLineEnd),
                None => {
                    self.length = Some(length);
                    return Ok(false);
                }
            }
            self.position = end + 2;
            self.length = None;
            self.missing = self.missing.map(|missing| missing - 1);
        }
        Ok(true)
    }

    /// The number behind the sigil at the position, up to the end of its line.
    fn take_number(&mut self, bytes: &[u8], error: ProtocolError) -> Result<Option<i64>, ProtocolError> {
        let line = &bytes[self.position + 1..];
        let (negative, digits) = match line {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let mut number = 0;
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' if at < MOST_DIGITS => number = 10 * number + i64::from(byte - b'0'),
                b'\r' if at > 0 => match digits.get(at + 1) {
                    None => return Ok(None),
                    Some(b'\n') => {
                        self.position += 1 + usize::from(negative) + at + 2;
                        return Ok(Some(if negative { -number } else { number }));
                    }
                    Some(_) => return Err(error),
                },
                _ => return Err(error),
            }
        }
        Ok(None)
    }

    /// A request as one types it into telnet: words in one line.
    fn take_inline(&mut self, bytes: &[u8]) -> Result<bool, ProtocolError> {
        let Some(end) = bytes.iter().take(LONGEST_INLINE + 1).position(|byte| *byte == b'\n') else {
            return if bytes.len() > LONGEST_INLINE { Err(ProtocolError::InlineTooLong) } else { Ok(false) };
        };
        let mut start = 0;
        for word in bytes[..end].split(|byte| byte.is_ascii_whitespace()) {
            if !word.is_empty() {
                self.arguments.push(start..start + word.len());
            }
            start += word.len() + 1;
        }
        self.position = end + 1;
        Ok(true)
    }
}

/// A whole number as Redis takes it: no plus, no blank, nothing behind it.
pub(crate) fn number(digits: &[u8]) -> Option<i64> {
    let (negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    // Downwards: the smallest number has no positive counterpart.
    let below = digits.iter().try_fold(0_i64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_sub(digit)
    })?;
    if negative { Some(below) } else { below.checked_neg() }
}

// ---- replies, appended to what is to be sent

/// A number in decimal digits.
pub(crate) fn put_number(number: i64, into: &mut Vec<u8>) {
    // The longest: 19 digits and a sign.
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    into.extend_from_slice(&digits[start..]);
}

pub(crate) fn put_integer(number: i64, into: &mut Vec<u8>) {
    into.push(b':');
    put_number(number, into);
    into.extend_from_slice(b"\r\n");
}

pub(crate) fn put_bulk(bytes: &[u8], into: &mut Vec<u8>) {
    into.push(b'$');
    put_number(bytes.len() as i64, into);
    into.extend_from_slice(b"\r\n");
    into.extend_from_slice(bytes);
    into.extend_from_slice(b"\r\n");
}

/// The head of an array; its elements follow.
pub(crate) fn put_array(length: usize, into: &mut Vec<u8>) {
    into.push(b'*');
    put_number(length as i64, into);
    into.extend_from_slice(b"\r\n");
}

/// An error; `reason` is one line that begins with a code in capitals.
pub(crate) fn put_error(reason: impl Display, into: &mut Vec<u8>) {
    into.extend_from_slice(format!("-{reason}\r\n").as_bytes());
}
