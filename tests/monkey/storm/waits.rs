//! Every kind of call that waits, with nothing that would end its wait.

use std::io::Read;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use libc::{CLOCK_MONOTONIC, TIMER_ABSTIME, pollfd};

use crate::libc_calls::{self as c, Errno, Outcome, Sets};
use crate::sockets::{Fd, listener, pair, pipe, tcp};

const LONG: Duration = Duration::from_secs(600);

/// What a call on the descriptor of its own comes to that a request ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ends {
    /// With an errno.
    ByErrno,
    /// As if it were over: nobody expects a sleep to fail.
    Early,
}

/// One kind: its name, how it ends, and what makes a call ready to be made.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) ends: Ends,
    pub(crate) prepare: fn() -> Prepared,
}

/// A call that waits once it is made, and what it holds open.
pub(crate) struct Prepared {
    pub(crate) call: Box<dyn FnMut() -> Outcome<usize>>,
    /// An end at which data for the call can be sent, if it is one that takes bytes from a stream, and the call's own.
    pub(crate) fed_by: Option<(RawFd, RawFd)>,
}

fn on<T: 'static>(held: T, mut call: impl FnMut(&T) -> Outcome<usize> + 'static) -> Prepared {
    Prepared { call: Box::new(move || call(&held)), fed_by: None }
}

/// A call that takes bytes from one end of a pair of sockets.
fn fed(mut call: impl FnMut(RawFd) -> Outcome<usize> + 'static) -> Prepared {
    let (near, far) = pair();
    let fed_by = Some((far.raw(), near.raw()));
    Prepared { fed_by, ..on((near, far), move |(near, _)| call(near.raw())) }
}

/// A socket that takes no more.
fn full_pair() -> (Fd, Fd) {
    let (near, far) = pair();
    while c::send(near.raw(), &[0; 65536], libc::MSG_DONTWAIT).is_ok() {}
    while c::send(near.raw(), &[0; 1], libc::MSG_DONTWAIT).is_ok() {}
    (near, far)
}

fn full_pipe() -> (Fd, Fd) {
    let (reader, writer) = pipe();
    c::set_nonblocking(writer.raw(), true).unwrap();
    while c::write(writer.raw(), &[0; 65536]).is_ok() {}
    c::set_nonblocking(writer.raw(), false).unwrap();
    (reader, writer)
}

fn full_datagrams() -> (UnixDatagram, UnixDatagram) {
    let (near, far) = UnixDatagram::pair().unwrap();
    while c::send(near.as_raw_fd(), b"x", libc::MSG_DONTWAIT).is_ok() {}
    (near, far)
}

fn std_result(result: std::io::Result<usize>) -> Outcome<usize> {
    result.map_err(|error| Errno(error.raw_os_error().unwrap_or(-1)))
}

fn asked(fd: RawFd) -> pollfd {
    pollfd { fd, events: libc::POLLIN, revents: 0 }
}

fn number(outcome: Outcome<i32>) -> Outcome<usize> {
    outcome.map(|number| number as usize)
}

const fn by_errno(name: &'static str, prepare: fn() -> Prepared) -> Kind {
    Kind { name, ends: Ends::ByErrno, prepare }
}

const fn early(name: &'static str, prepare: fn() -> Prepared) -> Kind {
    Kind { name, ends: Ends::Early, prepare }
}

/// All kinds.
pub(crate) const KINDS: &[Kind] = &[
    by_errno("recv", || fed(|fd| c::recv(fd, &mut [0; 4], 0))),
    by_errno("recvfrom", || fed(|fd| c::recvfrom(fd, &mut [0; 4], 0).0)),
    by_errno("recvmsg", || fed(|fd| c::recvmsg(fd, &mut [&mut [0; 4]], 1, 0).0)),
    by_errno("read of a socket", || fed(|fd| c::read(fd, &mut [0; 4]))),
    by_errno("readv of a socket", || fed(|fd| c::readv(fd, &mut [&mut [0; 2], &mut [0; 2]]))),
    by_errno("recv with MSG_PEEK", || {
        on(pair(), |(near, _)| c::recv(near.raw(), &mut [0; 4], libc::MSG_PEEK))
    }),
    by_errno("recv with MSG_WAITALL", || {
        on(pair(), |(near, _)| c::recv(near.raw(), &mut [0; 4], libc::MSG_WAITALL))
    }),
    by_errno("recv of a limited socket", || {
        let ends = pair();
        c::set_timeout(ends.0.raw(), libc::SO_RCVTIMEO, LONG).unwrap();
        on(ends, |(near, _)| c::recv(near.raw(), &mut [0; 4], 0))
    }),
    by_errno("TcpStream::read", || on(tcp(), |(near, _)| std_result((&mut { near }).read(&mut [0; 4])))),
    by_errno("UdpSocket::recv_from", || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        on(socket, |socket| std_result(socket.recv_from(&mut [0; 4]).map(|(got, _)| got)))
    }),
    by_errno("read of a pipe", || {
        let (reader, writer) = pipe();
        let fed_by = Some((writer.raw(), reader.raw()));
        Prepared { fed_by, ..on((reader, writer), |(reader, _)| c::read(reader.raw(), &mut [0; 4])) }
    }),
    by_errno("readv of a pipe", || on(pipe(), |(reader, _)| c::readv(reader.raw(), &mut [&mut [0; 4]]))),
    by_errno("read of a counter", || on(Fd(c::eventfd(0).unwrap()), |fd| c::read(fd.raw(), &mut [0; 8]))),
    by_errno("send", || on(full_pair(), |(near, _)| c::send(near.raw(), b"x", 0))),
    by_errno("sendmsg", || on(full_pair(), |(near, _)| c::sendmsg(near.raw(), &[b"x"], &[], 0))),
    by_errno("write to a socket", || on(full_pair(), |(near, _)| c::write(near.raw(), b"x"))),
    by_errno("send of a datagram", || on(full_datagrams(), |(near, _)| c::send(near.as_raw_fd(), b"x", 0))),
    by_errno("write to a pipe", || on(full_pipe(), |(_, writer)| c::write(writer.raw(), b"x"))),
    by_errno("writev to a pipe", || on(full_pipe(), |(_, writer)| c::writev(writer.raw(), &[b"x", b"y"]))),
    by_errno("accept", || on(listener(), |(listener, _)| number(c::accept(listener.as_raw_fd())))),
    by_errno("accept4", || on(listener(), |(listener, _)| number(c::accept4(listener.as_raw_fd(), 0)))),
    by_errno("TcpListener::accept", || {
        on(listener(), |(listener, _)| std_result(listener.accept().map(|_| 0)))
    }),
    by_errno("poll of none", || on((), |()| number(c::poll(&mut [], -1)))),
    by_errno("poll of one", || on(pair(), |(near, _)| number(c::poll(&mut [asked(near.raw())], -1)))),
    by_errno("poll of many", || {
        let pairs: Vec<_> = (0..16).map(|_| pair()).collect();
        on(pairs, |pairs| {
            let mut set: Vec<_> = pairs.iter().map(|(near, _)| asked(near.raw())).collect();
            number(c::poll(&mut set, 600_000))
        })
    }),
    by_errno("ppoll", || on(pair(), |(near, _)| number(c::ppoll(&mut [asked(near.raw())], Some(LONG))))),
    by_errno("select", || {
        on(pair(), |(near, _)| {
            number(c::select(&Sets { read: vec![near.raw()], ..Sets::default() }, Some(LONG)).0)
        })
    }),
    by_errno("select of none", || on((), |()| number(c::select(&Sets::default(), Some(LONG)).0))),
    early("nanosleep", || on((), |()| c::nanosleep(c::timespec(LONG)).0.map(|()| 0))),
    early("clock_nanosleep", || {
        on((), |()| c::clock_nanosleep(CLOCK_MONOTONIC, 0, c::timespec(LONG)).map(|()| 0))
    }),
    early("clock_nanosleep, absolute", || {
        on((), |()| {
            let until = c::timespec(c::now_on(CLOCK_MONOTONIC) + LONG);
            c::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, until).map(|()| 0)
        })
    }),
    early("usleep", || on((), |()| c::usleep(600_000_000).map(|()| 0))),
    early("sleep", || on((), |()| Ok(c::sleep(600) as usize))),
    early("thread::sleep", || {
        on((), |()| {
            std::thread::sleep(LONG);
            Ok(0)
        })
    }),
];

/// Needs a listener whose queue stays full, so that there is one for all.
pub(crate) fn connect_to(port: u16) -> Prepared {
    let socket = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM).unwrap());
    on(socket, move |socket| c::connect(socket.raw(), port).map(|()| 0))
}

/// The same by std.
pub(crate) fn std_connect_to(port: u16) -> Prepared {
    on((), move |()| std_result(TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), LONG).map(|_| 0)))
}
