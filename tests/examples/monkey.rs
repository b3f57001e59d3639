//! The examples whose calls are those of std and of an HTTP client, under `monkey`.

use crate::program::{Server, finish};
use std::io::{Read, Write};
use std::net::TcpListener;

#[test]
fn four_sleepers_all_start_before_any_ends() {
    let run = finish("four_sleepers", &[]);
    let words: Vec<&str> = run.stdout.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(
        words[..8],
        ["starts", "starts", "starts", "starts", "ends", "ends", "ends", "ends"],
        "{run:?}"
    );
    run.assert_took(0.99, 3.9);
}

#[test]
fn a_swarm_on_a_server_of_stds_sockets_loses_nothing() {
    let server = Server::start("hello_server_std");
    let run = finish("swarm", &[&server.address, "--clients", "500", "--messages", "10"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.figures()[..4],
        ["clients=500", "alive_at_once=500", "messages=5000", "lost=0"],
        "{run:?}"
    );
    assert_eq!(server.os_threads(), 2, "one serves, and one waits for signals");
    assert_eq!(server.end_by(libc::SIGTERM), "");
}

#[test]
fn a_server_of_stds_sockets_ends_in_order() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let server = Server::start("hello_server_std");
        let mut client = server.connect();
        client.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(server.end_by(signal), "");
        assert_eq!(client.read(&mut [0; 5]).unwrap(), 0, "the connection is closed, not left");
    }
}

#[test]
fn garbage_costs_that_client_only() {
    let server = Server::start("hello_server_std");
    let (mut good, mut bad) = (server.connect(), server.connect());
    for client in [&mut good, &mut bad] {
        client.read_exact(&mut [0; 5]).unwrap();
    }
    bad.write_all(b"hi?").unwrap();
    assert_eq!(bad.read(&mut [0; 5]).unwrap(), 0);
    good.write_all(b"bye").unwrap();
    good.read_exact(&mut [0; 5]).unwrap();
    let said = server.end_by(libc::SIGINT);
    assert!(said.contains("expected \"bye\", got \"hi?\""), "{said}");
}

#[test]
fn an_address_that_cannot_be_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use = finish("hello_server_std", &[&address]);
    in_use.assert_one_line_error("hello_server_std", 1);
    assert!(in_use.stderr.contains(&address) && in_use.stderr.contains("in use"), "{in_use:?}");
    finish("hello_server_std", &["garbage"]).assert_one_line_error("hello_server_std", 2);
}

#[test]
fn many_pages_are_fetched_in_the_time_of_one() {
    let run = finish("fetch_many", &["100", "--delay", "300"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut pages: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("this is /")).collect();
    pages.sort_unstable();
    pages.dedup();
    assert_eq!(pages.len(), 100, "{run:?}");
    assert_eq!(run.figures()[0], "pages=100", "{run:?}");
    assert_eq!(run.figures()[2], "one_by_one_ms=30000", "{run:?}");
    run.assert_took(0.29, 25.0);
}

#[test]
fn more_pages_than_descriptors_are_refused_in_one_line() {
    let run = finish("fetch_many", &["100000000"]);
    run.assert_one_line_error("fetch_many", 1);
    assert!(run.stderr.contains("ulimit"), "{run:?}");
}
