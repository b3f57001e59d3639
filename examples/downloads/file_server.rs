//! A server of files that it makes up: HTTP/1.0, one file a connection, a chunk now and then.

use crate::serving;
use greenroom::net::{SocketAddr, TcpStream};
use greenroom::{sleep, thread};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::time::Duration;

const CHUNK: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(2);
const LONGEST_REQUEST: u64 = 8 << 10;

/// What `number`'s file holds: noise, the same each time, of its own length.
pub(crate) fn content(number: u64, kilobytes: u64) -> Vec<u8> {
    // Marsaglia's xorshift, https://www.jstatsoft.org/article/view/v008i14
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = (kilobytes << 10) / 8 * (number + 1);
    let noise = (0..words).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    // No file is a whole number of chunks.
    noise.chain(*b"the end").collect()
}

/// Starts a server that is there until the program ends; returns its address.
pub(crate) fn start(kilobytes: u64) -> io::Result<SocketAddr> {
    let listener = serving::listen("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let serve = move || {
        if let Err(error) = serving::serve(&listener, move |stream| send(stream, kilobytes)) {
            eprintln!("the file server has ended: {error}");
        }
    };
    thread::Builder::new().name("file server").daemon(true).spawn(serve)?;
    Ok(address)
}

fn send(mut stream: &TcpStream, kilobytes: u64) -> io::Result<()> {
    let mut lines = BufReader::new(stream).take(LONGEST_REQUEST).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The headers, up to the empty line: they say nothing that would matter here.
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let number = request.strip_prefix("GET /").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let Some(number) = number.filter(|number| *number < 1000) else {
        stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\n")?;
        return Err(io::Error::new(ErrorKind::InvalidData, format!("there is no {request:?}")));
    };
    let content = content(number, kilobytes);
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", content.len())?;
    for chunk in content.chunks(CHUNK) {
        stream.write_all(chunk)?;
        sleep(PAUSE);
    }
    Ok(())
}
