//! Calls that send: to sockets, and to what else can be polled. They send everything before they return, as the kernel's do on
//! what is blocking.

use std::ffi::{c_int, c_void};

use libc::{iovec, msghdr, size_t, sockaddr, socklen_t, ssize_t};

use super::receive::{after_some, blocking, blocking_socket, without_waiting};
use super::slices::{Slices, no_slices};
use crate::hub::Hub;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, Errno, fd, to_c};
use crate::monkey::table::{Descriptor, Kind};
use crate::monkey::wait::{self, Patience};
use crate::park::source::Direction;

pub(super) static WRITE: Hits = Hits::new("write");
pub(super) static WRITEV: Hits = Hits::new("writev");
pub(super) static SEND: Hits = Hits::new("send");
pub(super) static SENDTO: Hits = Hits::new("sendto");
pub(super) static SENDMSG: Hits = Hits::new("sendmsg");

#[unsafe(no_mangle)]
#[inline(never)]
pub(super) unsafe extern "C" fn send(
    socket: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    if gate::is_patched(Group::Socket) {
        // SAFETY: the caller's.
        return unsafe { patched_send(socket, buffer, length, flags) };
    }
    let arguments = [fd(socket), buffer.expose_provenance(), length, flags as usize, 0, 0];
    // SAFETY: the caller's, send(2).
    to_c(unsafe { raw::call(libc::SYS_sendto, arguments) })
}

#[inline(never)]
unsafe extern "C" fn patched_send(
    socket: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    let call = move |flags: c_int, done: usize| {
        let arguments = [fd(socket), buffer.expose_provenance() + done, length - done, flags as usize, 0, 0];
        // SAFETY: the caller's, send(2).
        unsafe { raw::call(libc::SYS_sendto, arguments) }
    };
    let pass = move || call(flags, 0);
    let find = || blocking_socket(socket, flags, &SEND);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        transmit(hub, descriptor, flags, || length, call)
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendto(
    socket: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
    to: *const sockaddr,
    to_length: socklen_t,
) -> ssize_t {
    let call = move |flags: c_int, done: usize| {
        let (start, left) = (buffer.expose_provenance() + done, length - done);
        let arguments = [fd(socket), start, left, flags as usize, to.expose_provenance(), to_length as usize];
        // SAFETY: the caller's, sendto(2).
        unsafe { raw::call(libc::SYS_sendto, arguments) }
    };
    let pass = move || call(flags, 0);
    let find = || blocking_socket(socket, flags, &SENDTO);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        transmit(hub, descriptor, flags, || length, call)
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendmsg(socket: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's, sendmsg(2).
    let first = move |flags: c_int| unsafe {
        raw::call(libc::SYS_sendmsg, [fd(socket), message.expose_provenance(), flags as usize])
    };
    let pass = move || first(flags);
    let find = || blocking_socket(socket, flags, &SENDMSG);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        // SAFETY: the kernel has taken the message when these are used.
        let slices = || unsafe { Slices::new((*message).msg_iov, (*message).msg_iovlen) };
        // SAFETY: as above.
        let length = || unsafe { slices().length() };
        transmit(hub, descriptor, flags, length, |flags, done| match done {
            0 => first(flags),
            // Name and control data have gone with the first bytes.
            _ => send_after(socket, slices(), done, flags),
        })
    }))
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(super) unsafe extern "C" fn write(file: c_int, buffer: *const c_void, length: size_t) -> ssize_t {
    if gate::is_patched(Group::Socket) {
        // SAFETY: the caller's.
        return unsafe { patched_write(file, buffer, length) };
    }
    // SAFETY: the caller's, write(2).
    to_c(unsafe { raw::call(libc::SYS_write, [fd(file), buffer.expose_provenance(), length]) })
}

#[inline(never)]
unsafe extern "C" fn patched_write(file: c_int, buffer: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the caller's, write(2).
    let pass = move || unsafe { raw::call(libc::SYS_write, [fd(file), buffer.expose_provenance(), length]) };
    let find = || blocking(file, &WRITE);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        let slice = iovec { iov_base: buffer.cast_mut(), iov_len: length };
        write_to(hub, descriptor, Slices::new(&slice, 1), pass)
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn writev(file: c_int, slices: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the caller's, writev(2).
    let pass = move || unsafe {
        raw::call(libc::SYS_writev, [fd(file), slices.expose_provenance(), count as usize])
    };
    let find = || blocking(file, &WRITEV).filter(|_| count > 0);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        write_to(hub, descriptor, Slices::of_int(slices, count), pass)
    }))
}

/// Sends all of it to a socket, if that takes bytes in a row; to one of messages it sends one. `call` and `length` are as in
/// [`receive`](super::receive).
fn transmit(
    hub: &Hub,
    descriptor: Descriptor,
    flags: c_int,
    length: impl Fn() -> usize,
    call: impl Fn(c_int, usize) -> Answer,
) -> Answer {
    if descriptor.kind() == Kind::LocalMessages {
        return insist(hub, descriptor, flags, call);
    }
    let all = !descriptor.is_of_messages();
    wait::keeping_errno(|| {
        send_on(
            hub,
            descriptor,
            |done| all && done < length(),
            |done, source_is_doubtful| {
                match done {
                    0 => call(flags | libc::MSG_DONTWAIT, 0),
                    // The error is for the next call to meet: this one has sent something, and must not take it away.
                    _ if source_is_doubtful => Err(Errno(libc::EPIPE)),
                    _ => call(flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL, done),
                }
            },
            |done| call(flags, done),
        )
    })
}

/// Goes on until there is no `more` to be done. `attempt` is told what was done and whether the descriptor may have met its end.
fn send_on(
    hub: &Hub,
    descriptor: Descriptor,
    more: impl Fn(usize) -> bool,
    attempt: impl Fn(usize, bool) -> Answer,
    pass: impl FnOnce(usize) -> Answer,
) -> Answer {
    let patience = Patience::new(descriptor, Direction::Write);
    let mut done = 0;
    loop {
        let drained = |sent| descriptor.is_socket() && more(done + sent);
        let ended = wait::until_done(hub, &patience, drained, |source| {
            attempt(done, source.is_doubtful(Direction::Write))
        });
        match ended {
            Ok(sent) if sent != 0 && more(done + sent) => done += sent,
            Ok(sent) => return Ok(done + sent),
            Err(stop) => return after_some(done, wait::stopped(hub, stop, || pass(done))),
        }
    }
}

/// Sends a message to a local socket. The kernel may never say that the receiver has room again: so it is asked at every event
/// and, if there is none, after pauses.
fn insist(hub: &Hub, descriptor: Descriptor, flags: c_int, call: impl Fn(c_int, usize) -> Answer) -> Answer {
    wait::keeping_errno(|| {
        let patience = Patience::new(descriptor, Direction::Write);
        let sent = wait::with_pauses(hub, &patience, || call(flags | libc::MSG_DONTWAIT, 0));
        sent.or_else(|stop| wait::stopped(hub, stop, || call(flags, 0)))
    })
}

/// Sends what is behind the first `done` bytes.
fn send_after(socket: c_int, slices: Slices, done: usize, flags: c_int) -> Answer {
    let mut room = no_slices();
    // SAFETY: the kernel has taken them before.
    let count = unsafe { slices.after(done, &mut room) };
    let mut message = Slices::new(room.as_ptr(), count).message();
    // SAFETY: the buffers are the caller's.
    unsafe {
        raw::call(libc::SYS_sendmsg, [fd(socket), (&raw mut message).expose_provenance(), flags as usize])
    }
}

/// Writes to whatever it is.
fn write_to(hub: &Hub, descriptor: Descriptor, slices: Slices, pass: impl Fn() -> Answer) -> Answer {
    let answer = match descriptor.is_socket() {
        true => write_to_socket(hub, descriptor, slices),
        false => write_to_file(hub, descriptor, slices, &pass),
    };
    if answer != Err(Errno(libc::ENOTSOCK)) {
        return answer;
    }
    match descriptor.look_anew() {
        Some(other) if !other.is_socket() => write_to_file(hub, other, slices, &pass),
        _ => pass(),
    }
}

fn write_to_socket(hub: &Hub, descriptor: Descriptor, slices: Slices) -> Answer {
    // SAFETY: the kernel has taken the slices when it is asked.
    let length = || unsafe { slices.length() };
    transmit(hub, descriptor, 0, length, |flags, done| match done {
        0 => {
            let message = slices.message();
            let arguments = [fd(descriptor.number), (&raw const message).expose_provenance(), flags as usize];
            // SAFETY: the caller's.
            unsafe { raw::call(libc::SYS_sendmsg, arguments) }
        }
        _ => send_after(descriptor.number, slices, done, flags),
    })
}

/// What a pipe takes at once when it says that it takes something (man 7 pipe, PIPE_BUF).
const ATOMIC: usize = libc::PIPE_BUF;

fn write_to_file(hub: &Hub, descriptor: Descriptor, slices: Slices, pass: impl Fn() -> Answer) -> Answer {
    // SAFETY: the kernel has taken the slices when it is asked.
    let length = || unsafe { slices.length() };
    let write_after = |done: usize, flag: c_int| {
        let mut room = no_slices();
        let rest = match done {
            0 => slices,
            _ => {
                // SAFETY: as above.
                let count = unsafe { slices.after(done, &mut room) };
                Slices::new(room.as_ptr(), count)
            }
        };
        // SAFETY: the caller's.
        unsafe { rest.with_flag(libc::SYS_pwritev2, descriptor.number, flag) }
    };
    let attempt = |done: usize, _: bool| {
        let when_ready = || write_a_little(descriptor, slices, done, &pass);
        without_waiting(descriptor, Direction::Write, when_ready, |flag| write_after(done, flag))
    };
    let pass_the_rest = |done: usize| if done == 0 { pass() } else { write_after(done, 0) };
    wait::keeping_errno(|| send_on(hub, descriptor, |done| done < length(), attempt, pass_the_rest))
}

/// Writes as much as surely finds room.
fn write_a_little(descriptor: Descriptor, slices: Slices, done: usize, pass: impl Fn() -> Answer) -> Answer {
    // SAFETY: the slices are the caller's; if the kernel has not taken them yet, it is asked to with what is read here.
    let total = unsafe { slices.length() };
    if done == 0 && total <= ATOMIC {
        return pass();
    }
    let mut room = no_slices();
    // SAFETY: as above.
    let count = unsafe { slices.after(done, &mut room) };
    let Some(first) = room[..count].first() else { return pass() };
    let length = first.iov_len.min(ATOMIC);
    // SAFETY: it is the begin of one of the caller's buffers.
    unsafe { raw::call(libc::SYS_write, [fd(descriptor.number), first.iov_base.expose_provenance(), length]) }
}
