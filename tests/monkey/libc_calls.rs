//! The blocking calls of libc, by their own names, with slices for pointers and errno for -1.
#![allow(unsafe_code, reason = "calls libc by hand, as C programs do")]

use std::ffi::CString;
use std::fmt;
use std::mem;
use std::os::fd::RawFd;
use std::ptr;
use std::time::Duration;

/// An errno, shown by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

pub(crate) type Outcome<T> = Result<T, Errno>;

impl Errno {
    pub(crate) fn last() -> Errno {
        Errno(std::io::Error::last_os_error().raw_os_error().expect("an errno"))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (libc::EAGAIN, "EAGAIN"),
            (libc::EALREADY, "EALREADY"),
            (libc::EBADF, "EBADF"),
            (libc::ECANCELED, "ECANCELED"),
            (libc::ECONNREFUSED, "ECONNREFUSED"),
            (libc::ECONNRESET, "ECONNRESET"),
            (libc::EDESTADDRREQ, "EDESTADDRREQ"),
            (libc::EFAULT, "EFAULT"),
            (libc::EINPROGRESS, "EINPROGRESS"),
            (libc::EINTR, "EINTR"),
            (libc::EINVAL, "EINVAL"),
            (libc::EISCONN, "EISCONN"),
            (libc::EMSGSIZE, "EMSGSIZE"),
            (libc::ENOENT, "ENOENT"),
            (libc::ENOTCONN, "ENOTCONN"),
            (libc::ENOTSOCK, "ENOTSOCK"),
            (libc::EOPNOTSUPP, "EOPNOTSUPP"),
            (libc::EPIPE, "EPIPE"),
            (libc::ETIMEDOUT, "ETIMEDOUT"),
        ];
        match names.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

fn size(result: isize) -> Outcome<usize> {
    usize::try_from(result).map_err(|_| Errno::last())
}

fn number(result: i32) -> Outcome<i32> {
    if result < 0 { Err(Errno::last()) } else { Ok(result) }
}

fn nothing(result: i32) -> Outcome<()> {
    number(result).map(drop)
}

// ---- bytes

pub(crate) fn read(fd: RawFd, buffer: &mut [u8]) -> Outcome<usize> {
    // SAFETY: the buffer is valid for writes of its length, for the length of the call.
    size(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) })
}

pub(crate) fn write(fd: RawFd, bytes: &[u8]) -> Outcome<usize> {
    // SAFETY: the bytes are valid for reads of their length, for the length of the call.
    size(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
}

pub(crate) fn readv(fd: RawFd, buffers: &mut [&mut [u8]]) -> Outcome<usize> {
    let parts: Vec<_> = buffers.iter_mut().map(|part| slice_mut(part)).collect();
    // SAFETY: each part is a buffer that is ours for the length of the call.
    size(unsafe { libc::readv(fd, parts.as_ptr(), parts.len() as i32) })
}

pub(crate) fn writev(fd: RawFd, parts: &[&[u8]]) -> Outcome<usize> {
    let parts: Vec<_> = parts.iter().map(|part| slice(part)).collect();
    // SAFETY: each part is valid for reads for the length of the call.
    size(unsafe { libc::writev(fd, parts.as_ptr(), parts.len() as i32) })
}

pub(crate) fn recv(fd: RawFd, buffer: &mut [u8], flags: i32) -> Outcome<usize> {
    // SAFETY: the buffer is valid for writes of its length, for the length of the call.
    size(unsafe { libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), flags) })
}

pub(crate) fn send(fd: RawFd, bytes: &[u8], flags: i32) -> Outcome<usize> {
    // SAFETY: the bytes are valid for reads of their length, for the length of the call.
    size(unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) })
}

/// With an address that no process owns: the kernel has to refuse it, and nobody else may look.
pub(crate) fn recv_into_nowhere(fd: RawFd, length: usize) -> Outcome<usize> {
    // SAFETY: page zero is not mapped; the kernel checks addresses, and writes nothing there.
    size(unsafe { libc::recv(fd, ptr::without_provenance_mut(8), length, 0) })
}

/// The same for sending.
pub(crate) fn send_from_nowhere(fd: RawFd, length: usize) -> Outcome<usize> {
    // SAFETY: page zero is not mapped; the kernel checks addresses, and reads nothing there.
    size(unsafe { libc::send(fd, ptr::without_provenance(8), length, 0) })
}

/// What came, and the port of who sent it.
pub(crate) fn recvfrom(fd: RawFd, buffer: &mut [u8], flags: i32) -> (Outcome<usize>, u16) {
    // SAFETY: all zeroes are a socket address of no family.
    let mut from: libc::sockaddr_in = unsafe { mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_in>() as u32;
    // SAFETY: the buffer, the address and its length are ours for the length of the call.
    let got = unsafe {
        libc::recvfrom(
            fd,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            flags,
            (&raw mut from).cast(),
            &raw mut length,
        )
    };
    (size(got), u16::from_be(from.sin_port))
}

pub(crate) fn sendto(fd: RawFd, bytes: &[u8], flags: i32, port: u16) -> Outcome<usize> {
    let to = loopback(port);
    // SAFETY: bytes and address are valid for reads for the length of the call.
    size(unsafe {
        let to = (&raw const to).cast();
        libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), flags, to, size_of::<libc::sockaddr_in>() as u32)
    })
}

// ---- messages

/// What `recvmsg` says besides the number of bytes.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) flags: Vec<&'static str>,
    pub(crate) descriptors: Vec<RawFd>,
}

/// Room for so many descriptors in a message.
const ROOM: usize = 8;

/// As cmsghdr wants it aligned.
#[repr(C, align(8))]
struct Control([u8; 128]);

pub(crate) fn sendmsg(fd: RawFd, parts: &[&[u8]], descriptors: &[RawFd], flags: i32) -> Outcome<usize> {
    let mut parts: Vec<_> = parts.iter().map(|part| slice(part)).collect();
    let mut control = Control([0; 128]);
    // SAFETY: all zeroes are an empty message.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    assert!(descriptors.len() <= ROOM);
    if !descriptors.is_empty() {
        let length = size_of_val(descriptors) as u32;
        message.msg_control = control.0.as_mut_ptr().cast();
        // SAFETY: CMSG_SPACE and CMSG_LEN compute; CMSG_FIRSTHDR gives a place in `control`, which has room for this
        // header and ROOM descriptors (cmsg(3)).
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(length) as usize;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(length) as usize;
            ptr::copy_nonoverlapping(descriptors.as_ptr(), libc::CMSG_DATA(header).cast(), descriptors.len());
        }
    }
    // SAFETY: the message points to parts and control data that live for the length of the call.
    size(unsafe { libc::sendmsg(fd, &raw const message, flags) })
}

/// Takes a message into `parts`, with room for `room` descriptors.
pub(crate) fn recvmsg(
    fd: RawFd,
    parts: &mut [&mut [u8]],
    room: usize,
    flags: i32,
) -> (Outcome<usize>, Received) {
    let mut parts: Vec<_> = parts.iter_mut().map(|part| slice_mut(part)).collect();
    let mut control = Control([0; 128]);
    // SAFETY: all zeroes are an empty message.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    assert!(room <= ROOM);
    if room > 0 {
        message.msg_control = control.0.as_mut_ptr().cast();
        // SAFETY: CMSG_SPACE computes.
        message.msg_controllen = unsafe { libc::CMSG_SPACE((room * size_of::<RawFd>()) as u32) } as usize;
    }
    // SAFETY: the message points to buffers that are ours for the length of the call.
    let got = size(unsafe { libc::recvmsg(fd, &raw mut message, flags) });
    let mut received = Received::default();
    if got.is_err() {
        return (got, received);
    }
    let names = [
        (libc::MSG_TRUNC, "TRUNC"),
        (libc::MSG_CTRUNC, "CTRUNC"),
        (libc::MSG_EOR, "EOR"),
        (libc::MSG_OOB, "OOB"),
    ];
    received.flags =
        names.iter().filter(|(flag, _)| message.msg_flags & flag != 0).map(|(_, name)| *name).collect();
    // SAFETY: the kernel has filled the control data and set its length; CMSG_FIRSTHDR and CMSG_NXTHDR stay inside
    // (cmsg(3)), and the data of SCM_RIGHTS are descriptors.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_type == libc::SCM_RIGHTS {
                let count = ((*header).cmsg_len - libc::CMSG_LEN(0) as usize) / size_of::<RawFd>();
                let data = libc::CMSG_DATA(header).cast::<RawFd>();
                received.descriptors.extend((0..count).map(|i| data.add(i).read_unaligned()));
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    (got, received)
}

fn slice(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

fn slice_mut(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

// ---- sockets

fn loopback(port: u16) -> libc::sockaddr_in {
    // SAFETY: all zeroes are a socket address of no family.
    let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
    address.sin_family = libc::AF_INET as u16;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = libc::INADDR_LOOPBACK.to_be();
    address
}

pub(crate) fn socket(domain: i32, kind: i32) -> Outcome<RawFd> {
    // SAFETY: takes numbers.
    number(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, 0) })
}

pub(crate) fn socketpair(kind: i32) -> Outcome<(RawFd, RawFd)> {
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors into an array of two.
    nothing(unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) })?;
    Ok((ends[0], ends[1]))
}

/// A pipe's two ends: to read, to write.
pub(crate) fn pipe2(flags: i32) -> Outcome<(RawFd, RawFd)> {
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors into an array of two.
    nothing(unsafe { libc::pipe2(ends.as_mut_ptr(), flags | libc::O_CLOEXEC) })?;
    Ok((ends[0], ends[1]))
}

pub(crate) fn eventfd(flags: i32) -> Outcome<RawFd> {
    // SAFETY: takes numbers.
    number(unsafe { libc::eventfd(0, flags | libc::EFD_CLOEXEC) })
}

/// A timer that expires once, after `delay`.
pub(crate) fn timerfd(delay: Duration) -> Outcome<RawFd> {
    // SAFETY: takes numbers.
    let fd = number(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) })?;
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let setting = libc::itimerspec { it_interval: zero, it_value: timespec(delay) };
    // SAFETY: reads one itimerspec.
    nothing(unsafe { libc::timerfd_settime(fd, 0, &raw const setting, ptr::null_mut()) })?;
    Ok(fd)
}

pub(crate) fn connect(fd: RawFd, port: u16) -> Outcome<()> {
    let to = loopback(port);
    // SAFETY: the address is valid for reads for the length of the call.
    nothing(unsafe { libc::connect(fd, (&raw const to).cast(), size_of::<libc::sockaddr_in>() as u32) })
}

pub(crate) fn bind(fd: RawFd, port: u16) -> Outcome<()> {
    let to = loopback(port);
    // SAFETY: the address is valid for reads for the length of the call.
    nothing(unsafe { libc::bind(fd, (&raw const to).cast(), size_of::<libc::sockaddr_in>() as u32) })
}

/// Connects to a path; or to an abstract name, which begins with a zero.
pub(crate) fn connect_unix(fd: RawFd, path: &[u8]) -> Outcome<()> {
    let (to, length) = unix_address(path);
    // SAFETY: the address is valid for reads for the length of the call.
    nothing(unsafe { libc::connect(fd, (&raw const to).cast(), length) })
}

pub(crate) fn bind_unix(fd: RawFd, path: &[u8]) -> Outcome<()> {
    let (to, length) = unix_address(path);
    // SAFETY: the address is valid for reads for the length of the call.
    nothing(unsafe { libc::bind(fd, (&raw const to).cast(), length) })
}

fn unix_address(path: &[u8]) -> (libc::sockaddr_un, u32) {
    // SAFETY: all zeroes are a socket address of no family.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    for (place, byte) in address.sun_path.iter_mut().zip(path) {
        *place = *byte as libc::c_char;
    }
    (address, (mem::offset_of!(libc::sockaddr_un, sun_path) + path.len()) as u32)
}

pub(crate) fn listen(fd: RawFd, backlog: i32) -> Outcome<()> {
    // SAFETY: takes numbers.
    nothing(unsafe { libc::listen(fd, backlog) })
}

pub(crate) fn accept(fd: RawFd) -> Outcome<RawFd> {
    // SAFETY: an address may be missing (accept(2)).
    number(unsafe { libc::accept(fd, ptr::null_mut(), ptr::null_mut()) })
}

pub(crate) fn accept4(fd: RawFd, flags: i32) -> Outcome<RawFd> {
    // SAFETY: an address may be missing (accept(2)).
    number(unsafe { libc::accept4(fd, ptr::null_mut(), ptr::null_mut(), flags) })
}

pub(crate) fn shutdown(fd: RawFd, how: i32) -> Outcome<()> {
    // SAFETY: takes numbers.
    nothing(unsafe { libc::shutdown(fd, how) })
}

/// SO_RCVTIMEO or SO_SNDTIMEO; zero is for ever.
pub(crate) fn set_timeout(fd: RawFd, which: i32, limit: Duration) -> Outcome<()> {
    let limit = libc::timeval { tv_sec: limit.as_secs() as i64, tv_usec: limit.subsec_micros().into() };
    // SAFETY: reads one timeval.
    nothing(unsafe {
        let size = size_of::<libc::timeval>() as u32;
        libc::setsockopt(fd, libc::SOL_SOCKET, which, (&raw const limit).cast(), size)
    })
}

/// SO_ERROR, by name; it is taken away.
pub(crate) fn take_error(fd: RawFd) -> Outcome<Errno> {
    let (mut errno, mut length) = (0, 4);
    // SAFETY: writes one int.
    nothing(unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut errno).cast(), &raw mut length)
    })?;
    Ok(Errno(errno))
}

// ---- waiting

/// `poll`; a negative timeout is for ever. The revents go where poll writes them.
pub(crate) fn poll(set: &mut [libc::pollfd], timeout: i32) -> Outcome<i32> {
    // SAFETY: the set is ours for the length of the call.
    number(unsafe { libc::poll(set.as_mut_ptr(), set.len() as u64, timeout) })
}

pub(crate) fn ppoll(set: &mut [libc::pollfd], timeout: Option<Duration>) -> Outcome<i32> {
    let limit = timeout.map(timespec);
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the set is ours for the length of the call; timeout and mask may be missing (poll(2)).
    number(unsafe { libc::ppoll(set.as_mut_ptr(), set.len() as u64, limit, ptr::null()) })
}

/// Three lists of descriptors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sets {
    pub(crate) read: Vec<RawFd>,
    pub(crate) write: Vec<RawFd>,
    pub(crate) except: Vec<RawFd>,
}

/// `select`: how many are ready, which, and whether time is left afterwards (Linux writes it back).
pub(crate) fn select(sets: &Sets, timeout: Option<Duration>) -> (Outcome<i32>, Sets) {
    let lists = [&sets.read, &sets.write, &sets.except];
    let mut bits = lists.map(|list| {
        // SAFETY: all zeroes are an empty set.
        let mut set: libc::fd_set = unsafe { mem::zeroed() };
        for &fd in list {
            assert!((0..libc::FD_SETSIZE as i32).contains(&fd));
            // SAFETY: the descriptor is below FD_SETSIZE.
            unsafe { libc::FD_SET(fd, &raw mut set) };
        }
        set
    });
    let highest = lists.iter().flat_map(|list| list.iter()).max().map_or(0, |fd| fd + 1);
    let mut limit = timeout
        .map(|limit| libc::timeval { tv_sec: limit.as_secs() as i64, tv_usec: limit.subsec_micros().into() });
    let limit = limit.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let [read, write, except] = bits.each_mut().map(ptr::from_mut);
    // SAFETY: the sets and the time are ours for the length of the call.
    let ready = number(unsafe { libc::select(highest, read, write, except, limit) });
    let left = |list: &[RawFd], set: &libc::fd_set| {
        // SAFETY: the descriptor is below FD_SETSIZE.
        list.iter().copied().filter(|fd| unsafe { libc::FD_ISSET(*fd, set) }).collect()
    };
    let found = Sets {
        read: left(&sets.read, &bits[0]),
        write: left(&sets.write, &bits[1]),
        except: left(&sets.except, &bits[2]),
    };
    (ready, found)
}

// ---- descriptors

pub(crate) fn close(fd: RawFd) -> Outcome<()> {
    // SAFETY: takes a number; scripts close what they opened, or what is none.
    nothing(unsafe { libc::close(fd) })
}

pub(crate) fn dup(fd: RawFd) -> Outcome<RawFd> {
    // SAFETY: takes a number.
    number(unsafe { libc::dup(fd) })
}

pub(crate) fn dup2(fd: RawFd, onto: RawFd) -> Outcome<RawFd> {
    // SAFETY: takes numbers; scripts put it onto what they opened.
    number(unsafe { libc::dup2(fd, onto) })
}

pub(crate) fn fcntl(fd: RawFd, command: i32, argument: i32) -> Outcome<i32> {
    // SAFETY: the commands that scripts use take a number.
    number(unsafe { libc::fcntl(fd, command, argument) })
}

/// Whether O_NONBLOCK is there, to a program's eyes.
pub(crate) fn is_nonblocking(fd: RawFd) -> Outcome<bool> {
    fcntl(fd, libc::F_GETFL, 0).map(|flags| flags & libc::O_NONBLOCK != 0)
}

/// Sets or takes O_NONBLOCK by fcntl.
pub(crate) fn set_nonblocking(fd: RawFd, on: bool) -> Outcome<()> {
    let flags = fcntl(fd, libc::F_GETFL, 0)?;
    let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    fcntl(fd, libc::F_SETFL, flags).map(drop)
}

/// Sets or takes O_NONBLOCK by FIONBIO, as std does.
pub(crate) fn fionbio(fd: RawFd, on: bool) -> Outcome<()> {
    let mut value = i32::from(on);
    // SAFETY: FIONBIO reads one int.
    nothing(unsafe { libc::ioctl(fd, libc::FIONBIO, &raw mut value) })
}

/// How many bytes wait to be read.
pub(crate) fn fionread(fd: RawFd) -> Outcome<i32> {
    let mut value = -1;
    // SAFETY: FIONREAD writes one int.
    nothing(unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut value) })?;
    Ok(value)
}

// ---- time

pub(crate) fn timespec(time: Duration) -> libc::timespec {
    libc::timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() }
}

/// `nanosleep`, with what it leaves in `rem`, which says -1 s before.
pub(crate) fn nanosleep(time: libc::timespec) -> (Outcome<()>, i64) {
    let mut left = libc::timespec { tv_sec: -1, tv_nsec: 0 };
    // SAFETY: reads one timespec and may write the other.
    let result = nothing(unsafe { libc::nanosleep(&raw const time, &raw mut left) });
    (result, left.tv_sec)
}

/// `clock_nanosleep`, which returns its error.
pub(crate) fn clock_nanosleep(clock: i32, flags: i32, time: libc::timespec) -> Outcome<()> {
    // SAFETY: reads one timespec; `rem` may be missing.
    match unsafe { libc::clock_nanosleep(clock, flags, &raw const time, ptr::null_mut()) } {
        0 => Ok(()),
        errno => Err(Errno(errno)),
    }
}

pub(crate) fn now_on(clock: i32) -> Duration {
    let mut now = timespec(Duration::ZERO);
    // SAFETY: writes one timespec.
    nothing(unsafe { libc::clock_gettime(clock, &raw mut now) }).expect("a clock");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

pub(crate) fn usleep(micros: u32) -> Outcome<()> {
    // SAFETY: takes a number.
    nothing(unsafe { libc::usleep(micros) })
}

/// The seconds left.
pub(crate) fn sleep(seconds: u32) -> u32 {
    // SAFETY: takes a number.
    unsafe { libc::sleep(seconds) }
}

// ---- names

/// How many addresses there are, or the number of the error (EAI_…).
pub(crate) fn getaddrinfo(host: Option<&str>, service: Option<&str>, flags: i32) -> Result<Vec<u16>, i32> {
    let text = |text: Option<&str>| text.map(|text| CString::new(text).expect("no zero in it"));
    let (host, service) = (text(host), text(service));
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: all zeroes are hints that ask for nothing.
    let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
    hints.ai_flags = flags;
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_family = libc::AF_INET;
    let mut first = ptr::null_mut();
    // SAFETY: texts and hints are valid for the call, which writes a list that freeaddrinfo takes back.
    unsafe {
        match libc::getaddrinfo(pointer(&host), pointer(&service), &raw const hints, &raw mut first) {
            0 => {}
            error => return Err(error),
        }
        let mut ports = Vec::new();
        let mut each = first;
        while !each.is_null() {
            ports.push(u16::from_be((*(*each).ai_addr.cast::<libc::sockaddr_in>()).sin_port));
            each = (*each).ai_next;
        }
        libc::freeaddrinfo(first);
        Ok(ports)
    }
}

// ---- signals

/// The calling OS thread, for [`signal_thread`].
pub(crate) fn gettid() -> i32 {
    // SAFETY: takes nothing.
    unsafe { libc::gettid() }
}

/// Has SIGUSR1 do nothing, with SA_RESTART.
pub(crate) fn catch_sigusr1() {
    extern "C" fn nothing_to_do(_: i32) {}
    // SAFETY: the handler touches nothing; the action is complete.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = nothing_to_do as extern "C" fn(i32) as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut()), 0);
    }
}

/// Sends SIGUSR1 to one OS thread of this process.
pub(crate) fn signal_thread(tid: i32) {
    // SAFETY: takes numbers; tgkill reaches no other process.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, libc::SIGUSR1) };
    assert_eq!(sent, 0);
}
