//! Each setting of the `Builder` does what its documentation says.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::net::{TcpListener, TcpStream};
use greenroom::thread::{self, Builder};
use greenroom::{Handle, Runtime, sleep, spawn, yield_now};

use crate::support::{self, Log, OnDrop, error_of, ms};

#[test]
fn stack_size_is_the_size_of_all_that_do_not_ask_for_another() {
    support::watch(|| {
        Runtime::builder().stack_size(4 << 20).build().unwrap().run(|| {
            let large = || {
                let frame = std::hint::black_box([1_u8; 2 << 20]);
                frame.iter().map(|byte| u64::from(*byte)).sum::<u64>()
            };
            assert_eq!(spawn(large).join().unwrap(), 2 << 20);
        });
        Runtime::builder()
            .stack_size(0)
            .build()
            .unwrap()
            .run(|| spawn(|| format!("{}", 0.5)).join().unwrap());
        assert!(Runtime::builder().stack_size(usize::MAX).build().is_err());
    });
}

/// Kibibytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a kernel that says so");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// reliability.md, J4.
#[test]
fn stack_cache_bounds_what_idle_stacks_keep() {
    support::watch(|| {
        Runtime::builder().stack_cache(16).build().unwrap().run(|| {
            let fill = || {
                let frame = std::hint::black_box([1_u8; 100_000]);
                sleep(ms(5));
                assert_eq!(frame[99_999], 1);
            };
            let before = resident();
            let all: Vec<_> = (0..600).map(|_| spawn(fill)).collect();
            sleep(ms(1));
            let peak = resident();
            greenroom::joinall(all);
            let after = resident();
            assert!(peak > before + 40_000, "the stacks were used: {before} to {peak} KiB");
            assert!(after < before + 20_000, "their pages went back: {before}, {peak}, {after} KiB");
            assert_eq!(Handle::current().metrics().stacks, 0);
        });
    });
}

/// reliability.md, F7: more descriptors are ready at once than one look takes.
#[test]
fn event_capacity_bounds_a_look_and_loses_nothing() {
    support::watch(|| {
        Runtime::builder().event_capacity(2).build().unwrap().run(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let pairs: Vec<_> = (0..40)
                .map(|_| {
                    let client = spawn(move || TcpStream::connect(address).unwrap());
                    let (server, _) = listener.accept().unwrap();
                    (client.join().unwrap(), server)
                })
                .collect();
            let (mut clients, servers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let readers: Vec<_> = servers
                .into_iter()
                .map(|mut server| {
                    spawn(move || {
                        let mut byte = [0];
                        server.read_exact(&mut byte).map(|()| byte[0])
                    })
                })
                .collect();
            yield_now();
            for (n, client) in clients.iter_mut().enumerate() {
                client.write_all(&[n as u8]).unwrap();
            }
            for (n, read) in greenroom::joinall(readers).into_iter().enumerate() {
                assert_eq!(read.unwrap().unwrap(), n as u8);
            }
        });
    });
}

/// Both ways to guard a stack work on one kernel; this is the one for kernels that know nothing better.
#[test]
fn stacks_guarded_by_mprotect_do_all_that_others_do() {
    support::watch(|| {
        Runtime::builder().mprotect_guards().build().unwrap().run(|| {
            for _ in 0..3 {
                let all: Vec<_> = (0..300)
                    .map(|n| {
                        spawn(move || {
                            sleep(ms(1));
                            n
                        })
                    })
                    .collect();
                let sum: i32 = greenroom::try_joinall(all).unwrap().into_iter().sum();
                assert_eq!(sum, 44_850);
            }
        });
    });
}

#[test]
fn blocking_threads_leaves_name_look_ups_alone() {
    support::watch(|| {
        Runtime::builder().blocking_threads(1).build().unwrap().run(|| {
            let looks: Vec<_> = (0..4)
                .map(|_| spawn(|| greenroom::net::lookup_host("localhost:80").map(|mut found| found.next())))
                .collect();
            for found in greenroom::joinall(looks) {
                assert!(found.unwrap().unwrap().is_some());
            }
        });
    });
}

#[test]
fn on_panic_hears_of_each_panic_with_its_green_thread_and_payload_but_of_no_kill() {
    support::watch(|| {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let note = heard.clone();
        let on_panic = move |thread: &thread::Thread, payload: &(dyn std::any::Any + Send)| {
            let text = payload.downcast_ref::<&str>().copied().unwrap_or("(not a text)");
            note.borrow_mut().push(format!("{} {text}", thread.name().unwrap_or("unnamed")));
        };
        Runtime::builder().on_panic(on_panic).build().unwrap().run(|| {
            let named = Builder::new().name("one").spawn(|| panic!("first")).unwrap();
            assert!(error_of(named).is_panic());
            drop(spawn(|| std::panic::panic_any(7)));
            let victim = spawn(|| sleep(ms(60_000)));
            yield_now();
            victim.kill();
            victim.wait();
        });
        assert_eq!(*heard.borrow(), ["one first", "unnamed (not a text)"]);
    });
}

/// reliability.md, K9: the hook is user code on the hub's own stack.
#[test]
fn an_on_panic_that_parks_is_refused_and_one_that_panics_is_contained() {
    support::watch(|| {
        let log = Log::new();
        let words = log.clone();
        let on_panic = move |_: &thread::Thread, _: &(dyn std::any::Any + Send)| {
            let refused = std::panic::catch_unwind(|| sleep(ms(1))).is_err();
            words.push(if refused { "refused" } else { "parked" });
            panic!("in the hook");
        };
        Runtime::builder().on_panic(on_panic).build().unwrap().run(|| {
            let panics = spawn(|| panic!("on purpose"));
            assert_eq!(error_of(panics).message(), "on purpose");
            sleep(ms(1));
            assert_eq!(spawn(|| 1).join().unwrap(), 1);
        });
        assert_eq!(log.words(), ["refused"]);
    });
}

#[test]
fn the_watchdogs_os_thread_ends_with_the_hub() {
    support::watch(|| {
        let begun = Instant::now();
        Runtime::builder().watchdog(Duration::from_secs(3_600)).build().unwrap().run(|| sleep(ms(1)));
        assert!(begun.elapsed() < ms(20_000), "the end does not wait for the watchdog's next look");
    });
}

#[test]
fn what_on_panic_holds_is_dropped_with_the_hub() {
    support::watch(|| {
        let log = Log::new();
        let words = log.clone();
        let held = OnDrop(move || words.push("dropped"));
        let on_panic = move |_: &thread::Thread, _: &(dyn std::any::Any + Send)| {
            let _held = &held;
        };
        Runtime::builder().on_panic(on_panic).build().unwrap().run(|| log.push("main"));
        assert_eq!(log.words(), ["main", "dropped"]);
    });
}
