//! Servers of datagrams, and stream servers on Unix sockets.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::UdpSocket;
use greenroom::os::linux::net::SocketAddrExt;
use greenroom::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use greenroom::pool::Pool;
use greenroom::server::{DatagramServer, StreamServer};
use greenroom::{sleep, spawn, timeout, yield_now};

use crate::support::{Log, OnDrop, hub, ms, until};

const GRACE: Duration = Duration::from_secs(1);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

fn server() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

fn answer(socket: &UdpSocket, datagram: Vec<u8>, peer: std::net::SocketAddr) {
    let _ = socket.send_to(&datagram, peer);
}

#[test]
fn each_datagram_is_answered_to_its_sender_whole_or_empty_or_of_the_longest() {
    hub(|| {
        let server = DatagramServer::new(server(), answer).start();
        let address = server.local_addr().unwrap();
        let clients: Vec<UdpSocket> = (0..5).map(|_| socket()).collect();
        let mut buffer = vec![0; 70_000];
        // The longest goes one at a time: the server's receive buffer has no room for five.
        for (length, clients) in [(0, &clients[..]), (1, &clients), (1400, &clients), (65_507, &clients[..1])]
        {
            for (n, client) in clients.iter().enumerate() {
                client.send_to(&vec![n as u8; length], address).unwrap();
            }
            for (n, client) in clients.iter().enumerate() {
                assert_eq!(client.recv_from(&mut buffer).unwrap(), (length, address));
                assert!(buffer[..length].iter().all(|&byte| byte == n as u8));
            }
        }
        server.stop(GRACE);
    });
}

#[test]
fn a_slow_handler_keeps_nobody_waiting_and_one_that_panics_costs_its_datagram() {
    hub(|| {
        let server = DatagramServer::new(server(), |socket, datagram, peer| match &datagram[..] {
            b"slow" => sleep(Duration::from_secs(3600)),
            b"bad" => std::panic::resume_unwind(Box::new("bad")),
            _ => answer(socket, datagram, peer),
        })
        .start();
        let (address, client) = (server.local_addr().unwrap(), socket());
        for word in ["slow", "bad", "good"] {
            client.send_to(word.as_bytes(), address).unwrap();
        }
        let mut buffer = [0; 16];
        assert_eq!(client.recv(&mut buffer).unwrap(), 4);
        assert_eq!(server.connections(), 1);
        // The cancel ends its sleep.
        server.stop(Duration::from_secs(3600));
    });
}

#[test]
fn at_most_so_many_are_handled_at_once_and_each_no_longer_than_allowed() {
    hub(|| {
        let counter = || Rc::new(Cell::new(0));
        let (most, now, ended) = (counter(), counter(), counter());
        let server = DatagramServer::new(server(), {
            let (most, now, ended) = (most.clone(), now.clone(), ended.clone());
            move |_, _, _| {
                now.set(now.get() + 1);
                most.set(most.get().max(now.get()));
                let _done = OnDrop(|| {
                    now.set(now.get() - 1);
                    ended.set(ended.get() + 1);
                });
                greenroom::thread::park();
            }
        })
        .pool(Pool::new(2))
        .lifetime(ms(10))
        .start();
        let (address, client) = (server.local_addr().unwrap(), socket());
        (0..6).for_each(|_| _ = client.send_to(b"x", address).unwrap());
        let mut connections = 0;
        while ended.get() < 6 {
            yield_now();
            connections = connections.max(server.connections());
        }
        assert_eq!((most.get(), connections), (2, 2));
        server.stop(GRACE);
    });
}

#[test]
fn stop_frees_the_port_and_kills_the_stubborn() {
    hub(|| {
        let log = Log::new();
        let server = DatagramServer::new(server(), {
            let log = log.clone();
            move |_, _, _| {
                log.push("begun");
                let _unwound = OnDrop(|| log.push("unwound"));
                greenroom::thread::park();
            }
        });
        let handle = server.handle();
        let address = handle.local_addr().unwrap();
        let serving = spawn(move || server.serve_forever());
        socket().send_to(b"x", address).unwrap();
        until(|| log.words() == ["begun"]);
        handle.stop(ms(5));
        assert_eq!(log.words(), ["begun", "unwound"]);
        serving.join().unwrap().unwrap();
        drop(UdpSocket::bind(address).unwrap());
    });
}

#[test]
fn an_answer_that_reaches_nobody_does_not_end_the_server() {
    hub(|| {
        let (first, second) = (server(), socket());
        let address = first.local_addr().unwrap();
        // A connected socket hears of it by ECONNREFUSED.
        first.connect(second.local_addr().unwrap()).unwrap();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let server = DatagramServer::new(first, {
            let seen = seen.clone();
            move |socket, datagram, peer| {
                seen.borrow_mut().extend(datagram);
                let _ = socket.send_to(b"?", peer);
            }
        })
        .start();
        let port = second.local_addr().unwrap();
        second.send_to(b"a", address).unwrap();
        drop(second);
        until(|| !seen.borrow().is_empty());
        let second = UdpSocket::bind(port).unwrap();
        second.send_to(b"b", address).unwrap();
        until(|| seen.borrow().len() >= 2);
        assert_eq!(*seen.borrow(), *b"ab");
        server.stop(GRACE);
    });
}

#[test]
fn serving_datagrams_ends_with_the_scope_of_a_timeout() {
    hub(|| {
        let socket = server();
        let mut ended = None;
        let outcome = timeout(ms(10), || {
            ended = Some(DatagramServer::new(socket, answer).serve_forever().unwrap_err().kind());
        });
        assert!(outcome.is_err());
        assert_eq!(ended, Some(ErrorKind::TimedOut));
    });
}

#[test]
fn a_unix_socket_is_served_with_the_same_limits_and_the_same_end() {
    hub(|| {
        let name =
            SocketAddr::from_abstract_name(format!("greenroom-server-{}", std::process::id())).unwrap();
        let server =
            StreamServer::new(UnixListener::bind_addr(&name).unwrap(), |mut stream: UnixStream, peer| {
                assert!(peer.is_unnamed());
                let mut byte = [0];
                while let Ok(1) = stream.read(&mut byte) {
                    let _ = stream.write_all(&byte);
                }
            })
            .pool(Pool::new(10))
            .idle_timeout(ms(30))
            .start();
        assert_eq!(server.local_addr().unwrap().as_abstract_name(), name.as_abstract_name());
        let mut client = UnixStream::connect_addr(&name).unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        assert_eq!((client.read(&mut byte).unwrap(), byte), (1, *b"x"));
        assert_eq!(client.read(&mut byte).unwrap(), 0, "it was idle");
        server.stop(GRACE);
        assert_eq!(UnixStream::connect_addr(&name).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}
