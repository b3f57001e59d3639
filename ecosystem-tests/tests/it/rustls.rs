//! rustls over our stream, at either end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;

use greenroom::net::{TcpListener, TcpStream};
use rustls::{ClientConnection, ServerConnection, StreamOwned};

use crate::certificate::{Certificate, localhost};
use crate::crowd::{CROWD, DELAY, Meeting, assert_a_timeout_ends, assert_overlap, at_once};
use crate::server::Server;
use crate::support::hub;

type Client = StreamOwned<ClientConnection, TcpStream>;

fn connect(certificate: &Certificate, server: std::net::SocketAddr) -> Client {
    let session = ClientConnection::new(certificate.client.clone(), localhost()).unwrap();
    StreamOwned::new(session, TcpStream::connect(server).unwrap())
}

/// One line there, the same in capitals back, by blocking reads and writes.
fn serve_a_line<S: Read + Write>(mut stream: S, before_answer: impl FnOnce()) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(&mut stream).read_line(&mut line)?;
    before_answer();
    stream.write_all(line.to_uppercase().as_bytes())
}

fn ask<S: Read + Write>(mut stream: S, word: &str) -> String {
    writeln!(stream, "{word}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn clients_on_green_threads_wait_at_once() {
    hub(|| {
        let certificate = Certificate::new();
        let meeting = Arc::new(Meeting::new());
        let (settings, met) = (certificate.server.clone(), meeting.clone());
        let server = Server::start(move |stream| {
            let session = ServerConnection::new(settings.clone()).unwrap();
            drop(serve_a_line(StreamOwned::new(session, stream), || met.attend()));
        });
        assert_overlap(
            "rustls, client",
            |size| meeting.expect(size),
            |i| {
                let answer = ask(connect(&certificate, server.address()), &format!("word {i}"));
                assert_eq!(answer, format!("WORD {i}\n"));
            },
        );
    });
}

#[test]
fn servers_on_green_threads_serve_a_crowd_of_os_threads_at_once() {
    hub(|| {
        let certificate = Arc::new(Certificate::new());
        assert_overlap(
            "rustls, server",
            |_| {},
            |_| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                let settings = certificate.clone();
                let client = std::thread::spawn(move || {
                    let session = ClientConnection::new(settings.client.clone(), localhost()).unwrap();
                    ask(StreamOwned::new(session, std::net::TcpStream::connect(address).unwrap()), "quiet")
                });
                let stream = listener.accept().unwrap().0;
                let session = ServerConnection::new(certificate.server.clone()).unwrap();
                serve_a_line(StreamOwned::new(session, stream), || greenroom::sleep(DELAY)).unwrap();
                assert_eq!(greenroom::unblock(|| client.join().unwrap()), "QUIET\n");
            },
        );
    });
}

/// Both ends on one OS thread, and none of the servers answers before all have been asked.
#[test]
fn a_server_and_its_clients_share_one_os_thread() {
    hub(|| {
        let certificate = Certificate::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let all = greenroom::sync::Barrier::new(CROWD);
        greenroom::scope(|scope| {
            for _ in 0..CROWD {
                let (listener, all, settings) = (&listener, &all, certificate.server.clone());
                scope.spawn(move || {
                    let stream = listener.accept().unwrap().0;
                    let session = ServerConnection::new(settings).unwrap();
                    serve_a_line(StreamOwned::new(session, stream), || {
                        all.wait();
                    })
                    .unwrap();
                });
            }
            let answers = at_once(CROWD, |i| ask(connect(&certificate, address), &format!("word {i}")));
            let expected: Vec<_> = (0..CROWD).map(|i| format!("WORD {i}\n")).collect();
            assert_eq!(answers, expected);
        });
    });
}

#[test]
fn a_megabyte_comes_through_as_it_was() {
    hub(|| {
        let certificate = Certificate::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = connect(&certificate, listener.local_addr().unwrap());
        let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
        let expected = sent.clone();
        let settings = certificate.server.clone();
        let sender = greenroom::spawn(move || {
            let stream = listener.accept().unwrap().0;
            let mut server = StreamOwned::new(ServerConnection::new(settings).unwrap(), stream);
            server.read_exact(&mut [0; 2]).unwrap();
            server.write_all(&sent).unwrap();
            server.conn.send_close_notify();
            server.flush().unwrap();
        });
        client.write_all(b"go").unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert!(received == expected, "{} bytes", received.len());
        sender.join().unwrap();
    });
}

#[test]
fn a_timeout_ends_a_handshake_that_nobody_answers() {
    hub(|| {
        let (certificate, server) = (Certificate::new(), Server::silent());
        let error = assert_a_timeout_ends(|| {
            let mut client = connect(&certificate, server.address());
            client.write_all(b"hello").unwrap_err()
        });
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    });
}

#[test]
fn a_kill_unwinds_a_handshake_and_closes_its_connection() {
    hub(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = greenroom::spawn(move || {
            let mut client = connect(&Certificate::new(), address);
            drop(client.write_all(b"hello"));
        });
        let mut stream = listener.accept().unwrap().0;
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0, "its first message");
        client.kill();
        assert!(client.join().unwrap_err().is_killed());
        let end = stream.read(&mut [0]);
        assert!(matches!(end, Ok(0)) || end.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset));
    });
}
