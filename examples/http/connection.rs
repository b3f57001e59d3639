//! The life of one connection: a head, a body, an answer, over and over.
//!
//! One buffer holds what has come and is not served yet. Behind a head it holds the begin of the body, or the next
//! requests; answers are gathered, and sent when there is nothing left to serve. So a round trip is one read and one
//! write, and a thousand requests in one segment are hardly more.

use super::body::Body;
use super::date::Date;
use super::drain::{Drain, Guest};
use super::exchange::{Answer, Exchange, send};
use super::head::Search;
use super::limits::Limits;
use super::refusal::Refusal;
use super::request::{Framing, MOST_HEADERS, Request};
use super::wire::Wire;
use greenroom::net::Shutdown;
use greenroom::time::{Duration, timeout};
use std::io::ErrorKind::{UnexpectedEof, WouldBlock};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::rc::Rc;

/// The size of the input buffer while heads are small.
const BUFFER: usize = 4 << 10;
/// What there has to be behind a head, for the lines between a body's chunks.
const BEHIND_A_HEAD: usize = 1 << 10;
/// How long, and how much, a client that was refused may still send before it is cut off: if the socket were closed at
/// once, what it sent meanwhile would reset the connection, and the answer could be lost (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// Serves a connection until either side is done with it. What it returns is worth a line in a log, at most.
pub(crate) fn serve(
    wire: &mut dyn Wire,
    limits: &Limits,
    drain: &Rc<Drain>,
    date: &Date,
    handler: &dyn Fn(&Request<'_>, &mut Exchange<'_>) -> io::Result<()>,
) -> io::Result<()> {
    wire.socket().set_read_timeout(Some(limits.idle))?;
    wire.socket().set_write_timeout(Some(limits.idle))?;
    let guest = drain.enter(wire.socket());
    let mut connection = Connection {
        wire,
        limits,
        guest,
        date,
        input: vec![0; BUFFER],
        start: 0,
        end: 0,
        output: Vec::with_capacity(512),
    };
    let ended = loop {
        match connection.serve_one(handler) {
            Ok(Next::Request) => {}
            ended => break ended,
        }
    };
    match ended {
        Ok(Next::Linger) => connection.linger(),
        Ok(_) => connection.flush().and_then(|()| connection.wire.say_goodbye()),
        Err(error) => match Refusal::of(&error) {
            Some(refusal) => connection.refuse(refusal),
            None => Err(error),
        },
    }
}

/// What comes after a request.
enum Next {
    Request,
    Close,
    /// The client may still be sending.
    Linger,
}

/// What there is of the next request's head.
enum Head {
    /// Nothing, and there never will be.
    None,
    /// All of it, and perhaps more behind it.
    Whole,
    /// So much.
    Length(usize),
}

const TARGET_TOO_LONG: Refusal = Refusal::new(414, "a target too long");
const HEAD_TOO_LARGE: Refusal = Refusal::new(431, "a head too large");

/// Has a request answered, and brings both messages to their ends.
fn conduct(
    request: &Request<'_>,
    exchange: &mut Exchange<'_>,
    handler: &dyn Fn(&Request<'_>, &mut Exchange<'_>) -> io::Result<()>,
) -> io::Result<Next> {
    if let Err(error) = handler(request, exchange) {
        // Once an answer has begun, only its early end says that something is wrong.
        return match exchange.answer {
            Answer::NotBegun => Err(error),
            _ => Ok(Next::Linger),
        };
    }
    let is_whole = exchange.finish()?;
    // The answer is given: what is wrong with the rest of the body is only worth an end.
    let is_read = exchange.pass_over_the_body().unwrap_or(false);
    match (is_whole && exchange.keep_alive, is_read) {
        (true, true) => Ok(Next::Request),
        (_, true) => Ok(Next::Close),
        (_, false) => Ok(Next::Linger),
    }
}

struct Connection<'a> {
    wire: &'a mut dyn Wire,
    limits: &'a Limits,
    guest: Guest,
    date: &'a Date,
    /// What has come and is not served yet is `input[start..end]`.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// Answers, or parts of them, that are not sent yet.
    output: Vec<u8>,
}

impl Connection<'_> {
    fn serve_one(
        &mut self,
        handler: &dyn Fn(&Request<'_>, &mut Exchange<'_>) -> io::Result<()>,
    ) -> io::Result<Next> {
        match self.read_head()? {
            Head::None => Ok(Next::Close),
            Head::Length(length) => self.serve_with_body(length, handler),
            Head::Whole => {
                let mut slots = [const { MaybeUninit::uninit() }; MOST_HEADERS];
                let (request, length) = Request::parse(&self.input[self.start..self.end], &mut slots)?;
                if length > self.limits.head {
                    let (line, limit) = (request.target.len(), self.limits.head);
                    return Err(if line > limit { TARGET_TOO_LONG } else { HEAD_TOO_LARGE }.into());
                }
                if request.framing != Framing::Length(0) {
                    return self.serve_with_body(length, handler);
                }
                let body = Body::new(request.framing, &mut [], 0, self.limits)?;
                let mut exchange =
                    Exchange::new(&request, body, &mut *self.wire, &mut self.output, self.date, self.limits);
                exchange.keep_alive &= !self.guest.is_last_request();
                let next = conduct(&request, &mut exchange, handler)?;
                self.start += length;
                Ok(next)
            }
        }
    }

    /// Serves a request whose body lies in the buffer behind its head, as far as it has come.
    fn serve_with_body(
        &mut self,
        length: usize,
        handler: &dyn Fn(&Request<'_>, &mut Exchange<'_>) -> io::Result<()>,
    ) -> io::Result<Next> {
        if self.input.len() - (self.start + length) < BEHIND_A_HEAD {
            self.make_room(length + BEHIND_A_HEAD);
        }
        let body_from = self.start + length;
        let (used, window) = self.input.split_at_mut(body_from);
        let mut slots = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let (request, _) = Request::parse(&used[self.start..], &mut slots)?;
        let body = Body::new(request.framing, window, self.end - body_from, self.limits)?;
        let mut exchange =
            Exchange::new(&request, body, &mut *self.wire, &mut self.output, self.date, self.limits);
        exchange.keep_alive &= !self.guest.is_last_request();
        let next = conduct(&request, &mut exchange, handler)?;
        let (from, to) = exchange.body.rest();
        (self.start, self.end) = (body_from + from, body_from + to);
        Ok(next)
    }

    /// Reads until a whole head is there, at `start`.
    fn read_head(&mut self) -> io::Result<Head> {
        let mut search = Search::default();
        if let Some(head) = self.look(&mut search)? {
            return Ok(head);
        }
        self.flush()?;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.shrink();
            self.guest.waits(true);
            let got = self.wire.read(&mut self.input);
            self.guest.waits(false);
            match got {
                Ok(0) => return Ok(Head::None),
                Ok(got) => self.end = got,
                // The idle limit, or an end without TLS's goodbye; nothing was asked, so nothing is answered.
                Err(error) if matches!(error.kind(), WouldBlock | UnexpectedEof) => return Ok(Head::None),
                Err(error) => return Err(error),
            }
            if let Some(head) = self.look(&mut search)? {
                return Ok(head);
            }
        }
        // Slow, or long: from its first byte to its last it has so much time.
        let too_slow = Refusal::new(408, "the head took too long");
        match timeout(self.limits.head_time, || self.read_rest_of_head(&mut search)) {
            Ok(Err(error)) if error.kind() == WouldBlock => Err(too_slow.into()),
            Ok(read) => read,
            Err(_elapsed) => Err(too_slow.into()),
        }
    }

    fn read_rest_of_head(&mut self, search: &mut Search) -> io::Result<Head> {
        loop {
            if self.end == self.input.len() {
                self.make_room(self.input.len() * 2);
            }
            match self.wire.read(&mut self.input[self.end..])? {
                0 => return Ok(Head::None),
                got => self.end += got,
            }
            if let Some(head) = self.look(search)? {
                return Ok(head);
            }
        }
    }

    /// Looks for the end of a head in what has come; None if it has not.
    fn look(&mut self, search: &mut Search) -> io::Result<Option<Head>> {
        // Empty lines before a request are passed over (RFC 9112, 2.2).
        while self.input[self.start..self.end].starts_with(b"\r\n") {
            self.start += 2;
        }
        let come = &self.input[self.start..self.end];
        // What ends in an empty line has a whole head, and most often is one.
        if come.ends_with(b"\r\n\r\n") {
            return Ok(Some(Head::Whole));
        }
        if come.is_empty() || come == b"\r" {
            return Ok(None);
        }
        let found = search.end_of_head(come)?;
        if found.unwrap_or(come.len()) > self.limits.head {
            let is_line = search.first_line_exceeds(self.limits.head);
            return Err(if is_line { TARGET_TOO_LONG } else { HEAD_TOO_LARGE }.into());
        }
        Ok(found.map(Head::Length))
    }

    /// Makes the buffer hold so much from `start` on.
    fn make_room(&mut self, room: usize) {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.input.len() < room {
            self.input.resize(room, 0);
        }
    }

    /// Gives back what an unusual request needed; both buffers are empty.
    fn shrink(&mut self) {
        if self.input.len() > BUFFER {
            self.input = vec![0; BUFFER];
        }
        if self.output.capacity() > BUFFER {
            self.output = Vec::with_capacity(512);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let sent = send(&mut *self.wire, self.limits, &self.output, &[]);
        self.output.clear();
        sent
    }

    fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        let Refusal { status, why } = refusal;
        let head = format!(
            "HTTP/1.1 {status} {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{why}\n",
            super::refusal::phrase(status),
            why.len() + 1,
        );
        self.output.extend_from_slice(head.as_bytes());
        self.linger()
    }

    /// Says all that is to be said, then listens for a moment before the end.
    fn linger(&mut self) -> io::Result<()> {
        self.flush()?;
        self.wire.say_goodbye()?;
        self.wire.socket().shutdown(Shutdown::Write)?;
        let mut passed = 0;
        let listen = || {
            while passed < LINGER_BYTES {
                match self.wire.socket().read(&mut self.input) {
                    Ok(got @ 1..) => passed += got,
                    _ => return,
                }
            }
        };
        // That it is over is all there is to know.
        let _ = timeout(LINGER, listen);
        Ok(())
    }
}
