//! What looks like a deadlock and is none: it is never reported.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use greenroom::executor::{ThreadPoolExecutor, unblock};
use greenroom::net::{TcpListener, TcpStream};
use greenroom::queue::Queue;
use greenroom::sync::{Event, Mutex, RwLock, Semaphore};
use greenroom::thread::{self, park, park_timeout};
use greenroom::{Runtime, sleep, spawn, spawn_later, timeout, yield_now};

use crate::child::{Case, Play, QUIET};
use crate::shapes::join_each_other;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a timer is armed",
        play: || greenroom::run(|| spawn(|| sleep(QUIET)).join().unwrap()),
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "a park with a limit and a timeout around a park",
        play: || {
            greenroom::run(|| {
                park_timeout(QUIET);
                assert!(timeout(QUIET, park).is_err());
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "an accept is pending",
        play: || {
            greenroom::run(|| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                spawn(move || drop(listener.accept())).join().unwrap();
            });
        },
        ends: Play::StaysQuiet,
    },
    Case {
        name: "a read is pending and everybody else joins a ring",
        play: || {
            greenroom::run(|| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let _server = listener.accept().unwrap();
                spawn(move || std::io::Read::read(&mut client, &mut [0; 8]));
                join_each_other().wait();
            });
        },
        ends: Play::StaysQuiet,
    },
    Case {
        name: "another OS thread will unpark",
        play: || {
            greenroom::run(|| {
                let child = spawn(park);
                let target = child.thread().clone();
                std::thread::spawn(move || {
                    std::thread::sleep(QUIET);
                    target.unpark();
                });
                child.join().unwrap();
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "another OS thread will let go of a lock that everybody wants",
        play: || {
            let lock = Arc::new(Mutex::new(()));
            let theirs = lock.clone();
            let (taken, seen) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let _held = theirs.lock();
                taken.send(()).unwrap();
                std::thread::sleep(QUIET);
            });
            seen.recv().unwrap();
            greenroom::run(|| {
                let all: Vec<_> =
                    (0..3).map(|_| lock.clone()).map(|lock| spawn(move || drop(lock.lock()))).collect();
                drop(lock.lock());
                drop(greenroom::joinall(all));
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "another OS thread will set an event and add a permit",
        play: || {
            let (event, permits) = (Arc::new(Event::new()), Arc::new(Semaphore::new(0)));
            let theirs = (event.clone(), permits.clone());
            std::thread::spawn(move || {
                std::thread::sleep(QUIET);
                theirs.0.set();
                std::thread::sleep(QUIET);
                theirs.1.add_permits(1);
            });
            greenroom::run(|| {
                event.wait();
                spawn(move || drop(permits.acquire())).join().unwrap();
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "an OS thread of ours is at work",
        play: || {
            greenroom::run(|| {
                let child = spawn(|| unblock(|| std::thread::sleep(QUIET)));
                child.join().unwrap();
                // It may as well have been given the means to wake somebody.
                let queue = Queue::unbounded();
                let theirs = queue.clone();
                let executor = ThreadPoolExecutor::new(1);
                let job = executor.submit(move || {
                    std::thread::sleep(QUIET);
                    theirs.put(1).unwrap();
                });
                assert_eq!(queue.get(), Ok(1));
                drop(job);
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "another OS thread will put into a queue",
        play: || {
            let queue = Queue::unbounded();
            let theirs = queue.clone();
            std::thread::spawn(move || {
                std::thread::sleep(QUIET);
                theirs.put(7).unwrap();
            });
            greenroom::run(|| assert_eq!(spawn(move || queue.get()).join().unwrap(), Ok(7)));
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "another OS thread will make room in a queue, and join what it holds",
        play: || {
            let queue = Queue::bounded(1);
            let theirs = queue.clone();
            std::thread::spawn(move || {
                std::thread::sleep(QUIET);
                assert_eq!(theirs.get(), Ok(1));
                std::thread::sleep(QUIET);
                theirs.task_done();
                assert_eq!(theirs.get(), Ok(2));
                theirs.task_done();
            });
            greenroom::run(|| {
                queue.put(1).unwrap();
                queue.put(2).unwrap();
                queue.join();
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "a lock that another OS thread has just handed over",
        play: || {
            let locks = [(); 2].map(|()| Arc::new(RwLock::new(())));
            let theirs = locks.clone();
            let (taken, seen) = std::sync::mpsc::channel();
            let (go, may_go) = std::sync::mpsc::channel::<()>();
            std::thread::spawn(move || {
                let held = [theirs[0].write(), theirs[1].write()];
                taken.send(()).unwrap();
                may_go.recv().unwrap();
                drop(held);
            });
            seen.recv().unwrap();
            greenroom::run(|| {
                let all = locks.map(|lock| spawn(move || drop(lock.write())));
                sleep(Duration::from_millis(5));
                // They have the locks, and do not know it yet, when the next search is due.
                let busy = spawn(move || {
                    go.send(()).unwrap();
                    std::thread::sleep(Duration::from_millis(100));
                });
                busy.join().unwrap();
                drop(greenroom::joinall(all));
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "two hubs that take turns",
        play: || {
            let lock = Arc::new(Mutex::new(()));
            let theirs = lock.clone();
            let (taken, seen) = std::sync::mpsc::channel();
            let other = std::thread::spawn(move || {
                greenroom::run(|| {
                    let _held = theirs.lock();
                    taken.send(()).unwrap();
                    sleep(QUIET);
                });
            });
            seen.recv().unwrap();
            greenroom::run(|| drop(lock.lock()));
            other.join().unwrap();
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "a watchdog beside an OS thread that will unpark",
        play: || {
            let runtime = Runtime::builder().watchdog(Duration::from_secs(9)).build().unwrap();
            runtime.run(|| {
                let root = thread::current();
                std::thread::spawn(move || {
                    std::thread::sleep(QUIET);
                    root.unpark();
                });
                park();
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "a root that sleeps for ever",
        play: || greenroom::run(|| sleep(Duration::MAX)),
        ends: Play::StaysQuiet,
    },
    Case {
        name: "a join of one that sleeps for ever",
        play: || greenroom::run(|| spawn(|| sleep(Duration::MAX)).join().unwrap()),
        ends: Play::StaysQuiet,
    },
    Case {
        name: "a lock whose owner sleeps for ever",
        play: || {
            greenroom::run(|| {
                let lock = Rc::new(Mutex::new(()));
                let theirs = lock.clone();
                spawn(move || {
                    let _held = theirs.lock();
                    sleep(Duration::MAX);
                });
                yield_now();
                drop(lock.lock());
            });
        },
        ends: Play::StaysQuiet,
    },
    Case {
        name: "one that begins after for ever",
        play: || greenroom::run(|| spawn_later(Duration::MAX, || ()).join().unwrap()),
        ends: Play::StaysQuiet,
    },
    Case {
        name: "a hub that is turned by its owner",
        play: || {
            let runtime = Runtime::new().unwrap();
            let stuck = runtime.spawn(park);
            while !stuck.is_finished() {
                runtime.turn(None).unwrap();
            }
        },
        ends: Play::StaysQuiet,
    },
    Case {
        name: "a hub whose descriptor is polled by others",
        play: || {
            let runtime = Runtime::new().unwrap();
            let _lent = runtime.as_fd();
            park();
        },
        ends: Play::StaysQuiet,
    },
    Case {
        name: "virtual time passes a day of sleeps",
        play: || {
            Runtime::builder().virtual_time(true).build().unwrap().run(|| {
                let day = || (0..24).for_each(|_| sleep(Duration::from_secs(3_600)));
                drop(greenroom::joinall((0..10).map(|_| spawn(day))));
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "an idle period costs one wake up more",
        play: || {
            greenroom::run(|| {
                let root = thread::current();
                let others = std::thread::spawn(move || {
                    for _ in 0..3 {
                        std::thread::sleep(QUIET);
                        root.unpark();
                    }
                });
                for _ in 0..3 {
                    let polls = || greenroom::Handle::current().metrics().polls;
                    let before = polls();
                    park();
                    assert!(polls() - before <= 2, "{} polls", polls() - before);
                }
                others.join().unwrap();
            });
        },
        ends: Play::Ends(0, &[]),
    },
    Case {
        name: "a storm of wake ups from other OS threads",
        play: || {
            greenroom::run(|| {
                let root = thread::current();
                for n in 1..4 {
                    let root = root.clone();
                    std::thread::spawn(move || {
                        for _ in 0..20 {
                            std::thread::sleep(Duration::from_millis(17 * n));
                            root.unpark();
                        }
                    });
                }
                // The three give 60 tokens, of which those that meet another count once: 20 are left at the least.
                (0..20).for_each(|_| park());
            });
        },
        ends: Play::Ends(0, &[]),
    },
];
