//! Rings of lock owners beside green threads that still run: each is reported once, and nobody panics.

use std::rc::Rc;
use std::time::Duration;

use greenroom::net::TcpListener;
use greenroom::sync::Mutex;
use greenroom::{killall, sleep, spawn, timeout, yield_now};

use crate::child::{Case, Play, QUIET};
use crate::shapes::fork_and_noodle;

const HEAD: &str = "greenroom: deadlock: each of these waits for what the next one has\n";
const TICK: Duration = Duration::from_millis(5);

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a ring is reported while timers run",
        play: || {
            greenroom::run(|| {
                let stuck = fork_and_noodle();
                (0..60).for_each(|_| sleep(TICK));
                killall(&stuck);
            });
        },
        ends: Play::Ends(1, &[HEAD, "\"fork\"", "\"noodle\"", "waits for the lock at 0x"]),
    },
    Case {
        name: "a ring is reported during one long sleep",
        play: || {
            greenroom::run(|| {
                let stuck = fork_and_noodle();
                sleep(QUIET);
                killall(&stuck);
            });
        },
        ends: Play::Ends(1, &[HEAD]),
    },
    Case {
        name: "a ring is reported while nobody sleeps",
        play: || {
            greenroom::run(|| {
                let stuck = fork_and_noodle();
                let begun = std::time::Instant::now();
                while begun.elapsed() < QUIET {
                    yield_now();
                }
                killall(&stuck);
            });
        },
        ends: Play::Ends(1, &[HEAD]),
    },
    Case {
        name: "a ring is reported beside a listener",
        play: || {
            greenroom::run(|| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                let stuck = fork_and_noodle();
                std::thread::spawn(move || {
                    std::thread::sleep(QUIET);
                    std::net::TcpStream::connect(address).unwrap();
                });
                listener.accept().unwrap();
                killall(&stuck);
            });
        },
        ends: Play::Ends(1, &[HEAD]),
    },
    Case {
        name: "a ring of five is one ring and one who waits beside it is not in it",
        play: || {
            greenroom::run(|| {
                let locks: Vec<_> = (0..5).map(|_| Rc::new(Mutex::new(()))).collect();
                let mut stuck: Vec<_> = (0..5)
                    .map(|n| {
                        let (first, second) = (locks[n].clone(), locks[(n + 1) % 5].clone());
                        spawn(move || {
                            let _first = first.lock();
                            yield_now();
                            drop(second.lock());
                        })
                    })
                    .collect();
                let beside = locks[2].clone();
                yield_now();
                stuck.push(
                    greenroom::thread::Builder::new()
                        .name("beside")
                        .spawn(move || drop(beside.lock()))
                        .unwrap(),
                );
                sleep(QUIET);
                killall(&stuck);
            });
        },
        ends: Play::Ends(1, &[HEAD]),
    },
    Case {
        name: "a ring that is tied anew is reported anew",
        play: || {
            greenroom::run(|| {
                for _ in 0..2 {
                    let stuck = fork_and_noodle();
                    sleep(QUIET / 2);
                    killall(&stuck);
                    sleep(QUIET / 2);
                }
            });
        },
        ends: Play::Ends(2, &[HEAD]),
    },
    Case {
        name: "who waits for a lock only for a time ties no ring",
        play: || {
            greenroom::run(|| {
                let locks = [Rc::new(Mutex::new(())), Rc::new(Mutex::new(()))];
                let both = [0, 1].map(|mine| {
                    let (first, second) = (locks[mine].clone(), locks[1 - mine].clone());
                    spawn(move || {
                        let _first = first.lock();
                        yield_now();
                        drop(second.lock_timeout(QUIET));
                    })
                });
                drop(greenroom::joinall(both));
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "who waits for a lock inside a timeout ties no ring",
        play: || {
            greenroom::run(|| {
                let locks = [Rc::new(Mutex::new(())), Rc::new(Mutex::new(()))];
                let both = [0, 1].map(|mine| {
                    let (first, second) = (locks[mine].clone(), locks[1 - mine].clone());
                    spawn(move || {
                        let _first = first.lock();
                        yield_now();
                        let _ = timeout(QUIET, || drop(second.lock()));
                    })
                });
                drop(greenroom::joinall(both));
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "a crowd before one lock ties no ring",
        play: || {
            greenroom::run(|| {
                let lock = Rc::new(Mutex::new(0));
                let crowd = (0..40).map(|_| {
                    let lock = lock.clone();
                    spawn(move || {
                        let mut count = lock.lock();
                        sleep(TICK * 2);
                        *count += 1;
                    })
                });
                drop(greenroom::joinall(crowd));
                assert_eq!(*lock.lock(), 40);
            });
        },
        ends: Play::Ends(0, &[]),
    },
];
