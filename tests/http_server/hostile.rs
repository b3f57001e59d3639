//! What must be refused, and must cost nobody else anything: smuggling (RFC 9112, 11.2), floods, garbage, resets.

use crate::client::{is_served, only_answer, say, steady};
use crate::program::Server;
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn whatever_could_be_read_in_two_ways_is_refused_and_the_connection_ends() {
    let server = Server::start("http_server");
    let mut good = steady(&server);
    for (status, words) in [
        // Two lengths, or a length that is none.
        (
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        // Codings that others may see or not.
        (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        (
            400,
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        // Lines that end, or go on, where others may not think so.
        (400, "GET / HTTP/1.1\nHost: a\n\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        (400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tfolded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello"),
        (400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n"),
        // No host, or two.
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
        // Targets and versions.
        (400, "GET nothing HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        (501, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (400, "GET /\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        (505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        (417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: something\r\n\r\n"),
        // Chunks.
        (400, "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"),
        (
            400,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        ),
        (400, "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell\r\n0\r\n\r\n"),
        (
            400,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            400,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            400,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        ),
        (400, "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n"),
        (
            400,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\x01b\r\nhello\r\n0\r\n\r\n",
        ),
        (
            400,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
        ),
        (
            413,
            "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        ),
        (400, "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno header\r\n\r\n"),
        (400, "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nBare: lf\n\r\n"),
    ] {
        // What hides behind it is never taken for a request.
        let answer = only_answer(&server, format!("{words}GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status, status, "{words:?}: {answer:?}");
        assert!(answer.has("connection: close"), "{words:?}: {answer:?}");
    }
    assert!(is_served(&mut good));
    assert_eq!(server.end_by(libc::SIGTERM), "", "and the log is not flooded");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_kept() {
    let server = Server::start_with("http_server", &["--largest-head", "2000", "--largest-body", "1000"]);
    let refused = |words: String| only_answer(&server, words).status;
    let head = |target: &str, more: &str| format!("POST {target} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
    assert_eq!(refused(head(&format!("/{}", "x".repeat(3000)), "")), 414);
    assert_eq!(refused(head("/", &format!("X: {}\r\n", "x".repeat(3000)))), 431);
    assert_eq!(refused(head("/", &"X: y\r\n".repeat(100))), 431);
    assert_eq!(refused(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(3000))), 431, "not a whole head");
    assert_eq!(refused(head("/count", "Content-Length: 1001\r\n") + &"x".repeat(1001)), 413);
    assert_eq!(refused(head("/count", "Content-Length: 9999999999999\r\n")), 413);
    let chunks = |count: usize| "64\r\n".to_owned() + &"x".repeat(100) + "\r\n" + &chunks_of_100(count - 1);
    assert_eq!(refused(head("/count", "Transfer-Encoding: chunked\r\n") + &chunks(11)), 413);
    let trailers = "0\r\n".to_owned() + &format!("X: {}\r\n", "x".repeat(200)).repeat(50) + "\r\n";
    assert_eq!(refused(head("/count", "Transfer-Encoding: chunked\r\n") + &trailers), 431);
    let extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(2000));
    assert_eq!(refused(head("/count", "Transfer-Encoding: chunked\r\n") + &extension), 400);
    // A client that waits to be asked is told at once.
    let waiting = only_answer(&server, head("/count", "Expect: 100-continue\r\nContent-Length: 1001\r\n"));
    assert_eq!(waiting.status, 413);
    // As large as allowed is fine.
    assert_eq!(
        refused(head("/count", "Connection: close\r\nContent-Length: 1000\r\n") + &"x".repeat(1000)),
        200
    );
}

fn chunks_of_100(count: usize) -> String {
    ("64\r\n".to_owned() + &"x".repeat(100) + "\r\n").repeat(count) + "0\r\n\r\n"
}

#[test]
fn a_flood_that_never_ends_is_cut_off() {
    let server = Server::start("http_server");
    let mut good = steady(&server);
    let megabytes = |byte: u8| vec![byte; 10 << 20];
    for flood in [
        megabytes(b'x'),
        megabytes(0),
        megabytes(b'\n'),
        [&b"GET / HTTP/1.1\r\nX: "[..], &megabytes(b'y')].concat(),
    ] {
        // The refusal may be lost where the client talks on; the connection's end is not.
        let heard = say(&server, flood);
        assert!(heard.is_empty() || heard.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&heard));
    }
    assert!(is_served(&mut good));
}

#[test]
fn garbage_is_a_4xx_or_an_end_and_never_a_panic() {
    let server = Server::start("http_server");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let good = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for round in 0..300 {
        let words: Vec<u8> = if round % 2 == 0 {
            (0..random() % 500).map(|_| random() as u8).collect()
        } else {
            // One byte of a good request is another.
            let (mut words, at) = (good.to_vec(), random() as usize % good.len());
            words[at] = random() as u8;
            words
        };
        let mut stream = server.connect();
        stream.write_all(&words).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        let is_fine = heard.is_empty()
            || [&b"HTTP/1.1 200"[..], b"HTTP/1.1 4", b"HTTP/1.1 50"]
                .iter()
                .any(|start| heard.starts_with(start));
        assert!(
            is_fine && !heard.starts_with(b"HTTP/1.1 500"),
            "{words:?}: {}",
            String::from_utf8_lossy(&heard)
        );
    }
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

#[test]
fn clients_that_vanish_at_any_moment_cost_their_own_connection() {
    let server = Server::start("http_server");
    let mut good = steady(&server);
    for round in 0..100 {
        let mut stream = server.connect();
        let words: &[u8] = match round % 4 {
            0 => b"GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n",
            1 => b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf",
            2 => b"GET / HTT",
            _ => b"POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nha",
        };
        stream.write_all(words).unwrap();
        if round % 4 == 0 {
            // With bytes unread, the close is a reset.
            stream.read_exact(&mut [0; 1000]).unwrap();
        }
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(is_served(&mut good));
    drop(good);
    assert_eq!(server.end_by(libc::SIGTERM), "");
}
