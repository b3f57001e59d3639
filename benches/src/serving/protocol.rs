//! What the load and the servers say to each other.

use crate::echo::MESSAGE_SIZE;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    str::FromStr,
};

/// What is asked for again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// 64 bytes, and the same 64 back.
    Echo,
    /// `GET /` by HTTP/1.1, the connection kept alive.
    Http,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Echo => "echo",
            Protocol::Http => "http",
        }
    }

    pub(crate) fn request(self) -> &'static [u8] {
        match self {
            Protocol::Echo => &[b'x'; MESSAGE_SIZE],
            Protocol::Http => b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        }
    }

    /// Asks once and gives the length of the answer, which is the same each time: dates too are of one length.
    pub(crate) fn length_of_answer(self, stream: &mut TcpStream) -> io::Result<usize> {
        stream.write_all(self.request())?;
        match self {
            Protocol::Echo => {
                stream.read_exact(&mut [0; MESSAGE_SIZE])?;
                Ok(MESSAGE_SIZE)
            }
            Protocol::Http => answer_of_http(stream),
        }
    }
}

fn answer_of_http(stream: &mut TcpStream) -> io::Result<usize> {
    let mut received = Vec::new();
    loop {
        let mut piece = [0; 1_024];
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => received.extend_from_slice(&piece[..length]),
        }
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let parsed = answer.parse(&received).map_err(|error| unexpected(&error.to_string()))?;
        let httparse::Status::Complete(head) = parsed else { continue };
        if answer.code != Some(200) {
            return Err(unexpected("the status is not 200"));
        }
        let of_length = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
        let length = answer.headers.iter().find(of_length).map(|header| header.value);
        let length = length.and_then(|value| std::str::from_utf8(value).ok()?.parse::<usize>().ok());
        let whole = head + length.ok_or_else(|| unexpected("no Content-Length"))?;
        if received.len() >= whole {
            return if received.len() == whole { Ok(whole) } else { Err(unexpected("more than one answer")) };
        }
    }
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("unexpected answer: {what}"))
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(name: &str) -> Result<Protocol, String> {
        let known = [Protocol::Echo, Protocol::Http].into_iter().find(|protocol| protocol.name() == name);
        known.ok_or_else(|| format!("{name} is no protocol: echo or http"))
    }
}
