//! The example servers: how they end, and that a client in disorder costs nobody else.

use crate::program::{Server, finish};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

const SERVERS: [&str; 9] = [
    "hello_server",
    "hello_server_udp",
    "upper_server",
    "pool_server",
    "per_core_server",
    "http_server",
    "https_server",
    "chat",
    "redis_like",
];

#[test]
fn servers_end_in_order_on_both_signals() {
    for name in SERVERS {
        for signal in [libc::SIGINT, libc::SIGTERM] {
            Server::start(name).end_by(signal);
        }
    }
}

#[test]
fn a_server_ends_in_order_with_a_client_that_stays() {
    let server = Server::start("hello_server");
    let mut client = server.connect();
    client.read_exact(&mut [0; 5]).unwrap();
    server.end_by(libc::SIGTERM);
    assert_eq!(client.read(&mut [0; 5]).unwrap(), 0, "the connection is closed, not left");
}

#[test]
fn a_port_in_use_and_an_address_that_is_none_are_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let _taken = UdpSocket::bind(&address).unwrap();
    for name in SERVERS {
        let in_use = finish(name, &[&address]);
        in_use.assert_one_line_error(name, 1);
        assert!(in_use.stderr.contains(&address) && in_use.stderr.contains("in use"), "{in_use:?}");
        finish(name, &["garbage"]).assert_one_line_error(name, 2);
        finish(name, &["127.0.0.1:70000"]).assert_one_line_error(name, 2);
        finish(name, &["127.0.0.1:0", "twice"]).assert_one_line_error(name, 2);
    }
}

#[test]
fn hello_garbage_costs_that_client_only() {
    let server = Server::start("hello_server");
    let mut good = server.connect();
    good.read_exact(&mut [0; 5]).unwrap();
    let mut bad = server.connect();
    bad.read_exact(&mut [0; 5]).unwrap();
    bad.write_all(b"hi?").unwrap();
    assert_eq!(bad.read(&mut [0; 5]).unwrap(), 0);
    for _ in 0..3 {
        let mut greeting = [0; 5];
        good.write_all(b"bye").unwrap();
        good.read_exact(&mut greeting).unwrap();
        assert_eq!(&greeting, b"hello");
    }
    drop(good);
    let said = server.end_by(libc::SIGINT);
    assert!(said.contains("expected \"bye\", got \"hi?\""), "{said}");
}

#[test]
fn lines_come_back_in_upper_case_whoever_else_vanishes() {
    let server = Server::start("upper_server");
    let mut vanishing = server.connect();
    vanishing.write_all(b"half a li").unwrap();
    let mut steady: Vec<TcpStream> = (0..10).map(|_| server.connect()).collect();
    drop(vanishing);
    for client in &mut steady {
        client.write_all(b"good day\n").unwrap();
        client.write_all(b"to \xffyou").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    }
    for client in &mut steady {
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"GOOD DAY\nTO \xffYOU");
    }
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

#[test]
fn a_line_without_end_costs_that_client_only() {
    let server = Server::start("upper_server");
    let mut endless = server.connect();
    let mut other = server.connect();
    // The server hangs up on the way: how much of it still goes out is the kernel's affair.
    let _ = endless.write_all(&[b'a'; 200 << 10]);
    let mut rest = Vec::new();
    let _ = endless.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{} bytes came back", rest.len());
    other.write_all(&[b'b'; (64 << 10) - 1]).unwrap();
    other.write_all(b"\n").unwrap();
    let mut line = vec![0; 64 << 10];
    other.read_exact(&mut line).unwrap();
    assert!(line.starts_with(b"BBB") && line.ends_with(b"B\n"));
    drop(other);
    let said = server.end_by(libc::SIGTERM);
    assert!(said.contains("a line longer than 64 KiB"), "{said}");
}

#[test]
fn a_client_beyond_the_size_of_the_pool_waits_its_turn() {
    let server = Server::start_with("pool_server", &["--clients", "2"]);
    let mut served: Vec<TcpStream> = (0..2).map(|_| server.connect()).collect();
    for client in &mut served {
        client.write_all(b"first\n").unwrap();
        client.read_exact(&mut [0; 6]).unwrap();
    }
    let mut third = server.connect();
    third.write_all(b"third\n").unwrap();
    third.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    assert_eq!(third.read(&mut [0; 6]).unwrap_err().kind(), ErrorKind::WouldBlock);

    drop(served.pop());
    third.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut line = [0; 6];
    third.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"THIRD\n");
    served[0].write_all(b"still\n").unwrap();
    served[0].read_exact(&mut line).unwrap();
    assert_eq!(&line, b"STILL\n");
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

#[test]
fn a_server_whose_pool_is_full_ends_in_order() {
    let server = Server::start_with("pool_server", &["--clients", "1"]);
    let mut client = server.connect();
    client.write_all(b"first\n").unwrap();
    client.read_exact(&mut [0; 6]).unwrap();
    let _waiting = server.connect();
    assert_eq!(server.end_by(libc::SIGINT), "");
}

#[test]
fn clients_are_spread_over_the_hubs_of_all_workers() {
    let server = Server::start_with("per_core_server", &["--workers", "2"]);
    let mut seen = std::collections::BTreeSet::new();
    let mut clients = Vec::new();
    while seen.len() < 2 {
        let mut client = server.connect();
        client.write_all(b"who\nstill there\n").unwrap();
        let mut answer = [0; 14];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[1..], b"\nstill there\n");
        seen.insert(answer[0]);
        clients.push(client);
        assert!(clients.len() < 200, "{seen:?}");
    }
    assert_eq!(server.end_by(libc::SIGTERM), "");
    assert_eq!(clients[0].read(&mut [0]).unwrap(), 0);
}

#[test]
fn datagrams_are_answered_with_hello_and_a_bye_with_nothing() {
    let server = Server::start("hello_server_udp");
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(&server.address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 64];
    for _ in 0..3 {
        client.send(b"bye").unwrap();
        client.send(b"anybody there?").unwrap();
        let got = client.recv(&mut answer).unwrap();
        assert_eq!(&answer[..got], b"hello");
    }
    assert_eq!(server.end_by(libc::SIGINT), "");
}
