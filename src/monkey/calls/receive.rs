//! Calls that receive: from sockets, and from what else can be polled.
//!
//! A socket is read with `MSG_DONTWAIT`, anything else with `RWF_NOWAIT` where the kernel has that for it (pipes since Linux 6.4).
//! Where it has not: an eventfd and its like are non-blocking for the length of the call (see [`flip`]); a pipe or terminal, which
//! other processes may share, is read when poll(2) says that it is ready: then another reader may still be quicker, and the OS
//! thread waits for the next bytes.

use std::ffi::{c_int, c_void};
use std::ptr;

use libc::{iovec, msghdr, size_t, sockaddr, socklen_t, ssize_t};

use super::slices::{Slices, no_slices};
use crate::hub::Hub;
use crate::monkey::flip;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, Errno, fd, to_c};
use crate::monkey::table::{self, Descriptor, Kind};
use crate::monkey::wait::{self, Patience};
use crate::park::source::Direction;
use crate::park::source::lent::Stop;

pub(super) static READ: Hits = Hits::new("read");
pub(super) static READV: Hits = Hits::new("readv");
pub(super) static RECV: Hits = Hits::new("recv");
pub(super) static RECVFROM: Hits = Hits::new("recvfrom");
pub(super) static RECVMSG: Hits = Hits::new("recvmsg");

#[unsafe(no_mangle)]
#[inline(never)]
pub(super) unsafe extern "C" fn recv(
    socket: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    if gate::is_patched(Group::Socket) {
        // SAFETY: the caller's.
        return unsafe { patched_recv(socket, buffer, length, flags) };
    }
    let arguments = [fd(socket), buffer.expose_provenance(), length, flags as usize, 0, 0];
    // SAFETY: the caller's, recv(2).
    to_c(unsafe { raw::call(libc::SYS_recvfrom, arguments) })
}

/// A function of its own with the same arguments, as for each of the calls that are made most: so what passes unpatched has no frame
/// at all.
#[inline(never)]
unsafe extern "C" fn patched_recv(
    socket: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    let call = move |flags: c_int, done: usize| {
        let arguments = [fd(socket), buffer.expose_provenance() + done, length - done, flags as usize, 0, 0];
        // SAFETY: the caller's, recv(2).
        unsafe { raw::call(libc::SYS_recvfrom, arguments) }
    };
    let pass = move || call(flags, 0);
    let find = || blocking_socket(socket, flags, &RECV);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        receive(hub, descriptor, flags, || length, call)
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn recvfrom(
    socket: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
    sender: *mut sockaddr,
    sender_length: *mut socklen_t,
) -> ssize_t {
    let call = move |flags: c_int, done: usize| {
        let (start, room) = (buffer.expose_provenance() + done, length - done);
        let arguments = [
            fd(socket),
            start,
            room,
            flags as usize,
            sender.expose_provenance(),
            sender_length.expose_provenance(),
        ];
        // SAFETY: the caller's, recvfrom(2).
        unsafe { raw::call(libc::SYS_recvfrom, arguments) }
    };
    let pass = move || call(flags, 0);
    let find = || blocking_socket(socket, flags, &RECVFROM);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        receive(hub, descriptor, flags, || length, call)
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn recvmsg(socket: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's, recvmsg(2).
    let first = move |flags: c_int| unsafe {
        raw::call(libc::SYS_recvmsg, [fd(socket), message.expose_provenance(), flags as usize])
    };
    let pass = move || first(flags);
    let find = || blocking_socket(socket, flags, &RECVMSG);
    let received = gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        // SAFETY: the kernel has taken the message when these are used.
        let slices = || unsafe { Slices::new((*message).msg_iov, (*message).msg_iovlen) };
        // SAFETY: as above.
        let room = || unsafe { slices().length() };
        receive(hub, descriptor, flags, room, |flags, done| match done {
            0 => first(flags),
            _ => receive_after(socket, slices(), done, flags),
        })
    });
    gate::if_patched(Group::Socket, || {
        if received.is_ok() && table::is_awake() {
            // SAFETY: the kernel has filled the message.
            unsafe { forget_descriptors_in(&*message) };
        }
    });
    to_c(received)
}

/// The fortified twins, which programs built with `_FORTIFY_SOURCE` call: glibc checks the room and ends the process.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __recv_chk(
    socket: c_int,
    buffer: *mut c_void,
    length: size_t,
    room: size_t,
    flags: c_int,
) -> ssize_t {
    check_room(length, room);
    // SAFETY: the caller's.
    unsafe { recv(socket, buffer, length, flags) }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __recvfrom_chk(
    socket: c_int,
    buffer: *mut c_void,
    length: size_t,
    room: size_t,
    flags: c_int,
    sender: *mut sockaddr,
    sender_length: *mut socklen_t,
) -> ssize_t {
    check_room(length, room);
    // SAFETY: the caller's.
    unsafe { recvfrom(socket, buffer, length, flags, sender, sender_length) }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __read_chk(
    file: c_int,
    buffer: *mut c_void,
    length: size_t,
    room: size_t,
) -> ssize_t {
    check_room(length, room);
    // SAFETY: the caller's.
    unsafe { read(file, buffer, length) }
}

pub(super) fn check_room(length: usize, room: usize) {
    if length > room {
        std::process::abort();
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(super) unsafe extern "C" fn read(file: c_int, buffer: *mut c_void, length: size_t) -> ssize_t {
    if gate::is_patched(Group::Socket) {
        // SAFETY: the caller's.
        return unsafe { patched_read(file, buffer, length) };
    }
    // SAFETY: the caller's, read(2).
    to_c(unsafe { raw::call(libc::SYS_read, [fd(file), buffer.expose_provenance(), length]) })
}

#[inline(never)]
unsafe extern "C" fn patched_read(file: c_int, buffer: *mut c_void, length: size_t) -> ssize_t {
    // SAFETY: the caller's, read(2).
    let pass = move || unsafe { raw::call(libc::SYS_read, [fd(file), buffer.expose_provenance(), length]) };
    // For no bytes nobody waits, whatever it is.
    let find = || blocking(file, &READ).filter(|_| length != 0);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        let slice = iovec { iov_base: buffer, iov_len: length };
        read_from(hub, descriptor, Slices::new(&slice, 1), pass)
    }))
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn readv(file: c_int, slices: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the caller's, readv(2).
    let pass =
        move || unsafe { raw::call(libc::SYS_readv, [fd(file), slices.expose_provenance(), count as usize]) };
    let find = || blocking(file, &READV).filter(|_| count > 0);
    to_c(gate::pass_or(Group::Socket, pass, find, move |(hub, descriptor)| {
        read_from(hub, descriptor, Slices::of_int(slices, count), pass)
    }))
}

/// The hub and the socket, if a call with these flags may have to wait.
#[inline(always)]
pub(super) fn blocking_socket<'a>(socket: c_int, flags: c_int, hits: &Hits) -> Option<(&'a Hub, Descriptor)> {
    if flags & (libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | libc::MSG_FASTOPEN) != 0 {
        return None;
    }
    blocking(socket, hits).filter(|(_, descriptor)| descriptor.is_socket())
}

/// The hub and the descriptor, if a call on it may have to wait.
#[inline(always)]
pub(super) fn blocking<'a>(file: c_int, hits: &Hits) -> Option<(&'a Hub, Descriptor)> {
    let descriptor = table::find_waiting(file)?;
    let hub = gate::enter(Group::Socket)?;
    let descriptor = descriptor.looked_at()?;
    hits.count();
    Some((hub, descriptor))
}

/// Receives at most `room` bytes from a socket. With MSG_WAITALL it receives as many, if no error and no end comes before.
///
/// `call` makes the call with the flags it is given, after so many bytes. `room` is asked once the kernel has taken a call.
fn receive(
    hub: &Hub,
    descriptor: Descriptor,
    flags: c_int,
    room: impl Fn() -> usize,
    call: impl Fn(c_int, usize) -> Answer,
) -> Answer {
    let peeks = flags & libc::MSG_PEEK != 0;
    let all = flags & libc::MSG_WAITALL != 0 && !descriptor.is_of_messages();
    let flags_now = flags | libc::MSG_DONTWAIT;
    wait::keeping_errno(|| {
        let patience = Patience::new(descriptor, Direction::Read);
        let mut done = 0;
        loop {
            let drained = |got| descriptor.kind() == Kind::Tcp && !peeks && 0 < got && got < room() - done;
            let ended = wait::until_done(hub, &patience, drained, |source| {
                let may_have_ended = source.is_doubtful(Direction::Read);
                match call(flags_now, done) {
                    // It peeks for all: so it waits until all are there, or nothing more comes.
                    Ok(got @ 1..) if peeks && all && got < room() && !may_have_ended => {
                        Err(Errno(libc::EAGAIN))
                    }
                    // Only who waits is told by a socket of messages that its reading side was shut down.
                    Err(Errno(libc::EAGAIN)) if may_have_ended && is_shut_down(descriptor) => {
                        call(flags, done)
                    }
                    got => got,
                }
            });
            match ended {
                Ok(got) if all && !peeks && got != 0 && done + got < room() => done += got,
                Ok(got) => return Ok(done + got),
                Err(Stop::TimeIsOver) if peeks && all => return call(flags_now, 0),
                // For no bytes TCP waits, and then says that there are none.
                Err(Stop::TimeIsOver) if descriptor.kind() == Kind::Tcp && room() == 0 => return Ok(0),
                Err(stop) => {
                    let last = wait::stopped(hub, stop, || call(flags, done));
                    return after_some(done, last);
                }
            }
        }
    })
}

/// Was the reading side of a socket of messages shut down? It says so to poll(2).
fn is_shut_down(descriptor: Descriptor) -> bool {
    descriptor.is_of_messages() && raw::events(descriptor.number, libc::POLLRDHUP) & libc::POLLRDHUP != 0
}

/// What a call comes to that has moved `done` bytes before its last step: an error is for the next call to meet.
pub(super) fn after_some(done: usize, last: Answer) -> Answer {
    match last {
        Ok(count) => Ok(done + count),
        Err(_) if done != 0 => Ok(done),
        error => error,
    }
}

/// Receives more, behind what a message of several buffers has got: of a stream, so neither name nor control data matters.
fn receive_after(socket: c_int, slices: Slices, done: usize, flags: c_int) -> Answer {
    let mut room = no_slices();
    // SAFETY: the kernel has taken them before.
    let count = unsafe { slices.after(done, &mut room) };
    let mut message = Slices::new(room.as_ptr(), count).message();
    // SAFETY: the buffers are the caller's.
    unsafe {
        raw::call(libc::SYS_recvmsg, [fd(socket), (&raw mut message).expose_provenance(), flags as usize])
    }
}

/// Reads from whatever it is.
fn read_from(hub: &Hub, descriptor: Descriptor, slices: Slices, pass: impl Fn() -> Answer) -> Answer {
    let answer = match descriptor.is_socket() {
        true => read_from_socket(hub, descriptor, slices),
        false => read_from_file(hub, descriptor, slices, &pass),
    };
    if answer != Err(Errno(libc::ENOTSOCK)) {
        return answer;
    }
    match descriptor.look_anew() {
        Some(other) if !other.is_socket() => read_from_file(hub, other, slices, &pass),
        _ => pass(),
    }
}

fn read_from_socket(hub: &Hub, descriptor: Descriptor, slices: Slices) -> Answer {
    // SAFETY: the kernel has taken the slices when it is asked.
    let room = || unsafe { slices.length() };
    receive(hub, descriptor, 0, room, |flags, _| {
        let mut message = slices.message();
        // SAFETY: the caller's.
        let got = unsafe {
            raw::call(
                libc::SYS_recvmsg,
                [fd(descriptor.number), (&raw mut message).expose_provenance(), flags as usize],
            )
        };
        // read(2) of no bytes does not wait, other than recv(2).
        if got == Err(Errno(libc::EAGAIN)) && room() == 0 { Ok(0) } else { got }
    })
}

fn read_from_file(hub: &Hub, descriptor: Descriptor, slices: Slices, pass: impl Fn() -> Answer) -> Answer {
    wait::keeping_errno(|| {
        let patience = Patience::new(descriptor, Direction::Read);
        let attempt = |_: &_| {
            without_waiting(descriptor, Direction::Read, &pass, |flag| {
                // SAFETY: the caller's.
                unsafe { slices.with_flag(libc::SYS_preadv2, descriptor.number, flag) }
            })
        };
        let ended = wait::until_done(hub, &patience, |_| false, attempt);
        ended.or_else(|stop| wait::stopped(hub, stop, pass))
    })
}

/// Makes a call that does not wait on what is no socket: with the kernel's flag for that, or when it is known to be ready.
pub(super) fn without_waiting(
    descriptor: Descriptor,
    direction: Direction,
    when_ready: impl FnOnce() -> Answer,
    with_flag: impl FnOnce(c_int) -> Answer,
) -> Answer {
    if descriptor.takes_nowait() {
        match with_flag(libc::RWF_NOWAIT) {
            Err(Errno(libc::EOPNOTSUPP | libc::ENOSYS)) => descriptor.takes_no_nowait(),
            answer => return answer,
        }
    }
    if descriptor.kind() == Kind::Nameless {
        return flip::without_waiting(descriptor, when_ready);
    }
    match wait::is_ready(descriptor.number, direction) {
        true => when_ready(),
        false => Err(Errno(libc::EAGAIN)),
    }
}

/// Descriptors came with a message: whatever these numbers have meant, they mean something else now.
///
/// # Safety
///
/// The kernel has filled the message.
unsafe fn forget_descriptors_in(message: &msghdr) {
    // SAFETY: the macros walk the control data that the kernel wrote (man 3 cmsg).
    unsafe {
        let mut header =
            if message.msg_control.is_null() { ptr::null_mut() } else { libc::CMSG_FIRSTHDR(message) };
        while let Some(control) = header.as_ref() {
            if (control.cmsg_level, control.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let bytes = control.cmsg_len - libc::CMSG_LEN(0) as usize;
                let numbers = libc::CMSG_DATA(header).cast::<c_int>();
                for index in 0..bytes / size_of::<c_int>() {
                    table::forget(numbers.add(index).read_unaligned());
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
}
