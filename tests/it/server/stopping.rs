//! The end of a server: stop, from everywhere and at every moment; close and join; handles that are dropped.

use std::cell::RefCell;
use std::io::{ErrorKind, Read};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::pool::Pool;
use greenroom::server::{ServerHandle, StreamServer};
use greenroom::{sleep, spawn, timeout, yield_now};

use super::{answers, echo, is_hung_up_on, listener, served};
use crate::support::{Log, OnDrop, Tally, hub, ms, until};

const LONG: Duration = Duration::from_secs(86_400);

#[test]
fn stop_cancels_waits_the_grace_and_kills_the_rest() {
    hub(|| {
        let (log, tally) = (Log::new(), Tally::new());
        let server = StreamServer::new(listener(), {
            let (log, tally) = (log.clone(), tally.clone());
            move |mut stream: TcpStream, _| {
                let mut kind = [0];
                stream.read_exact(&mut kind).unwrap();
                let _one = tally.one();
                match kind[0] {
                    b'p' => {
                        // Heeds the cancel.
                        assert!(stream.read(&mut kind).is_err());
                        log.push("polite");
                    }
                    _ => {
                        let _unwound = OnDrop(|| log.push("killed"));
                        loop {
                            greenroom::thread::park();
                        }
                    }
                }
            }
        })
        .start();
        let address = server.local_addr().unwrap();
        let mut clients: Vec<TcpStream> = ["p", "s", "p"].iter().map(|kind| say(address, kind)).collect();
        until(|| tally.alive() == 3);
        let before = Instant::now();
        server.stop(ms(40));
        assert_eq!(log.words(), ["polite", "polite", "killed"]);
        assert_eq!((tally.alive(), tally.dropped()), (0, 3), "it returns when all have ended");
        assert!(before.elapsed() >= ms(39), "{:?}", before.elapsed());
        assert!(clients.iter_mut().all(is_hung_up_on));
    });
}

#[test]
fn stop_returns_at_once_when_all_heed_the_cancel() {
    hub(|| {
        let server = StreamServer::new(listener(), echo).start();
        let address = server.local_addr().unwrap();
        let mut clients: Vec<_> = (0..100).map(|_| served(address)).collect();
        let before = Instant::now();
        server.stop(LONG);
        assert!(before.elapsed() < Duration::from_secs(60), "{:?}", before.elapsed());
        assert!(clients.iter_mut().all(is_hung_up_on));
    });
}

#[test]
fn no_grace_at_all_kills_at_once() {
    hub(|| {
        let server = StreamServer::new(listener(), |stream, _| {
            let _stream = stream;
            greenroom::sleep(LONG);
            greenroom::thread::park();
        })
        .start();
        let address = server.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        sleep(ms(5));
        server.stop(Duration::ZERO);
        assert!(is_hung_up_on(&mut client));
    });
}

#[test]
fn the_port_is_free_at_once_and_serve_forever_returns() {
    hub(|| {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        for round in 0..3 {
            let listener =
                if round == 0 { listener.try_clone() } else { TcpListener::bind(address) }.unwrap();
            let server = StreamServer::new(listener, echo);
            let handle = server.handle();
            let serving = spawn(move || server.serve_forever());
            let mut client = served(address);
            handle.stop(ms(100));
            serving.join().unwrap().unwrap();
            assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
            assert!(is_hung_up_on(&mut client));
        }
    });
}

#[test]
fn a_handler_may_stop_its_own_server() {
    hub(|| {
        type Own = Rc<RefCell<Option<ServerHandle>>>;
        let (own, log, others) = (Own::default(), Log::new(), Tally::new());
        let server = StreamServer::new(listener(), {
            let (own, log, others) = (own.clone(), log.clone(), others.clone());
            move |mut stream: TcpStream, peer| {
                let mut kind = [0];
                stream.read_exact(&mut kind).unwrap();
                if kind == *b"s" {
                    own.borrow().clone().unwrap().stop(ms(30));
                    log.push("stopped");
                    assert!(!greenroom::thread::is_cancelled());
                    // It is neither cancelled nor killed, and can still answer.
                    echo(stream, peer);
                } else {
                    let _other = others.one();
                    let _unwound = OnDrop(|| log.push("other"));
                    greenroom::thread::park();
                }
            }
        })
        .pool(Pool::new(3));
        *own.borrow_mut() = Some(server.handle());
        let address = server.handle().local_addr().unwrap();
        let serving = spawn(move || server.serve_forever());
        let _other = say(address, "o");
        until(|| others.alive() == 1);
        let mut stopper = say(address, "s");
        while log.words().len() < 2 {
            sleep(ms(1));
        }
        assert_eq!(log.words(), ["other", "stopped"]);
        assert!(!serving.is_finished(), "a connection is still open");
        assert!(answers(&mut stopper));
        drop(stopper);
        serving.join().unwrap().unwrap();
        own.take();
    });
}

#[test]
fn two_handlers_that_stop_their_server_do_not_wait_for_each_other() {
    hub(|| {
        type Own = Rc<RefCell<Option<ServerHandle>>>;
        let (own, log) = (Own::default(), Log::new());
        let server = StreamServer::new(listener(), {
            let (own, log) = (own.clone(), log.clone());
            move |_, _| {
                log.push("stops");
                // Neither before both have come: a server that is stopped takes no more.
                while log.words().len() < 2 {
                    greenroom::thread::park_timeout(ms(1));
                }
                own.borrow().clone().unwrap().stop(LONG);
                log.push("has stopped");
            }
        })
        .start();
        *own.borrow_mut() = Some(server.clone());
        let address = server.local_addr().unwrap();
        let _first = TcpStream::connect(address).unwrap();
        let _second = TcpStream::connect(address).unwrap();
        server.join().unwrap();
        assert_eq!(log.words(), ["stops", "stops", "has stopped", "has stopped"]);
        own.take();
    });
}

#[test]
fn stopping_twice_and_after_the_end_and_before_the_begin_is_fine() {
    hub(|| {
        let server = StreamServer::new(listener(), echo).start();
        let client = served(server.local_addr().unwrap());
        let second = spawn({
            let server = server.clone();
            move || server.stop(ms(20))
        });
        server.clone().stop(ms(20));
        second.join().unwrap();
        let before = Instant::now();
        server.clone().stop(LONG);
        server.close();
        server.join().unwrap();
        assert!(before.elapsed() < Duration::from_secs(60), "{:?}", before.elapsed());
        drop(client);

        let never_begun = StreamServer::new(listener(), echo);
        never_begun.handle().stop(LONG);
        never_begun.serve_forever().unwrap();
        let just_started = StreamServer::new(listener(), echo).start();
        just_started.stop(LONG);
    });
}

#[test]
fn a_second_stop_with_less_patience_goes_before_the_first() {
    hub(|| {
        let server = StreamServer::new(listener(), |_, _| greenroom::thread::park()).start();
        let address = server.local_addr().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        sleep(ms(5));
        let patient = spawn({
            let server = server.clone();
            move || server.stop(LONG)
        });
        sleep(ms(5));
        server.stop(ms(5));
        patient.join().unwrap();
    });
}

#[test]
fn a_stop_that_is_unwound_kills_and_does_not_wait() {
    hub(|| {
        let tally = Tally::new();
        let server = StreamServer::new(listener(), {
            let tally = tally.clone();
            move |stream, _| {
                let _stream = stream;
                let _one = tally.one();
                greenroom::thread::park();
            }
        })
        .start();
        let address = server.local_addr().unwrap();
        let _clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        until(|| tally.alive() == 3);
        assert!(timeout(ms(10), || server.clone().stop(LONG)).is_err());
        yield_now();
        assert_eq!(tally.dropped(), 3);
        server.join().unwrap();
    });
}

#[test]
fn a_stop_in_a_destructor_that_unwinds_kills_and_returns() {
    hub(|| {
        let server = StreamServer::new(listener(), |_, _| greenroom::thread::park()).start();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        sleep(ms(5));
        let victim = spawn({
            let server = server.clone();
            move || {
                let _stops = OnDrop(|| server.clone().stop(LONG));
                greenroom::thread::park();
            }
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert!(is_hung_up_on(&mut client));
        server.join().unwrap();
    });
}

#[test]
fn close_lets_answers_be_finished_and_join_waits_for_them() {
    hub(|| {
        let server = StreamServer::new(listener(), echo).start();
        let address = server.local_addr().unwrap();
        let mut client = served(address);
        server.close();
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(answers(&mut client));
        assert!(timeout(ms(10), || server.join()).is_err(), "there is a connection");
        drop(client);
        server.join().unwrap();
        assert_eq!(server.connections(), 0);
    });
}

#[test]
fn a_listener_closed_by_another_of_its_handles_ends_the_server_in_order() {
    hub(|| {
        let listener = listener();
        let other = listener.try_clone().unwrap();
        let serving = spawn(move || StreamServer::new(listener, echo).serve_forever());
        let client = served(other.local_addr().unwrap());
        other.close().unwrap();
        yield_now();
        assert!(!serving.is_finished(), "there is a connection");
        drop(client);
        serving.join().unwrap().unwrap();
    });
}

#[test]
fn a_dropped_handle_stops_nothing() {
    hub(|| {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let other = listener.try_clone().unwrap();
        drop(StreamServer::new(listener, echo).start());
        let client = served(address);
        // Else `run` would wait for it.
        other.close().unwrap();
        drop(client);
    });
}

#[test]
fn stop_while_clients_are_still_coming_leaves_nobody() {
    hub(|| {
        for round in 0..20 {
            let server = StreamServer::new(listener(), echo).max_accept(3).start();
            let address = server.local_addr().unwrap();
            let clients: Vec<_> = (0..20)
                .map(|_| {
                    spawn(move || {
                        let Ok(mut client) = TcpStream::connect(address) else { return };
                        while answers(&mut client) {}
                    })
                })
                .collect();
            (0..round * 3).for_each(|_| yield_now());
            let handle = server.clone();
            server.stop(ms(200));
            assert_eq!(handle.connections(), 0);
            greenroom::joinall(clients);
        }
    });
}

/// A client that says `word` and waits.
fn say(address: std::net::SocketAddr, word: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut client, word.as_bytes()).unwrap();
    client
}
