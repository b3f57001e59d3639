//! What a server serves from: traits that the crate's sockets have.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use crate::os::unix::net::{self as unix, UnixListener, UnixStream};

/// A socket that a server serves from; implemented by the crate's listeners, and [`UdpSocket`].
pub trait Endpoint: sealed::Endpoint {
    /// Where a socket is: this one, or a peer's.
    type Address: fmt::Debug + 'static;
}

/// A socket that a [`StreamServer`](super::StreamServer) takes connections from; implemented by the crate's listeners.
pub trait Listener: Endpoint + sealed::Listener {
    /// A connection.
    type Stream: 'static;
}

/// What only the server calls.
pub(super) mod sealed {
    use super::*;

    pub trait Endpoint: Sized + 'static {
        fn address(&self) -> io::Result<<Self as super::Endpoint>::Address>
        where
            Self: super::Endpoint;

        fn close_it(&self) -> io::Result<()>;
    }

    pub trait Listener: Sized {
        fn accept_one(
            &self,
        ) -> io::Result<(<Self as super::Listener>::Stream, <Self as super::Endpoint>::Address)>
        where
            Self: super::Listener;

        /// Sets how long reads and writes may wait; None leaves it as it is.
        fn limit(
            stream: &<Self as super::Listener>::Stream,
            read: Option<Duration>,
            write: Option<Duration>,
        ) -> io::Result<()>
        where
            Self: super::Listener;
    }
}

macro_rules! endpoint {
    ($socket:ty, $address:ty) => {
        impl Endpoint for $socket {
            type Address = $address;
        }

        impl sealed::Endpoint for $socket {
            fn address(&self) -> io::Result<$address> {
                self.local_addr()
            }

            fn close_it(&self) -> io::Result<()> {
                self.close()
            }
        }
    };
}

macro_rules! listener {
    ($listener:ty, $stream:ty, $address:ty) => {
        endpoint!($listener, $address);

        impl Listener for $listener {
            type Stream = $stream;
        }

        impl sealed::Listener for $listener {
            fn accept_one(&self) -> io::Result<($stream, $address)> {
                self.accept()
            }

            fn limit(stream: &$stream, read: Option<Duration>, write: Option<Duration>) -> io::Result<()> {
                if read.is_some() {
                    stream.set_read_timeout(read)?;
                }
                if write.is_some() {
                    stream.set_write_timeout(write)?;
                }
                Ok(())
            }
        }
    };
}

listener!(TcpListener, TcpStream, SocketAddr);
listener!(UnixListener, UnixStream, unix::SocketAddr);
endpoint!(UdpSocket, SocketAddr);
