//! Calls that receive.

use std::ffi::{c_int, c_void};

use crate::hub::Hub;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, fd, to_c};
use crate::monkey::table::{self, Descriptor, Kind};
use crate::monkey::wait;
use crate::park::source::Direction;

pub(crate) static RECV: Hits = Hits::new();

/// # Safety
///
/// As recv(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn recv(socket: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> isize {
    // SAFETY: the caller's.
    let call = |flags: c_int, done: usize| unsafe {
        raw::call(
            libc::SYS_recvfrom,
            [fd(socket), buffer as usize + done, length - done, flags as usize, 0, 0],
        )
    };
    match blocking_socket(socket, flags) {
        None => to_c(call(flags, 0)),
        Some((hub, descriptor)) => {
            RECV.count();
            to_c(receive(hub, descriptor, flags, length, call))
        }
    }
}

/// The hub and the socket, if a call with these flags may have to wait.
#[inline(always)]
pub(crate) fn blocking_socket<'a>(socket: c_int, flags: c_int) -> Option<(&'a Hub, Descriptor)> {
    let hub = gate::enter(Group::Socket)?;
    if flags & (libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE) != 0 {
        return None;
    }
    let descriptor = table::find_blocking(socket)?;
    descriptor.is_socket().then_some((hub, descriptor))
}

/// Receives at most `room` bytes; with MSG_WAITALL just as many, if no error and no end comes before.
pub(crate) fn receive(
    hub: &Hub,
    descriptor: Descriptor,
    flags: c_int,
    room: usize,
    call: impl Fn(c_int, usize) -> Answer,
) -> Answer {
    let peeks = flags & libc::MSG_PEEK != 0;
    let drained = |got| descriptor.kind() == Kind::Tcp && !peeks && 0 < got && got < room;
    wait::keeping_errno(|| {
        let attempt = || call(flags | libc::MSG_DONTWAIT, 0);
        match wait::until_done(hub, descriptor, Direction::Read, attempt, drained) {
            Ok(got) => {
                wait::not_refused(hub);
                Ok(got)
            }
            Err(stop) => wait::stopped(hub, stop, || call(flags, 0)),
        }
    })
}
