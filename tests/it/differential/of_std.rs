//! The scripts on std: sockets that block, OS threads.
#![allow(clippy::duplicate_mod, reason = "each script is compiled for two worlds")]

mod world {
    pub(super) use std::net::{TcpListener, TcpStream, UdpSocket};
    pub(super) use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    pub(super) use std::thread::{sleep, spawn};
}

#[path = "scripts/tcp.rs"]
pub(super) mod tcp;
#[path = "scripts/udp.rs"]
pub(super) mod udp;
#[path = "scripts/unix.rs"]
pub(super) mod unix;
#[path = "scripts/unix_datagram.rs"]
pub(super) mod unix_datagram;
