//! The echo servers, each as its users would write it.

use crate::{kernel, kernel::Epoll, rivals};
use may::go;
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
};

pub(super) const MESSAGE_SIZE: usize = 64;

/// What a server reads at most at once: a common size, and one that a message never fills.
const BUFFER_SIZE: usize = 1_024;

/// Serves until the process is killed; prints `ready PORT` once clients may connect.
pub(crate) fn serve(kind: &str) -> io::Result<()> {
    kernel::die_with_parent()?;
    kernel::raise_descriptor_limit()?;
    match kind {
        "greenroom" => greenroom::run(greenroom),
        "tokio" => rivals::tokio::run_local(tokio()),
        "may" => may(),
        "epoll" => epoll(),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("unknown kind of server: {kind}"))),
    }
}

const ANY_PORT: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn print_ready(address: SocketAddr) {
    println!("ready {}", address.port());
}

fn greenroom() -> io::Result<()> {
    let listener = greenroom::net::TcpListener::bind(ANY_PORT)?;
    print_ready(listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        greenroom::spawn(move || -> io::Result<()> {
            let mut buffer = [0; BUFFER_SIZE];
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Ok(()),
                    length => stream.write_all(&buffer[..length])?,
                }
            }
        });
    }
}

async fn tokio() -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind(SocketAddr::from(ANY_PORT)).await?;
    print_ready(listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(async move {
            let mut buffer = [0; BUFFER_SIZE];
            loop {
                match stream.read(&mut buffer).await? {
                    0 => return io::Result::Ok(()),
                    length => stream.write_all(&buffer[..length]).await?,
                }
            }
        });
    }
}

fn may() -> io::Result<()> {
    rivals::may::run_coroutine(|| {
        let listener = may::net::TcpListener::bind(ANY_PORT)?;
        print_ready(listener.local_addr()?);
        loop {
            let (mut stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            go!(move || -> io::Result<()> {
                let mut buffer = [0; BUFFER_SIZE];
                loop {
                    match stream.read(&mut buffer)? {
                        0 => return Ok(()),
                        length => stream.write_all(&buffer[..length])?,
                    }
                }
            });
        }
    })
}

/// The least that the kernel allows: one thread, one level-triggered epoll, a read and a write a message.
fn epoll() -> io::Result<()> {
    const LISTENER: usize = usize::MAX;
    let listener = TcpListener::bind(ANY_PORT)?;
    let mut epoll = Epoll::new()?;
    epoll.add(&listener, LISTENER)?;
    print_ready(listener.local_addr()?);
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut buffer = [0; BUFFER_SIZE];
    loop {
        let mut callers = 0;
        for token in epoll.wait(None)? {
            if token == LISTENER {
                callers = 1;
            } else {
                let length = streams[token].read(&mut buffer)?;
                streams[token].write_all(&buffer[..length])?;
            }
        }
        for _ in 0..callers {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            epoll.add(&stream, streams.len())?;
            streams.push(stream);
        }
    }
}
