//! What scripts begin with: connected sockets, listeners, pipes; closed when they are dropped, by libc's close.

use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::RawFd;

use crate::libc_calls as c;

/// A descriptor of libc's.
pub(crate) struct Fd(pub(crate) RawFd);

impl Fd {
    pub(crate) fn raw(&self) -> RawFd {
        self.0
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        c::close(self.0).expect("an open descriptor");
    }
}

pub(crate) fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Two ends of a TCP connection.
pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let (listener, port) = listener();
    let near = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Two ends of a pair of Unix stream sockets.
pub(crate) fn pair() -> (Fd, Fd) {
    let (near, far) = c::socketpair(libc::SOCK_STREAM).unwrap();
    (Fd(near), Fd(far))
}

/// A pipe: the end to read, the end to write.
pub(crate) fn pipe() -> (Fd, Fd) {
    let (reader, writer) = c::pipe2(0).unwrap();
    (Fd(reader), Fd(writer))
}

/// Two UDP sockets that know each other.
pub(crate) fn udp() -> (UdpSocket, UdpSocket) {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (near, far) = (bind(), bind());
    near.connect(far.local_addr().unwrap()).unwrap();
    far.connect(near.local_addr().unwrap()).unwrap();
    (near, far)
}

/// A listener whose queue is full, so that whoever connects has to wait, and those who fill it.
pub(crate) struct FullListener {
    pub(crate) listener: Fd,
    pub(crate) port: u16,
    _fillers: Vec<Fd>,
}

impl FullListener {
    pub(crate) fn new() -> FullListener {
        let listener = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM).unwrap());
        c::bind(listener.raw(), 0).unwrap();
        c::listen(listener.raw(), 0).unwrap();
        let port = port_of(&listener);
        // Linux lets one more in than the backlog says; the others are for the queue of half-open ones.
        let fillers = (0..4).map(|_| {
            let filler = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK).unwrap());
            // EINPROGRESS, or nothing.
            let _ = c::connect(filler.raw(), port);
            filler
        });
        FullListener { port, _fillers: fillers.collect(), listener }
    }
}

#[expect(unsafe_code, reason = "borrows a descriptor to ask std for its address")]
pub(crate) fn port_of(socket: &Fd) -> u16 {
    use std::os::fd::{FromRawFd, IntoRawFd};
    // SAFETY: the descriptor is open, and goes back before anybody could close it.
    let borrowed = unsafe { TcpListener::from_raw_fd(socket.raw()) };
    let port = borrowed.local_addr().unwrap().port();
    let _: RawFd = borrowed.into_raw_fd();
    port
}

/// Bytes of which no two stretches look alike.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A number that tells one run of bytes from another.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
}
