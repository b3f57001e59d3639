//! What these tests ask of the kernel and std has no safe call for.
#![expect(unsafe_code, reason = "setsockopt, fcntl, send with MSG_OOB, rlimits and signal dispositions")]

use std::io;
use std::mem::{size_of_val, zeroed};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net as unix;
use std::ptr;

/// Closes a connection with a reset instead of a FIN: `SO_LINGER` on, 0 seconds.
pub(crate) fn reset(socket: std::net::TcpStream) {
    linger_no_longer(&socket);
}

/// Sets the sizes of both buffers; the kernel doubles them for its own use (man 7 socket).
pub(crate) fn set_buffers(socket: &impl AsFd, bytes: i32) {
    set(socket, libc::SO_SNDBUF, &bytes);
    set(socket, libc::SO_RCVBUF, &bytes);
}

fn set<T>(socket: &impl AsFd, option: i32, value: &T) {
    let (pointer, length) = (ptr::from_ref(value).cast(), size_of_val(value) as u32);
    // SAFETY: S18: pointer and length are those of `value`, which lives across the call.
    let status =
        unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), libc::SOL_SOCKET, option, pointer, length) };
    assert_eq!(status, 0, "{}", io::Error::last_os_error());
}

/// Takes a TCP port of 127.0.0.1 without listening on it: until this is closed, who connects there is refused.
pub(crate) fn take_port(port: u16) -> io::Result<OwnedFd> {
    // SAFETY: S18: all zero is a valid address.
    let mut address: libc::sockaddr_in = unsafe { zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from(Ipv4Addr::LOCALHOST).to_be();
    let (pointer, length) = (ptr::from_ref(&address).cast(), size_of_val(&address) as u32);
    // SAFETY: S17: the call takes no pointers, and the number it returns is new, so nobody else owns it.
    let socket = unsafe {
        let number = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert_ne!(number, -1, "{}", io::Error::last_os_error());
        OwnedFd::from_raw_fd(number)
    };
    // SAFETY: S18: pointer and length are those of `address`, which lives across the call.
    match unsafe { libc::bind(socket.as_raw_fd(), pointer, length) } {
        0 => Ok(socket),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether the kernel has the descriptor in non-blocking mode.
pub(crate) fn is_nonblocking(descriptor: &impl AsFd) -> bool {
    // SAFETY: S17: no pointers; the borrow keeps the number open across the call.
    let flags = unsafe { libc::fcntl(descriptor.as_fd().as_raw_fd(), libc::F_GETFL) };
    assert_ne!(flags, -1, "{}", io::Error::last_os_error());
    flags & libc::O_NONBLOCK != 0
}

/// Sends one urgent byte (TCP's out-of-band data).
pub(crate) fn send_urgent(socket: &impl AsFd, byte: u8) {
    // SAFETY: S18: pointer and length are those of one byte that lives across the call.
    let sent =
        unsafe { libc::send(socket.as_fd().as_raw_fd(), ptr::from_ref(&byte).cast(), 1, libc::MSG_OOB) };
    assert_eq!(sent, 1, "{}", io::Error::last_os_error());
}

/// Runs `body` while this process may open no more descriptors.
pub(crate) fn at_the_descriptor_limit<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(libc::rlimit);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_limit(&self.0);
        }
    }
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: S18: the kernel writes one rlimit, into a variable that lives across the call.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
    // The kernel gives out the lowest number that is free, so every one below this is taken.
    let lowest_free = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
    let restore = Restore(limit);
    set_limit(&libc::rlimit { rlim_cur: lowest_free as libc::rlim_t, ..limit });
    let value = body();
    drop(restore);
    value
}

fn set_limit(limit: &libc::rlimit) {
    // SAFETY: S18: the kernel reads one rlimit, which lives across the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) }, 0);
}

/// Runs `body` while `SIGPIPE` ends this process, as it does in a C program.
pub(crate) fn with_deadly_sigpipe<T>(body: impl FnOnce() -> T) -> T {
    struct Ignore;
    impl Drop for Ignore {
        fn drop(&mut self) {
            // SAFETY: S21: no handler is installed, only the disposition that Rust programs start with.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
        }
    }
    let _ignore = Ignore;
    // SAFETY: S21: no handler is installed, only the default disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    body()
}

/// Closes a descriptor that nobody owns any more.
pub(crate) fn close(number: i32) {
    // SAFETY: S17: the caller got the number from `into_raw_fd` and closes it once.
    assert_eq!(unsafe { libc::close(number) }, 0);
}

/// A listener with no room in its queue, and those who are in it. Std asks for the longest queue there is; a second
/// `listen` changes that (man 2 listen), and 0 has room for one.
pub(crate) fn full_unix_listener(name: &unix::SocketAddr) -> (unix::UnixListener, Vec<unix::UnixStream>) {
    let listener = unix::UnixListener::bind_addr(name).unwrap();
    // SAFETY: S17: no pointers; the borrow keeps the number open across the call.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let queued = vec![unix::UnixStream::connect_addr(name).unwrap()];
    (listener, queued)
}

/// Lets the close of a connection be a reset.
pub(crate) fn linger_no_longer(socket: &impl AsFd) {
    set(socket, libc::SO_LINGER, &libc::linger { l_onoff: 1, l_linger: 0 });
}

/// The effective user and group of this process.
pub(crate) fn user() -> (u32, u32) {
    // SAFETY: neither takes an argument, and neither can fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// Sends bytes together with a descriptor (`SCM_RIGHTS`): the socket's own.
pub(crate) fn send_with_descriptor(socket: &impl AsFd, bytes: &[u8]) {
    let number = socket.as_fd().as_raw_fd();
    let mut piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = [0_u64; 8];
    // SAFETY: S18: all zero is a valid msghdr; the control data has the room and the alignment that it says, and all that
    // is pointed to lives across the call.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as usize;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(number);
        libc::sendmsg(number, &message, 0)
    };
    assert_eq!(sent, bytes.len() as isize, "{}", io::Error::last_os_error());
}
