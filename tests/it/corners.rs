//! Corners that a reading of the hub found: each hung, span or lost a wake-up once.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::generator::Generator;
use greenroom::{Runtime, current, scope, sleep, spawn, thread, timeout};

use crate::support::{guard, hub, ms, virtual_hub, watch};

/// Whether the descriptor is readable, as a poll that knows no edges sees it.
#[expect(unsafe_code, reason = "poll(2) is a plain system call")]
fn is_readable(runtime: &Runtime, patience: Duration) -> bool {
    let fd = runtime.as_fd().as_raw_fd();
    let mut asked = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, and it is counted.
    unsafe { libc::poll(&mut asked, 1, patience.as_millis() as i32) == 1 }
}

/// A generator that is suspended inside a `timeout` whose time is over: the expiry waits for its frames.
fn with_an_expiry_put_aside() -> Generator<(), (), ()> {
    let mut aside = Generator::new(|yielder, ()| {
        let _ = timeout(ms(1), || yielder.yield_(()));
    });
    aside.send(());
    sleep(ms(5));
    aside
}

#[test]
fn an_expiry_put_aside_in_a_generator_costs_no_join() {
    hub(|| {
        let joiner = spawn(|| {
            let _aside = with_an_expiry_put_aside();
            spawn(|| 7).join().unwrap()
        });
        assert!(joiner.wait_timeout(ms(2_000)), "the end of the joined was not told");
    });
}

#[test]
fn an_expiry_put_aside_in_a_generator_costs_no_unpark() {
    hub(|| {
        let parker = spawn(|| {
            let _aside = with_an_expiry_put_aside();
            let me = current();
            spawn(move || me.unpark());
            thread::park();
        });
        assert!(parker.wait_timeout(ms(2_000)), "the token was not told");
    });
}

#[test]
fn a_timeout_of_one_hub_is_not_closed_by_a_generator_of_an_earlier_one() {
    let carried = Rc::new(Cell::new(None));
    let place = carried.clone();
    hub(move || {
        let mut early = Generator::<(), (), ()>::new(|yielder, ()| {
            let _ = timeout(Duration::from_secs(100), || yielder.yield_(()));
        });
        early.send(());
        place.set(Some(early));
    });
    hub(move || {
        let limited = timeout(ms(20), || {
            carried.take().unwrap().send(());
            sleep(ms(2_000));
        });
        assert!(limited.is_err());
    });
}

#[test]
fn a_scope_inside_a_runtime_that_a_panic_drops_still_waits_for_its_children() {
    watch(|| {
        let ended = std::panic::catch_unwind(|| {
            let runtime = Runtime::new().unwrap();
            runtime.spawn(|| {
                scope(|children| {
                    children.spawn(|| sleep(Duration::MAX));
                    sleep(Duration::MAX)
                })
            });
            for _ in 0..3 {
                runtime.turn(Some(Duration::ZERO)).unwrap();
            }
            panic!("the root panics, on purpose");
        });
        assert!(ended.is_err());
    });
}

#[test]
fn a_generator_in_a_scope_that_is_dropped_while_its_owner_unwinds_ends_its_children() {
    virtual_hub(|| {
        let owner = spawn(|| {
            let mut inside = Generator::<(), (), ()>::new(|yielder, ()| {
                scope(|children| {
                    children.spawn(|| sleep(ms(1)));
                    yielder.yield_(());
                })
            });
            inside.send(());
            panic!("the owner panics, on purpose");
        });
        assert!(owner.join().unwrap_err().is_panic());
    });
}

#[test]
fn a_generator_in_a_scope_that_is_dropped_kills_the_children() {
    virtual_hub(|| {
        let owner = spawn(|| {
            let mut inside = Generator::<(), (), ()>::new(|yielder, ()| {
                scope(|children| {
                    children.spawn(|| sleep(Duration::MAX));
                    yielder.yield_(());
                })
            });
            inside.send(());
            drop(inside);
        });
        assert!(owner.wait_timeout(ms(2_000)), "the drop waits for a child that nobody ends");
    });
}

#[test]
fn a_kill_that_comes_while_a_scope_waits_at_its_end_reaches_the_children() {
    virtual_hub(|| {
        let parent = spawn(|| {
            scope(|children| {
                children.spawn(|| sleep(Duration::MAX));
            })
        });
        sleep(ms(2));
        parent.kill();
        assert!(parent.join().unwrap_err().is_killed());
    });
}

#[test]
fn a_timeout_that_comes_while_a_scope_waits_at_its_end_reaches_the_children() {
    virtual_hub(|| {
        let limited = timeout(ms(5), || {
            scope(|children| {
                children.spawn(|| sleep(Duration::MAX));
            })
        });
        assert!(limited.is_err());
        sleep(ms(1));
    });
}

#[test]
fn the_descriptor_shows_a_remote_wake_though_the_root_parked_between_turns() {
    watch(|| {
        let runtime = Runtime::new().unwrap();
        let parker = runtime.spawn(thread::park);
        runtime.turn(Some(Duration::ZERO)).unwrap();
        while is_readable(&runtime, Duration::ZERO) {
            runtime.turn(Some(Duration::ZERO)).unwrap();
        }
        sleep(ms(1));
        let remote = parker.thread().clone();
        std::thread::spawn(move || remote.unpark()).join().unwrap();
        assert_eq!(runtime.next_deadline(), None);
        assert!(is_readable(&runtime, ms(2_000)), "a wake-up is there, and the descriptor is silent");
        while !parker.is_finished() {
            runtime.turn(Some(Duration::ZERO)).unwrap();
        }
    });
}

#[test]
fn the_descriptor_is_silent_again_once_a_remote_wake_was_taken() {
    watch(|| {
        let runtime = Runtime::new().unwrap();
        let parker = runtime.spawn(|| {
            loop {
                thread::park()
            }
        });
        runtime.turn(Some(Duration::ZERO)).unwrap();
        let remote = parker.thread().clone();
        std::thread::spawn(move || remote.unpark()).join().unwrap();
        let mut turns = 0;
        while is_readable(&runtime, ms(20)) {
            runtime.turn(Some(Duration::ZERO)).unwrap();
            turns += 1;
            assert!(turns < 100, "readable for ever: a foreign loop would spin");
        }
        assert!(turns > 0);
    });
}

#[test]
fn a_child_that_ran_inline_is_not_taken_for_the_root() {
    hub(|| {
        let child = thread::on_hub_stack(|| scope(|children| children.spawn(|| ()).thread().id()));
        assert_ne!(current().id(), child);
    });
}

#[test]
fn the_hubs_stack_is_the_os_threads_though_the_root_parks_in_a_generator() {
    fn depth(n: u32) -> u32 {
        let frame = std::hint::black_box([0u8; 1024]);
        if n == 0 { frame[0].into() } else { depth(n - 1) + 1 }
    }
    hub(|| {
        let deep = spawn(|| thread::on_hub_stack(|| depth(800)));
        let mut around = Generator::<(), (), ()>::new(move |_, ()| assert_eq!(deep.join().unwrap(), 800));
        around.send(());
    });
}

#[test]
fn a_root_that_joins_one_who_will_not_end_gets_its_answer_when_the_hub_ends() {
    guard(|| {
        let runtime = Rc::new(Cell::new(Some(Runtime::new().unwrap())));
        let stubborn = spawn(|| {
            loop {
                let _ = std::panic::catch_unwind(|| sleep(ms(50)));
            }
        });
        let owner = runtime.clone();
        spawn(move || {
            sleep(ms(5));
            drop(owner.take());
        });
        let begin = Instant::now();
        assert!(stubborn.join().unwrap_err().is_killed());
        assert!(begin.elapsed() < Duration::from_secs(60));
    });
}
