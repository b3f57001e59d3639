//! Shapes of deadlock: the root learns of each within 100 ms.

use std::cell::{Cell, OnceCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::time::Duration;

use greenroom::executor::unblock;
use greenroom::generator::{Generator, Yielder};
use greenroom::pool::{Group, Pool};
use greenroom::queue::Queue;
use greenroom::sync::{AsyncResult, Barrier, Condvar, Event, Mutex, OnceLock, RwLock, Semaphore};
use greenroom::thread::{Builder, JoinHandle, park};
use greenroom::{Runtime, scope, spawn, wait, yield_now};

use crate::child::{Case, Play, panics_in_time, reported};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "two that join each other",
        play: || reported(|| join_each_other().wait()),
        ends: Play::Reported(&[
            "\"egg\" (spawned at tests/deadlock/shapes.rs:",
            "waits for the end of green thread \"egg\"",
            "waits for the end of green thread \"hen\"",
            "the root waits for the end of green thread \"hen\"",
        ]),
    },
    Case {
        name: "two locks taken in opposite order",
        play: || reported(|| drop(greenroom::joinall(fork_and_noodle()))),
        ends: Play::Reported(&[
            "each of these waits for what the next one has:\n  green thread \"fork\" (spawned at tests/",
            "waits for the lock at 0x",
            ", which green thread \"noodle\" (spawned at tests/",
            ", which green thread \"fork\" (spawned at tests/",
            ") took at tests/deadlock/shapes.rs:",
        ]),
    },
    Case {
        name: "a ring through the root is reported beside other OS threads",
        play: || {
            other_os_thread();
            reported(|| {
                let (one, other) = (Rc::new(Mutex::new(())), Rc::new(Mutex::new(())));
                let _held = one.lock();
                let (first, second) = (one.clone(), other.clone());
                let child = spawn(move || {
                    let _second = second.lock();
                    drop(first.lock());
                });
                yield_now();
                drop(other.lock());
                child.join().unwrap();
            });
        },
        ends: Play::Reported(&[", which the root took at tests/", "the root waits for the lock at 0x"]),
    },
    Case {
        name: "local waits are reported beside other OS threads",
        play: || {
            other_os_thread();
            reported(|| join_each_other().wait());
        },
        ends: Play::Reported(&["\"hen\"", "\"egg\""]),
    },
    Case {
        name: "a lock whose owner waits for a child that wants it",
        play: || {
            reported(|| {
                let lock = Rc::new(Mutex::new(()));
                let _held = lock.lock();
                let wanted = lock.clone();
                spawn(move || drop(wanted.lock())).join().unwrap();
            });
        },
        ends: Play::Reported(&["waits for the lock at 0x", "which the root took at tests/"]),
    },
    Case {
        name: "a lock that nobody will let go of",
        play: || {
            reported(|| {
                let lock = Rc::new(Mutex::new(()));
                let forgetful = lock.clone();
                spawn(move || std::mem::forget(forgetful.lock())).join().unwrap();
                drop(lock.lock());
            });
        },
        ends: Play::Reported(&["the root waits for the lock at 0x"]),
    },
    Case {
        name: "a semaphore without permits",
        play: || reported(|| drop(Semaphore::new(0).acquire())),
        ends: Play::Reported(&["the root waits for a permit of a semaphore"]),
    },
    Case {
        name: "an event that nobody sets",
        play: || {
            reported(|| {
                let event = Rc::new(Event::new());
                drop(greenroom::joinall(
                    (0..3).map(|_| event.clone()).map(|event| spawn(move || event.wait())),
                ));
            });
        },
        ends: Play::Reported(&["waits for an event to be set"]),
    },
    Case {
        name: "a condition that nobody notifies",
        play: || {
            reported(|| {
                let (lock, condition) = (Mutex::new(()), Condvar::new());
                drop(condition.wait(lock.lock()));
            });
        },
        ends: Play::Reported(&["the root waits for a condition to be notified"]),
    },
    Case {
        name: "a barrier with one missing",
        play: || {
            reported(|| {
                let barrier = Rc::new(Barrier::new(3));
                let other = barrier.clone();
                spawn(move || {
                    other.wait();
                });
                barrier.wait();
            });
        },
        ends: Play::Reported(&["the root waits for the others at a barrier"]),
    },
    Case {
        name: "a reader that wants to write and another one",
        play: || {
            reported(|| {
                let lock = Rc::new(RwLock::new(()));
                let other = lock.clone();
                let reader = spawn(move || {
                    let _reads = other.read();
                    yield_now();
                    drop(other.write());
                });
                let _reads = lock.read();
                yield_now();
                drop(lock.write());
                reader.join().unwrap();
            });
        },
        ends: Play::Reported(&["waits for a lock that others share"]),
    },
    Case {
        name: "two writers in opposite order beside other OS threads",
        play: || {
            other_os_thread();
            reported(|| {
                let locks = [Rc::new(RwLock::new(())), Rc::new(RwLock::new(()))];
                let both = [0, 1].map(|mine| {
                    let (first, second) = (locks[mine].clone(), locks[1 - mine].clone());
                    spawn(move || {
                        let _first = first.write();
                        yield_now();
                        drop(second.read());
                    })
                });
                drop(greenroom::joinall(both));
            });
        },
        ends: Play::Reported(&["each of these waits for what the next one has:", "took at tests/"]),
    },
    Case {
        name: "two initialisers that need each other",
        play: || {
            other_os_thread();
            reported(|| {
                let cells = Rc::new([OnceLock::new(), OnceLock::new()]);
                let both = [0, 1].map(|mine| {
                    let cells = cells.clone();
                    spawn(move || {
                        *cells[mine].get_or_init(|| {
                            yield_now();
                            *cells[1 - mine].get_or_init(|| 0) + 1
                        })
                    })
                });
                drop(greenroom::joinall(both));
            });
        },
        ends: Play::Reported(&[
            "each of these waits for what the next one has:",
            "waits for the initialiser at 0x",
        ]),
    },
    Case {
        name: "a result that nobody sets",
        play: || reported(|| drop(AsyncResult::<()>::new().get())),
        ends: Play::Reported(&["the root waits for an async result"]),
    },
    Case {
        name: "a queue into which nobody puts",
        play: || reported(|| assert!(Queue::<()>::unbounded().get().is_err())),
        ends: Play::Reported(&["the root waits for an item of a queue"]),
    },
    Case {
        name: "two queues each of which is full",
        play: || {
            reported(|| {
                let queues = [Queue::bounded(1), Queue::bounded(1)];
                let both = [0, 1].map(|mine| {
                    let (full, unread) = (queues[mine].clone(), queues[1 - mine].clone());
                    spawn(move || {
                        full.put(1).unwrap();
                        full.put(2).unwrap();
                        unread.get().unwrap();
                    })
                });
                drop(greenroom::joinall(both));
            });
        },
        ends: Play::Reported(&["waits for room in a queue"]),
    },
    Case {
        name: "a pool whose member wants what the one has who needs room beside other OS threads",
        play: || {
            other_os_thread();
            reported(|| {
                let (pool, lock) = (Pool::new(1), Rc::new(Mutex::new(())));
                let _held = lock.lock();
                let wanted = lock.clone();
                drop(pool.spawn(move || drop(wanted.lock())));
                drop(pool.spawn(|| ()));
            });
        },
        ends: Play::Reported(&["the root waits for room in a pool", "which the root took at tests/"]),
    },
    Case {
        name: "a group with one that nothing ends",
        play: || {
            other_os_thread();
            reported(|| {
                let (group, lock) = (Group::new(), Rc::new(Mutex::new(())));
                let _held = lock.lock();
                let wanted = lock.clone();
                drop(group.spawn(move || drop(wanted.lock())));
                group.join();
            });
        },
        ends: Play::Reported(&["the root waits for the end of a group"]),
    },
    Case {
        name: "an OS thread of ours that has done its job is nobody who could wake",
        play: || {
            greenroom::run(|| {
                assert_eq!(unblock(|| 6 * 7), 42);
                panics_in_time(park);
            });
        },
        ends: Play::Reported(&["the root waits for an unpark"]),
    },
    Case {
        name: "a root that parks and nobody has its handle",
        play: || reported(park),
        ends: Play::Reported(&["the root waits for an unpark"]),
    },
    Case {
        name: "a watchdog is nobody who could wake",
        play: || {
            let runtime = Runtime::builder().watchdog(Duration::from_secs(9)).build().unwrap();
            panics_in_time(|| runtime.run(|| spawn(park).join().unwrap()));
        },
        ends: Play::Reported(&["waits for an unpark"]),
    },
    Case {
        name: "a root that has returned waits for those that are stuck",
        play: || reported(|| drop(fork_and_noodle())),
        ends: Play::Reported(&["the root waits for the end of all green threads that are not daemons"]),
    },
    Case {
        name: "a hub that nobody made",
        // Its green threads stand for ever, so nothing runs on this OS thread after that.
        play: || {
            let told = catch_unwind(|| spawn(park).join().unwrap()).expect_err("a report");
            assert!(told.is::<String>());
        },
        ends: Play::Reported(&["the root waits for the end of green thread"]),
    },
    Case {
        name: "one of several that never happen",
        play: || {
            reported(|| {
                let (one, other) = (spawn(park), spawn(park));
                wait(&[&one, &other], None, Some(1));
            });
        },
        ends: Play::Reported(&["the root waits for one of several things"]),
    },
    Case {
        name: "a link to one that never ends",
        play: || reported(|| spawn(park).link(|_| ())),
        ends: Play::Reported(&["waits for the end of green thread", "waits for an unpark"]),
    },
    Case {
        name: "a root that is parked inside a generator",
        play: || {
            reported(|| {
                let stuck = join_each_other();
                let mut generator = Generator::new(move |_: &Yielder<(), ()>, ()| stuck.wait());
                generator.send(());
            });
        },
        ends: Play::Reported(&["the root waits for the end of green thread \"hen\""]),
    },
    Case {
        name: "a daemon that is stuck too does not matter",
        play: || {
            reported(|| {
                Builder::new().name("daemon").daemon(true).spawn(park).unwrap();
                join_each_other().wait();
            });
        },
        ends: Play::Reported(&["\"daemon\""]),
    },
    Case {
        name: "virtual time does not hide it",
        play: || {
            let runtime = Runtime::builder().virtual_time(true).build().unwrap();
            panics_in_time(|| {
                runtime.run(|| {
                    greenroom::sleep(Duration::from_secs(86_400));
                    spawn(park).join().unwrap();
                });
            });
        },
        ends: Play::Reported(&["waits for an unpark"]),
    },
    Case {
        name: "a scope waits for its stuck children all the same and they unwind before it",
        play: || {
            let unwound = Cell::new(0);
            reported(|| {
                let (one, other) = (Mutex::new(()), Mutex::new(()));
                scope(|s| {
                    for (first, second) in [(&one, &other), (&other, &one)] {
                        s.spawn(|| {
                            let _counts = OnDrop(|| unwound.set(unwound.get() + 1));
                            let _first = first.lock();
                            yield_now();
                            drop(second.lock());
                        });
                    }
                });
            });
            assert_eq!(unwound.get(), 2);
        },
        ends: Play::Reported(&["the root waits for the end of green thread"]),
    },
    Case {
        name: "who is told may go on",
        play: || {
            greenroom::run(|| {
                let stuck = fork_and_noodle();
                panics_in_time(|| stuck[0].wait());
                // And is told again of the next.
                panics_in_time(park);
                greenroom::killall(&stuck);
            });
        },
        ends: Play::Reported(&[
            "the root waits for the end of green thread \"fork\"",
            "the root waits for an unpark",
        ]),
    },
    Case {
        name: "a crowd is counted where a report has no room for it",
        play: || {
            greenroom::run(|| {
                let crowd: Vec<_> = (0..1_500).map(|_| spawn(park)).collect();
                yield_now();
                panics_in_time(|| crowd[0].wait());
                greenroom::killall(&crowd);
            });
        },
        ends: Play::Reported(&["… and 500 others"]),
    },
];

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// An OS thread that does nothing of any use, as long as the process lives.
pub(crate) fn other_os_thread() {
    std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)));
}

/// The hen waits for the egg, the egg for the hen. Returns the hen.
pub(crate) fn join_each_other() -> Rc<JoinHandle<()>> {
    let nest: Rc<OnceCell<JoinHandle<()>>> = Rc::default();
    let found = nest.clone();
    let waits = move || found.get().expect("an egg").wait();
    let hen = Rc::new(Builder::new().name("hen").spawn(waits).unwrap());
    let mother = hen.clone();
    let egg = Builder::new().name("egg").spawn(move || mother.wait()).unwrap();
    nest.set(egg).expect("one egg");
    hen
}

/// Each takes one of two locks, then wants the other's.
pub(crate) fn fork_and_noodle() -> [JoinHandle<()>; 2] {
    let locks = [Rc::new(Mutex::new(())), Rc::new(Mutex::new(()))];
    [("fork", 0), ("noodle", 1)].map(|(name, mine)| {
        let (first, second) = (locks[mine].clone(), locks[1 - mine].clone());
        let eats = move || {
            let _first = first.lock();
            yield_now();
            drop(second.lock());
        };
        Builder::new().name(name).spawn(eats).unwrap()
    })
}
