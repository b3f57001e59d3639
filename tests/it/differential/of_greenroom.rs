//! The scripts on greenroom: sockets that park, green threads.

mod world {
    pub(super) use greenroom::net::{TcpListener, TcpStream, UdpSocket};
    pub(super) use greenroom::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    pub(super) use greenroom::thread::{sleep, spawn};
}

#[path = "scripts/tcp.rs"]
pub(super) mod tcp;
#[path = "scripts/udp.rs"]
pub(super) mod udp;
#[path = "scripts/unix.rs"]
pub(super) mod unix;
#[path = "scripts/unix_datagram.rs"]
pub(super) mod unix_datagram;
