//! Calls that set the mode of an open file, its timeouts, or end one of its directions.

use std::ffi::{c_int, c_ulong, c_void};
use std::time::Duration;

use libc::{socklen_t, timeval};

use super::numbers::note_duplicate;
use crate::monkey::flip;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, fd, to_int};
use crate::monkey::table::{self, Timeout};
use crate::monkey::wait;

pub(super) static FCNTL: Hits = Hits::new("fcntl");
pub(super) static IOCTL: Hits = Hits::new("ioctl");
pub(super) static SETSOCKOPT: Hits = Hits::new("setsockopt");
pub(super) static SHUTDOWN: Hits = Hits::new("shutdown");

/// Its third argument is one of a variable number in C: on these processors it comes where a third argument comes.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fcntl(number: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: the caller's, fcntl(2).
    let call = move || unsafe { raw::call(libc::SYS_fcntl, [fd(number), command as usize, argument]) };
    to_int(gate::pass_or(
        Group::Socket,
        call,
        || Some(()),
        move |()| {
            gate::count(Group::Socket, &FCNTL);
            match command {
                // Nobody is to see, or to keep, a mode that is there for one call of another OS thread.
                libc::F_GETFL => flip::alone(call),
                libc::F_SETFL => flip::alone(call).inspect(|_| {
                    table::set_nonblocking(number, argument as c_int & libc::O_NONBLOCK != 0);
                }),
                libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => {
                    call().inspect(|&copy| note_duplicate(number, copy as c_int))
                }
                _ => call(),
            }
        },
    ))
}

/// The same, by the name that programs call which are built for large files.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fcntl64(number: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { fcntl(number, command, argument) }
}

/// As for [`fcntl`].
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn ioctl(number: c_int, request: c_ulong, argument: usize) -> c_int {
    // SAFETY: the caller's, ioctl(2).
    let call = move || unsafe { raw::call(libc::SYS_ioctl, [fd(number), request as usize, argument]) };
    // The kernel looks at as many bits.
    let sets_mode = || (request as u32 == libc::FIONBIO as u32).then_some(());
    to_int(gate::pass_or(Group::Socket, call, sets_mode, move |()| {
        gate::count(Group::Socket, &IOCTL);
        flip::alone(call).inspect(|_| {
            // SAFETY: the kernel has read an int there.
            let on = unsafe { *std::ptr::with_exposed_provenance::<c_int>(argument) };
            table::set_nonblocking(number, on != 0);
        })
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn setsockopt(
    socket: c_int,
    level: c_int,
    option: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    let arguments = [fd(socket), level as usize, option as usize, value.expose_provenance(), length as usize];
    // SAFETY: the caller's, setsockopt(2).
    let set = unsafe { raw::call(libc::SYS_setsockopt, arguments) };
    if set.is_ok()
        && level == libc::SOL_SOCKET
        && let Some(which) = timeout_of(option)
        && gate::is_patched(Group::Socket)
        && table::is_awake()
    {
        gate::count(Group::Socket, &SETSOCKOPT);
        // SAFETY: the kernel has read one there.
        table::set_timeout(socket, which, unsafe { duration(&*value.cast()) });
    }
    to_int(set)
}

/// Both have two numbers, of which the later ones count seconds in 64 bits everywhere: here that is the same.
fn timeout_of(option: c_int) -> Option<Timeout> {
    const SO_RCVTIMEO_NEW: c_int = 66;
    const SO_SNDTIMEO_NEW: c_int = 67;
    match option {
        libc::SO_RCVTIMEO | SO_RCVTIMEO_NEW => Some(Timeout::Receive),
        libc::SO_SNDTIMEO | SO_SNDTIMEO_NEW => Some(Timeout::Send),
        _ => None,
    }
}

/// None for zero, which stands for no timeout. Less than that is over at once.
fn duration(value: &timeval) -> Option<Duration> {
    match (u64::try_from(value.tv_sec), u64::try_from(value.tv_usec)) {
        (Ok(0), Ok(0)) => None,
        (Ok(seconds), Ok(microseconds)) => {
            Some(Duration::from_secs(seconds).saturating_add(Duration::from_micros(microseconds)))
        }
        _ => Some(Duration::ZERO),
    }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn shutdown(socket: c_int, how: c_int) -> c_int {
    // SAFETY: the call takes no addresses.
    let ended = unsafe { raw::call(libc::SYS_shutdown, [fd(socket), how as usize]) };
    if ended.is_ok()
        && let Some(hub) = gate::enter(Group::Socket)
    {
        SHUTDOWN.count();
        // Who waits on it looks again: what the kernel reports of it depends on the protocol.
        wait::stir(hub, socket);
    }
    to_int(ended)
}
