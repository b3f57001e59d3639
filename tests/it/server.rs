//! Servers: accepting, limits, errors that pass, and every way to end one. Sources: gevent's `test__server.py`, Go's
//! `net/http` `Serve` and `Shutdown`, issues libuv 690 and tokio 3529 (storms at the limit of descriptors).

mod accepting;
mod datagrams;
mod stopping;
mod workers;

use std::io::{Read, Write};
use std::net::SocketAddr;

use greenroom::net::{TcpListener, TcpStream};

/// A listener on a free port.
fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Sends back all it gets until the client hangs up, or a call fails.
fn echo(mut stream: TcpStream, _peer: SocketAddr) {
    let mut buffer = [0; 256];
    while let Ok(got @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..got]).is_err() {
            return;
        }
    }
}

/// A client that has been served once, so that its handler runs.
fn served(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    assert!(answers(&mut client), "the server answers");
    client
}

fn answers(client: &mut TcpStream) -> bool {
    let mut heard = [0; 2];
    client.write_all(b"hi").is_ok() && client.read_exact(&mut heard).is_ok() && heard == *b"hi"
}

/// Whether the server has hung up on it, in order or not.
fn is_hung_up_on(client: &mut TcpStream) -> bool {
    !matches!(client.read(&mut [0; 16]), Ok(1..))
}
