//! A request's head: what it asks for, how its body is framed, and whether that can be read in one way only.

use super::refusal::Refusal;
use httparse::Header;
use std::mem::MaybeUninit;

pub(crate) const MOST_HEADERS: usize = 64;

/// A head that has been understood.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The path, with the query, as sent; `*` for OPTIONS as a whole.
    pub(crate) target: &'a str,
    headers: &'a [Header<'a>],
    /// 0 for HTTP/1.0.
    pub(crate) minor_version: u8,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

impl<'a> Request<'a> {
    /// Reads the head at the begin of `bytes`, all of which is there; returns its length too.
    pub(crate) fn parse(
        bytes: &'a [u8],
        slots: &'a mut [MaybeUninit<Header<'a>>; MOST_HEADERS],
    ) -> Result<(Request<'a>, usize), Refusal> {
        let mut raw = httparse::Request::new(&mut []);
        let length = match raw.parse_with_uninit_headers(bytes, slots) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => {
                return Err(Refusal::bad("a head that does not end where its empty line is"));
            }
            Err(error) => return Err(refusal_of(error)),
        };
        if has_bare_line_feed(&bytes[..length]) {
            return Err(Refusal::bad("a line that does not end in CRLF"));
        }
        let (Some(method), Some(target), Some(minor_version)) = (raw.method, raw.path, raw.version) else {
            return Err(Refusal::bad("half a request line"));
        };
        let mut request = Request {
            method,
            target: in_origin_form(method, target)?,
            headers: raw.headers,
            minor_version,
            framing: Framing::Length(0),
            keep_alive: minor_version == 1,
            expects_continue: false,
        };
        request.understand_headers()?;
        Ok((request, length))
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &'a str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The value of the first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }

    /// One pass over the headers that say how the message is to be read.
    fn understand_headers(&mut self) -> Result<(), Refusal> {
        let (mut length, mut is_chunked, mut hosts) = (None, false, 0);
        for Header { name, value } in self.headers {
            // By length first: most headers are none of these.
            match name.len() {
                4 if name.eq_ignore_ascii_case("host") => hosts += 1,
                6 if name.eq_ignore_ascii_case("expect") => self.expect(value)?,
                10 if name.eq_ignore_ascii_case("connection") => self.connect(value),
                14 if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(match length {
                        None => whole_number(value)?,
                        Some(_) => return Err(Refusal::bad("more than one content-length")),
                    });
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    if is_chunked {
                        return Err(Refusal::bad("more than one transfer-encoding"));
                    }
                    if !value.eq_ignore_ascii_case(b"chunked") {
                        return Err(Refusal::new(501, "a transfer-encoding other than chunked"));
                    }
                    is_chunked = true;
                }
                _ => {}
            }
        }
        self.framing = match (length, is_chunked) {
            (Some(_), true) => return Err(Refusal::bad("both content-length and transfer-encoding")),
            (None, true) if self.minor_version == 0 => {
                return Err(Refusal::bad("a transfer-encoding in HTTP/1.0"));
            }
            (None, true) => Framing::Chunked,
            (length, false) => Framing::Length(length.unwrap_or(0)),
        };
        if hosts > 1 || (hosts == 0 && self.minor_version == 1) {
            return Err(Refusal::bad("not one host header"));
        }
        self.expects_continue &= self.framing != Framing::Length(0) && self.minor_version == 1;
        Ok(())
    }

    fn expect(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(417, "an expectation other than 100-continue"));
        }
        self.expects_continue = true;
        Ok(())
    }

    fn connect(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if option.eq_ignore_ascii_case(b"close") {
                self.keep_alive = false;
                return;
            }
            if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            }
        }
    }
}

/// The path and query of a target: proxies may send the absolute form (RFC 9112, 3.2.2).
fn in_origin_form<'a>(method: &str, target: &'a str) -> Result<&'a str, Refusal> {
    if target.starts_with('/') {
        return Ok(target);
    }
    if target == "*" && method == "OPTIONS" {
        return Ok(target);
    }
    if method == "CONNECT" {
        return Err(Refusal::new(501, "this is no proxy"));
    }
    let scheme = target
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("http://"))
        .or_else(|| target.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://")));
    let Some(authority) = scheme.map(|scheme| &target[scheme.len()..]) else {
        return Err(Refusal::bad("a target that is no path"));
    };
    match authority.find(['/', '?']) {
        Some(0) => Err(Refusal::bad("a target without a host")),
        Some(end) if authority[end..].starts_with('/') => Ok(&authority[end..]),
        _ if authority.is_empty() => Err(Refusal::bad("a target without a host")),
        _ => Ok("/"),
    }
}

/// httparse takes a bare LF for the end of a line; others on the way may not (RFC 9112, 2.2). One pass without branches,
/// which the compiler makes wide.
fn has_bare_line_feed(head: &[u8]) -> bool {
    let bare = |pair: (&u8, &u8)| u8::from((*pair.0 != b'\r') & (*pair.1 == b'\n'));
    head.first() == Some(&b'\n') || head.iter().zip(&head[1..]).map(bare).fold(0, |any, one| any | one) != 0
}

/// Digits only: no sign, no list, nothing that overflows.
fn whole_number(value: &[u8]) -> Result<u64, Refusal> {
    let refused = Refusal::bad("a content-length that is no number");
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(refused);
    }
    value
        .iter()
        .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .ok_or(refused)
}

fn refusal_of(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::new(431, "too many headers"),
        httparse::Error::Version => Refusal::new(505, "a version other than HTTP/1.0 and 1.1"),
        _ => Refusal::bad("a head that is not HTTP"),
    }
}
