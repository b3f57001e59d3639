//! A client that says exactly what a test wants, and understands the answers.

use crate::program::Server;
use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer, as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn has(&self, line: &str) -> bool {
        self.head.lines().any(|found| found == line)
    }
}

/// Says `words` to a server, and reads until it hangs up.
pub(crate) fn say(server: &Server, words: impl AsRef<[u8]>) -> Vec<u8> {
    let mut stream = server.connect();
    // It may be refused, and cut off, while it is still talking.
    let _ = stream.write_all(words.as_ref());
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    heard
}

/// The one answer to `words`, after which the server hangs up.
#[track_caller]
pub(crate) fn only_answer(server: &Server, words: impl AsRef<[u8]>) -> Answer {
    let heard = say(server, words);
    let mut left = &heard[..];
    let answer = next_answer(&mut left, false);
    assert!(left.is_empty(), "more than one answer: {}", String::from_utf8_lossy(&heard));
    answer
}

/// Reads one answer off a stream; `is_head` if it answers a HEAD.
#[track_caller]
pub(crate) fn next_answer(stream: &mut impl Read, is_head: bool) -> Answer {
    let head = read_head(stream);
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let field = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    let mut body = Vec::new();
    if is_head || matches!(status, 100 | 204) {
        // Without one.
    } else if field("transfer-encoding").as_deref() == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&read_line(stream), 16).expect("the size of a chunk");
            let from = body.len();
            body.resize(from + size, 0);
            stream.read_exact(&mut body[from..]).unwrap();
            assert_eq!(read_line(stream), "");
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = field("content-length") {
        // At once: to fill it with zeros takes a debug build so long that the server would have to wait.
        body = vec![0; length.parse().expect("a length")];
        stream.read_exact(&mut body).unwrap();
    } else {
        stream.read_to_end(&mut body).unwrap();
    }
    Answer { status, head, body }
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = String::new();
    loop {
        let line = read_line(stream);
        if line.is_empty() {
            return head;
        }
        head.push_str(&line);
        head.push('\n');
    }
}

#[track_caller]
fn read_line(stream: &mut impl Read) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => line.push(byte[0]),
            ended => panic!("the answer ends at {:?}: {ended:?}", String::from_utf8_lossy(&line)),
        }
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).expect("a head in ASCII")
}

/// A client that has been answered once, on a connection that stays.
pub(crate) fn steady(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    assert!(is_served(&mut stream));
    stream
}

pub(crate) fn is_served(stream: &mut TcpStream) -> bool {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    next_answer(stream, false).body == b"hello, world\n"
}
