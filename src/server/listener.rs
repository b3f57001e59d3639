//! What a stream server accepts from: a trait that the crate's listeners have.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::net::{SocketAddr, TcpListener, TcpStream};

/// A socket that a [`StreamServer`](super::StreamServer) takes connections from; implemented by the crate's listeners only.
pub trait Listener: sealed::Accept {
    /// A connection.
    type Stream: 'static;
    /// Where a socket is: the peer's, or this one's.
    type Address: fmt::Debug + 'static;
}

/// What only the server calls.
pub(super) mod sealed {
    use super::*;

    pub trait Accept: Sized + 'static {
        fn accept_one(&self) -> io::Result<(<Self as Listener>::Stream, <Self as Listener>::Address)>
        where
            Self: Listener;

        fn address(&self) -> io::Result<<Self as Listener>::Address>
        where
            Self: Listener;

        /// Sets how long reads and writes may wait; None is for ever.
        fn limit(
            stream: &<Self as Listener>::Stream,
            read: Option<Duration>,
            write: Option<Duration>,
        ) -> io::Result<()>
        where
            Self: Listener;

        fn close_it(&self) -> io::Result<()>;
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Address = SocketAddr;
}

impl sealed::Accept for TcpListener {
    fn accept_one(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept()
    }

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn limit(stream: &TcpStream, read: Option<Duration>, write: Option<Duration>) -> io::Result<()> {
        if read.is_some() {
            stream.set_read_timeout(read)?;
        }
        if write.is_some() {
            stream.set_write_timeout(write)?;
        }
        Ok(())
    }

    fn close_it(&self) -> io::Result<()> {
        self.close()
    }
}
