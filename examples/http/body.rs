//! A request's body as it comes in: so many bytes, or chunks (RFC 9112, 7.1).

use super::limits::Limits;
use super::refusal::Refusal;
use super::request::Framing;
use super::wire::Wire;
use greenroom::time::{Instant, timeout};
use std::io;

/// Of the lines between chunks: less than the window has room for.
const LONGEST_LINE: usize = 512;
const MOST_TRAILERS: usize = 8 << 10;

const CUT_OFF: Refusal = Refusal::bad("the body was cut off");
const TOO_LONG: Refusal = Refusal::bad("a line too long between chunks");
const TOO_LARGE: Refusal = Refusal::new(413, "a body larger than allowed");

/// The body of one request, and the part of the connection's buffer that lies behind its head.
pub(crate) struct Body<'a> {
    /// What has come and is not read yet is `window[start..end]`; past the body's end it is the next request's.
    window: &'a mut [u8],
    start: usize,
    end: usize,
    state: State,
    /// How much more of the body there may be.
    allowed: u64,
    limits: &'a Limits,
    /// When all of it has to be there; set by the first wait for it.
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers(usize),
    Done,
}

impl<'a> Body<'a> {
    /// The first `end` bytes of `window` have come already.
    pub(crate) fn new(
        framing: Framing,
        window: &'a mut [u8],
        end: usize,
        limits: &'a Limits,
    ) -> Result<Body<'a>, Refusal> {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) if length > limits.body => return Err(TOO_LARGE),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
        };
        Ok(Body { window, start: 0, end, state, allowed: limits.body, limits, deadline: None })
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether nothing of it, nor behind it, has come yet.
    pub(crate) fn has_not_begun(&self) -> bool {
        self.start == self.end
    }

    /// What has come behind the body: its place in the window.
    pub(crate) fn rest(&self) -> (usize, usize) {
        (self.start, self.end)
    }

    /// Reads a piece; 0 at the end.
    pub(crate) fn read(&mut self, wire: &mut dyn Wire, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Done => return Ok(0),
                State::Length(left) => {
                    let got = self.piece(wire, buffer, left)?;
                    let left = left - got as u64;
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok(got);
                }
                State::Chunk(left) => {
                    let got = self.piece(wire, buffer, left)?;
                    let left = left - got as u64;
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    return Ok(got);
                }
                State::ChunkSize => {
                    let (from, to) = self.line(wire)?;
                    let size = chunk_size(&self.window[from..to])?;
                    self.allowed = self.allowed.checked_sub(size).ok_or(TOO_LARGE)?;
                    self.state = if size == 0 { State::Trailers(0) } else { State::Chunk(size) };
                }
                State::ChunkEnd => {
                    if self.line(wire)? != (self.start - 2, self.start - 2) {
                        return Err(Refusal::bad("a chunk longer than its size").into());
                    }
                    self.state = State::ChunkSize;
                }
                State::Trailers(seen) => {
                    let (from, to) = self.line(wire)?;
                    let seen = seen + (to - from);
                    if seen > MOST_TRAILERS {
                        return Err(Refusal::new(431, "too many trailers").into());
                    }
                    if from < to && !self.window[from..to].contains(&b':') {
                        return Err(Refusal::bad("a trailer that is no header").into());
                    }
                    self.state = if from == to { State::Done } else { State::Trailers(seen) };
                }
            }
        }
    }

    /// Bytes of the body itself, `left` of which are to come: those that have come, else straight off the wire.
    fn piece(&mut self, wire: &mut dyn Wire, buffer: &mut [u8], left: u64) -> io::Result<usize> {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if self.start < self.end {
            let count = most.min(self.end - self.start);
            buffer[..count].copy_from_slice(&self.window[self.start..self.start + count]);
            self.start += count;
            return Ok(count);
        }
        let deadline = self.deadline_for(left);
        receive(wire, &mut buffer[..most], deadline)
    }

    /// A line, without its CRLF, as a place in the window; taken.
    fn line(&mut self, wire: &mut dyn Wire) -> io::Result<(usize, usize)> {
        let mut seen = 0;
        loop {
            let come = &self.window[self.start..self.end];
            if let Some(at) = come[seen..].iter().position(|&byte| byte == b'\n') {
                let (from, feed) = (self.start, self.start + seen + at);
                if feed == from || self.window[feed - 1] != b'\r' {
                    return Err(Refusal::bad("a line that does not end in CRLF").into());
                }
                if feed - from > LONGEST_LINE {
                    return Err(TOO_LONG.into());
                }
                self.start = feed + 1;
                return Ok((from, feed - 1));
            }
            seen = come.len();
            if seen > LONGEST_LINE {
                return Err(TOO_LONG.into());
            }
            self.fill(wire)?;
        }
    }

    fn fill(&mut self, wire: &mut dyn Wire) -> io::Result<()> {
        if self.start > 0 {
            self.window.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let deadline = self.deadline_for(self.allowed.min(1 << 20));
        self.end += receive(wire, &mut self.window[self.end..], deadline)?;
        Ok(())
    }

    fn deadline_for(&mut self, bytes: u64) -> Instant {
        *self.deadline.get_or_insert_with(|| Instant::now() + self.limits.time_for(bytes))
    }
}

fn receive(wire: &mut dyn Wire, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
    let left = deadline.saturating_duration_since(Instant::now());
    let too_slow = Refusal::new(408, "the body took too long");
    match timeout(left, || wire.read(buffer)) {
        Ok(Ok(0)) => Err(CUT_OFF.into()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Err(too_slow.into()),
        Ok(ended) => ended,
        Err(_elapsed) => Err(too_slow.into()),
    }
}

/// The size of a chunk: hexadecimal digits, then perhaps extensions, which are passed over.
fn chunk_size(line: &[u8]) -> Result<u64, Refusal> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, extensions) = line.split_at(digits);
    let is_plain = |&byte: &u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    let rest_is_fine = extensions.is_empty() || (extensions[0] == b';' && extensions.iter().all(is_plain));
    if !(1..=16).contains(&digits) || !rest_is_fine {
        return Err(Refusal::bad("a chunk without a size"));
    }
    let value = |digit: u8| u64::from((digit as char).to_digit(16).unwrap_or(0));
    Ok(number.iter().fold(0, |sum, &digit| (sum << 4) | value(digit)))
}
