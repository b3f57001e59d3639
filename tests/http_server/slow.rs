//! Clients that take their time: each kind meets its own limit, and nobody else waits.

use crate::client::{is_served, next_answer, steady};
use crate::program::Server;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

fn impatient() -> Server {
    let limits = ["--idle-ms", "400", "--head-ms", "200", "--body-ms", "200"];
    Server::start_with("http_server", &limits)
}

/// How long a client that drips has patience.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a byte every 20 ms, until it is cut off or gives up; what it heard, and when.
fn drip(server: &Server, first: &str) -> (Vec<u8>, Duration) {
    let before = Instant::now();
    let mut stream = server.connect();
    stream.write_all(first.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 512]);
    while before.elapsed() < PATIENCE {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => heard.extend_from_slice(&buffer[..got]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                let _ = stream.write_all(b"x");
            }
            Err(_) => break,
        }
    }
    (heard, before.elapsed())
}

#[test]
fn a_head_that_drips_is_answered_408_in_its_time() {
    let server = impatient();
    let (heard, took) = drip(&server, "GET / HTTP/1.1\r\nX-Slow: ");
    assert!(heard.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&heard));
    assert!(took >= Duration::from_millis(200) && took < PATIENCE, "{took:?}");
}

#[test]
fn bodies_that_drip_are_answered_408_in_their_time() {
    let server = impatient();
    for framing in ["Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n100\r\n"] {
        let (heard, took) = drip(&server, &format!("POST /count HTTP/1.1\r\nHost: a\r\n{framing}"));
        assert!(heard.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&heard));
        assert!(took >= Duration::from_millis(200) && took < PATIENCE, "{took:?}");
    }
}

#[test]
fn the_silent_are_hung_up_on_without_a_word_before_and_between_requests() {
    let server = impatient();
    for connect in [Server::connect, steady] {
        let before = Instant::now();
        let mut stream = connect(&server);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        assert!(before.elapsed() >= Duration::from_millis(400), "{:?}", before.elapsed());
    }
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let server = impatient();
    let mut deaf = server.connect();
    deaf.write_all(b"GET /bytes/500000000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(2500));
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(got @ 1..) = deaf.read(&mut buffer) {
        taken += got;
    }
    assert!(taken < 100_000_000, "{taken} bytes were kept for it");
}

#[test]
fn slow_clients_by_the_hundred_keep_nobody_waiting() {
    let server = Server::start("http_server");
    let slow: Vec<TcpStream> = (0..300)
        .map(|n| {
            let mut stream = server.connect();
            let words: &[u8] = match n % 3 {
                0 => b"GET / HTTP/1.1\r\nX: ",
                1 => b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n",
                _ => b"GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n",
            };
            stream.write_all(words).unwrap();
            stream
        })
        .collect();
    let mut probe = steady(&server);
    let mut latencies: Vec<Duration> = (0..200)
        .map(|_| {
            let before = Instant::now();
            assert!(is_served(&mut probe));
            before.elapsed()
        })
        .collect();
    latencies.sort();
    assert!(latencies[190] < Duration::from_secs(1), "{:?}", latencies[190]);
    drop(slow);
}

/// Takes a megabyte at a time, and a while for it.
struct Steady(TcpStream);

impl Read for Steady {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(1 << 20);
        if most > 1 {
            thread::sleep(Duration::from_millis(25));
        }
        self.0.read_exact(&mut buffer[..most])?;
        Ok(most)
    }
}

#[test]
fn a_long_answer_to_a_steady_reader_is_not_cut_off() {
    // What did not fit the socket has a second; the whole answer takes longer.
    let server = Server::start_with("http_server", &["--idle-ms", "1000", "--body-ms", "1000"]);
    let mut reader = Steady(server.connect());
    reader.0.write_all(b"GET /bytes/60000000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let before = Instant::now();
    assert_eq!(next_answer(&mut reader, false).body.len(), 60_000_000);
    assert!(before.elapsed() > Duration::from_millis(1200), "{:?}", before.elapsed());
}
