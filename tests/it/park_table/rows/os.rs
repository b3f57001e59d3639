//! The rows of `net` that are not TCP, and of `os`.

use std::cell::Cell;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::linux::net::SocketAddrExt;

use greenroom::net::{UdpSocket, wait_readable, wait_writable};
use greenroom::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use super::{Call, LONG, Row, row};
use crate::park_table::Manner::Fallible;
use crate::park_table::Manner::FallibleAndBrief;

pub(super) const ROWS: &[Row] = &[
    // net
    row("net::UdpSocket::bind", FallibleAndBrief, |_| Box::new(|| UdpSocket::bind("localhost:0").map(drop))),
    row("net::UdpSocket::connect", FallibleAndBrief, |_| {
        let socket = udp();
        Box::new(move || socket.connect("localhost:9"))
    }),
    row("net::UdpSocket::send_to", FallibleAndBrief, |_| {
        // Loopback takes every datagram: what can wait is the name.
        let socket = udp();
        Box::new(move || socket.send_to(b"x", "localhost:9").map(drop))
    }),
    row("net::UdpSocket::recv", Fallible, |_| with_udp(|socket| socket.recv(&mut [0; 8]).map(drop))),
    row("net::UdpSocket::recv_from", Fallible, |_| {
        with_udp(|socket| socket.recv_from(&mut [0; 8]).map(drop))
    }),
    row("net::UdpSocket::peek", Fallible, |_| with_udp(|socket| socket.peek(&mut [0; 8]).map(drop))),
    row("net::UdpSocket::peek_from", Fallible, |_| {
        with_udp(|socket| socket.peek_from(&mut [0; 8]).map(drop))
    }),
    row("net::UdpSocket::send", Fallible, |_| {
        // No UDP socket of this machine can be kept full; a full socket of another kind waits in the same way.
        let (near, far) = full_datagrams();
        let near = UdpSocket::from(std::os::fd::OwnedFd::from(near));
        Box::new(move || {
            let _far = &far;
            near.send(&[0; 1024]).map(drop)
        })
    }),
    row("net::wait_readable", Fallible, |_| {
        let (near, far) = io::pipe().unwrap();
        Box::new(move || {
            let _far = &far;
            wait_readable(&near, Some(LONG)).map(drop)
        })
    }),
    row("net::wait_writable", Fallible, |_| {
        let (near, far) = full_streams();
        Box::new(move || {
            let _far = &far;
            wait_writable(&near, None).map(drop)
        })
    }),
    // os::unix::net
    row("os::UnixListener::accept", Fallible, |_| {
        let listener = UnixListener::bind_addr(&fresh_name()).unwrap();
        Box::new(move || listener.accept().map(drop))
    }),
    row("os::Incoming::next", Fallible, |_| {
        let listener = UnixListener::bind_addr(&fresh_name()).unwrap();
        Box::new(move || listener.incoming().next().expect("it never ends").map(drop))
    }),
    row("os::UnixStream::connect", Fallible, |_| {
        let name = std::env::temp_dir().join(format!("greenroom-row-{}", std::process::id()));
        let _ = std::fs::remove_file(&name);
        let full = FullListener::at(SocketAddr::from_pathname(&name).unwrap());
        Box::new(move || full.while_it_is(|_| UnixStream::connect(&name).map(drop)))
    }),
    row("os::UnixStream::connect_addr", Fallible, |_| {
        let full = FullListener::at(fresh_name());
        Box::new(move || full.while_it_is(|full| UnixStream::connect_addr(&full.name).map(drop)))
    }),
    row("os::UnixStream::read", Fallible, |_| with_streams(|mut stream| stream.read(&mut [0; 8]).map(drop))),
    row("os::UnixStream::read_vectored", Fallible, |_| {
        with_streams(|mut stream| stream.read_vectored(&mut [IoSliceMut::new(&mut [0; 8])]).map(drop))
    }),
    row("os::UnixStream::peek", Fallible, |_| with_streams(|stream| stream.peek(&mut [0; 8]).map(drop))),
    row("os::UnixStream::write", Fallible, |_| {
        with_full_streams(|mut stream| stream.write(&[0; 1 << 16]).map(drop))
    }),
    row("os::UnixStream::write_vectored", Fallible, |_| {
        with_full_streams(|mut stream| stream.write_vectored(&[IoSlice::new(&[0; 1 << 16])]).map(drop))
    }),
    row("os::UnixDatagram::recv", Fallible, |_| with_datagrams(|socket| socket.recv(&mut [0; 8]).map(drop))),
    row("os::UnixDatagram::recv_from", Fallible, |_| {
        with_datagrams(|socket| socket.recv_from(&mut [0; 8]).map(drop))
    }),
    row("os::UnixDatagram::peek", Fallible, |_| with_datagrams(|socket| socket.peek(&mut [0; 8]).map(drop))),
    row("os::UnixDatagram::peek_from", Fallible, |_| {
        with_datagrams(|socket| socket.peek_from(&mut [0; 8]).map(drop))
    }),
    row("os::UnixDatagram::send", Fallible, |_| {
        let (near, far) = full_datagrams();
        Box::new(move || {
            let _far = &far;
            near.send(&[0; 1024]).map(drop)
        })
    }),
    row("os::UnixDatagram::send_to", Fallible, |_| {
        let path = std::env::temp_dir().join(format!("greenroom-row-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let full = FullReceiver::at(SocketAddr::from_pathname(&path).unwrap());
        Box::new(move || full.send(|sender, _| sender.send_to(b"x", &path)))
    }),
    row("os::UnixDatagram::send_to_addr", Fallible, |_| {
        let full = FullReceiver::at(fresh_name());
        Box::new(move || full.send(|sender, name| sender.send_to_addr(b"x", name)))
    }),
];

fn udp() -> UdpSocket {
    UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap()
}

fn with_udp(call: impl Fn(&UdpSocket) -> io::Result<()> + 'static) -> Call {
    let socket = udp();
    Box::new(move || call(&socket))
}

/// An abstract name that nobody has had.
fn fresh_name() -> SocketAddr {
    thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    COUNT.set(COUNT.get() + 1);
    let name =
        format!("greenroom row {} {:?} {}", std::process::id(), std::thread::current().id(), COUNT.get());
    SocketAddr::from_abstract_name(name).unwrap()
}

fn with_streams(call: impl Fn(&UnixStream) -> io::Result<()> + 'static) -> Call {
    let (near, far) = UnixStream::pair().unwrap();
    Box::new(move || {
        let _far = &far;
        call(&near)
    })
}

fn with_full_streams(call: impl Fn(&UnixStream) -> io::Result<()> + 'static) -> Call {
    let (near, far) = full_streams();
    Box::new(move || {
        let _far = &far;
        call(&near)
    })
}

/// Two streams, of which the first cannot send any more.
fn full_streams() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    while (&near).write(&[0; 1 << 16]).is_ok() {}
    near.set_nonblocking(false).unwrap();
    (near, far)
}

fn with_datagrams(call: impl Fn(&UnixDatagram) -> io::Result<()> + 'static) -> Call {
    let (near, far) = UnixDatagram::pair().unwrap();
    Box::new(move || {
        let _far = &far;
        call(&near)
    })
}

/// Two sockets, of which the first cannot send any more.
fn full_datagrams() -> (UnixDatagram, UnixDatagram) {
    let (near, far) = UnixDatagram::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    while near.send(&[0; 1024]).is_ok() {}
    near.set_nonblocking(false).unwrap();
    (near, far)
}

/// Listens, but its queue of connections is full.
struct FullListener {
    name: SocketAddr,
    _listener: std::os::unix::net::UnixListener,
    _queued: Vec<std::os::unix::net::UnixStream>,
}

impl FullListener {
    fn at(name: SocketAddr) -> FullListener {
        let (listener, queued) = crate::net::kernel::full_unix_listener(&name);
        FullListener { name, _listener: listener, _queued: queued }
    }

    fn while_it_is(&self, call: impl FnOnce(&FullListener) -> io::Result<()>) -> io::Result<()> {
        call(self)
    }
}

/// Two sockets: one that nobody reads, full of the datagrams of others, and one that would send to it.
struct FullReceiver {
    name: SocketAddr,
    sender: UnixDatagram,
    _receiver: UnixDatagram,
}

impl FullReceiver {
    fn at(name: SocketAddr) -> FullReceiver {
        let receiver = UnixDatagram::bind_addr(&name).unwrap();
        let other = UnixDatagram::unbound().unwrap();
        other.set_nonblocking(true).unwrap();
        while other.send_to_addr(b"x", &name).is_ok() {}
        FullReceiver { name, sender: UnixDatagram::unbound().unwrap(), _receiver: receiver }
    }

    fn send(&self, call: impl FnOnce(&UnixDatagram, &SocketAddr) -> io::Result<usize>) -> io::Result<()> {
        call(&self.sender, &self.name).map(drop)
    }
}
