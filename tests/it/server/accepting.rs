//! The accept loop: who is served, when nobody is, what passes and what ends it.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::pool::Pool;
use greenroom::server::StreamServer;
use greenroom::{sleep, spawn, timeout, yield_now};

use super::{answers, echo, is_hung_up_on, listener, served};
use crate::support::{assert_within, hub, ms, panic_of, until};

const GRACE: Duration = Duration::from_secs(1);

#[test]
fn each_client_is_served_in_a_green_thread_of_its_own() {
    hub(|| {
        let server = StreamServer::new(listener(), echo).start();
        let address = server.local_addr().unwrap();
        let mut clients: Vec<TcpStream> = (0..50).map(|_| served(address)).collect();
        assert_eq!(server.connections(), 50);
        assert!(clients.iter_mut().rev().all(answers));
        clients.truncate(20);
        until(|| server.connections() <= 20);
        assert!(clients.iter_mut().all(answers));
        assert_eq!(server.connections(), 20);
        server.stop(GRACE);
    });
}

#[test]
fn the_handler_is_told_the_peers_address() {
    hub(|| {
        let seen = Rc::new(Cell::new(None));
        let server = StreamServer::new(listener(), {
            let seen = seen.clone();
            move |_, peer| seen.set(Some(peer))
        })
        .start();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        assert!(is_hung_up_on(&mut client));
        assert_eq!(seen.get(), Some(client.local_addr().unwrap()));
        server.stop(GRACE);
    });
}

#[test]
fn a_handler_that_panics_costs_its_own_connection() {
    hub(|| {
        let server = StreamServer::new(listener(), |mut stream: TcpStream, peer| {
            let mut byte = [0];
            if matches!(stream.read(&mut byte), Ok(1)) && byte == *b"!" {
                std::panic::resume_unwind(Box::new("bang"));
            }
            let _ = stream.write_all(&byte);
            echo(stream, peer);
        })
        .start();
        let address = server.local_addr().unwrap();
        let mut steady = served(address);
        for _ in 0..20 {
            let mut bad = TcpStream::connect(address).unwrap();
            bad.write_all(b"!").unwrap();
            assert!(is_hung_up_on(&mut bad));
        }
        assert!(answers(&mut steady));
        assert_eq!(server.connections(), 1);
        server.stop(GRACE);
    });
}

#[test]
fn while_the_pool_is_full_clients_wait_in_the_backlog_and_are_not_refused() {
    hub(|| {
        let server = StreamServer::new(listener(), echo).pool(Pool::new(2)).start();
        let address = server.local_addr().unwrap();
        let first = served(address);
        let _second = served(address);
        let mut third = TcpStream::connect(address).unwrap();
        third.write_all(b"hi").unwrap();
        third.set_read_timeout(Some(ms(30))).unwrap();
        assert_eq!(third.read(&mut [0; 2]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(server.connections(), 2);
        drop(first);
        third.set_read_timeout(None).unwrap();
        assert_eq!(third.read(&mut [0; 2]).unwrap(), 2);
        server.stop(GRACE);
    });
}

#[test]
fn more_than_max_accept_in_a_row_give_the_others_a_turn() {
    hub(|| {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let _clients: Vec<_> = (0..60).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let log = Rc::new(RefCell::new(Vec::new()));
        let server = StreamServer::new(listener, {
            let log = log.clone();
            move |_, _| log.borrow_mut().push("served")
        })
        .max_accept(10)
        .start();
        let mut most_in_a_row = 0;
        let mut before = 0;
        while log.borrow().len() < 60 {
            yield_now();
            let now = log.borrow().len();
            most_in_a_row = most_in_a_row.max(now - before);
            before = now;
        }
        assert_eq!(most_in_a_row, 10);
        server.stop(GRACE);
    });
}

#[test]
fn the_first_handlers_start_before_a_long_backlog_is_empty_and_timers_keep_time() {
    hub(|| {
        let listener = TcpListener::builder().backlog(4096).bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Three times what is accepted in a row, by default a hundred.
        let crowd = crate::net::longest_queue().min(300);
        let clients: Vec<_> = (0..crowd).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let begun = Rc::new(Cell::new(0));
        let server = StreamServer::new(listener, {
            let begun = begun.clone();
            move |stream, peer| {
                begun.set(begun.get() + 1);
                echo(stream, peer);
            }
        });
        let server = if crowd < 300 { server.max_accept(crowd / 3) } else { server }.start();
        while begun.get() == 0 {
            yield_now();
        }
        assert!(begun.get() < clients.len(), "the first waits for the whole backlog");
        sleep(Duration::from_micros(1));
        assert!(begun.get() < clients.len(), "a sleep waits for the whole backlog");
        while begun.get() < clients.len() {
            yield_now();
        }
        server.stop(GRACE);
    });
}

// ---- limits

#[test]
fn a_client_that_says_nothing_meets_the_idle_limit() {
    hub(|| {
        let server = StreamServer::new(listener(), echo).idle_timeout(ms(20)).start();
        let before = Instant::now();
        let mut silent = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        assert!(is_hung_up_on(&mut silent));
        assert!(before.elapsed() >= ms(20), "{:?}", before.elapsed());
        server.stop(GRACE);
    });
}

#[test]
fn a_client_that_takes_nothing_meets_the_write_limit() {
    hub(|| {
        let failed = Rc::new(Cell::new(None));
        let server = StreamServer::new(listener(), {
            let failed = failed.clone();
            move |mut stream: TcpStream, _| {
                let full = vec![0; 1 << 20];
                let error = loop {
                    if let Err(error) = stream.write_all(&full) {
                        break error;
                    }
                };
                failed.set(Some(error.kind()));
            }
        })
        .read_timeout(Duration::from_secs(60))
        .write_timeout(ms(20))
        .start();
        let _deaf = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        while failed.get().is_none() {
            sleep(ms(2));
        }
        assert_eq!(failed.get(), Some(ErrorKind::WouldBlock));
        server.stop(GRACE);
    });
}

#[test]
fn each_direction_has_its_own_limit_before_the_idle_one() {
    hub(|| {
        let seen = Rc::new(Cell::new((None, None)));
        let server = StreamServer::new(listener(), {
            let seen = seen.clone();
            move |stream: TcpStream, _| {
                seen.set((stream.read_timeout().unwrap(), stream.write_timeout().unwrap()))
            }
        })
        .idle_timeout(Duration::from_secs(7))
        .read_timeout(Duration::from_secs(3))
        .start();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        assert!(is_hung_up_on(&mut client));
        assert_eq!(seen.get(), (Some(Duration::from_secs(3)), Some(Duration::from_secs(7))));
        server.stop(GRACE);
    });
}

#[test]
fn a_client_that_drips_is_never_idle_but_meets_the_end_of_its_lifetime() {
    /// How many drops were answered.
    fn drip(lifetime: Duration) -> usize {
        let server = StreamServer::new(listener(), echo)
            .idle_timeout(Duration::from_secs(3600))
            .lifetime(lifetime)
            .start();
        let before = Instant::now();
        let mut dripping = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let mut drops = 0;
        while dripping.write_all(b"x").is_ok() && matches!(dripping.read(&mut [0]), Ok(1)) {
            drops += 1;
            sleep(ms(2));
        }
        assert!(before.elapsed() >= lifetime, "{drops} in {:?}", before.elapsed());
        assert_eq!(server.connections(), 0);
        server.stop(GRACE);
        drops
    }

    // A busy machine has no time for many in the shortest.
    hub(|| assert!([60, 600, 6_000].into_iter().any(|lifetime| drip(ms(lifetime)) > 3)));
}

#[test]
fn limits_of_zero_are_refused_and_endless_ones_are_fine() {
    hub(|| {
        let of_zero = panic_of(|| StreamServer::new(listener(), echo).read_timeout(Duration::ZERO));
        assert!(of_zero.contains("no time at all"), "{of_zero}");
        let server = StreamServer::new(listener(), echo)
            .lifetime(Duration::MAX)
            .idle_timeout(Duration::from_secs(u64::from(u32::MAX)))
            .start();
        served(server.local_addr().unwrap());
        server.stop(GRACE);
    });
}

// ---- errors of accept

#[test]
fn a_storm_at_the_limit_of_descriptors_is_waited_out() {
    let try_it = || {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let server = StreamServer::new(listener, echo).start();
        let mut steady = served(address);
        // The clients are connected, but there is no descriptor to accept them with.
        let mut waiting: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        let limit = Limit::none_left();
        let turns = greenroom::Handle::current().metrics().turns;
        sleep(ms(200));
        assert_eq!(server.connections(), 1);
        let turns = greenroom::Handle::current().metrics().turns - turns;
        assert!(turns < 100, "{turns} turns in 200 ms: it spins");
        assert!(answers(&mut steady), "those who are served go on");
        drop(limit);
        let before = Instant::now();
        assert!(waiting.iter_mut().all(answers));
        let took = before.elapsed();
        server.stop(GRACE);
        took
    };
    hub(|| assert_within(ms(1_100), try_it));
}

#[test]
fn a_server_in_a_storm_is_stopped_and_cancelled_without_waiting_the_pause_out() {
    hub(|| {
        let end_by = |cancel| {
            let listener = listener();
            let address = listener.local_addr().unwrap();
            let server = StreamServer::new(listener, echo);
            let handle = server.handle();
            let serving = spawn(move || server.serve_forever());
            let _waiting = TcpStream::connect(address).unwrap();
            let limit = Limit::none_left();
            // The pause that began after 155 ms lasts 160.
            sleep(ms(180));
            let before = Instant::now();
            if cancel {
                serving.cancel();
                let error = serving.join().unwrap().unwrap_err();
                assert!(error.get_ref().unwrap().is::<greenroom::thread::Cancelled>(), "{error}");
            } else {
                handle.stop(GRACE);
                serving.join().unwrap().unwrap();
            }
            let took = before.elapsed();
            drop(limit);
            took
        };
        assert_within(ms(50), || end_by(false));
        assert_within(ms(50), || end_by(true));
    });
}

#[test]
fn a_server_in_a_storm_hears_of_a_timeout_by_an_error() {
    hub(|| {
        let listener = listener();
        let _waiting = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let limit = Limit::none_left();
        let ended = Cell::new(None);
        let outcome = timeout(ms(50), || {
            ended.set(Some(StreamServer::new(listener, echo).serve_forever().unwrap_err().kind()));
        });
        drop(limit);
        assert!(outcome.is_err());
        assert_eq!(ended.get(), Some(ErrorKind::TimedOut));
    });
}

#[test]
fn any_other_error_of_accept_ends_the_server_with_it() {
    hub(|| {
        let listener = listener();
        // Nobody listens on this socket any more: accept(2) says EINVAL.
        // A connected stream in the listener's place does the same, and needs no unsafe code.
        let address = listener.local_addr().unwrap();
        let stream = std::net::TcpStream::connect(address).unwrap();
        let server = StreamServer::new(TcpListener::from(std::os::fd::OwnedFd::from(stream)), echo);
        let handle = server.handle();
        assert_eq!(server.serve_forever().unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(
            handle.local_addr().unwrap_err().kind(),
            ErrorKind::NotConnected,
            "its listener is closed"
        );
        let stream = std::net::TcpStream::connect(address).unwrap();
        let started = StreamServer::new(TcpListener::from(std::os::fd::OwnedFd::from(stream)), echo).start();
        assert_eq!(started.clone().join().unwrap_err().kind(), ErrorKind::InvalidInput);
        started.join().unwrap();
    });
}

#[test]
fn no_stack_for_a_handler_costs_that_client_and_not_the_server() {
    crate::support::watch(|| {
        let runtime = greenroom::Runtime::builder().max_threads(3).build().unwrap();
        runtime.run(|| {
            let server = StreamServer::new(listener(), echo).start();
            let address = server.local_addr().unwrap();
            let first = served(address);
            let _second = served(address);
            let mut third = TcpStream::connect(address).unwrap();
            assert!(is_hung_up_on(&mut third));
            drop(first);
            sleep(ms(20));
            let _fourth = served(address);
            server.stop(GRACE);
        });
    });
}

// ---- interruption

#[test]
fn serving_ends_with_the_scope_of_a_timeout_and_open_connections_go_on() {
    hub(|| {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let client = Rc::new(RefCell::new(None));
        spawn({
            let client = client.clone();
            move || *client.borrow_mut() = Some(served(address))
        });
        let ended = Rc::new(Cell::new(None));
        let outcome = timeout(ms(30), || {
            let error = StreamServer::new(listener, echo).serve_forever().unwrap_err();
            ended.set(Some(error.kind()));
        });
        assert!(outcome.is_err());
        assert_eq!(ended.get(), Some(ErrorKind::TimedOut));
        assert!(answers(client.borrow_mut().as_mut().unwrap()));
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_killed_server_closes_its_listener() {
    hub(|| {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        for full in [false, true] {
            let listener = if full { super::listener() } else { listener.try_clone().unwrap() };
            let address = listener.local_addr().unwrap();
            let serving = spawn(move || StreamServer::new(listener, echo).pool(Pool::new(1)).serve_forever());
            let _client = served(address);
            let _beyond = full.then(|| TcpStream::connect(address).unwrap());
            serving.kill();
            assert!(serving.join().unwrap_err().is_killed());
            assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

/// The process's limit of descriptors, set to what is taken; reset when dropped.
struct Limit(libc::rlimit);

impl Limit {
    #[expect(unsafe_code, reason = "std cannot set limits")]
    fn none_left() -> Limit {
        let highest = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: both calls read or write the one struct, which lives across them.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut before), 0);
            let none = libc::rlimit { rlim_cur: highest as libc::rlim_t, ..before };
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &none), 0);
        }
        Limit(before)
    }
}

impl Drop for Limit {
    #[expect(unsafe_code, reason = "std cannot set limits")]
    fn drop(&mut self) {
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &self.0) }, 0);
    }
}
