//! What one client has sent: whole requests are taken from the front, a part of one waits for its rest.

use httparse::{EMPTY_HEADER, Header, Request, Status};

/// The longest request, head and body.
const CAPACITY: usize = 4_096;

const MOST_HEADERS: usize = 32;

pub(super) struct Inbox {
    bytes: [u8; CAPACITY],
    begin: usize,
    end: usize,
}

/// What stands at the front.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// A request, which has been taken; `last` if the client wants no answer after this one's.
    Request { last: bool },
    /// Nothing, or a part of a request.
    Incomplete,
    /// Something that is no request, or too long.
    Malformed,
}

impl Inbox {
    pub(super) fn new() -> Inbox {
        Inbox { bytes: [0; CAPACITY], begin: 0, end: 0 }
    }

    /// Where the next bytes go, never empty after [`Next::Incomplete`]; say with [`received`](Inbox::received) how many came.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.begin..self.end, 0);
        (self.begin, self.end) = (0, self.end - self.begin);
        &mut self.bytes[self.end..]
    }

    pub(super) fn received(&mut self, length: usize) {
        self.end += length;
    }

    pub(super) fn take(&mut self) -> Next {
        let waiting = &self.bytes[self.begin..self.end];
        if waiting.is_empty() {
            return Next::Incomplete;
        }
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut request = Request::new(&mut headers);
        let head = match request.parse(waiting) {
            Ok(Status::Complete(head)) => head,
            Ok(Status::Partial) if waiting.len() < CAPACITY => return Next::Incomplete,
            Ok(Status::Partial) | Err(_) => return Next::Malformed,
        };
        let Some(length) = length_of_body(request.headers).and_then(|body| body.checked_add(head)) else {
            return Next::Malformed;
        };
        if length > CAPACITY {
            return Next::Malformed;
        }
        if length > waiting.len() {
            return Next::Incomplete;
        }
        let last = is_last(request.version == Some(0), request.headers);
        self.begin += length;
        Next::Request { last }
    }
}

/// `None` if the headers contradict each other, or the body comes in chunks, which this server does not take.
fn length_of_body(headers: &[Header<'_>]) -> Option<usize> {
    let mut length = None;
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(header.value).ok()?;
            let stated = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
            if length.is_some_and(|length| length != stated) {
                return None;
            }
            length = Some(stated);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
    }
    Some(length.unwrap_or(0))
}

/// Whether the connection ends with this request: RFC 9112, 9.3.
fn is_last(old: bool, headers: &[Header<'_>]) -> bool {
    let (mut close, mut keep_alive) = (false, false);
    for header in headers.iter().filter(|header| header.name.eq_ignore_ascii_case("connection")) {
        for option in header.value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            close |= option.eq_ignore_ascii_case(b"close");
            keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
    close || old && !keep_alive
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const ANSWERED: Next = Next::Request { last: false };
    const LAST: Next = Next::Request { last: true };

    /// What is taken from an inbox that gets the pieces one by one.
    fn taken(pieces: &[&[u8]]) -> Vec<Next> {
        let (mut inbox, mut taken) = (Inbox::new(), Vec::new());
        for piece in pieces {
            inbox.room()[..piece.len()].copy_from_slice(piece);
            inbox.received(piece.len());
            loop {
                taken.push(inbox.take());
                if *taken.last().expect("pushed just now") != ANSWERED {
                    break;
                }
            }
        }
        taken
    }

    fn request(headers: &str, body: &str) -> Vec<u8> {
        format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}").into_bytes()
    }

    #[test]
    fn requests_sent_together_are_taken_one_by_one() {
        assert_eq!(taken(&[&GET.repeat(3)]), [ANSWERED, ANSWERED, ANSWERED, Next::Incomplete]);
    }

    #[test]
    fn a_request_cut_anywhere_is_taken_when_its_rest_has_come() {
        for cut in 1..GET.len() {
            let (first, rest) = GET.split_at(cut);
            assert_eq!(taken(&[first, rest]), [Next::Incomplete, ANSWERED, Next::Incomplete], "cut at {cut}");
        }
    }

    #[test]
    fn more_requests_than_the_inbox_holds_at_once_are_all_taken() {
        let many = GET.repeat(1_000);
        let pieces: Vec<&[u8]> = many.chunks(1_000).collect();
        let answered = taken(&pieces).iter().filter(|next| **next == ANSWERED).count();
        assert_eq!(answered, 1_000);
    }

    #[test]
    fn a_body_is_passed_over() {
        let whole = request("Content-Length: 5\r\n", "GET /");
        assert_eq!(taken(&[&whole, GET]), [ANSWERED, Next::Incomplete, ANSWERED, Next::Incomplete]);
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        assert_eq!(taken(&[b"\0\0\0\0"]), [Next::Malformed]);
        assert_eq!(taken(&[b"GET / HTTP/9.9\r\n\r\n"]), [Next::Malformed]);
        assert_eq!(taken(&[&[b'x'; CAPACITY]]), [Next::Malformed]);
    }

    #[test]
    fn a_length_that_is_no_length_is_malformed() {
        for length in ["-1", "+1", "x", "", "4097", "18446744073709551615", "99999999999999999999"] {
            assert_eq!(
                taken(&[&request(&format!("Content-Length: {length}\r\n"), "")]),
                [Next::Malformed],
                "{length}"
            );
        }
        assert_eq!(taken(&[&request("Content-Length: 1\r\nContent-Length: 2\r\n", "ab")]), [Next::Malformed]);
        assert_eq!(taken(&[&request("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")]), [Next::Malformed]);
    }

    #[test]
    fn the_last_request_is_known_by_its_version_and_its_headers() {
        assert_eq!(taken(&[b"GET / HTTP/1.0\r\n\r\n"]), [LAST]);
        assert_eq!(taken(&[b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"])[0], ANSWERED);
        assert_eq!(taken(&[&request("Connection: upgrade, Close\r\n", "")]), [LAST]);
    }
}
