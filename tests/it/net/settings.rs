//! Options, time-outs, the non-blocking mode, and the settings of a listener.

use std::io::{ErrorKind, Read, Write};
use std::net as std_net;
use std::thread as os_thread;
use std::time::Duration;

use greenroom::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use greenroom::thread;

use super::{A_MOMENT, full_listener, kernel, listener, pair, std_pair, waited_pair};
use crate::support::hub;

#[test]
fn options_are_set_and_read_as_stds_are() {
    fn on_std() -> String {
        let (near, _far) = std_pair();
        near.set_nodelay(true).unwrap();
        near.set_ttl(17).unwrap();
        near.set_read_timeout(Some(Duration::from_micros(1))).unwrap();
        near.set_write_timeout(Some(Duration::MAX)).unwrap();
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            near.nodelay(),
            near.ttl(),
            near.read_timeout(),
            near.write_timeout(),
            near.take_error()
        )
    }

    hub(|| {
        let (near, _far) = pair();
        near.set_nodelay(true).unwrap();
        near.set_ttl(17).unwrap();
        near.set_read_timeout(Some(Duration::from_micros(1))).unwrap();
        near.set_write_timeout(Some(Duration::MAX)).unwrap();
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            near.nodelay(),
            near.ttl(),
            near.read_timeout(),
            near.write_timeout(),
            near.take_error()
        );
        assert_eq!(shown, on_std());
        let (listener, _) = listener();
        listener.set_ttl(17).unwrap();
        assert_eq!(listener.ttl().unwrap(), 17);
        assert!(listener.take_error().unwrap().is_none());
    });
}

#[test]
fn a_write_with_a_timeout_beyond_the_clock_waits() {
    hub(|| {
        let (mut near, mut far) = pair();
        near.set_read_timeout(Some(Duration::MAX)).unwrap();
        let writer = os_thread::spawn(move || {
            os_thread::sleep(A_MOMENT);
            far.write_all(b"x").unwrap();
        });
        near.read_exact(&mut [0; 1]).unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn set_nonblocking_makes_calls_that_would_park_fail() {
    hub(|| {
        let (near, mut far) = waited_pair();
        let clone = near.try_clone().unwrap();
        near.set_nonblocking(true).unwrap();
        assert_eq!((&clone).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        far.write_all(b"x").unwrap();
        // A short read before must not hide what has come since.
        assert_eq!((&clone).read(&mut [0; 8]).unwrap(), 1);
        assert_eq!((&clone).read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        far.write_all(b"y").unwrap();
        assert_eq!((&clone).read(&mut [0; 8]).unwrap(), 1);
        let full = (&near).write_all(&vec![0; 64 << 20]).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        near.set_nonblocking(false).unwrap();
        let reader = greenroom::spawn(move || (&clone).read(&mut [0; 8]));
        thread::sleep(A_MOMENT);
        far.write_all(b"z").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 1);

        let (listener, address) = listener();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let _client = TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn listeners_share_a_port_only_if_both_say_so() {
    hub(|| {
        let shared = TcpListener::builder().reuse_port(true).bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = shared.local_addr().unwrap();
        let _second = TcpListener::builder().reuse_port(true).bind(address).unwrap();
        let refused = TcpListener::builder().bind(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn the_backlog_bounds_what_waits_to_be_accepted() {
    hub(|| {
        let ((listener, queued), address) = full_listener();
        let waiting = greenroom::spawn(move || TcpStream::connect(address));
        thread::sleep(A_MOMENT);
        assert!(!waiting.is_finished());
        // TCP asks again after a second, which is why the default is a long queue.
        waiting.kill();
        assert_eq!(queued.len(), 1);
        listener.accept().unwrap();
    });
}

#[test]
fn only_v6_decides_whether_an_ipv6_listener_takes_ipv4_clients() {
    hub(|| {
        let Ok(both) = TcpListener::builder().only_v6(false).bind((Ipv6Addr::UNSPECIFIED, 0)) else {
            // A machine without IPv6: std must agree.
            std_net::TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).unwrap_err();
            return;
        };
        let port = both.local_addr().unwrap().port();
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (_, peer) = both.accept().unwrap();
        assert_eq!(peer.ip(), Ipv4Addr::LOCALHOST.to_ipv6_mapped());
        assert_eq!(client.peer_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);

        // The same port of IPv4 is free for anybody who asks for one, and would then take the client.
        let (only, port, _taken) = (0..100)
            .find_map(|_| {
                let only = TcpListener::builder().only_v6(true).bind((Ipv6Addr::UNSPECIFIED, 0)).unwrap();
                let port = only.local_addr().unwrap().port();
                kernel::take_port(port).ok().map(|taken| (only, port, taken))
            })
            .expect("a port that nobody has");
        let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        if std_net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
            eprintln!("skipped: IPv6 is switched off here, nobody can connect to ::1");
            return;
        }
        TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
        let (_, peer) = only.accept().unwrap();
        assert_eq!(peer.ip(), Ipv6Addr::LOCALHOST);
    });
}
