//! What carries the bytes of a connection: a socket, plain or under TLS.

use greenroom::net::TcpStream;
use std::io::{self, Read, Write};

pub(crate) trait Wire: Read + Write {
    /// The socket below.
    fn socket(&self) -> &TcpStream;

    /// Says, if the protocol has words for it, that nothing more will come.
    fn say_goodbye(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}
