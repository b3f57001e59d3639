//! Addresses and look-ups, compared with what std makes of them.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net as std_net;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, lookup_host};
use greenroom::thread;

use super::A_MOMENT;
use crate::support::hub;

/// What std makes of it, or how it fails.
fn outcome(
    found: io::Result<impl Iterator<Item = SocketAddr>>,
) -> Result<Vec<SocketAddr>, (ErrorKind, String)> {
    found.map(Iterator::collect).map_err(|error| (error.kind(), error.to_string()))
}

#[test]
fn addresses_are_what_std_makes_of_them() {
    fn same<A: ToSocketAddrs + std_net::ToSocketAddrs>(value: A) {
        let expected = outcome(std_net::ToSocketAddrs::to_socket_addrs(&value));
        assert_eq!(outcome(ToSocketAddrs::to_socket_addrs(&value)), expected);
        assert_eq!(outcome(lookup_host(&value)), expected);
    }

    hub(|| {
        let v4: SocketAddr = "1.2.3.4:5".parse().unwrap();
        let v6: SocketAddr = "[1:2::3%4]:5".parse().unwrap();
        same(v4);
        same(v6);
        same((v4.ip(), 7));
        same((Ipv4Addr::LOCALHOST, 7));
        same((Ipv6Addr::LOCALHOST, 7));
        same(("127.0.0.1", 7));
        same(("::1", 7));
        same((String::from("::1"), 7));
        same(&[v4, v6][..]);
        same(&[][..]);
        for text in [
            "1.2.3.4:5",
            "[::1]:5",
            "[::1%3]:5",
            "1.2.3.4",
            "",
            ":",
            ":5",
            "localhost:5",
            "localhost:x",
            "localhost:65536",
            "::1",
            "localhost:",
            "a b:5",
            "a..b:5",
            "nul\0byte:5",
        ] {
            same(text);
            same(String::from(text));
        }
        let SocketAddr::V4(v4) = v4 else { unreachable!() };
        let SocketAddr::V6(v6) = v6 else { unreachable!() };
        same(v4);
        same(v6);
    });
}

#[test]
fn connect_and_bind_take_names() {
    hub(|| {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("localhost", port)).unwrap();
        TcpStream::connect(format!("localhost:{port}")).unwrap();
        assert_eq!(
            outcome(lookup_host(("localhost", port))),
            outcome(std_net::ToSocketAddrs::to_socket_addrs(&("localhost", port)))
        );
    });
}

#[test]
fn others_run_during_a_look_up_and_many_at_once_all_end() {
    hub(|| {
        let turns = Rc::new(Cell::new(0));
        let other = greenroom::spawn({
            let turns = turns.clone();
            move || {
                loop {
                    turns.set(turns.get() + 1);
                    thread::yield_now();
                }
            }
        });
        // An answer may be there before the caller parks, but not each.
        let begin = Instant::now();
        while turns.get() == 0 {
            lookup_host("localhost:80").map(drop).unwrap();
            assert!(begin.elapsed() < Duration::from_secs(60), "nobody ever ran during a look-up");
        }
        other.kill();
        let all = (0..100).map(|port| {
            greenroom::spawn(move || lookup_host(("localhost", port)).unwrap().next().unwrap().port())
        });
        let found: Vec<_> = greenroom::joinall(all).into_iter().map(Result::unwrap).collect();
        assert!(found.into_iter().eq(0..100));
    });
}

#[test]
fn an_interrupted_look_up_ends_at_once_and_harms_no_later_one() {
    hub(|| {
        let started = Instant::now();
        let killed: Vec<_> =
            (0..20).map(|_| greenroom::spawn(|| drop(lookup_host("localhost:80")))).collect();
        thread::yield_now();
        for thread in &killed {
            thread.kill();
        }
        for ended in greenroom::joinall(killed) {
            drop(ended);
        }
        for _ in 0..20 {
            // Its answer may come first; what must not happen is that it goes to a later one.
            drop(greenroom::timeout(Duration::ZERO, || lookup_host("localhost:80").map(drop)));
        }
        let found: Vec<_> = lookup_host("localhost:81").unwrap().collect();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 81), "{found:?}");
        assert!(started.elapsed() < Duration::from_secs(60));
        // Those left behind are still reading files, which the frame of the next test must not count.
        thread::sleep(A_MOMENT);
    });
}

/// What wakes one who waits for a look-up is its answer, and nothing else: the answer's letter must not come later, to whatever
/// the green thread waits for then.
#[test]
fn an_unpark_during_a_look_up_leaves_no_wake_up_behind() {
    hub(|| {
        let slow = greenroom::spawn_later(Duration::from_millis(200), || "slow");
        let looks_up = greenroom::spawn(move || {
            lookup_host("localhost:80").map(drop).unwrap();
            slow.join()
        });
        greenroom::yield_now();
        looks_up.thread().unpark();
        // The OS thread that looks it up answers meanwhile.
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(looks_up.join().unwrap().unwrap(), "slow");
    });
}
