//! `greenroom::runtime`: the life of a hub, its settings, its order, and what other OS threads see of it.

mod embedding;
mod end;
mod order;
mod settings;

use std::cell::Cell;
use std::rc::Rc;

use greenroom::thread::{self, Builder};
use greenroom::{Handle, Runtime, sleep, spawn, yield_now};

use crate::support::{self, Log, Tally, ms, panic_of};

#[test]
fn run_borrows_from_its_caller_and_gives_the_value_of_main() {
    let words = String::from("one two");
    let mut seen = Vec::new();
    let count = support::hub(|| {
        seen.extend(words.split(' '));
        seen.len()
    });
    assert_eq!((count, seen), (2, vec!["one", "two"]));
}

#[test]
fn run_inside_a_hub_panics_and_the_hub_goes_on() {
    support::hub(|| {
        assert!(!panic_of(|| greenroom::run(|| ())).is_empty());
        let child = spawn(|| panic_of(|| greenroom::run(|| ())));
        assert!(!child.join().unwrap().is_empty());
        sleep(ms(1));
    });
}

#[test]
fn a_second_runtime_on_one_os_thread_is_an_error_until_the_first_is_gone() {
    support::watch(|| {
        let first = Runtime::new().unwrap();
        assert!(!Runtime::new().unwrap_err().to_string().is_empty());
        assert!(!panic_of(|| greenroom::run(|| ())).is_empty());
        drop(first);
        Runtime::new().unwrap().run(|| assert!(Runtime::new().is_err()));
        greenroom::run(|| ());
    });
}

#[test]
fn runs_follow_each_other() {
    support::watch(|| {
        for n in 0..1_000 {
            let sum = greenroom::run(|| spawn(move || n).join().unwrap() + 1);
            assert_eq!(sum, n + 1);
        }
        for _ in 0..200 {
            let runtime = Runtime::new().unwrap();
            drop(runtime.spawn(|| sleep(ms(60_000))));
            runtime.turn(Some(ms(0))).unwrap();
        }
    });
}

#[test]
fn eight_hubs_run_on_eight_os_threads_and_wake_each_other() {
    support::watch(|| {
        let all: Vec<_> = (0..8)
            .map(|n| {
                std::thread::spawn(move || {
                    greenroom::run(|| {
                        let parked = spawn(|| (0..50).for_each(|_| thread::park()));
                        let target = parked.thread().clone();
                        let other = std::thread::spawn(move || {
                            greenroom::run(|| {
                                for _ in 0..1_000 {
                                    target.unpark();
                                    yield_now();
                                    if n % 2 == 0 {
                                        sleep(std::time::Duration::from_micros(20));
                                    }
                                }
                            });
                        });
                        while !parked.is_finished() && !other.is_finished() {
                            sleep(ms(1));
                        }
                        other.join().unwrap();
                        parked.kill();
                        parked.wait();
                        n
                    })
                })
            })
            .collect();
        let ended: Vec<_> = all.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ended, [0, 1, 2, 3, 4, 5, 6, 7]);
    });
}

/// The implicit hub is leaked on purpose, with its descriptors: this one is not in a leak frame.
#[test]
fn without_run_the_first_call_makes_a_hub_and_the_end_of_the_root_abandons_the_rest() {
    support::guard(|| {
        let ran = std::thread::spawn(|| {
            let tally = Tally::new();
            let value = tally.one();
            drop(spawn(move || {
                let _value = value;
                sleep(ms(60_000));
            }));
            assert_eq!(spawn(|| 1).join().unwrap(), 1);
            sleep(ms(1));
            let before = Rc::new(Cell::new(false));
            let note = before.clone();
            drop(spawn(move || note.set(true)));
            (before.get(), tally.dropped())
        });
        assert_eq!(ran.join().unwrap(), (false, 0));
    });
}

#[test]
fn run_replaces_an_implicit_hub_that_has_no_living_green_thread() {
    support::guard(|| {
        std::thread::spawn(|| {
            let id = thread::current().id();
            assert_eq!(spawn(|| 1).join().unwrap(), 1);
            assert_eq!(greenroom::run(|| spawn(|| 2).join().unwrap()), 2);
            assert_eq!(thread::current().id(), id);
        })
        .join()
        .unwrap();
    });
}

#[test]
fn a_handle_reads_the_counters_from_any_os_thread_during_and_after_the_hub() {
    let ask = |handle: &Handle| {
        let handle = handle.clone();
        std::thread::spawn(move || handle.metrics()).join().unwrap()
    };
    support::watch(|| {
        let handle = greenroom::run(|| {
            let handle = Handle::current();
            let children: Vec<_> = (0..3).map(|_| spawn(|| sleep(ms(60_000)))).collect();
            yield_now();
            let seen = ask(&handle);
            assert_eq!((seen.spawned, seen.alive, seen.stacks), (3, 3, 3));
            assert!(seen.switches >= 3 && seen.timers >= 3);
            greenroom::killall(&children);
            handle
        });
        let seen = ask(&handle);
        assert_eq!((seen.spawned, seen.alive, seen.stacks), (3, 0, 0));
    });
}

#[test]
fn the_counters_count() {
    support::hub(|| {
        let before = Handle::current().metrics();
        let child = spawn(|| (0..10).for_each(|_| yield_now()));
        let parked = spawn(thread::park);
        let remote = parked.thread().clone();
        child.join().unwrap();
        sleep(ms(1));
        std::thread::spawn(move || remote.unpark()).join().unwrap();
        parked.join().unwrap();
        let after = Handle::current().metrics();
        assert_eq!(after.spawned - before.spawned, 2);
        assert!(after.switches - before.switches >= 12, "{after:?}");
        assert!(after.turns > before.turns && after.polls > before.polls && after.timers > before.timers);
        assert!(after.remote_wakes > before.remote_wakes, "{after:?}");
    });
}

#[test]
fn when_main_panics_all_are_killed_and_the_panic_goes_on() {
    let (tally, log) = (Tally::new(), Log::new());
    let text = support::watch(|| {
        panic_of(|| {
            greenroom::run(|| {
                for daemon in [false, true] {
                    let (value, words) = (tally.one(), log.clone());
                    let body = move || {
                        let _value = value;
                        sleep(ms(60_000));
                        words.push("went on");
                    };
                    Builder::new().daemon(daemon).spawn(body).unwrap();
                }
                let value = tally.one();
                sleep(ms(1));
                drop(spawn(move || drop(value)));
                panic!("from main")
            })
        })
    });
    assert_eq!(text, "from main");
    assert_eq!((tally.alive(), tally.dropped(), log.words()), (0, 3, vec![]));
    support::hub(|| spawn(|| ()).join().unwrap());
}

#[test]
fn debug_texts_name_their_type() {
    support::watch(|| {
        let builder = Runtime::builder().seed(1).on_panic(|_, _| ());
        assert!(format!("{builder:?}").contains("Builder"));
        let runtime = builder.build().unwrap();
        let texts = [
            format!("{runtime:?}"),
            format!("{:?}", runtime.handle()),
            format!("{:?}", runtime.metrics()),
            format!("{:?}", runtime.turn(Some(ms(0))).unwrap()),
        ];
        for (text, name) in texts.iter().zip(["Runtime", "Handle", "Metrics", "Turn"]) {
            assert!(text.contains(name), "{text}");
        }
    });
}
