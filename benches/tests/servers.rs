//! The programs `echo` and `http`, as their clients see them.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const BODY: &str = "Hello, World!";

/// Ends with its owner.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(program: &str) -> Server {
        let (child, line) = start(program, 0);
        let port = line.strip_prefix("ready ").and_then(|port| port.parse().ok());
        Server { child, port: port.unwrap_or_else(|| panic!("it says {line:?}")) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    /// What comes back until the server closes the connection.
    fn answer_to(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, and its first line.
fn start(program: &str, port: u16) -> (Child, String) {
    let mut child = Command::new(program).arg(port.to_string()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim_end_matches('\n').to_owned())
}

/// One answer, which leaves the connection open.
fn read_answer(stream: &mut impl BufRead) -> io::Result<String> {
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        if stream.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut body = [0; BODY.len()];
    stream.read_exact(&mut body)?;
    Ok(answer + std::str::from_utf8(&body).unwrap())
}

#[test]
fn on_a_port_that_was_asked_for_ready_is_all_that_is_said() {
    for program in [env!("CARGO_BIN_EXE_echo"), env!("CARGO_BIN_EXE_http")] {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (child, line) = start(program, port);
        let server = Server { child, port };
        assert_eq!(line, "ready");
        server.connect();
    }
}

#[test]
fn a_port_that_is_none_is_refused() {
    for program in [env!("CARGO_BIN_EXE_echo"), env!("CARGO_BIN_EXE_http")] {
        for args in [&[][..], &["many"], &["65536"]] {
            let status = Command::new(program).args(args).stderr(Stdio::null()).status().unwrap();
            assert!(!status.success());
        }
    }
}

#[test]
fn every_byte_comes_back() {
    let server = Server::start(env!("CARGO_BIN_EXE_echo"));
    let sent: Vec<u8> = (0..1_000_000u32).map(|number| number as u8).collect();
    let mut stream = server.connect();
    let mut writer = stream.try_clone().unwrap();
    let received = std::thread::scope(|scope| {
        scope.spawn(|| {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        received
    });
    assert!(received == sent);
}

#[test]
fn a_client_that_goes_away_takes_nobody_along() {
    let server = Server::start(env!("CARGO_BIN_EXE_echo"));
    let mut stays = server.connect();
    for _ in 0..100 {
        server.connect().write_all(&[0; 64]).unwrap();
    }
    stays.write_all(b"still here").unwrap();
    let mut echo = [0; 10];
    stays.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"still here");
}

#[test]
fn a_greeting_has_length_type_and_date() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"));
    let mut stream = BufReader::new(server.connect());
    stream.get_mut().write_all(GET).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("HTTP/1.1 200 OK"));
    assert_eq!(lines.next(), Some("Content-Type: text/plain"));
    assert_eq!(lines.next(), Some("Content-Length: 13"));
    let date = lines.next().unwrap().strip_prefix("Date: ").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    assert_eq!((lines.next(), body), (None, BODY));
}

#[test]
fn requests_sent_together_get_an_answer_each() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"));
    let mut stream = BufReader::new(server.connect());
    stream.get_mut().write_all(&GET.repeat(500)).unwrap();
    for _ in 0..500 {
        assert!(read_answer(&mut stream).unwrap().ends_with(BODY));
    }
    // The connection is alive all the same.
    stream.get_mut().write_all(GET).unwrap();
    assert!(read_answer(&mut stream).unwrap().ends_with(BODY));
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered_once() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"));
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in GET {
        stream.write_all(&[*byte]).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.matches(BODY).count(), 1);
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_closed() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"));
    for request in [&b"\0\0\0\0\r\n\r\n"[..], b"GET\r\n\r\n", b"GET / HTTP/7.5\r\n\r\n", &[b'x'; 4_096]] {
        let answer = server.answer_to(request);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    }
    let answer = server.answer_to(&[GET, b"nonsense\r\n\r\n"].concat());
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("400 Bad Request"), "{answer}");
    // Nobody else has noticed.
    let mut stream = BufReader::new(server.connect());
    stream.get_mut().write_all(GET).unwrap();
    assert!(read_answer(&mut stream).is_ok());
}

#[test]
fn a_client_that_wants_no_more_is_hung_up_on() {
    let server = Server::start(env!("CARGO_BIN_EXE_http"));
    for request in [&b"GET / HTTP/1.0\r\n\r\n"[..], b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"] {
        assert!(server.answer_to(request).ends_with(BODY));
    }
}
