//! TCP that fails: the same errors as std's, at the same steps, and nothing lost but the connection. Where it
//! can be, the same is done with std's blocking sockets first, and the two records are compared.

use std::io::{self, ErrorKind, Read, Write};
use std::net as std_net;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread as os_thread;
use std::time::{Duration, Instant};

use greenroom::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use greenroom::thread;

use crate::net::{A_MOMENT, full_listener, kernel, pair};
use crate::support::hub;

mod peer;

/// What can be compared of a result: the value, or the kind of the error.
fn told<T>(result: io::Result<T>) -> Result<T, ErrorKind> {
    result.map_err(|error| error.kind())
}

/// An address on which nobody listens.
fn closed_port() -> SocketAddr {
    std_net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

// ----- Connecting ------------------------------------------------------------------------------------------------

#[test]
fn a_connect_to_a_closed_port_is_refused() {
    hub(|| {
        let address = closed_port();
        assert_eq!(told(TcpStream::connect(address).map(drop)), Err(ErrorKind::ConnectionRefused));
        let timeout = Duration::from_secs(5);
        assert_eq!(
            told(TcpStream::connect_timeout(&address, timeout).map(drop)),
            Err(ErrorKind::ConnectionRefused)
        );
    });
}

#[test]
fn connects_that_fail_at_once_fail_as_stds() {
    hub(|| {
        let addresses = [
            "127.0.0.1:0",
            "127.255.255.255:9",
            "255.255.255.255:9",
            "224.0.0.1:9",
            "[fe80::1]:9",
            "[ff02::1]:9",
            "[::1]:1",
            "0.0.0.0:1",
            "[::ffff:127.0.0.1]:1",
        ];
        for address in addresses {
            let address: SocketAddr = address.parse().unwrap();
            let expected = std_net::TcpStream::connect(address).unwrap_err();
            let error = TcpStream::connect(address).unwrap_err();
            assert_eq!(error.raw_os_error(), expected.raw_os_error(), "{address}");
            assert_eq!(error.kind(), expected.kind(), "{address}");
        }
    });
}

#[test]
fn an_unreachable_network_is_named_so() {
    hub(|| {
        let broadcast: SocketAddr = "255.255.255.255:9".parse().unwrap();
        assert_eq!(told(TcpStream::connect(broadcast).map(drop)), Err(ErrorKind::NetworkUnreachable));
    });
}

#[test]
fn a_connect_that_nobody_answers_times_out_as_stds() {
    hub(|| {
        let (_full, address) = full_listener();
        let expected = std_net::TcpStream::connect_timeout(&address, A_MOMENT).unwrap_err();
        let started = Instant::now();
        let error = TcpStream::connect_timeout(&address, A_MOMENT).unwrap_err();
        assert!(started.elapsed() >= A_MOMENT);
        assert_eq!((error.kind(), error.to_string()), (expected.kind(), expected.to_string()));
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn a_connect_in_a_timeout_scope_ends_with_it() {
    hub(|| {
        let (_full, address) = full_listener();
        let ended = greenroom::timeout(A_MOMENT, || told(TcpStream::connect(address).map(drop)));
        assert!(ended.is_err());
    });
}

#[test]
fn a_timeout_of_zero_is_an_invalid_input_as_stds() {
    hub(|| {
        let (near, far) = pair();
        let address = closed_port();
        let ours = [
            TcpStream::connect_timeout(&address, Duration::ZERO).map(drop),
            near.set_read_timeout(Some(Duration::ZERO)),
            near.set_write_timeout(Some(Duration::ZERO)),
        ];
        let stds = [
            std_net::TcpStream::connect_timeout(&address, Duration::ZERO).map(drop),
            far.set_read_timeout(Some(Duration::ZERO)),
            far.set_write_timeout(Some(Duration::ZERO)),
        ];
        for (ours, stds) in ours.into_iter().zip(stds) {
            let (ours, stds) = (ours.unwrap_err(), stds.unwrap_err());
            assert_eq!((ours.kind(), ours.to_string()), (stds.kind(), stds.to_string()));
        }
        assert_eq!(near.read_timeout().unwrap(), None);
    });
}

#[test]
fn no_address_at_all_is_an_invalid_input_as_stds() {
    hub(|| {
        let none: &[SocketAddr] = &[];
        let expected = std_net::TcpStream::connect(none).unwrap_err();
        let error = TcpStream::connect(none).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (expected.kind(), expected.to_string()));
        assert_eq!(told(TcpListener::bind(none).map(drop)), Err(expected.kind()));
    });
}

/// Go's `TestTCPSelfConnect`: the kernel may give a connecting socket the very port that it connects to, and
/// the two ends of a simultaneous open are then the same socket. Without luck that takes some ten thousand
/// attempts; here they are made where the kernel is about to come by (each of these ports is met with a chance
/// of one in five).
#[test]
fn a_connect_that_meets_itself_is_refused() {
    hub(|| {
        for (address, attempts) in ports_that_the_kernel_is_about_to_reach() {
            for attempt in 0..attempts {
                let ended = told(TcpStream::connect(address).map(drop));
                assert_eq!(ended, Err(ErrorKind::ConnectionRefused), "{address}, attempt {attempt}");
            }
        }
    });
}

/// Closed local ports close to the one that the next connect to them will start from, and after how many
/// attempts they are surely passed. For each destination Linux walks over the local ports on a path of its own,
/// in even steps of 2 to some 20.
fn ports_that_the_kernel_is_about_to_reach() -> Vec<(SocketAddr, u16)> {
    let mut near = Vec::new();
    for port in (33_000..60_000).step_by(14) {
        let Ok(listener) = std_net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else { continue };
        let probe = std_net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let distance = port.wrapping_sub(probe.local_addr().unwrap().port());
        kernel::reset(probe);
        drop(listener);
        if distance < 300 {
            near.push((SocketAddr::from((Ipv4Addr::LOCALHOST, port)), distance / 8 + 20));
        }
    }
    near
}

// ----- Listening -------------------------------------------------------------------------------------------------

#[test]
fn a_port_in_use_a_foreign_address_and_a_privileged_port_fail_as_stds() {
    hub(|| {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = holder.local_addr().unwrap().to_string();
        assert_eq!(told(TcpListener::bind(&*taken).map(drop)), Err(ErrorKind::AddrInUse));
        assert_eq!(told(TcpListener::bind("192.0.2.1:0").map(drop)), Err(ErrorKind::AddrNotAvailable));
        for address in [&*taken, "192.0.2.1:0", "127.0.0.1:1", "[fe80::1]:0", "[::1%77]:0"] {
            let expected = told(std_net::TcpListener::bind(address).map(drop));
            assert_eq!(told(TcpListener::bind(address).map(drop)), expected, "{address}");
        }
    });
}

#[test]
fn bind_goes_on_to_the_next_address() {
    hub(|| {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addresses = [taken.local_addr().unwrap(), (Ipv4Addr::LOCALHOST, 0).into()];
        let other = TcpListener::bind(&addresses[..]).unwrap();
        assert_ne!(other.local_addr().unwrap(), addresses[0]);
    });
}

#[test]
fn accept_at_the_descriptor_limit_is_an_error_and_succeeds_once_there_is_room() {
    hub(|| {
        let listener = Rc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        thread::sleep(A_MOMENT);
        kernel::at_the_descriptor_limit(|| {
            for _ in 0..3 {
                let error = listener.accept().unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
            }
        });
        // No event tells of the freed number: the connection was there all the time.
        let accepted = greenroom::timeout(Duration::from_secs(1), || listener.accept()).unwrap();
        let (mut stream, _) = accepted.unwrap();
        stream.write_all(b"x").unwrap();
        client.read_exact(&mut [0; 1]).unwrap();
    });
}

#[test]
fn a_parked_accept_at_the_descriptor_limit_is_woken_with_the_error() {
    hub(|| {
        let listener = Rc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let address = listener.local_addr().unwrap();
        let acceptor = greenroom::spawn({
            let listener = listener.clone();
            move || listener.accept().map(drop).unwrap_err().raw_os_error()
        });
        thread::sleep(A_MOMENT);
        let (go, start) = mpsc::channel();
        let (connected, done) = mpsc::channel();
        // The one number left at the limit, for the client.
        let spare = std::fs::File::open("/dev/null").unwrap();
        let client = os_thread::spawn(move || {
            start.recv().unwrap();
            drop(spare);
            let client = std_net::TcpStream::connect(address);
            connected.send(()).unwrap();
            client
        });
        kernel::at_the_descriptor_limit(|| {
            go.send(()).unwrap();
            done.recv().unwrap();
            assert_eq!(acceptor.join().unwrap(), Some(libc::EMFILE));
        });
        client.join().unwrap().unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn making_sockets_at_the_descriptor_limit_is_an_error() {
    hub(|| {
        let address = closed_port();
        kernel::at_the_descriptor_limit(|| {
            let error = TcpStream::connect(address).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
            let error = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        });
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    });
}

#[test]
fn clients_in_the_queue_of_a_listener_that_goes_are_reset_as_stds() {
    hub(|| {
        let listener = std_net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = std_net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener);
        let expected = told(client.read(&mut [0; 8]));
        assert_eq!(expected, Err(ErrorKind::ConnectionReset));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener);
        assert_eq!(told(client.read(&mut [0; 8])), expected);
    });
}

#[test]
fn an_ipv6_connection_works_and_fails_as_an_ipv4_one() {
    hub(|| {
        let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
            std_net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap_err();
            return;
        };
        let address = listener.local_addr().unwrap();
        let mut near = TcpStream::connect(address).unwrap();
        let (mut far, peer) = listener.accept().unwrap();
        assert_eq!(near.local_addr().unwrap(), peer);
        far.write_all(b"six").unwrap();
        near.read_exact(&mut [0; 3]).unwrap();
        drop(listener);
        assert_eq!(told(TcpStream::connect(address).map(drop)), Err(ErrorKind::ConnectionRefused));
    });
}
