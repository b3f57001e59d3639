//! The rivals' echo servers, each as its users would write it.

use super::BUFFER_SIZE;
use crate::{
    kernel::Epoll,
    rivals,
    serving::{ON_LOOPBACK, announce},
};
use may::go;
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::AsRawFd,
    rc::Rc,
    thread,
};

pub(crate) async fn tokio(port: u16) -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind((ON_LOOPBACK, port)).await?;
    announce(port, listener.local_addr()?);
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

/// smol on one OS thread: `async_io::block_on` looks at the sockets itself whenever no task is ready.
pub(crate) fn smol(port: u16) -> io::Result<()> {
    use futures_lite::io::{AsyncReadExt, AsyncWriteExt};

    let listener = async_io::Async::<TcpListener>::bind((ON_LOOPBACK, port))?;
    announce(port, listener.get_ref().local_addr()?);
    let executor = Rc::new(async_executor::LocalExecutor::new());
    let accepting = async {
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            let conversation = async move {
                let mut buffer = [0; BUFFER_SIZE];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => return io::Result::Ok(()),
                        length => stream.write_all(&buffer[..length]).await?,
                    }
                }
            };
            executor.spawn(conversation).detach();
        }
    };
    async_io::block_on(executor.run(accepting))
}

/// monoio on epoll, as greenroom is; its buffers travel to the driver and back.
pub(crate) fn monoio(port: u16) -> io::Result<()> {
    use monoio::io::{AsyncReadRent, AsyncWriteRentExt};

    let mut runtime = monoio::RuntimeBuilder::<monoio::LegacyDriver>::new().build()?;
    runtime.block_on(async move {
        let listener = monoio::net::TcpListener::bind((ON_LOOPBACK, port))?;
        announce(port, listener.local_addr()?);
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            monoio::spawn(async move {
                let mut buffer = Vec::with_capacity(BUFFER_SIZE);
                loop {
                    let (read, filled) = stream.read(buffer).await;
                    if read? == 0 {
                        return io::Result::Ok(());
                    }
                    let (written, sent) = stream.write_all(filled).await;
                    written?;
                    buffer = sent;
                }
            });
        }
    })
}

pub(crate) fn may(port: u16) -> io::Result<()> {
    rivals::may::run_with_few_stacks(move || {
        let listener = may::net::TcpListener::bind((ON_LOOPBACK, port))?;
        announce(port, listener.local_addr()?);
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

/// One OS thread a connection.
pub(crate) fn os_threads(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((ON_LOOPBACK, port))?;
    announce(port, listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let conversation = move || -> io::Result<()> {
            let mut buffer = [0; BUFFER_SIZE];
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Ok(()),
                    length => stream.write_all(&buffer[..length])?,
                }
            }
        };
        thread::Builder::new().spawn(conversation)?;
    }
}

/// The least that the kernel allows: one thread, one level-triggered epoll, a read and a write a message.
pub(crate) fn epoll(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((ON_LOOPBACK, port))?;
    let mut epoll = Epoll::new()?;
    epoll.add(&listener, listener.as_raw_fd() as usize)?;
    announce(port, listener.local_addr()?);
    // At the index of its descriptor, which is its token too.
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = [0; BUFFER_SIZE];
    loop {
        let mut callers = 0;
        for token in epoll.wait(None)? {
            if token == listener.as_raw_fd() as usize {
                callers = 1;
            } else if let Some(stream) = &mut streams[token]
                && !echoed(stream, &mut buffer)
            {
                streams[token] = None;
            }
        }
        for _ in 0..callers {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let token = stream.as_raw_fd() as usize;
            epoll.add(&stream, token)?;
            if streams.len() <= token {
                streams.resize_with(token + 1, || None);
            }
            streams[token] = Some(stream);
        }
    }
}

/// Echoes what has come; false once the conversation is over.
fn echoed(stream: &mut TcpStream, buffer: &mut [u8]) -> bool {
    match stream.read(buffer) {
        Ok(0) | Err(_) => false,
        Ok(length) => stream.write_all(&buffer[..length]).is_ok(),
    }
}
