//! The end of a hub: everybody is unwound, wherever and however the owner lets go.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use greenroom::net::TcpListener;
use greenroom::thread::{self, scope};
use greenroom::{JoinHandle, Runtime, sleep, spawn, spawn_later, timeout, yield_now};

use crate::support::{self, Log, OnDrop, Tally, ms};

#[test]
fn dropping_a_runtime_unwinds_those_that_are_parked_in_every_way() {
    support::watch(|| {
        let tally = Tally::new();
        let runtime = Runtime::new().unwrap();
        let ways: [fn(); 8] = [
            || sleep(ms(60_000)),
            thread::park,
            || loop_of(yield_now),
            || spawn(|| sleep(ms(60_000))).wait(),
            || timeout(ms(60_000), thread::park).unwrap_or(()),
            || drop(TcpListener::bind("127.0.0.1:0").unwrap().accept()),
            || {
                let frame = 1;
                scope(|s| {
                    s.spawn(|| sleep(ms(60_000 * frame)));
                });
            },
            || drop(greenroom::wait(&[&spawn(thread::park)], None, None)),
        ];
        for way in ways {
            let value = tally.one();
            drop(runtime.spawn(move || {
                let _value = value;
                way();
            }));
        }
        let later = tally.one();
        drop(runtime.spawn(move || drop(spawn_later(ms(60_000), move || drop(later)))));
        for _ in 0..5 {
            runtime.turn(Some(ms(0))).unwrap();
        }
        assert_eq!(tally.alive(), 9);
        drop(runtime);
        assert_eq!((tally.alive(), tally.dropped()), (0, 9));
    });
}

fn loop_of(step: fn()) {
    loop {
        step();
    }
}

/// reliability.md, I2.
#[test]
fn children_of_a_scope_end_before_the_frame_they_borrow_from() {
    support::watch(|| {
        let log = Log::new();
        let runtime = Runtime::new().unwrap();
        let words = log.clone();
        drop(runtime.spawn(move || {
            let frame = OnDrop(|| words.push("frame"));
            scope(|s| {
                s.spawn(|| {
                    let _inner = OnDrop(|| words.push("child"));
                    let _borrowed = &frame;
                    sleep(ms(60_000));
                });
                sleep(ms(60_000));
            });
        }));
        for _ in 0..3 {
            runtime.turn(Some(ms(0))).unwrap();
        }
        drop(runtime);
        assert_eq!(log.words(), ["child", "frame"]);
    });
}

/// reliability.md, K4.
#[test]
fn at_the_end_destructors_can_neither_wait_nor_leave_anybody_behind() {
    let log = Log::new();
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let words = log.clone();
        let tries = OnDrop(move || {
            sleep(ms(60_000));
            words.push("slept");
            let late = thread::Builder::new().spawn(|| panic!("must not run"));
            words.push(if late.is_err() { "refused" } else { "spawned" });
        });
        drop(runtime.spawn(move || {
            let _tries = tries;
            thread::park();
        }));
        runtime.turn(Some(ms(0))).unwrap();
        drop(runtime);
    });
    assert_eq!(log.words(), ["slept", "refused"]);
}

#[test]
fn one_that_swallows_its_kill_and_then_ends_is_waited_for() {
    let log = Log::new();
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let words = log.clone();
        drop(runtime.spawn(move || {
            for _ in 0..20 {
                let _ = std::panic::catch_unwind(|| sleep(ms(60_000)));
            }
            words.push("ended by itself");
        }));
        runtime.turn(Some(ms(0))).unwrap();
        drop(runtime);
    });
    assert_eq!(log.words(), ["ended by itself"]);
}

/// decisions.md 6.
#[test]
fn a_runtime_dropped_by_one_of_its_own_green_threads_ends_them_back_on_the_root() {
    support::guard(|| {
        std::thread::spawn(|| {
            let (tally, log) = (Tally::new(), Log::new());
            let slot = Rc::new(RefCell::new(Some(Runtime::new().unwrap())));
            let (value, owner, words) = (tally.one(), slot.clone(), log.clone());
            drop(spawn(move || {
                let _value = value;
                sleep(ms(60_000));
            }));
            let value = tally.one();
            drop(spawn(move || {
                let _value = value;
                yield_now();
                drop(owner.borrow_mut().take());
                words.push("dropped");
                sleep(ms(1));
                words.push("went on");
            }));
            sleep(ms(3));
            assert_eq!(log.words(), ["dropped"]);
            assert_eq!((tally.alive(), tally.dropped()), (0, 2));
            assert!(slot.borrow().is_none());
        })
        .join()
        .unwrap();
    });
}

#[test]
fn a_runtime_dropped_between_two_batches_takes_no_switches_back() {
    thread_local! {
        static OWNER: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    support::guard(|| {
        std::thread::spawn(|| {
            let runtime = Runtime::builder().max_threads(1).build().unwrap();
            let handle = runtime.handle();
            let (only, far) = (runtime.spawn(thread::park), handle.clone());
            OWNER.set(Some(runtime));
            // There is no room for it: the hub drops it while it reads its mail.
            let held = OnDrop(|| drop(OWNER.take()));
            let refused = far.spawn(move || drop(held));
            assert!(!only.wait_timeout(ms(0)) || only.is_finished());
            sleep(ms(2));
            assert!(only.is_finished() && OWNER.with_borrow(Option::is_none));
            assert!(refused.result().is_err());
            assert!(handle.metrics().switches < 100, "{:?}", handle.metrics());
        })
        .join()
        .unwrap();
    });
}

/// reliability.md, K3: stated as a hole; what must not happen is a crash. The hub may be leaked, so no leak frame.
#[test]
fn a_runtime_in_a_thread_local_does_not_crash_the_end_of_its_os_thread() {
    thread_local! {
        static FIRST: RefCell<Option<Runtime>> = const { RefCell::new(None) };
        static TOUCHED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        static SECOND: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    support::guard(|| {
        for holder in [&FIRST, &SECOND] {
            std::thread::spawn(move || {
                let touch = || TOUCHED.try_with(|bytes| bytes.borrow_mut().push(1)).unwrap_or(());
                let runtime = Runtime::new().unwrap();
                drop(runtime.spawn(move || {
                    touch();
                    let _touches = OnDrop(touch);
                    sleep(ms(60_000));
                }));
                runtime.turn(Some(ms(0))).unwrap();
                holder.with(|slot| *slot.borrow_mut() = Some(runtime));
            })
            .join()
            .unwrap();
        }
    });
}

#[test]
fn what_other_os_threads_asked_of_a_runtime_in_a_thread_local_is_killed() {
    thread_local! {
        static HOLDER: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    support::guard(|| {
        let (tell, told) = std::sync::mpsc::channel();
        let owner = std::thread::spawn(move || {
            // Made before the hub is: the end of the OS thread is known when it is destroyed.
            HOLDER.with_borrow_mut(Option::take);
            let runtime = Runtime::new().unwrap();
            tell.send((runtime.handle(), runtime.handle().spawn(|| ()))).unwrap();
            HOLDER.with_borrow_mut(|holder| *holder = Some(runtime));
        });
        let (hub, unread) = told.recv().unwrap();
        owner.join().unwrap();
        let late = hub.spawn(|| ());
        for never in [unread, late] {
            assert!(never.wait_timeout(ms(500)));
            assert!(never.result().unwrap_err().is_killed());
        }
    });
}

/// reliability.md, S5: thread-locals that they refer to may be gone.
#[test]
fn nobody_is_resumed_by_the_destructors_of_thread_locals() {
    struct Kills(JoinHandle<()>);
    impl Drop for Kills {
        fn drop(&mut self) {
            self.0.kill();
            sleep(ms(2));
        }
    }
    thread_local! {
        static HOLDER: RefCell<Option<Kills>> = const { RefCell::new(None) };
    }
    support::guard(|| {
        let resumed = Arc::new(AtomicBool::new(false));
        let seen = resumed.clone();
        let ends = std::thread::spawn(move || {
            HOLDER.with_borrow_mut(Option::take);
            let stands = spawn(move || {
                let _unwinds = OnDrop(move || seen.store(true, Ordering::SeqCst));
                sleep(ms(60_000));
            });
            yield_now();
            HOLDER.with_borrow_mut(|holder| *holder = Some(Kills(stands)));
        });
        ends.join().unwrap();
        assert!(!resumed.load(Ordering::SeqCst));
    });
}

/// reliability.md, S10: here the OS thread's panic count is not zero while the victims unwind.
#[test]
fn a_runtime_dropped_by_a_panic_on_the_root_still_unwinds_everybody() {
    support::watch(|| {
        let tally = Tally::new();
        let text = support::panic_of(|| {
            let runtime = Runtime::new().unwrap();
            for _ in 0..3 {
                let value = tally.one();
                drop(runtime.spawn(move || {
                    let _value = value;
                    let _parks = OnDrop(|| sleep(ms(60_000)));
                    sleep(ms(60_000));
                }));
            }
            let value = tally.one();
            runtime.turn(Some(ms(0))).unwrap();
            drop(runtime.spawn(move || drop(value)));
            panic!("on the root");
        });
        assert_eq!(text, "on the root");
        assert_eq!((tally.alive(), tally.dropped()), (0, 4));
    });
}

#[test]
fn handles_that_outlive_their_hub_are_inert() {
    support::watch(|| {
        let (child, handle) = greenroom::run(|| {
            let child = thread::Builder::new().daemon(true).spawn(|| sleep(ms(60_000))).unwrap();
            yield_now();
            (child, greenroom::Handle::current())
        });
        assert!(child.is_finished());
        child.kill();
        child.cancel();
        child.thread().unpark();
        assert_eq!(handle.metrics().alive, 0);
        assert!(child.join().unwrap_err().is_killed());
    });
}

#[test]
fn many_parked_ones_are_all_unwound() {
    support::watch(|| {
        let tally = Tally::new();
        let runtime = Runtime::new().unwrap();
        for n in 0..3_000 {
            let value = tally.one();
            drop(runtime.spawn(move || {
                let _value = value;
                match n % 3 {
                    0 => sleep(ms(60_000)),
                    1 => thread::park(),
                    _ => timeout(ms(60_000), thread::park).unwrap_or(()),
                }
            }));
        }
        while runtime.turn(Some(ms(0))).unwrap().ready > 0 {}
        drop(runtime);
        assert_eq!(tally.dropped(), 3_000);
    });
}

#[test]
fn an_os_thread_that_comes_and_goes_leaves_nothing_of_its_implicit_hub() {
    support::watch(|| {
        for _ in 0..50 {
            std::thread::spawn(|| {
                assert_eq!(spawn(|| 7).join().unwrap(), 7);
                sleep(ms(0));
            })
            .join()
            .unwrap();
        }
    });
}
