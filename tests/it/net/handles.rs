//! Clones, close and conversions: who owns the descriptor, and what its others see.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net as std_net;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use greenroom::thread;

use super::{A_MOMENT, full_listener, kernel, listener, pair, std_pair};
use crate::support::{Log, hub};

#[test]
fn a_clone_goes_on_when_the_original_is_dropped_while_it_waits() {
    hub(|| {
        let (near, mut far) = pair();
        let mut clone = near.try_clone().unwrap();
        assert_eq!(clone.as_raw_fd(), near.as_raw_fd());
        let reader = greenroom::spawn(move || {
            let mut byte = [0];
            clone.read_exact(&mut byte).map(|()| byte)
        });
        thread::sleep(A_MOMENT);
        drop(near);
        far.write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), *b"x");
    });
}

#[test]
fn close_wakes_readers_and_writers_with_not_connected_in_the_same_turn() {
    hub(|| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        let log = Log::new();
        let reader = greenroom::spawn({
            let (near, log) = (near.try_clone().unwrap(), log.clone());
            move || {
                let error = (&near).read(&mut [0; 8]).unwrap_err();
                log.push("reader woken");
                error.kind()
            }
        });
        let writer = greenroom::spawn({
            let (near, log) = (near.clone(), log.clone());
            move || {
                let error = (&*near).write_all(&vec![0; 64 << 20]).unwrap_err();
                log.push("writer woken");
                error.kind()
            }
        });
        thread::sleep(A_MOMENT);
        near.close().unwrap();
        log.push("closed");
        thread::yield_now();
        log.push("next turn");
        assert_eq!(reader.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(writer.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(log.words(), ["closed", "reader woken", "writer woken", "next turn"]);
        // The peer sees the connection end, although handles are left.
        far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        io::copy(&mut far, &mut io::sink()).unwrap();
    });
}

#[test]
fn every_call_on_a_closed_socket_fails_with_not_connected() {
    fn refused<T>(result: io::Result<T>) {
        assert_eq!(result.map(drop).unwrap_err().kind(), ErrorKind::NotConnected);
    }

    hub(|| {
        let (mut stream, _far) = pair();
        stream.close().unwrap();
        stream.close().unwrap();
        refused(stream.read(&mut [0; 1]));
        refused(stream.write(&[0; 1]));
        refused(stream.write_vectored(&[IoSlice::new(b"x")]));
        refused(stream.peek(&mut [0; 1]));
        refused(stream.peer_addr());
        refused(stream.local_addr());
        refused(stream.shutdown(Shutdown::Both));
        refused(stream.try_clone());
        refused(stream.nodelay());
        refused(stream.set_nodelay(true));
        refused(stream.ttl());
        refused(stream.set_ttl(64));
        refused(stream.read_timeout());
        refused(stream.set_read_timeout(None));
        refused(stream.write_timeout());
        refused(stream.set_write_timeout(None));
        refused(stream.take_error());
        refused(stream.set_nonblocking(true));
        refused(stream.into_std());

        let (listener, _) = listener();
        listener.close().unwrap();
        listener.close().unwrap();
        refused(listener.accept());
        refused(listener.incoming().next().unwrap());
        refused(listener.local_addr());
        refused(listener.try_clone());
        refused(listener.ttl());
        refused(listener.take_error());
        refused(listener.into_std());
    });
}

#[test]
fn the_number_of_a_closed_descriptor_is_not_given_out_until_the_last_handle_is_gone() {
    hub(|| {
        let (near, far) = pair();
        let number = near.as_raw_fd();
        near.close().unwrap();
        let other = far.try_clone().unwrap();
        assert_ne!(other.as_raw_fd(), number);
        drop(near);
        let third = far.try_clone().unwrap();
        assert_eq!(third.as_raw_fd(), number);
    });
}

#[test]
fn closing_a_listener_frees_its_port_while_handles_are_left() {
    hub(|| {
        let (listener, address) = listener();
        let clone = listener.try_clone().unwrap();
        listener.close().unwrap();
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let successor = TcpListener::bind(address).unwrap();
        let _client = TcpStream::connect(address).unwrap();
        successor.accept().unwrap();
        assert_eq!(clone.accept().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn old_events_do_not_reach_a_new_socket_with_the_same_number() {
    hub(|| {
        for _ in 0..200 {
            let (near, mut far) = pair();
            let reader = greenroom::spawn(move || (&near).read(&mut [0; 8]));
            thread::yield_now();
            // The event for this byte is pending when the socket goes and its number comes back.
            far.write_all(b"x").unwrap();
            reader.kill();
            assert!(reader.join().is_err_and(|error| error.is_killed()));
            let (near, _far) = pair();
            let ended = greenroom::timeout(Duration::from_micros(200), || (&near).read(&mut [0; 8]));
            assert!(ended.is_err(), "woken by another's event: {ended:?}");
        }
    });
}

#[test]
fn a_socket_of_stds_becomes_cooperative_and_comes_back_blocking() {
    hub(|| {
        for nonblocking in [false, true] {
            let (near, mut far) = std_pair();
            near.set_nonblocking(nonblocking).unwrap();
            near.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            let near = TcpStream::from_std(near).unwrap();
            assert!(kernel::is_nonblocking(&near));
            assert_eq!(near.read_timeout().unwrap(), Some(Duration::from_secs(2)));
            assert_eq!(near.write_timeout().unwrap(), None);
            let reader = greenroom::spawn(move || {
                (&near).read_exact(&mut [0; 1]).unwrap();
                near
            });
            thread::sleep(A_MOMENT);
            far.write_all(b"x").unwrap();
            let mut near = reader.join().unwrap().into_std().unwrap();
            assert!(!kernel::is_nonblocking(&near));
            assert_eq!(near.read_timeout().unwrap(), Some(Duration::from_secs(2)));
            far.write_all(b"y").unwrap();
            near.read_exact(&mut [0; 1]).unwrap();
        }
    });
}

#[test]
fn the_timeouts_that_a_socket_of_stds_had_still_bind() {
    hub(|| {
        let (near, _far) = std_pair();
        near.set_read_timeout(Some(A_MOMENT)).unwrap();
        near.set_write_timeout(Some(A_MOMENT)).unwrap();
        let near = TcpStream::from_std(near).unwrap();
        assert_eq!((&near).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!((&near).write_all(&vec![0; 64 << 20]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_listener_of_stds_becomes_cooperative_and_comes_back_blocking() {
    hub(|| {
        let listener = std_net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::try_from(listener).unwrap();
        let client = greenroom::spawn(move || TcpStream::connect(address).unwrap());
        listener.accept().unwrap();
        client.join().unwrap();
        let listener = listener.into_std().unwrap();
        assert!(!kernel::is_nonblocking(&listener));
        let _client = std_net::TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn into_std_of_a_shared_stream_does_not_make_the_other_handles_block() {
    hub(|| {
        let (near, mut far) = pair();
        let clone = near.try_clone().unwrap();
        let mut std = near.into_std().unwrap();
        assert!(!kernel::is_nonblocking(&std));
        // The kernel's mode is blocking for both now, and still this only parks.
        let silence = greenroom::timeout(A_MOMENT, || (&clone).read(&mut [0; 1]));
        assert!(silence.is_err());
        let full = greenroom::timeout(A_MOMENT, || (&clone).write_all(&vec![0; 64 << 20]));
        assert!(full.is_err());
        far.write_all(b"ab").unwrap();
        (&clone).read_exact(&mut [0; 1]).unwrap();
        std.read_exact(&mut [0; 1]).unwrap();
    });
}

#[test]
fn into_std_of_a_shared_listener_does_not_make_the_other_handles_block() {
    hub(|| {
        let (listener, address) = listener();
        let clone = listener.try_clone().unwrap();
        let std = listener.into_std().unwrap();
        assert!(kernel::is_nonblocking(&std));
        assert!(greenroom::timeout(A_MOMENT, || clone.accept()).is_err());
        let _clients = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        clone.accept().unwrap();
        std.accept().unwrap();
    });
}

#[test]
fn sockets_go_through_owned_descriptors_and_back() {
    hub(|| {
        let (listener, address) = listener();
        let listener = TcpListener::from(OwnedFd::from(listener));
        assert_eq!(listener.local_addr().unwrap(), address);
        let client = TcpStream::from(OwnedFd::from(TcpStream::connect(address).unwrap()));
        let (served, _) = listener.accept().unwrap();
        let served = std_net::TcpStream::from(OwnedFd::from(served));
        assert!(!kernel::is_nonblocking(&served));
        drop(client);
        assert_eq!((&served).read(&mut [0; 1]).unwrap(), 0);
        let number = served.as_raw_fd();
        let served = TcpStream::from_std(served).unwrap();
        assert_eq!(served.into_raw_fd(), number);
        kernel::close(number);
    });
}

#[test]
fn sockets_are_shown_as_stds_are() {
    hub(|| {
        let (near, far) = std_pair();
        let (shown, number) = (format!("{near:?}"), near.as_raw_fd());
        let near = TcpStream::from_std(near).unwrap();
        assert_eq!(near.as_raw_fd(), number);
        assert_eq!(format!("{near:?}"), shown);
        let listener = std_net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let shown = format!("{listener:?}");
        let listener = TcpListener::from_std(listener).unwrap();
        assert_eq!(format!("{listener:?}"), shown);
        assert_eq!(format!("{:?}", listener.incoming()), format!("Incoming {{ listener: {shown} }}"));
        drop(far);
    });
}

#[test]
fn a_killed_green_thread_leaves_no_descriptor_whatever_it_waited_for() {
    hub(|| {
        let (full, address) = full_listener();
        let (idle, _) = listener();
        let (silent, _peer) = pair();
        let (deaf, _other_peer) = pair();
        let waiters = [
            greenroom::spawn(move || drop(TcpStream::connect(address))),
            greenroom::spawn(move || drop(idle.accept())),
            greenroom::spawn(move || drop((&silent).read(&mut [0; 8]))),
            greenroom::spawn(move || drop((&deaf).write_all(&vec![0; 64 << 20]))),
        ];
        thread::sleep(A_MOMENT);
        for waiter in &waiters {
            waiter.kill();
        }
        for ended in greenroom::joinall(waiters) {
            assert!(ended.unwrap_err().is_killed());
        }
        drop(full);
        // The frame around this test counts descriptors.
    });
}
