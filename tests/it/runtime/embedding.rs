//! A hub in somebody else's loop: `turn`, `next_deadline` and the descriptor.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::{Runtime, sleep, spawn, thread, yield_now};

use crate::support::{self, Log, ms};

/// A foreign loop with one thing in it: the hub's descriptor.
struct ForeignLoop {
    poll: Poll,
    events: Events,
}

impl ForeignLoop {
    fn around(runtime: &Runtime) -> ForeignLoop {
        let poll = Poll::new().unwrap();
        let descriptor = runtime.as_fd().as_raw_fd();
        poll.registry().register(&mut SourceFd(&descriptor), Token(0), Interest::READABLE).unwrap();
        ForeignLoop { poll, events: Events::with_capacity(4) }
    }

    /// True if the descriptor becomes readable within this time.
    fn wait(&mut self, patience: Duration) -> bool {
        self.poll.poll(&mut self.events, Some(patience)).unwrap();
        !self.events.is_empty()
    }
}

fn turn_at_once(runtime: &Runtime) -> greenroom::runtime::Turn {
    runtime.turn(Some(Duration::ZERO)).unwrap()
}

#[test]
fn a_turn_runs_who_is_ready_and_says_how_many() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let log = Log::new();
        for n in 0..3 {
            let words = log.clone();
            drop(runtime.spawn(move || {
                words.push(format!("{n} begins"));
                yield_now();
                words.push(format!("{n} ends"));
            }));
        }
        assert_eq!(log.words(), [""; 0], "spawn does not run anything");
        let mut ran = 0;
        loop {
            let turn = turn_at_once(&runtime);
            ran += turn.ran;
            if turn.alive == 0 {
                assert_eq!(turn.ready, 0);
                break;
            }
        }
        assert_eq!(ran, 6, "three begin, three go on");
        assert_eq!(log.words(), ["0 begins", "1 begins", "2 begins", "0 ends", "1 ends", "2 ends"]);
    });
}

#[test]
fn one_turn_ends_though_somebody_is_always_ready() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        drop(runtime.spawn(|| {
            loop {
                yield_now();
            }
        }));
        for _ in 0..10 {
            let turn = runtime.turn(None).unwrap();
            assert!(turn.ran >= 1 && turn.ready == 1 && turn.alive == 1, "{turn:?}");
        }
    });
}

#[test]
fn a_turn_waits_no_longer_than_asked_nor_than_the_next_deadline() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let begun = Instant::now();
        runtime.turn(Some(ms(4))).unwrap();
        assert!(begun.elapsed() >= ms(4), "there is nothing to wake it");
        let sleeper = runtime.spawn(|| sleep(ms(3)));
        turn_at_once(&runtime);
        let deadline = runtime.next_deadline().expect("somebody sleeps");
        assert!(deadline >= begun && deadline <= Instant::now() + ms(3));
        let patience = Instant::now() + ms(30_000);
        while !sleeper.is_finished() {
            assert!(Instant::now() < patience);
            runtime.turn(None).unwrap();
        }
        assert!(Instant::now() >= deadline);
        assert_eq!(runtime.next_deadline(), None);
    });
}

#[test]
fn the_root_may_park_while_it_holds_a_runtime() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let child = runtime.spawn(|| {
            sleep(ms(1));
            "value"
        });
        assert_eq!(child.join().unwrap(), "value");
        assert_eq!(spawn(|| 1).join().unwrap(), 1);
    });
}

#[test]
fn the_descriptor_is_readable_when_another_os_thread_wakes_somebody() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let child = runtime.spawn(thread::park);
        let mut foreign = ForeignLoop::around(&runtime);
        turn_at_once(&runtime);
        while foreign.wait(ms(0)) {
            turn_at_once(&runtime);
        }
        assert!(!foreign.wait(ms(3)), "nothing has happened");
        let target = child.thread().clone();
        std::thread::spawn(move || target.unpark()).join().unwrap();
        assert!(foreign.wait(ms(5_000)), "a wake-up makes it readable");
        while !child.is_finished() {
            turn_at_once(&runtime);
        }
    });
}

#[test]
fn the_descriptor_is_readable_when_a_socket_is() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = runtime.spawn(move || listener.accept().map(|(stream, _)| drop(stream)));
        let mut foreign = ForeignLoop::around(&runtime);
        turn_at_once(&runtime);
        while foreign.wait(ms(0)) {
            turn_at_once(&runtime);
        }
        let client = std::thread::spawn(move || std::net::TcpStream::connect(address).map(drop));
        let patience = Instant::now() + ms(20_000);
        while !server.is_finished() {
            assert!(foreign.wait(ms(5_000)) && Instant::now() < patience);
            turn_at_once(&runtime);
        }
        server.join().unwrap().unwrap();
        client.join().unwrap().unwrap();
    });
}

#[test]
fn a_foreign_loop_driven_by_descriptor_and_deadline_serves_everything() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let log = Log::new();
        let words = log.clone();
        let job = runtime.spawn(move || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let client = spawn(move || drop(TcpStream::connect(address).unwrap()));
            drop(listener.accept().unwrap());
            client.join().unwrap();
            words.push("met");
            sleep(ms(2));
            words.push("slept");
        });
        let mut foreign = ForeignLoop::around(&runtime);
        let patience = Instant::now() + ms(20_000);
        while turn_at_once(&runtime).alive > 0 {
            assert!(Instant::now() < patience);
            let now = Instant::now();
            let ready = runtime.metrics().alive > 0 && turn_at_once(&runtime).ready > 0;
            let until = runtime.next_deadline().map_or(ms(100), |next| next.saturating_duration_since(now));
            foreign.wait(if ready { ms(0) } else { until });
        }
        assert!(job.is_finished());
        assert_eq!(log.words(), ["met", "slept"]);
    });
}

#[test]
fn a_turn_inside_a_green_thread_on_the_hubs_stack_or_in_another_turn_is_an_error() {
    support::watch(|| {
        let runtime = std::rc::Rc::new(Runtime::new().unwrap());
        let inner = runtime.clone();
        let child =
            runtime.spawn(move || inner.turn(Some(Duration::ZERO)).map(drop).unwrap_err().to_string());
        while !child.is_finished() {
            turn_at_once(&runtime);
        }
        assert!(!child.join().unwrap().is_empty());
    });
}
