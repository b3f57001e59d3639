//! The making of connections.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};

use super::{c, flags, is_nonblocking, later, patched, ticks_during, timed};
use crate::support::ms;

#[test]
fn an_accept_waits_and_leaves_the_mode_as_it_was() {
    patched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = later(move || drop(TcpStream::connect(address).unwrap()));
        let ((accepted, took), ticks) = ticks_during(|| timed(|| listener.accept().unwrap()));
        assert!(took >= 15 && ticks >= 1, "{took} {ticks}");
        assert!(!is_nonblocking(listener.as_raw_fd()) && !is_nonblocking(accepted.0.as_raw_fd()));
        client.join().unwrap();
        // SO_RCVTIMEO of a listener is that of its accept.
        let timeout = libc::timeval { tv_sec: 0, tv_usec: 20_000 };
        // SAFETY: the timeout is on this frame.
        let set = unsafe {
            let (level, option) = (libc::SOL_SOCKET, libc::SO_RCVTIMEO);
            libc::setsockopt(listener.as_raw_fd(), level, option, (&raw const timeout).cast(), 16)
        };
        assert_eq!(set, 0);
        let (accepted, took) = timed(|| listener.accept().unwrap_err());
        assert_eq!(accepted.raw_os_error(), Some(libc::EAGAIN));
        assert!((20..20_000).contains(&took), "{took}");
    });
}

#[test]
fn a_shutdown_ends_an_accept() {
    patched(|| {
        let listener = std::rc::Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let there = listener.clone();
        let acceptor = greenroom::spawn(move || there.accept().unwrap_err().raw_os_error());
        greenroom::sleep(ms(5));
        // SAFETY: no addresses.
        assert_eq!(c(unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) }), Ok(0));
        assert_eq!(acceptor.join().unwrap(), Some(libc::EINVAL));
    });
}

#[test]
fn nobody_sees_the_mode_of_an_accept_on_another_os_thread() {
    patched(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = listener.try_clone().unwrap();
        let watcher = std::thread::spawn(move || {
            let mut blocking = 0;
            for _ in 0..3000 {
                // SAFETY: no addresses.
                let flags = unsafe { libc::fcntl(shared.as_raw_fd(), libc::F_GETFL) };
                blocking += i32::from(flags & libc::O_NONBLOCK == 0);
            }
            // One that blocks its own OS thread, on the same open file.
            let accepted = (0..20).map(|_| shared.accept().map(drop)).filter(Result::is_ok).count();
            (blocking, accepted)
        });
        let acceptor = greenroom::spawn(move || while listener.accept().is_ok() {});
        while !watcher.is_finished() {
            drop(TcpStream::connect(address).unwrap());
            greenroom::yield_now();
        }
        assert_eq!(watcher.join().unwrap(), (3000, 20));
        acceptor.cancel();
        assert!(acceptor.join().is_ok());
    });
}

#[test]
fn a_refused_connect_is_refused_and_may_be_tried_again() {
    patched(|| {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(TcpStream::connect(address).unwrap_err().raw_os_error(), Some(libc::ECONNREFUSED));
        let error = TcpStream::connect_timeout(&address, ms(500)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
        // SAFETY: a new socket; the address is on this frame.
        unsafe {
            let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
            let mut name: libc::sockaddr_in = std::mem::zeroed();
            name.sin_family = libc::AF_INET as u16;
            name.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
            name.sin_port = address.port().to_be();
            let connect = || c(libc::connect(socket, (&raw const name).cast(), 16));
            assert_eq!(connect(), Err(libc::ECONNREFUSED));
            assert_eq!(connect(), Err(libc::ECONNREFUSED));
            let listener = TcpListener::bind(address).unwrap();
            assert_eq!(connect(), Ok(0));
            assert_eq!(connect(), Err(libc::EISCONN));
            assert_eq!(flags(socket).1 & libc::O_NONBLOCK, 0);
            libc::close(socket);
            drop(listener);
        }
    });
}

#[test]
fn a_connect_to_nowhere_takes_the_time_of_its_socket() {
    patched(|| {
        // SAFETY: as above; 192.0.2.1 is nobody's (RFC 5737).
        unsafe {
            let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
            let timeout = libc::timeval { tv_sec: 0, tv_usec: 30_000 };
            let place = (&raw const timeout).cast();
            assert_eq!(libc::setsockopt(socket, libc::SOL_SOCKET, libc::SO_SNDTIMEO, place, 16), 0);
            let mut name: libc::sockaddr_in = std::mem::zeroed();
            name.sin_family = libc::AF_INET as u16;
            name.sin_addr.s_addr = u32::from_ne_bytes([192, 0, 2, 1]);
            name.sin_port = 9u16.to_be();
            let ((answer, took), ticks) =
                ticks_during(|| timed(|| c(libc::connect(socket, (&raw const name).cast(), 16))));
            libc::close(socket);
            // A machine without a route, or behind a wall, says so at once.
            if ![libc::ENETUNREACH, libc::EHOSTUNREACH, libc::ECONNREFUSED].map(Err).contains(&answer) {
                assert_eq!(answer, Err(libc::EINPROGRESS));
                assert!((30..20_000).contains(&took) && ticks >= 1, "{took} {ticks}");
            }
        }
    });
}

#[test]
fn a_local_connect_waits_for_room_at_its_listener() {
    patched(|| {
        let path = std::env::temp_dir().join(format!("greenroom-monkey-l-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        // SAFETY: no addresses.
        assert_eq!(c(unsafe { libc::listen(listener.as_raw_fd(), 1) }), Ok(0));
        let clients: Vec<_> = (0..6)
            .map(|_| {
                let path = path.clone();
                greenroom::spawn(move || drop(UnixStream::connect(path).unwrap()))
            })
            .collect();
        let (_, ticks) = ticks_during(|| greenroom::sleep(ms(20)));
        assert!(ticks >= 1, "{ticks}");
        for _ in 0..6 {
            listener.accept().unwrap();
        }
        clients.into_iter().for_each(|client| client.join().unwrap());
        std::fs::remove_file(path).unwrap();
    });
}
