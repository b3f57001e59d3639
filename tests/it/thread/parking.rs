//! `park` and `unpark`: one token, set from anywhere.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use greenroom::thread::{self, Builder};
use greenroom::{sleep, spawn, yield_now};

use crate::support::{self, Log, ms};

#[test]
fn a_token_set_before_the_park_is_taken_at_once() {
    support::hub(|| {
        let child = spawn(|| {
            thread::current().unpark();
            thread::park();
            "came back"
        });
        assert_eq!(child.join().unwrap(), "came back");
    });
}

#[test]
fn two_unparks_are_one_token() {
    support::virtual_hub(|| {
        let rounds = Rc::new(Cell::new(0));
        let count = rounds.clone();
        let child = spawn(move || {
            loop {
                thread::park();
                count.set(count.get() + 1);
            }
        });
        child.thread().unpark();
        child.thread().unpark();
        sleep(ms(1));
        assert_eq!(rounds.get(), 1);
        child.thread().unpark();
        sleep(ms(1));
        assert_eq!(rounds.get(), 2);
        child.kill();
    });
}

#[test]
fn a_park_with_a_timeout_returns_by_token_or_by_time_and_leaves_no_token() {
    support::hub(|| {
        let child = spawn(|| {
            let begun = Instant::now();
            thread::park_timeout(ms(60_000));
            assert!(begun.elapsed() < ms(30_000), "the token ends it");
            let begun = Instant::now();
            thread::park_timeout(ms(3));
            assert!(begun.elapsed() >= ms(3), "time ends it");
            thread::park_timeout(Duration::ZERO);
        });
        yield_now();
        child.thread().unpark();
        child.join().unwrap();
    });
}

#[test]
fn the_root_parks_too() {
    support::hub(|| {
        let root = thread::current();
        spawn(move || {
            sleep(ms(1));
            root.unpark();
        });
        thread::park();
        let begun = Instant::now();
        thread::park_timeout(ms(2));
        assert!(begun.elapsed() >= ms(2));
    });
}

#[test]
fn unparks_run_in_the_order_they_were_made() {
    support::hub(|| {
        let log = Log::new();
        let all: Vec<_> = (0..5)
            .map(|n| {
                let words = log.clone();
                spawn(move || {
                    thread::park();
                    words.push(n.to_string());
                })
            })
            .collect();
        yield_now();
        for n in [3, 0, 4, 1, 2] {
            all[n].thread().unpark();
        }
        greenroom::joinall(all);
        assert_eq!(log.words(), ["3", "0", "4", "1", "2"]);
    });
}

#[test]
fn an_unpark_of_the_dead_does_nothing_from_wherever_it_comes() {
    let (thread, root) = support::hub(|| {
        let child = spawn(thread::current);
        let dead = child.join().unwrap();
        dead.unpark();
        (dead, thread::current())
    });
    thread.unpark();
    let elsewhere = std::thread::spawn(move || {
        thread.unpark();
        root.unpark();
        thread.name().is_none()
    });
    assert!(elsewhere.join().unwrap());
}

#[test]
fn other_os_threads_wake_a_sleeping_hub() {
    support::hub(|| {
        let child = spawn(thread::park);
        let thread = child.thread().clone();
        let other = std::thread::spawn(move || {
            std::thread::sleep(ms(5));
            thread.unpark();
        });
        child.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn eight_os_threads_storm_one_hub_and_no_wake_up_is_lost() {
    const ROUNDS: u32 = 2_000;
    support::hub(|| {
        let all: Vec<_> = (0..8)
            .map(|n| {
                let sent = Arc::new(AtomicU32::new(0));
                let seen = sent.clone();
                let receive = move || {
                    while seen.load(Ordering::Acquire) < ROUNDS {
                        thread::park();
                    }
                };
                let child = Builder::new().name(format!("receiver {n}")).spawn(receive).unwrap();
                let thread = child.thread().clone();
                let storm = std::thread::spawn(move || {
                    for _ in 0..ROUNDS {
                        sent.fetch_add(1, Ordering::Release);
                        thread.unpark();
                    }
                });
                (child, storm)
            })
            .collect();
        for (child, storm) in all {
            child.join().unwrap();
            storm.join().unwrap();
        }
    });
}

/// reliability.md, P1; the shape of the JDK's `ParkALot`: rounds between a hub and an OS thread, timed and untimed in turn.
#[test]
fn rounds_between_a_hub_and_an_os_thread_lose_nothing() {
    const ROUNDS: u32 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    support::hub(|| {
        let turn = Arc::new(AtomicU32::new(0));
        let mine = turn.clone();
        let (send, receive) = std::sync::mpsc::channel::<std::thread::Thread>();
        let child = spawn(move || {
            let other = receive.recv().expect("the other side");
            for round in 0..ROUNDS {
                mine.store(2 * round + 1, Ordering::Release);
                other.unpark();
                while mine.load(Ordering::Acquire) != 2 * round + 2 {
                    if round % 2 == 0 { thread::park() } else { thread::park_timeout(ms(5_000)) }
                }
            }
        });
        let thread = child.thread().clone();
        let other = std::thread::spawn(move || {
            send.send(std::thread::current()).expect("the hub's side");
            for round in 0..ROUNDS {
                while turn.load(Ordering::Acquire) != 2 * round + 1 {
                    std::thread::park();
                }
                turn.store(2 * round + 2, Ordering::Release);
                thread.unpark();
            }
        });
        child.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn an_unpark_during_the_end_of_the_hub_harms_nobody() {
    support::watch(|| {
        for _ in 0..100 {
            let stop = Arc::new(AtomicU32::new(0));
            let seen = stop.clone();
            let storm = greenroom::run(|| {
                let daemon = Builder::new().daemon(true).spawn(|| {
                    loop {
                        thread::park();
                    }
                });
                let thread = daemon.unwrap().thread().clone();
                std::thread::spawn(move || {
                    while seen.load(Ordering::Relaxed) == 0 {
                        thread.unpark();
                    }
                })
            });
            stop.store(1, Ordering::Relaxed);
            storm.join().unwrap();
        }
    });
}
