//! UDP, where it is not as std's alone: who waits, who is served, and what ends a wait. What is as std's is in
//! `differential`.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net as std_net;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;

use greenroom::net::{Ipv4Addr, SocketAddr, UdpSocket};
use greenroom::thread;

use super::{A_MOMENT, kernel};
use crate::support::hub;

fn bound() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn receivers_of_one_socket_are_served_in_turn() {
    hub(|| {
        let ((near, here), (far, _)) = (bound(), bound());
        let near = Rc::new(near);
        let log = Rc::new(RefCell::new(Vec::new()));
        let receivers: Vec<_> = (0..3)
            .map(|receiver| {
                let (near, log) = (near.clone(), log.clone());
                greenroom::spawn(move || {
                    let mut byte = [0];
                    while near.recv(&mut byte).unwrap() == 1 {
                        log.borrow_mut().push((receiver, byte[0]));
                    }
                })
            })
            .collect();
        thread::sleep(A_MOMENT);
        for byte in 0..9 {
            far.send_to(&[byte], here).unwrap();
            thread::sleep(A_MOMENT / 8);
        }
        for _ in 0..3 {
            far.send_to(b"", here).unwrap();
        }
        for receiver in receivers {
            receiver.join().unwrap();
        }
        let expected: Vec<_> = (0..9).map(|byte| (i32::from(byte) % 3, byte)).collect();
        assert_eq!(*log.borrow(), expected);
    });
}

#[test]
fn a_burst_that_came_in_one_event_is_received_whole() {
    hub(|| {
        let ((near, here), (far, _)) = (bound(), bound());
        let receiver =
            greenroom::spawn(move || (0..50).map(|_| near.recv(&mut [0; 8]).unwrap()).sum::<usize>());
        thread::sleep(A_MOMENT);
        for _ in 0..50 {
            far.send_to(b"xy", here).unwrap();
        }
        assert_eq!(receiver.join().unwrap(), 100);
    });
}

#[test]
fn close_ends_the_waits_of_all_handles_and_frees_the_port() {
    hub(|| {
        let (near, here) = bound();
        let waits: Vec<_> = (0..3)
            .map(|wait| {
                let clone = near.try_clone().unwrap();
                greenroom::spawn(move || match wait {
                    0 => clone.recv(&mut [0; 8]).map(drop),
                    1 => clone.recv_from(&mut [0; 8]).map(drop),
                    _ => clone.peek(&mut [0; 8]).map(drop),
                })
            })
            .collect();
        thread::sleep(A_MOMENT);
        near.close().unwrap();
        thread::yield_now();
        assert!(waits.iter().all(|wait| wait.is_finished()), "in the same turn");
        for wait in waits {
            assert_eq!(wait.join().unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
        }
        UdpSocket::bind(here).unwrap();
    });
}

#[test]
fn every_call_on_a_closed_socket_fails_with_not_connected() {
    fn refused<T>(result: io::Result<T>) {
        assert_eq!(result.map(drop).unwrap_err().kind(), ErrorKind::NotConnected);
    }

    hub(|| {
        let (socket, address) = bound();
        let group = Ipv4Addr::new(239, 1, 2, 3);
        socket.close().unwrap();
        socket.close().unwrap();
        refused(socket.send(b"x"));
        refused(socket.send_to(b"x", address));
        refused(socket.recv(&mut [0; 8]));
        refused(socket.recv_from(&mut [0; 8]));
        refused(socket.peek(&mut [0; 8]));
        refused(socket.peek_from(&mut [0; 8]));
        refused(socket.connect(address));
        refused(socket.peer_addr());
        refused(socket.local_addr());
        refused(socket.try_clone());
        refused(socket.broadcast());
        refused(socket.set_broadcast(true));
        refused(socket.ttl());
        refused(socket.multicast_ttl_v4());
        refused(socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST));
        refused(socket.read_timeout());
        refused(socket.set_read_timeout(None));
        refused(socket.take_error());
        refused(socket.set_nonblocking(true));
        refused(socket.into_std());
    });
}

#[test]
fn a_datagram_is_not_lost_with_who_was_killed_waiting_for_it() {
    hub(|| {
        let ((near, here), (far, _)) = (bound(), bound());
        let near = Rc::new(near);
        let receive = |near: &Rc<UdpSocket>| {
            let near = near.clone();
            greenroom::spawn(move || near.recv(&mut [0; 8]))
        };
        let (victim, next) = (receive(&near), receive(&near));
        thread::sleep(A_MOMENT);
        far.send_to(b"x", here).unwrap();
        // It is told of the datagram, perhaps, and does not live to take it.
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(next.join().unwrap().unwrap(), 1);
    });
}

#[test]
fn one_who_only_receives_what_is_there_lets_others_run() {
    hub(|| {
        let (near, here) = bound();
        let other = greenroom::spawn(|| thread::sleep(A_MOMENT / 10));
        let mut rounds = 0_u32;
        // Nothing here ever waits: the budget makes it give way.
        while !other.is_finished() {
            near.send_to(b"x", here).unwrap();
            near.recv(&mut [0; 8]).unwrap();
            rounds += 1;
            assert!(rounds < 10_000_000, "the other never ran");
        }
    });
}

#[test]
fn a_socket_of_stds_becomes_cooperative_and_comes_back_blocking() {
    hub(|| {
        let socket = std_net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let shown = format!("{socket:?}");
        socket.set_read_timeout(Some(A_MOMENT)).unwrap();
        let socket = UdpSocket::try_from(socket).unwrap();
        assert_eq!(format!("{socket:?}"), shown);
        assert!(kernel::is_nonblocking(&socket));
        assert_eq!(socket.recv(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let clone = socket.try_clone().unwrap();
        let shared = socket.into_std().unwrap();
        assert!(!kernel::is_nonblocking(&shared));
        // The kernel's mode is blocking for both now, and still this only parks.
        clone.set_read_timeout(None).unwrap();
        assert!(greenroom::timeout(A_MOMENT, || clone.recv_from(&mut [0; 1])).is_err());
        drop(shared);
        let number = clone.as_raw_fd();
        let socket = UdpSocket::from(OwnedFd::from(clone));
        assert_eq!(socket.as_raw_fd(), number);
        assert_eq!(socket.into_raw_fd(), number);
        kernel::close(number);
    });
}
