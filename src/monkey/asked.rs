//! What the kernel says of a descriptor, of which nobody has seen how it was made.

use std::ffi::c_int;
use std::ptr;

use crate::monkey::raw::{self, fd};
use crate::monkey::table::{Kind, Timeout};

/// What it is. None if it is not open.
pub(crate) fn kind(number: c_int) -> Option<Kind> {
    // SAFETY: zeroes are a stat, which the kernel fills.
    let mut about: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    unsafe { raw::call(libc::SYS_fstat, [fd(number), (&raw mut about).expose_provenance()]) }.ok()?;
    Some(match about.st_mode & libc::S_IFMT {
        libc::S_IFSOCK => {
            let domain = option(number, libc::SO_DOMAIN).unwrap_or(0);
            let socket_type = option(number, libc::SO_TYPE).unwrap_or(0);
            kind_of_socket(domain, socket_type, option(number, libc::SO_PROTOCOL).unwrap_or(0))
        }
        libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK | libc::S_IFLNK => Kind::Passing,
        // What the kernel makes of no file at all.
        0 => Kind::Nameless,
        _ => Kind::Pollable,
    })
}

/// What `socket(2)` makes of these arguments.
pub(crate) fn kind_of_socket(domain: c_int, socket_type: c_int, protocol: c_int) -> Kind {
    let is_tcp = matches!(protocol, 0 | libc::IPPROTO_TCP);
    match (socket_type & 0xF, domain) {
        (libc::SOCK_STREAM, libc::AF_INET | libc::AF_INET6) if is_tcp => Kind::Tcp,
        (libc::SOCK_STREAM, _) => Kind::Stream,
        (_, libc::AF_UNIX) => Kind::LocalMessages,
        _ => Kind::Messages,
    }
}

/// Is it non-blocking? None if it is not open.
pub(crate) fn is_nonblocking(number: c_int) -> Option<bool> {
    // SAFETY: the call takes no addresses.
    let flags = unsafe { raw::call(libc::SYS_fcntl, [fd(number), libc::F_GETFL as usize]) }.ok()?;
    Some(flags as c_int & libc::O_NONBLOCK != 0)
}

/// Is it a socket that connections come to?
pub(crate) fn listens(number: c_int) -> bool {
    option(number, libc::SO_ACCEPTCONN) == Some(1)
}

fn option(number: c_int, option: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    ask(number, option, &mut value).then_some(value)
}

/// How long a call in that direction may wait, in nanoseconds; 0 is for ever.
pub(crate) fn timeout(number: c_int, which: Timeout) -> u64 {
    let option = match which {
        Timeout::Receive => libc::SO_RCVTIMEO,
        Timeout::Send => libc::SO_SNDTIMEO,
    };
    let mut value = libc::timeval { tv_sec: 0, tv_usec: 0 };
    match ask(number, option, &mut value) {
        true => {
            (value.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(value.tv_usec as u64 * 1000)
        }
        false => 0,
    }
}

/// Asks for an option of the socket; false if the kernel would not tell.
fn ask<T>(number: c_int, option: c_int, value: &mut T) -> bool {
    let mut length = size_of::<T>() as libc::socklen_t;
    let (value, room) = (ptr::from_mut(value).expose_provenance(), (&raw mut length).expose_provenance());
    let arguments = [fd(number), libc::SOL_SOCKET as usize, option as usize, value, room];
    // SAFETY: the kernel writes at most `length` bytes to the value, which may be any number.
    unsafe { raw::call(libc::SYS_getsockopt, arguments) }.is_ok()
}
