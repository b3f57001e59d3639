//! What good clients ask for.

use crate::client::{is_served, next_answer, only_answer, say, steady};
use crate::program::Server;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

fn server() -> Server {
    Server::start("http_server")
}

#[test]
fn each_method_gets_what_it_asks_for() {
    let server = server();
    let ask = |line: &str, more: &str| {
        only_answer(&server, format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}"))
    };
    let hello = ask("GET /", "\r\n");
    assert_eq!((hello.status, &hello.body[..]), (200, &b"hello, world\n"[..]));
    assert!(hello.has("connection: close") && hello.head.contains("date: "), "{hello:?}");
    assert_eq!(ask("GET /?query=1", "\r\n").status, 200);
    assert_eq!(ask("GET /nothing", "\r\n").status, 404);
    let refused = ask("DELETE /", "\r\n");
    assert!(refused.status == 405 && refused.has("allow: GET, HEAD"), "{refused:?}");
    assert_eq!(ask("POST /count", "Content-Length: 5\r\n\r\nhello").body, b"5\n");
    assert_eq!(ask("POST /count", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").body, b"5\n");
    let echoed = ask("POST /echo", "Content-Length: 5\r\n\r\nhello");
    assert_eq!(echoed.body, b"hello");
    let empty = ask("GET /empty", "\r\n");
    assert!(empty.status == 204 && !empty.head.contains("content-length"), "{empty:?}");
    let options = ask("OPTIONS *", "\r\n");
    assert!(options.status == 204 && options.head.contains("allow: "), "{options:?}");
    assert_eq!(ask("GET http://else.where:80/bytes/3?x", "\r\n").body, b"xxx");
    assert_eq!(ask("GET HTTPS://else.where", "\r\n").body, b"hello, world\n");
}

#[test]
fn head_gets_the_head_and_no_byte_of_a_body() {
    let server = server();
    for path in ["/", "/bytes/100000", "/stream/100000", "/nothing"] {
        let mut stream = server.connect();
        write!(stream, "HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let head = next_answer(&mut stream, true);
        assert!(head.head.contains("content-length: ") || path.starts_with("/stream"), "{head:?}");
        // The next answer begins right behind it.
        assert!(is_served(&mut stream), "{path}");
    }
}

#[test]
fn a_connection_stays_in_1_1_and_ends_in_1_0_unless_said_otherwise() {
    let server = server();
    let plain = only_answer(&server, "GET / HTTP/1.0\r\n\r\n");
    assert!(plain.status == 200 && plain.has("connection: close"), "{plain:?}");
    let streamed = only_answer(&server, "GET /stream/100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(
        streamed.body.len() == 100_000 && streamed.has("connection: close"),
        "what has no length ends so"
    );

    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap();
        assert!(next_answer(&mut stream, false).has("connection: keep-alive"));
    }
    (0..3).for_each(|_| assert!(is_served(&mut stream)));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\nGET / HTTP/1.1\r\n").unwrap();
    assert!(next_answer(&mut stream, false).has("connection: close"));
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn a_thousand_requests_in_one_segment_are_answered_in_order() {
    let server = server();
    let mut stream = server.connect();
    let all: String = (0..1000).map(|n| format!("GET /bytes/{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let sender = thread::spawn({
        let mut stream = stream.try_clone().unwrap();
        move || stream.write_all(all.as_bytes()).unwrap()
    });
    for n in 0..1000 {
        assert_eq!(next_answer(&mut stream, false).body.len(), n);
    }
    sender.join().unwrap();
}

#[test]
fn requests_with_bodies_are_told_apart_in_one_segment() {
    let server = server();
    let words = "\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n\
                 3;name=\"value\"\r\none\r\n003\r\ntwo\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n\
                 POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthree\
                 POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour\r\n\
                 GET /bytes/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let heard = say(&server, words);
    let whole = bodies(&heard);
    assert_eq!(whole, ["onetwo", "there is nothing here\n", "4\n", "xx"]);

    // The same, a byte at a time: what comes is the same, whatever the segments.
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let listener = thread::spawn(move || {
        let mut heard = Vec::new();
        reader.read_to_end(&mut heard).unwrap();
        heard
    });
    for byte in words.as_bytes().chunks(1) {
        stream.write_all(byte).unwrap();
        thread::sleep(Duration::from_micros(100));
    }
    assert_eq!(bodies(&listener.join().unwrap()), whole);
}

fn bodies(mut heard: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while !heard.is_empty() {
        found.push(String::from_utf8(next_answer(&mut heard, false).body).unwrap());
    }
    found
}

#[test]
fn large_bodies_go_both_ways_at_once() {
    let server = server();
    let mut stream = server.connect();
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let sender = thread::spawn({
        let (mut stream, body) = (stream.try_clone().unwrap(), body.clone());
        move || {
            write!(stream, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len())
                .unwrap();
            stream.write_all(&body).unwrap();
            stream
                .write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                .unwrap();
            for chunk in body.chunks(77_777) {
                write!(stream, "{:X}\r\n", chunk.len()).unwrap();
                stream.write_all(chunk).unwrap();
                stream.write_all(b"\r\n").unwrap();
            }
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
    });
    for _ in 0..2 {
        assert!(next_answer(&mut stream, false).body == body);
    }
    sender.join().unwrap();
    assert!(is_served(&mut stream));
}

#[test]
fn a_client_that_expects_100_gets_it_when_its_body_is_wanted() {
    let server = server();
    let mut stream = server.connect();
    for _ in 0..2 {
        stream
            .write_all(
                b"POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n",
            )
            .unwrap();
        assert_eq!(next_answer(&mut stream, false).status, 100);
        stream.write_all(b"hello").unwrap();
        assert_eq!(next_answer(&mut stream, false).body, b"5\n");
    }
    // Who does not wait for it needs none; who asks without a body gets none.
    stream
        .write_all(b"POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")
        .unwrap();
    assert_eq!(next_answer(&mut stream, false).body, b"2\n");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").unwrap();
    assert_eq!(next_answer(&mut stream, false).status, 200);
    // Whose body is not wanted may send it or not: nobody could tell what comes next.
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .unwrap();
    let refused = next_answer(&mut stream, false);
    assert!(refused.status == 405 && refused.has("connection: close"), "{refused:?}");
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn while_all_places_are_taken_clients_wait() {
    let server = Server::start_with("http_server", &["--connections", "1"]);
    let first = steady(&server);
    let mut second = server.connect();
    second.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(second.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(next_answer(&mut second, false).status, 200);
}

#[test]
fn a_server_that_ends_answers_what_was_asked_and_hangs_up_on_the_idle() {
    let server = server();
    let mut idle = steady(&server);
    let mut asking = server.connect();
    asking.write_all(b"GET /sleep/2000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut half = server.connect();
    half.write_all(b"GET / HT").unwrap();
    thread::sleep(Duration::from_millis(300));
    let before = Instant::now();
    let ending = thread::spawn(move || server.end_by(libc::SIGTERM));
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert!(before.elapsed() < Duration::from_millis(1500), "{:?}", before.elapsed());
    assert_eq!(next_answer(&mut asking, false).body, b"awake\n");
    assert_eq!(asking.read(&mut [0]).unwrap(), 0);
    assert!(matches!(half.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(ending.join().unwrap(), "");
    assert!(before.elapsed() < Duration::from_secs(30), "{:?}", before.elapsed());
    let _ = half.shutdown(Shutdown::Both);
}
