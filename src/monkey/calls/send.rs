//! Calls that send.

use std::ffi::{c_int, c_void};

use super::receive::blocking_socket;
use crate::hub::Hub;
use crate::monkey::gate::Hits;
use crate::monkey::raw::{self, Answer, fd, to_c};
use crate::monkey::table::Descriptor;
use crate::monkey::wait;
use crate::park::source::Direction;

pub(crate) static SEND: Hits = Hits::new();

/// # Safety
///
/// As send(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn send(socket: c_int, buffer: *const c_void, length: usize, flags: c_int) -> isize {
    // SAFETY: the caller's.
    let call = |flags: c_int, done: usize| unsafe {
        raw::call(libc::SYS_sendto, [fd(socket), buffer as usize + done, length - done, flags as usize, 0, 0])
    };
    match blocking_socket(socket, flags) {
        None => to_c(call(flags, 0)),
        Some((hub, descriptor)) => {
            SEND.count();
            to_c(transmit(hub, descriptor, flags, length, call))
        }
    }
}

pub(crate) fn transmit(
    hub: &Hub,
    descriptor: Descriptor,
    flags: c_int,
    length: usize,
    call: impl Fn(c_int, usize) -> Answer,
) -> Answer {
    wait::keeping_errno(|| {
        let attempt = || call(flags | libc::MSG_DONTWAIT, 0);
        match wait::until_done(hub, descriptor, Direction::Write, attempt, |sent| sent < length) {
            Ok(sent) => {
                wait::not_refused(hub);
                Ok(sent)
            }
            Err(stop) => wait::stopped(hub, stop, || call(flags, 0)),
        }
    })
}
