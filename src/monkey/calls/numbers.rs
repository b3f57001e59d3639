//! Calls that make, copy and close descriptors: they do what the kernel does, and keep the [`table`](crate::monkey::table) right.

use std::ffi::c_int;

use crate::hub;
use crate::monkey::asked;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, fd, to_int};
use crate::monkey::table::{self, Kind};
use crate::monkey::wait;

pub(super) static SOCKET: Hits = Hits::new("socket");
pub(super) static SOCKETPAIR: Hits = Hits::new("socketpair");
pub(super) static PIPE: Hits = Hits::new("pipe");
pub(super) static PIPE2: Hits = Hits::new("pipe2");
pub(super) static CLOSE: Hits = Hits::new("close");
pub(super) static DUP: Hits = Hits::new("dup");
pub(super) static DUP2: Hits = Hits::new("dup2");
pub(super) static DUP3: Hits = Hits::new("dup3");

/// Notes what a call has made of descriptors, once anything is patched.
#[inline(always)]
fn noted(hits: &'static Hits, made: Answer, note: impl FnOnce(c_int)) -> c_int {
    gate::if_patched(Group::Socket, move || {
        if let Ok(number) = made {
            gate::count(Group::Socket, hits);
            note(number as c_int);
        }
    });
    to_int(made)
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn socket(domain: c_int, socket_type: c_int, protocol: c_int) -> c_int {
    // SAFETY: the call takes no addresses.
    let made =
        unsafe { raw::call(libc::SYS_socket, [domain as usize, socket_type as usize, protocol as usize]) };
    noted(&SOCKET, made, |number| {
        let kind = asked::kind_of_socket(domain, socket_type, protocol);
        table::begin(number, kind, socket_type & libc::SOCK_NONBLOCK != 0);
    })
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn socketpair(
    domain: c_int,
    socket_type: c_int,
    protocol: c_int,
    pair: *mut c_int,
) -> c_int {
    let arguments = [domain as usize, socket_type as usize, protocol as usize, pair.expose_provenance()];
    // SAFETY: the caller's, socketpair(2).
    let made = unsafe { raw::call(libc::SYS_socketpair, arguments) };
    noted(&SOCKETPAIR, made, |_| {
        let kind = asked::kind_of_socket(domain, socket_type, protocol);
        // SAFETY: the kernel has put two numbers there.
        unsafe { begin_pair(pair, kind, socket_type & libc::SOCK_NONBLOCK != 0) };
    })
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pipe(pair: *mut c_int) -> c_int {
    // SAFETY: the caller's, pipe(2).
    unsafe { make_pipe(pair, 0, &PIPE) }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pipe2(pair: *mut c_int, flags: c_int) -> c_int {
    // SAFETY: the caller's, pipe2(2).
    unsafe { make_pipe(pair, flags, &PIPE2) }
}

unsafe fn make_pipe(pair: *mut c_int, flags: c_int, hits: &'static Hits) -> c_int {
    // SAFETY: the caller's.
    let made = unsafe { raw::call(libc::SYS_pipe2, [pair.expose_provenance(), flags as usize]) };
    noted(hits, made, |_| {
        // SAFETY: the kernel has put two numbers there.
        unsafe { begin_pair(pair, Kind::Pollable, flags & libc::O_NONBLOCK != 0) };
    })
}

unsafe fn begin_pair(pair: *const c_int, kind: Kind, nonblocking: bool) {
    // SAFETY: the caller's.
    for number in unsafe { [*pair, *pair.add(1)] } {
        table::begin(number, kind, nonblocking);
    }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn close(number: c_int) -> c_int {
    gate::if_patched(Group::Socket, || {
        gate::count(Group::Socket, &CLOSE);
        let_go(number);
    });
    // SAFETY: the call takes no addresses; whose the descriptor is its caller knows.
    to_int(unsafe { raw::call(libc::SYS_close, [fd(number)]) })
}

/// The number will mean something else: who waits for it is woken, and what was known of it forgotten. It comes first: once
/// the number is free, another OS thread may be given it.
fn let_go(number: c_int) {
    if !table::is_known(number) || is_a_childs() {
        return;
    }
    table::forget(number);
    if let Some(hub) = hub::try_current() {
        wait::forsake(hub, number);
    }
}

/// Is this a child that shares our memory until it calls exec (`vfork`)? Its descriptors are its own, and the table is ours.
fn is_a_childs() -> bool {
    raw::process() != gate::process()
}

/// `copy` is a duplicate of `number` from now on.
pub(super) fn note_duplicate(number: c_int, copy: c_int) {
    if (table::is_known(number) || table::is_known(copy)) && !is_a_childs() {
        table::duplicate(number, copy);
    }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn dup(number: c_int) -> c_int {
    // SAFETY: the call takes no addresses.
    let made = unsafe { raw::call(libc::SYS_dup, [fd(number)]) };
    noted(&DUP, made, |copy| note_duplicate(number, copy))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn dup2(number: c_int, over: c_int) -> c_int {
    if number != over {
        return put_over(number, over, 0, &DUP2);
    }
    // Nothing, if it is open; dup3(2) would call that an error.
    // SAFETY: the call takes no addresses.
    let open = unsafe { raw::call(libc::SYS_fcntl, [fd(number), libc::F_GETFD as usize]) };
    to_int(open.map(|_| over as usize))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn dup3(number: c_int, over: c_int, flags: c_int) -> c_int {
    put_over(number, over, flags, &DUP3)
}

fn put_over(number: c_int, over: c_int, flags: c_int, hits: &'static Hits) -> c_int {
    // What cannot be put there leaves what is there as it is.
    let source_is_open = || {
        // SAFETY: the call takes no addresses.
        unsafe { raw::call(libc::SYS_fcntl, [fd(number), libc::F_GETFD as usize]) }.is_ok()
    };
    if gate::is_patched(Group::Socket) && number != over && source_is_open() {
        let_go(over);
    }
    // SAFETY: the call takes no addresses; whose the descriptors are its caller knows.
    let put = unsafe { raw::call(libc::SYS_dup3, [fd(number), fd(over), flags as usize]) };
    noted(hits, put, |copy| note_duplicate(number, copy))
}
