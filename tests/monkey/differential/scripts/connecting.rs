//! How connections come to be: refused, awaited, limited, by address and by path.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::differential::script_list;
use crate::differential::world::{A_MOMENT, a_moment};
use crate::libc_calls as c;
use crate::sockets::{Fd, FullListener, listener, port_of};

fn nobody() -> u16 {
    listener().1
}

fn on_loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn stream_socket() -> Fd {
    Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM).unwrap())
}

script_list! {
    fn refused(_world, log) {
        let port = nobody();
        log.step("std", TcpStream::connect(on_loopback(port)).map(drop));
        log.step("with a timeout", TcpStream::connect_timeout(&on_loopback(port), A_MOMENT * 100).map(drop));
        let socket = stream_socket();
        log.call("libc", c::connect(socket.raw(), port));
        log.call("SO_ERROR", c::take_error(socket.raw()));
        log.call("again", c::connect(socket.raw(), port));
    }

    fn the_second_address_answers(world, log) {
        let (listener, port) = listener();
        let accepting = world.party("server", move |log| log.step("accept", listener.accept().map(drop)));
        let addresses = [on_loopback(nobody()), on_loopback(port)];
        log.step("connect", TcpStream::connect(&addresses[..]).map(drop));
        accepting.join(log);
    }

    fn accepts_wait_and_come_in_order(world, log) {
        let (listener, port) = listener();
        let server = world.party("server", move |log| {
            for stream in listener.incoming().take(3) {
                let mut word = [0; 1];
                log.step("read", stream.unwrap().read_exact(&mut word));
                log.note("word", word);
            }
        });
        for word in [b"a", b"b", b"c"] {
            a_moment();
            log.step("write", TcpStream::connect(on_loopback(port)).unwrap().write_all(word));
        }
        server.join(log);
    }

    fn two_accept_from_one_listener(world, log) {
        let (listener, port) = listener();
        let acceptors = ["first", "second"].map(|name| {
            let listener = listener.try_clone().unwrap();
            world.party(name, move |log| log.step("accept", listener.accept().map(drop)))
        });
        let _clients = [(); 2].map(|()| TcpStream::connect(on_loopback(port)).unwrap());
        acceptors.into_iter().for_each(|acceptor| acceptor.join(log));
    }

    fn accept_with_a_timeout(world, log) {
        let (listener, port) = listener();
        let fd = listener.as_raw_fd();
        log.call("set", c::set_timeout(fd, libc::SO_RCVTIMEO, A_MOMENT));
        let accepted = log.lasting("accept", A_MOMENT, || c::accept(fd));
        log.call("accept", accepted.map(drop));
        let accepted = log.lasting("accept4", A_MOMENT, || c::accept4(fd, libc::SOCK_CLOEXEC));
        log.call("accept4", accepted.map(drop));
        log.step("of std", listener.accept().map(drop));
        let client = world.party("client", move |log| log.step("connect", TcpStream::connect(on_loopback(port)).map(drop)));
        log.call("somebody is there", c::accept(fd).map(|fd| drop(Fd(fd))));
        client.join(log);
    }

    fn accept_without_waiting(_world, log) {
        let (listener, port) = listener();
        log.step("set", listener.set_nonblocking(true));
        log.step("nobody", listener.accept().map(drop));
        let _client = TcpStream::connect(on_loopback(port)).unwrap();
        a_moment();
        let (stream, _) = listener.accept().unwrap();
        log.call("what is accepted waits", c::is_nonblocking(stream.as_raw_fd()));
        log.call("the listener does not", c::is_nonblocking(listener.as_raw_fd()));
    }

    fn accept4_has_its_flags_seen(_world, log) {
        let (listener, port) = listener();
        let _clients = [(); 2].map(|()| TcpStream::connect(on_loopback(port)).unwrap());
        for flags in [0, libc::SOCK_NONBLOCK] {
            let accepted = Fd(c::accept4(listener.as_raw_fd(), flags | libc::SOCK_CLOEXEC).unwrap());
            log.call("O_NONBLOCK", c::is_nonblocking(accepted.raw()));
            log.call("FD_CLOEXEC", c::fcntl(accepted.raw(), libc::F_GETFD, 0));
            log.call("limit", c::set_timeout(accepted.raw(), libc::SO_RCVTIMEO, A_MOMENT));
            log.call("recv", c::recv(accepted.raw(), &mut [0; 4], 0));
        }
    }

    fn shutting_a_listener_down_wakes_accept(world, log) {
        let (listener, _) = listener();
        let waits = listener.try_clone().unwrap();
        let acceptor = world.party("acceptor", move |log| {
            log.step("accept", waits.accept().map(drop));
            log.step("accept again", waits.accept().map(drop));
        });
        log.call("shut down", c::shutdown(listener.as_raw_fd(), libc::SHUT_RD));
        acceptor.join(log);
    }

    fn accept_of_what_does_not_listen(_world, log) {
        let socket = stream_socket();
        log.call("accept", c::accept(socket.raw()));
        log.call("bad descriptor", c::accept(-1));
        let (reader, _writer) = crate::sockets::pipe();
        log.call("a pipe", c::accept(reader.raw()));
        let datagram = Fd(c::socket(libc::AF_INET, libc::SOCK_DGRAM).unwrap());
        log.call("a datagram socket", c::accept(datagram.raw()));
    }

    fn connect_with_a_timeout(_world, log) {
        let full = FullListener::new();
        let socket = stream_socket();
        log.call("set", c::set_timeout(socket.raw(), libc::SO_SNDTIMEO, A_MOMENT * 3));
        let connected = log.lasting("connect", A_MOMENT * 3, || c::connect(socket.raw(), full.port));
        log.call("connect", connected);
        let again = log.lasting("connect again", Duration::ZERO, || c::connect(socket.raw(), full.port));
        log.call("connect again", again);
        log.call("O_NONBLOCK", c::is_nonblocking(socket.raw()));
        let to = on_loopback(full.port);
        let connected = log.lasting("std", A_MOMENT * 3, || TcpStream::connect_timeout(&to, A_MOMENT * 3));
        log.step("std", connected.map(drop));
    }

    fn connect_waits_until_there_is_room(world, log) {
        let full = FullListener::new();
        let port = full.port;
        let socket = stream_socket();
        // Who is not let in asks again after a second (tcp(7), tcp_syn_retries).
        let is_in = Arc::new(AtomicBool::new(false));
        let client = world.party("client", {
            let is_in = is_in.clone();
            move |log| {
                log.call("connect", c::connect(socket.raw(), port));
                is_in.store(true, Ordering::SeqCst);
            }
        });
        c::set_timeout(full.listener.raw(), libc::SO_RCVTIMEO, A_MOMENT * 10).unwrap();
        for _ in 0..100 {
            drop(c::accept(full.listener.raw()).map(Fd));
            if is_in.load(Ordering::SeqCst) {
                break;
            }
        }
        client.join(log);
        drop(full);
    }

    fn connect_without_waiting(_world, log) {
        let full = FullListener::new();
        let socket = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK).unwrap());
        log.call("connect", c::connect(socket.raw(), full.port));
        log.call("again", c::connect(socket.raw(), full.port));
        let (_listener, port) = listener();
        let socket = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK).unwrap());
        log.call("where there is room", c::connect(socket.raw(), port));
        let mut set = [libc::pollfd { fd: socket.raw(), events: libc::POLLOUT, revents: 0 }];
        log.call("poll", c::poll(&mut set, 1000));
        log.note("revents", set[0].revents);
        log.call("SO_ERROR", c::take_error(socket.raw()));
        log.call("connected", c::connect(socket.raw(), port));
        log.call("and again", c::connect(socket.raw(), port));
    }

    fn a_refusal_seen_by_poll(_world, log) {
        let socket = Fd(c::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK).unwrap());
        log.call("connect", c::connect(socket.raw(), nobody()));
        let mut set = [libc::pollfd { fd: socket.raw(), events: libc::POLLOUT, revents: 0 }];
        log.call("poll", c::poll(&mut set, 1000));
        log.note("revents", set[0].revents);
        log.call("SO_ERROR", c::take_error(socket.raw()));
        log.call("SO_ERROR is taken", c::take_error(socket.raw()));
    }

    fn connect_of_what_is_connected(_world, log) {
        let (_listener, port) = listener();
        let socket = stream_socket();
        log.call("connect", c::connect(socket.raw(), port));
        log.call("again", c::connect(socket.raw(), port));
        log.call("bad descriptor", c::connect(-1, port));
        let (reader, _writer) = crate::sockets::pipe();
        log.call("a pipe", c::connect(reader.raw(), port));
    }

    fn before_a_connection(_world, log) {
        let socket = stream_socket();
        log.call("recv", c::recv(socket.raw(), &mut [0; 4], 0));
        log.call("read", c::read(socket.raw(), &mut [0; 4]));
        log.call("send", c::send(socket.raw(), b"x", libc::MSG_NOSIGNAL));
        log.call("shutdown", c::shutdown(socket.raw(), libc::SHUT_WR));
    }

    fn a_socket_connects_to_itself(_world, log) {
        let socket = stream_socket();
        c::bind(socket.raw(), 0).unwrap();
        log.call("connect", c::connect(socket.raw(), port_of(&socket)));
        log.call("send", c::send(socket.raw(), b"echo", 0));
        let mut room = [0; 8];
        let got = c::recv(socket.raw(), &mut room, 0);
        log.bytes("recv", got, &room);
    }

    fn unix_paths(world, log) {
        let path = log.path("stream");
        let listener = UnixListener::bind(&path).unwrap();
        let server = world.party("server", move |log| {
            let (stream, _) = listener.accept().unwrap();
            let mut all = String::new();
            log.step("read", (&stream).read_to_string(&mut all));
            log.note("all", all);
        });
        log.step("write", UnixStream::connect(&path).unwrap().write_all(b"by path"));
        server.join(log);
        log.step("nobody listens", UnixStream::connect(&path).map(drop));
        let missing = log.path("missing");
        log.step("no such path", UnixStream::connect(&missing).map(drop));
        log.step("in use", UnixListener::bind(&path).map(drop));
    }

    fn unix_abstract_names(world, log) {
        let name = format!("\0greenroom-monkey-{}", std::process::id()).into_bytes();
        let listener = Fd(c::socket(libc::AF_UNIX, libc::SOCK_STREAM).unwrap());
        log.call("bind", c::bind_unix(listener.raw(), &name));
        log.call("listen", c::listen(listener.raw(), 4));
        let server = world.party("server", move |log| {
            let stream = Fd(c::accept(listener.raw()).unwrap());
            let mut room = [0; 8];
            let got = c::recv(stream.raw(), &mut room, 0);
            log.bytes("recv", got, &room);
        });
        let client = Fd(c::socket(libc::AF_UNIX, libc::SOCK_STREAM).unwrap());
        log.call("connect", c::connect_unix(client.raw(), &name));
        log.call("send", c::send(client.raw(), b"hello", 0));
        server.join(log);
    }

    fn unix_accept_with_a_timeout(_world, log) {
        let path = log.path("quiet");
        let listener = UnixListener::bind(&path).unwrap();
        c::set_timeout(listener.as_raw_fd(), libc::SO_RCVTIMEO, A_MOMENT).unwrap();
        let accepted = log.lasting("accept", A_MOMENT, || listener.accept());
        log.step("accept", accepted.map(drop));
    }

    fn a_full_unix_queue_keeps_who_connects_waiting(world, log) {
        let path = log.path("full");
        let listener = Fd(c::socket(libc::AF_UNIX, libc::SOCK_STREAM).unwrap());
        c::bind_unix(listener.raw(), path.as_os_str().as_bytes()).unwrap();
        c::listen(listener.raw(), 0).unwrap();
        let _first = UnixStream::connect(&path).unwrap();
        let socket = Fd(c::socket(libc::AF_UNIX, libc::SOCK_STREAM).unwrap());
        c::set_timeout(socket.raw(), libc::SO_SNDTIMEO, A_MOMENT).unwrap();
        let limited = log.lasting("with a limit", A_MOMENT, || c::connect_unix(socket.raw(), path.as_os_str().as_bytes()));
        log.call("with a limit", limited);
        let to = path.clone();
        let client = world.party("client", move |log| {
            let socket = Fd(c::socket(libc::AF_UNIX, libc::SOCK_STREAM).unwrap());
            log.call("connect", c::connect_unix(socket.raw(), to.as_os_str().as_bytes()));
            log.call("send", c::send(socket.raw(), b"in", 0));
        });
        log.call("accept", c::accept(listener.raw()).map(|fd| drop(Fd(fd))));
        let second = Fd(c::accept(listener.raw()).unwrap());
        let mut room = [0; 4];
        let got = c::recv(second.raw(), &mut room, 0);
        log.bytes("recv", got, &room);
        client.join(log);
    }

    fn by_name(world, log) {
        let (listener, port) = listener();
        let server = world.party("server", move |log| log.step("accept", listener.accept().map(drop)));
        log.step("connect", TcpStream::connect(("localhost", port)).map(drop));
        server.join(log);
        log.step("no name", "no.such.name.invalid:80".to_socket_addrs().map(drop).map_err(|_| std::io::ErrorKind::NotFound.into()));
        log.step("listen", TcpListener::bind("localhost:0").map(drop));
    }
}
