//! Unix sockets, where they are not as std's alone: who waits, who is served, and what ends a wait. What is as std's is in
//! `differential`.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net as std_unix;
use std::rc::Rc;
use std::time::Instant;

use greenroom::net::Shutdown;
use greenroom::os::linux::net::SocketAddrExt;
use greenroom::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use greenroom::thread;

use crate::net::{A_MOMENT, kernel};
use crate::support::{assert_within, hub, ms};

fn name(of: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(format!("greenroom os {} {of}", std::process::id())).unwrap()
}

fn refused<T>(result: io::Result<T>) {
    assert_eq!(result.map(drop).unwrap_err().kind(), ErrorKind::NotConnected);
}

#[test]
fn a_server_of_streams_serves_many_at_once() {
    hub(|| {
        let listener = UnixListener::bind_addr(&name("serves")).unwrap();
        let server = greenroom::spawn(move || {
            let served: Vec<_> = listener
                .incoming()
                .take(100)
                .map(|stream| {
                    let stream = stream.unwrap();
                    greenroom::spawn(move || io::copy(&mut &stream, &mut &stream).unwrap())
                })
                .collect();
            greenroom::joinall(served).into_iter().map(Result::unwrap).sum::<u64>()
        });
        let clients = (0..100_u8).map(|number| {
            greenroom::spawn(move || {
                let mut stream = UnixStream::connect_addr(&name("serves")).unwrap();
                let sent = vec![number; 300 << 10];
                let clone = stream.try_clone().unwrap();
                let writer = greenroom::spawn({
                    let sent = sent.clone();
                    move || {
                        (&clone).write_all(&sent).unwrap();
                        clone.shutdown(Shutdown::Write).unwrap();
                    }
                });
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).unwrap();
                writer.join().unwrap();
                assert!(heard == sent);
            })
        });
        for client in greenroom::joinall(clients) {
            client.unwrap();
        }
        assert_eq!(server.join().unwrap(), 100 * (300 << 10));
    });
}

#[test]
fn peers_know_each_other() {
    hub(|| {
        let listener = UnixListener::bind_addr(&name("peers")).unwrap();
        let near = UnixStream::connect_addr(&name("peers")).unwrap();
        let (far, _) = listener.accept().unwrap();
        for stream in [&near, &far] {
            let peer = stream.peer_cred().unwrap();
            assert_eq!(peer.pid, Some(std::process::id() as i32));
            assert_eq!((peer.uid, peer.gid), kernel::user());
        }
        near.close().unwrap();
        refused(near.peer_cred());
    });
}

#[test]
fn close_ends_every_wait_in_the_same_turn() {
    hub(|| {
        let (stream, _far) = UnixStream::pair().unwrap();
        let (datagrams, _other) = UnixDatagram::pair().unwrap();
        let listener = UnixListener::bind_addr(&name("close")).unwrap();
        let waits = [
            {
                let stream = stream.try_clone().unwrap();
                greenroom::spawn(move || (&stream).read(&mut [0; 8]).map(drop))
            },
            {
                let stream = stream.try_clone().unwrap();
                greenroom::spawn(move || (&stream).write_all(&vec![0; 8 << 20]))
            },
            {
                let datagrams = datagrams.try_clone().unwrap();
                greenroom::spawn(move || datagrams.recv_from(&mut [0; 8]).map(drop))
            },
            {
                let datagrams = datagrams.try_clone().unwrap();
                greenroom::spawn(move || {
                    loop {
                        datagrams.send(&[0; 1024])?;
                    }
                })
            },
            {
                let listener = listener.try_clone().unwrap();
                greenroom::spawn(move || listener.accept().map(drop))
            },
        ];
        thread::sleep(A_MOMENT);
        stream.close().unwrap();
        datagrams.close().unwrap();
        listener.close().unwrap();
        thread::yield_now();
        assert!(waits.iter().all(|wait| wait.is_finished()));
        for wait in waits {
            refused(wait.join().unwrap());
        }
        refused(listener.incoming().next().unwrap());
        refused(stream.peer_addr());
        refused(stream.peek(&mut [0; 1]));
        refused(stream.into_std());
        refused(datagrams.connect_addr(&name("close")));
        refused(datagrams.send_to_addr(b"x", &name("close")));
        refused(datagrams.shutdown(Shutdown::Both));
        // The name is free.
        UnixListener::bind_addr(&name("close")).unwrap();
    });
}

#[test]
fn a_sender_to_a_full_receiver_is_ended_by_close_too() {
    hub(|| {
        let _full = UnixDatagram::bind_addr(&name("full")).unwrap();
        let other = UnixDatagram::unbound().unwrap();
        other.set_nonblocking(true).unwrap();
        while other.send_to_addr(b"x", &name("full")).is_ok() {}
        let sender = UnixDatagram::unbound().unwrap();
        let clone = sender.try_clone().unwrap();
        let waits = greenroom::spawn(move || clone.send_to_addr(b"y", &name("full")));
        thread::sleep(A_MOMENT * 3);
        assert!(!waits.is_finished());
        sender.close().unwrap();
        thread::yield_now();
        assert!(waits.is_finished());
        refused(waits.join().unwrap());
    });
}

#[test]
fn a_connect_to_a_full_queue_goes_on_soon_after_there_is_room() {
    let try_it = || {
        let (listener, queued) = kernel::full_unix_listener(&name("room"));
        let client = greenroom::spawn(|| UnixStream::connect_addr(&name("room")).map(|_| Instant::now()));
        thread::sleep(ms(100));
        assert!(!client.is_finished(), "a full queue is no connection");
        listener.accept().unwrap();
        let room = Instant::now();
        let connected = client.join().unwrap().unwrap();
        drop(queued);
        connected.saturating_duration_since(room)
    };
    hub(|| assert_within(ms(500), try_it));
}

#[test]
fn a_connect_to_a_full_queue_that_nobody_serves_any_more_is_refused() {
    hub(|| {
        let (listener, _queued) = kernel::full_unix_listener(&name("refused"));
        let client = greenroom::spawn(|| UnixStream::connect_addr(&name("refused")).map(drop));
        thread::sleep(A_MOMENT);
        drop(listener);
        assert_eq!(client.join().unwrap().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn what_comes_in_parts_by_descriptors_is_read_to_its_end() {
    hub(|| {
        let (near, far) = std_unix::UnixStream::pair().unwrap();
        let near = UnixStream::from_std(near).unwrap();
        let reader = greenroom::spawn(move || {
            let mut heard = Vec::new();
            (&near).take(6).read_to_end(&mut heard).map(|_| heard)
        });
        thread::sleep(A_MOMENT);
        // The kernel ends a read where a message with a descriptor ends, though more is there.
        kernel::send_with_descriptor(&far, b"abc");
        (&far).write_all(b"def").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), b"abcdef");
    });
}

#[test]
fn readers_and_receivers_that_are_killed_lose_nothing() {
    hub(|| {
        let (near, far) = UnixDatagram::pair().unwrap();
        let near = Rc::new(near);
        let receive = |near: &Rc<UnixDatagram>| {
            let near = near.clone();
            greenroom::spawn(move || near.recv(&mut [0; 8]))
        };
        let (victim, next) = (receive(&near), receive(&near));
        thread::sleep(A_MOMENT);
        far.send(b"x").unwrap();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(next.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn sockets_of_stds_become_cooperative_and_come_back_blocking() {
    hub(|| {
        let (near, far) = std_unix::UnixStream::pair().unwrap();
        let shown = format!("{near:?}");
        near.set_read_timeout(Some(A_MOMENT)).unwrap();
        let near = UnixStream::from_std(near).unwrap();
        assert_eq!(format!("{near:?}"), shown);
        assert!(kernel::is_nonblocking(&near));
        assert_eq!((&near).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let number = near.as_raw_fd();
        let near = near.into_std().unwrap();
        assert_eq!(near.as_raw_fd(), number);
        assert!(!kernel::is_nonblocking(&near));
        let far = UnixStream::from(OwnedFd::from(far));
        drop(near);
        assert_eq!((&far).read(&mut [0; 1]).unwrap(), 0);

        let datagrams = UnixDatagram::try_from(std_unix::UnixDatagram::unbound().unwrap()).unwrap();
        let clone = datagrams.try_clone().unwrap();
        assert!(!kernel::is_nonblocking(&datagrams.into_std().unwrap()));
        assert!(greenroom::timeout(A_MOMENT, || clone.recv(&mut [0; 1])).is_err());

        let listener = UnixListener::bind_addr(&name("std")).unwrap();
        let clone = listener.try_clone().unwrap();
        let shared = listener.into_std().unwrap();
        assert!(kernel::is_nonblocking(&shared), "an accept of the other handle must not stop the OS thread");
        assert!(greenroom::timeout(A_MOMENT, || clone.accept()).is_err());
        drop(shared);
        assert!(!kernel::is_nonblocking(&clone.into_std().unwrap()));
    });
}

#[test]
fn without_a_descriptor_left_every_call_that_needs_one_is_an_error() {
    hub(|| {
        let listener = UnixListener::bind_addr(&name("limit")).unwrap();
        let _queued = UnixStream::connect_addr(&name("limit")).unwrap();
        kernel::at_the_descriptor_limit(|| {
            assert!(UnixStream::pair().is_err());
            assert!(UnixDatagram::pair().is_err());
            assert!(UnixDatagram::unbound().is_err());
            assert!(UnixStream::connect_addr(&name("limit")).is_err());
            assert!(UnixListener::bind_addr(&name("limit 2")).is_err());
            assert!(listener.accept().is_err());
            assert!(greenroom::net::UdpSocket::bind("127.0.0.1:0").is_err());
            assert!(listener.try_clone().is_ok(), "a handle needs no descriptor of its own");
        });
        listener.accept().unwrap();
    });
}
