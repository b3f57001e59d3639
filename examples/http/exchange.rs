//! One request and its answer: the handler reads the body and writes the answer here.

use super::body::Body;
use super::date::Date;
use super::limits::Limits;
use super::refusal::phrase;
use super::request::Request;
use super::wire::Wire;
use greenroom::time::timeout;
use std::io::{self, IoSlice, Read, Write};

/// An answer is sent when so much of it has gathered, or when the next request has to be waited for.
const GATHERED: usize = 16 << 10;

pub(crate) struct Exchange<'a> {
    pub(super) wire: &'a mut dyn Wire,
    pub(super) output: &'a mut Vec<u8>,
    pub(super) body: Body<'a>,
    pub(super) date: &'a Date,
    pub(super) limits: &'a Limits,
    pub(super) answer: Answer,
    /// Whether the connection goes on after this.
    pub(super) keep_alive: bool,
    pub(super) owes_continue: bool,
    pub(super) is_head: bool,
    pub(super) minor_version: u8,
}

/// How far the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    NotBegun,
    /// So many bytes are to come.
    Length(u64),
    Chunks,
    /// Its end is the connection's: HTTP/1.0 has no other for what has no length.
    UntilClose,
    Done,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        request: &Request<'_>,
        body: Body<'a>,
        wire: &'a mut dyn Wire,
        output: &'a mut Vec<u8>,
        date: &'a Date,
        limits: &'a Limits,
    ) -> Exchange<'a> {
        Exchange {
            wire,
            output,
            date,
            limits,
            answer: Answer::NotBegun,
            keep_alive: request.keep_alive,
            owes_continue: request.expects_continue && body.has_not_begun(),
            is_head: request.method == "HEAD",
            minor_version: request.minor_version,
            body,
        }
    }

    /// Answers all at once.
    pub(crate) fn answer(&mut self, status: u16, kind: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin(status, kind, Some(bytes.len() as u64), &[])?;
        self.write_all(bytes)
    }

    /// Begins an answer: `length` bytes are to be written, or as many as there will be. `more` are whole header lines.
    pub(crate) fn begin(
        &mut self,
        status: u16,
        kind: &str,
        length: Option<u64>,
        more: &[&str],
    ) -> io::Result<()> {
        assert_eq!(self.answer, Answer::NotBegun, "a request has one answer");
        let has_body = !matches!(status, 204 | 304);
        self.answer = match length {
            _ if !has_body => Answer::Length(0),
            Some(length) => Answer::Length(length),
            None if self.minor_version == 1 => Answer::Chunks,
            None => Answer::UntilClose,
        };
        // What the client was not asked to send it may send or not: the next request could begin anywhere.
        if (self.owes_continue && !self.body.is_done()) || self.answer == Answer::UntilClose {
            self.keep_alive = false;
        }
        let out = &mut *self.output;
        match status {
            200 => out.extend_from_slice(b"HTTP/1.1 200 OK\r\ndate: "),
            _ => {
                out.extend_from_slice(b"HTTP/1.1 ");
                push_number(out, u64::from(status));
                out.push(b' ');
                out.extend_from_slice(phrase(status).as_bytes());
                out.extend_from_slice(b"\r\ndate: ");
            }
        }
        out.extend_from_slice(&self.date.now());
        if has_body {
            out.extend_from_slice(b"\r\ncontent-type: ");
            out.extend_from_slice(kind.as_bytes());
        }
        match self.answer {
            Answer::Length(length) if has_body => {
                out.extend_from_slice(b"\r\ncontent-length: ");
                push_number(out, length);
            }
            Answer::Chunks => out.extend_from_slice(b"\r\ntransfer-encoding: chunked"),
            _ => {}
        }
        for line in more {
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(line.as_bytes());
        }
        match (self.keep_alive, self.minor_version) {
            (false, _) => out.extend_from_slice(b"\r\nconnection: close\r\n\r\n"),
            (true, 0) => out.extend_from_slice(b"\r\nconnection: keep-alive\r\n\r\n"),
            (true, _) => out.extend_from_slice(b"\r\n\r\n"),
        }
        if self.is_head {
            self.answer = Answer::Done;
        }
        Ok(())
    }

    /// Ends the answer; false if it is not what was promised, and only the connection's end can say so.
    pub(super) fn finish(&mut self) -> io::Result<bool> {
        match self.answer {
            Answer::NotBegun => self.answer(500, "text/plain", b"no answer\n")?,
            Answer::Chunks => self.output.extend_from_slice(b"0\r\n\r\n"),
            Answer::Length(0) | Answer::UntilClose | Answer::Done => {}
            Answer::Length(_) => return Ok(false),
        }
        self.answer = Answer::Done;
        Ok(true)
    }

    /// Reads on to the end of the body, as far as that is cheap.
    pub(super) fn pass_over_the_body(&mut self) -> io::Result<bool> {
        let mut passed = 0;
        while !self.body.is_done() {
            if passed > GATHERED || self.owes_continue {
                return Ok(false);
            }
            if self.body.has_not_begun() {
                self.flush()?;
            }
            passed += self.body.read(self.wire, &mut [0; 1024])?;
        }
        Ok(true)
    }

    fn gather(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.output.len() + bytes.len() <= GATHERED {
            self.output.extend_from_slice(bytes);
            return Ok(());
        }
        let sent = send(self.wire, self.limits, self.output, bytes);
        self.output.clear();
        sent
    }
}

/// The request's body.
impl Read for Exchange<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.body.is_done() {
            return Ok(0);
        }
        if self.owes_continue && self.answer == Answer::NotBegun {
            self.owes_continue = false;
            self.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if self.body.has_not_begun() {
            self.flush()?;
        }
        self.body.read(self.wire, buffer)
    }
}

/// The answer's body.
impl Write for Exchange<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.answer {
            Answer::NotBegun => self.begin(200, "application/octet-stream", None, &[])?,
            Answer::Length(left) if bytes.len() as u64 > left => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "more than the answer's length"));
            }
            _ => {}
        }
        match &mut self.answer {
            // An empty chunk would be the last.
            _ if bytes.is_empty() => {}
            Answer::Length(left) => {
                *left -= bytes.len() as u64;
                self.gather(bytes)?;
            }
            Answer::Chunks => {
                push_hexadecimal(self.output, bytes.len());
                self.gather(bytes)?;
                self.output.extend_from_slice(b"\r\n");
            }
            Answer::UntilClose => self.gather(bytes)?,
            // A HEAD's.
            Answer::Done | Answer::NotBegun => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let sent = send(self.wire, self.limits, self.output, &[]);
        self.output.clear();
        sent
    }
}

/// Sends the one, then the other: in one call if the socket takes it, else within the time that so much may take.
pub(super) fn send(wire: &mut dyn Wire, limits: &Limits, first: &[u8], second: &[u8]) -> io::Result<()> {
    if first.is_empty() && second.is_empty() {
        return Ok(());
    }
    let sent = match second {
        [] => wire.write(first)?,
        _ => wire.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])?,
    };
    wire.flush()?;
    if sent == first.len() + second.len() {
        return Ok(());
    }
    let rest = first.len() + second.len() - sent;
    let in_time = timeout(limits.time_for(rest as u64), || {
        wire.write_all(&first[sent.min(first.len())..])?;
        wire.write_all(&second[sent.saturating_sub(first.len())..])?;
        wire.flush()
    });
    in_time.unwrap_or_else(|elapsed| Err(io::Error::new(io::ErrorKind::TimedOut, elapsed)))
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn push_hexadecimal(out: &mut Vec<u8>, number: usize) {
    // A Vec takes all that is written.
    let _ = write!(out, "{number:x}\r\n");
}
