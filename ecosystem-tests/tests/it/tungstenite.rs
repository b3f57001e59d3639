//! tungstenite over our streams, at either end; and over std's, under `monkey`.

use std::sync::Arc;

use tungstenite::{Error, Message, WebSocket};

use crate::crowd::{CROWD, Meeting, assert_a_timeout_ends, assert_overlap, at_once};
use crate::server::Server;
use crate::streams::{TcpListener, TcpStream, WHOSE, run};

fn connect(server: std::net::SocketAddr) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(server).unwrap();
    tungstenite::client("ws://localhost/", stream).unwrap().0
}

#[test]
fn clients_on_green_threads_wait_at_once() {
    run(|| {
        let meeting = Arc::new(Meeting::new());
        let met = meeting.clone();
        let server = Server::start(move |stream| {
            let mut socket = tungstenite::accept(stream).unwrap();
            let question = socket.read().unwrap();
            met.attend();
            socket.send(question).unwrap();
            // The client closes: the library answers that, and then reading ends.
            while socket.read().is_ok() {}
        });
        assert_overlap(
            &format!("tungstenite over {WHOSE} streams, client"),
            |size| meeting.expect(size),
            |i| {
                let mut socket = connect(server.address());
                socket.send(Message::text(format!("word {i}"))).unwrap();
                assert_eq!(socket.read().unwrap(), Message::text(format!("word {i}")));
                socket.close(None).unwrap();
                let end = loop {
                    if let Err(end) = socket.read() {
                        break end;
                    }
                };
                assert!(matches!(end, Error::ConnectionClosed), "{end}");
            },
        );
    });
}

/// Both ends on one OS thread, and none of the servers answers before all have been asked, with messages larger than
/// what the kernel holds.
#[test]
fn servers_on_green_threads_serve_a_crowd_at_once() {
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let all = greenroom::sync::Barrier::new(CROWD);
        greenroom::scope(|scope| {
            for _ in 0..CROWD {
                let (listener, all) = (&listener, &all);
                scope.spawn(move || {
                    let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
                    let question = socket.read().unwrap();
                    all.wait();
                    socket.send(question).unwrap();
                });
            }
            let answers = at_once(CROWD, |i| {
                let mut socket = connect(address);
                let message = Message::binary(vec![i as u8; 200_000]);
                socket.send(message.clone()).unwrap();
                socket.read().unwrap() == message
            });
            assert_eq!(answers, [true; CROWD]);
        });
    });
}

#[test]
fn a_timeout_ends_a_read_that_nobody_answers() {
    run(|| {
        let server = Server::start(|stream| {
            let mut socket = tungstenite::accept(stream).unwrap();
            while socket.read().is_ok() {}
        });
        let mut socket = connect(server.address());
        let error = assert_a_timeout_ends(|| socket.read().unwrap_err());
        assert!(matches!(&error, Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut), "{error}");
        // What was not read was not lost: the connection goes on.
        socket.send(Message::Ping("still there".into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong("still there".into()));
    });
}
