//! A server that takes its time: HTTP/1.1, a page a request, a green thread a connection, with std's sockets.

use greenroom::spawn;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const LONGEST_REQUEST: u64 = 8 << 10;

/// Starts a server on an OS thread and a hub of its own, there until the program ends; returns its address.
pub(crate) fn start(delay: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let serve = move || {
        for stream in listener.incoming().flatten() {
            spawn(move || serve(&stream, delay));
        }
    };
    thread::Builder::new().name("slow server".into()).spawn(|| greenroom::run(serve))?;
    Ok(address)
}

fn serve(stream: &TcpStream, delay: Duration) -> io::Result<()> {
    let mut requests = BufReader::new(stream);
    loop {
        let mut lines = requests.by_ref().take(LONGEST_REQUEST).lines();
        // No more requests: the client has hung up.
        let Some(request) = lines.next().transpose()? else { return Ok(()) };
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        thread::sleep(delay);
        let page = format!("this is {}", request.split(' ').nth(1).unwrap_or("nothing"));
        let mut stream = stream;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len())?;
    }
}
