//! Modes: what a program sets, it sees, and others see it, too.

use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use super::{c, is_nonblocking, patched, read, recv, tcp, timed, unseen, unseen_pair};
use crate::support::ms;

#[test]
fn a_descriptor_that_is_made_nonblocking_does_not_wait_nor_do_its_duplicates() {
    patched(|| {
        let (_near, far) = tcp();
        let copies = [far.try_clone().unwrap(), far.try_clone().unwrap()];
        far.set_nonblocking(true).unwrap();
        for stream in [&far, &copies[0], &copies[1]] {
            assert!(is_nonblocking(stream.as_raw_fd()));
            assert_eq!(read(stream, &mut [0; 4]), Err(libc::EAGAIN));
        }
        copies[1].set_nonblocking(false).unwrap();
        copies[0].set_read_timeout(Some(ms(10))).unwrap();
        let (got, took) = timed(|| read(&far, &mut [0; 4]));
        assert_eq!(got, Err(libc::EAGAIN));
        assert!(took >= 10 && !is_nonblocking(far.as_raw_fd()), "{took}");
        // By fcntl, as C does.
        // SAFETY: no addresses.
        unsafe {
            let flags = libc::fcntl(far.as_raw_fd(), libc::F_GETFL);
            assert_eq!(c(libc::fcntl(far.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK)), Ok(0));
            let copy = libc::fcntl(far.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 100);
            assert!(copy >= 100 && is_nonblocking(copy) && is_nonblocking(copies[0].as_raw_fd()));
            let (got, took) = timed(|| recv(&copy, &mut [0; 4], 0));
            assert!(got == Err(libc::EAGAIN) && took < 20_000, "{got:?} {took}");
            libc::close(copy);
        }
    });
}

#[test]
fn a_socket_made_nonblocking_from_its_beginning_stays_so() {
    patched(|| {
        // SAFETY: a new descriptor.
        unsafe {
            let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, 0);
            assert!(is_nonblocking(socket));
            assert_eq!(recv(&socket, &mut [0; 4], 0), Err(libc::EAGAIN));
            libc::close(socket);
        }
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(recv(&socket, &mut [0; 4], libc::MSG_DONTWAIT), Err(libc::EAGAIN));
    });
}

#[test]
fn a_mode_that_was_set_behind_our_back_is_heeded() {
    patched(|| {
        let (_near, far) = unseen_pair();
        let far = std::os::unix::net::UnixStream::from(far);
        // SAFETY: no addresses.
        let set = |on: bool| unsafe {
            let flags = libc::O_RDWR | if on { libc::O_NONBLOCK } else { 0 };
            unseen(libc::SYS_fcntl, [far.as_raw_fd() as usize, libc::F_SETFL as usize, flags as usize])
        };
        far.set_read_timeout(Some(ms(5))).unwrap();
        let (got, took) = timed(|| read(&far, &mut [0; 4]));
        assert!(got == Err(libc::EAGAIN) && took >= 5, "{got:?} {took}");
        far.set_read_timeout(Some(ms(60_000))).unwrap();
        assert_eq!(set(true), Ok(0));
        let (got, took) = timed(|| read(&far, &mut [0; 4]));
        assert!(got == Err(libc::EAGAIN) && took < 30_000, "{got:?} {took}");
    });
}

#[test]
fn a_program_that_inherits_descriptors_finds_them_as_they_were() {
    patched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let acceptor = listener.try_clone().unwrap();
        let waiter = greenroom::spawn(move || acceptor.accept().map(drop));
        greenroom::yield_now();
        // SAFETY: no addresses.
        let inherited = unsafe { libc::fcntl(listener.as_raw_fd(), libc::F_DUPFD, 50) };
        let mut show = Command::new("cat");
        show.arg(format!("/proc/self/fdinfo/{inherited}")).stdout(Stdio::piped());
        let told = greenroom::unblock(move || show.output()).unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let flags = told.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        assert_eq!(i32::from_str_radix(flags, 8).unwrap() & libc::O_NONBLOCK, 0);
        // SAFETY: ours.
        unsafe { libc::close(inherited) };
        waiter.cancel();
        assert!(waiter.join().unwrap().is_err());
    });
}

#[test]
fn sockets_of_this_crate_work_beside_those_of_std() {
    patched(|| {
        use std::io::{Read, Write};
        let listener = greenroom::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = greenroom::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = [0; 5];
            stream.read_exact(&mut line).unwrap();
            stream.write_all(&line).unwrap();
        });
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(b"hello").unwrap();
        let mut line = String::new();
        client.read_to_string(&mut line).unwrap();
        assert_eq!(line, "hello");
        server.join().unwrap();
    });
}
