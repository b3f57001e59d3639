//! TCP between green threads, and between a green thread and a blocking peer on another OS thread: what works.
//! What fails, and how, is in `net_errors`.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net as std_net;
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use greenroom::thread;

use crate::support::{Log, hub};

mod handles;
pub(crate) mod kernel;
mod names;
mod readiness;
mod settings;
mod transfer;
mod udp;

/// Long enough for another OS thread, or a green one, to get to where it waits.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(20);

/// Two connected sockets: ours, and a blocking one of std's. Only for a green thread.
pub(crate) fn pair() -> (TcpStream, std_net::TcpStream) {
    let (ours, theirs) = std_pair();
    (TcpStream::from_std(ours).unwrap(), theirs)
}

/// Two connected sockets, of which ours has waited once. From then on the hub keeps books about it.
pub(crate) fn waited_pair() -> (TcpStream, std_net::TcpStream) {
    let (ours, theirs) = pair();
    let waited = greenroom::timeout(Duration::from_millis(1), || ours.peek(&mut [0; 1]));
    assert!(waited.is_err());
    (ours, theirs)
}

/// Two connected sockets of std's.
pub(crate) fn std_pair() -> (std_net::TcpStream, std_net::TcpStream) {
    let listener = std_net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = std_net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Two connected sockets of ours.
fn green_pair() -> (TcpStream, TcpStream) {
    let (ours, theirs) = pair();
    (ours, TcpStream::from_std(theirs).unwrap())
}

/// A listener on a free loopback port, and where it is.
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// How many connections this machine lets wait to be accepted, whatever is asked for (listen(2)).
pub(crate) fn longest_queue() -> usize {
    let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
    most.and_then(|most| most.trim().parse().ok()).unwrap_or(128)
}

/// A listener whose queue is full, so that a connect to it waits until it is given up.
pub(crate) fn full_listener() -> ((TcpListener, Vec<TcpStream>), SocketAddr) {
    let listener = TcpListener::builder().backlog(0).bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    // There is always room for one; a busy machine may take longer than a moment for it.
    for patience in [A_MOMENT * 50, A_MOMENT] {
        while let Ok(stream) = TcpStream::connect_timeout(&address, patience) {
            queued.push(stream);
            if patience > A_MOMENT {
                break;
            }
        }
    }
    ((listener, queued), address)
}

#[test]
fn a_thread_per_connection_echo_server_runs_with_its_std_replaced() {
    fn echo(mut stream: TcpStream) -> io::Result<u64> {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut writer = stream.try_clone()?;
        let mut hello = [0; 5];
        stream.read_exact(&mut hello)?;
        writer.write_all(&hello)?;
        io::copy(&mut stream, &mut writer)
    }

    hub(|| {
        let (listener, address) = listener();
        let server = greenroom::spawn(move || {
            let workers: Vec<_> =
                listener.incoming().take(10).map(|stream| thread::spawn(|| echo(stream.unwrap()))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap().unwrap()).sum::<u64>()
        });
        let clients = (0..10).map(|_| {
            greenroom::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                write!(stream, "hello world").unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut heard = String::new();
                stream.read_to_string(&mut heard).unwrap();
                heard
            })
        });
        for client in greenroom::joinall(clients) {
            assert_eq!(client.unwrap(), "hello world");
        }
        assert_eq!(server.join().unwrap(), 60);
    });
}

#[test]
fn lines_go_both_ways_through_the_shared_reference() {
    hub(|| {
        let (near, far) = green_pair();
        let far = greenroom::spawn(move || {
            for line in BufReader::new(&far).lines() {
                writeln!(&far, "<{}>", line.unwrap()).unwrap();
            }
        });
        let mut answers = BufReader::new(&near);
        for word in ["one", "two"] {
            writeln!(&near, "{word}").unwrap();
            let mut answer = String::new();
            answers.read_line(&mut answer).unwrap();
            assert_eq!(answer, format!("<{word}>\n"));
        }
        near.shutdown(Shutdown::Write).unwrap();
        far.join().unwrap();
    });
}

#[test]
fn both_ends_agree_on_their_addresses() {
    hub(|| {
        let (listener, address) = listener();
        let near = TcpStream::connect(address).unwrap();
        let (far, peer) = listener.accept().unwrap();
        assert_eq!(near.peer_addr().unwrap(), address);
        assert_eq!(far.local_addr().unwrap(), address);
        assert_eq!(near.local_addr().unwrap(), peer);
        assert_eq!(far.peer_addr().unwrap(), peer);
    });
}

#[test]
fn connect_goes_on_to_the_next_address() {
    hub(|| {
        let refused = listener().1;
        let (listener, address) = listener();
        let stream = TcpStream::connect(&[refused, address][..]).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        drop(listener);
    });
}

#[test]
fn connect_timeout_connects() {
    hub(|| {
        let (_listener, address) = listener();
        for timeout in [Duration::from_secs(5), Duration::MAX] {
            TcpStream::connect_timeout(&address, timeout).unwrap();
        }
    });
}

#[test]
fn of_100_green_threads_in_accept_one_connection_wakes_exactly_one() {
    hub(|| {
        let (listener, address) = listener();
        let listener = Rc::new(listener);
        let accepted = Rc::new(Cell::new(0));
        let waiters: Vec<_> = (0..100)
            .map(|_| {
                let (listener, accepted) = (listener.clone(), accepted.clone());
                greenroom::spawn(move || {
                    let ended = listener.accept().map(drop);
                    accepted.set(accepted.get() + usize::from(ended.is_ok()));
                    ended
                })
            })
            .collect();
        thread::sleep(A_MOMENT);
        let _client = TcpStream::connect(address).unwrap();
        thread::sleep(A_MOMENT);
        assert_eq!(accepted.get(), 1);
        assert_eq!(waiters.iter().filter(|waiter| waiter.is_finished()).count(), 1);
        listener.close().unwrap();
        let closed = greenroom::joinall(waiters)
            .into_iter()
            .filter(|ended| {
                ended.as_ref().unwrap().as_ref().is_err_and(|e| e.kind() == ErrorKind::NotConnected)
            })
            .count();
        assert_eq!(closed, 99);
    });
}

#[test]
fn a_burst_of_connections_is_accepted_one_event_or_many() {
    hub(|| {
        let (listener, address) = listener();
        let crowd = longest_queue().min(300);
        let clients: Vec<_> = (0..crowd).map(|_| TcpStream::connect(address).unwrap()).collect();
        thread::sleep(A_MOMENT);
        let served: Vec<_> = listener.incoming().take(crowd).map(Result::unwrap).collect();
        assert_eq!(served.len(), clients.len());
    });
}

#[test]
fn five_hundred_connections_in_a_row_leave_nothing_behind() {
    hub(|| {
        let (listener, address) = listener();
        let server = greenroom::spawn(move || {
            for stream in listener.incoming().take(500) {
                stream.unwrap().write_all(b"x").unwrap();
            }
        });
        for _ in 0..500 {
            let mut heard = Vec::new();
            TcpStream::connect(address).unwrap().read_to_end(&mut heard).unwrap();
            assert_eq!(heard, b"x");
        }
        server.join().unwrap();
    });
}

#[test]
fn other_green_threads_run_while_one_waits_for_the_network() {
    hub(|| {
        let log = Log::new();
        let (listener, address) = listener();
        let server = greenroom::spawn({
            let log = log.clone();
            move || {
                let (mut stream, _) = listener.accept().unwrap();
                log.push("accepted");
                stream.read_exact(&mut [0; 1]).unwrap();
                log.push("read");
            }
        });
        thread::yield_now();
        log.push("connecting");
        let mut client = TcpStream::connect(address).unwrap();
        thread::sleep(A_MOMENT);
        log.push("writing");
        client.write_all(b"x").unwrap();
        server.join().unwrap();
        assert_eq!(log.words(), ["connecting", "accepted", "writing", "read"]);
    });
}
