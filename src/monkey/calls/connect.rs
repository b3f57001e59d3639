//! Calls that make connections.
//!
//! The kernel has no flag that makes one of them not wait: the open file is non-blocking for the length of the call (see
//! [`flip`](crate::monkey::flip)), which for `accept` is made only when poll(2) says that somebody is there.

use std::ffi::c_int;

use libc::{sockaddr, socklen_t};

use super::receive::blocking;
use crate::hub::Hub;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, Errno, fd, to_int};
use crate::monkey::table::{self, Descriptor, Timeout};
use crate::monkey::wait::{self, Patience};
use crate::monkey::{asked, flip};
use crate::park::source::Direction;
use crate::park::source::lent::Stop;

pub(super) static ACCEPT: Hits = Hits::new("accept");
pub(super) static ACCEPT4: Hits = Hits::new("accept4");
pub(super) static CONNECT: Hits = Hits::new("connect");

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn accept(socket: c_int, peer: *mut sockaddr, length: *mut socklen_t) -> c_int {
    to_int(take_connection(socket, peer, length, 0, &ACCEPT))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn accept4(
    socket: c_int,
    peer: *mut sockaddr,
    length: *mut socklen_t,
    flags: c_int,
) -> c_int {
    to_int(take_connection(socket, peer, length, flags, &ACCEPT4))
}

fn take_connection(
    socket: c_int,
    peer: *mut sockaddr,
    length: *mut socklen_t,
    flags: c_int,
    hits: &'static Hits,
) -> Answer {
    let arguments = [fd(socket), peer.expose_provenance(), length.expose_provenance(), flags as usize];
    // SAFETY: the caller's, accept4(2).
    let call = move || unsafe { raw::call(libc::SYS_accept4, arguments) };
    let find = || Some(blocking(socket, hits).filter(|(_, descriptor)| descriptor.is_socket()));
    gate::pass_or(Group::Socket, call, find, move |found| {
        let accepted = match found {
            Some((hub, descriptor)) => wait_for_connection(hub, descriptor, call),
            None => insist(socket, call),
        };
        if let Ok(new) = accepted {
            let kind = table::find(socket).map_or(table::Kind::Unknown, Descriptor::kind);
            table::begin(new as c_int, kind, flags & libc::SOCK_NONBLOCK != 0);
        }
        accepted
    })
}

fn wait_for_connection(hub: &Hub, descriptor: Descriptor, call: impl Fn() -> Answer) -> Answer {
    wait::keeping_errno(|| {
        let patience = Patience::new(descriptor, Direction::Read);
        let accepted = wait::until_done(
            hub,
            &patience,
            |_| false,
            |_| match wait::is_ready(descriptor.number, Direction::Read) {
                true => flip::without_waiting(descriptor, &call),
                false if asked::listens(descriptor.number) => Err(Errno(libc::EAGAIN)),
                // Nobody ever comes to it, which is an error at once.
                false => call(),
            },
        );
        accepted.or_else(|stop| wait::stopped(hub, stop, call))
    })
}

/// Accepts on an OS thread that may wait. It may find the descriptor non-blocking while another accepts.
fn insist(socket: c_int, call: impl Fn() -> Answer) -> Answer {
    loop {
        let accepted = call();
        if accepted != Err(Errno(libc::EAGAIN)) {
            return accepted;
        }
        let believed_blocking = |descriptor: Descriptor| {
            descriptor.is_socket() && !descriptor.is_nonblocking() && descriptor.is_blocking_still()
        };
        match table::find(socket).filter(|&descriptor| believed_blocking(descriptor)) {
            Some(descriptor) if descriptor.timeout(Timeout::Receive).is_none() => {}
            _ => return accepted,
        }
        let mut asked = libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
        // SAFETY: the kernel reads and writes the one that it is given.
        unsafe { raw::poll(&mut asked, 1, None)? };
    }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn connect(socket: c_int, peer: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: the caller's, connect(2).
    let call = move || unsafe {
        raw::call(libc::SYS_connect, [fd(socket), peer.expose_provenance(), length as usize])
    };
    let find = || blocking(socket, &CONNECT).filter(|(_, descriptor)| descriptor.is_socket());
    to_int(gate::pass_or(Group::Socket, call, find, move |(hub, descriptor)| {
        wait::keeping_errno(|| make_connection(hub, descriptor, call))
    }))
}

fn make_connection(hub: &Hub, descriptor: Descriptor, call: impl Fn() -> Answer) -> Answer {
    match flip::without_waiting(descriptor, &call) {
        // An attempt that an earlier call has begun, and was interrupted in, goes on (POSIX, connect).
        Err(Errno(begun @ (libc::EINPROGRESS | libc::EALREADY))) => {
            await_connection(hub, descriptor, begun, call)
        }
        // A local socket whose listener has no room: the kernel does not say when it has.
        Err(Errno(libc::EAGAIN)) => {
            let patience = Patience::new(descriptor, Direction::Write);
            let attempt = || flip::without_waiting(descriptor, &call);
            let connected = wait::with_pauses(hub, &patience, attempt);
            connected.or_else(|stop| wait::stopped(hub, stop, call))
        }
        ended => ended,
    }
}

/// Waits for the end of an attempt, and asks how it went: by the same call, which does not wait any more, and leaves the socket
/// as a call that had waited itself.
///
/// That call is made as it is: the socket says that it can be written to only once the attempt is over.
fn await_connection(hub: &Hub, descriptor: Descriptor, begun: c_int, call: impl Fn() -> Answer) -> Answer {
    let patience = Patience::new(descriptor, Direction::Write);
    let connected = wait::until_done(
        hub,
        &patience,
        |_| false,
        |_| match wait::is_ready(descriptor.number, Direction::Write) {
            true => call(),
            false => Err(Errno(libc::EAGAIN)),
        },
    );
    match connected {
        // Protocols differ in what they say of an attempt that has succeeded meanwhile.
        Err(Stop::Errno(libc::EISCONN)) => Ok(0),
        // Time is over: the kernel says that of a connection by the name it has for one that is being made.
        Err(Stop::TimeIsOver) => Err(Errno(begun)),
        ended => ended.or_else(|stop| wait::stopped(hub, stop, call)),
    }
}
