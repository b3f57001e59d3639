//! The echo server on greenroom.

use super::BUFFER_SIZE;
use crate::serving::{ON_LOOPBACK, announce};
use greenroom::net::{TcpListener, TcpStream};
use std::{
    io::{self, Read, Write},
    time::Duration,
};

/// Serves on a port of the loopback until the process is killed.
///
/// # Errors
///
/// If the port is taken.
pub fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((ON_LOOPBACK, port))?;
    announce(port, listener.local_addr()?);
    loop {
        match listener.accept() {
            // What ends a conversation, end of stream or error, concerns nobody else.
            Ok((stream, _)) => drop(greenroom::spawn(move || echo(stream))),
            Err(error) => {
                eprintln!("accept: {error}");
                greenroom::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; BUFFER_SIZE];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}
