//! `scope`: children that borrow from the frame that waits for them.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use greenroom::sync::Mutex;
use greenroom::thread::{self, Builder, scope};
use greenroom::{sleep, spawn, timeout, yield_now};

use crate::support::{self, Log, OnDrop, Tally, error_of, ms, panic_of};

fn forever() {
    sleep(ms(86_400_000));
}

#[test]
fn children_borrow_mutably_from_the_parents_frame() {
    support::hub(|| {
        let (mut left, mut right) = (vec![2, 1], vec![4, 3]);
        let sum = scope(|s| {
            let a = s.spawn(|| {
                left.sort_unstable();
                yield_now();
                left.len()
            });
            let b = s.spawn(|| {
                right.sort_unstable();
                s.spawn(|| 10).join().unwrap()
            });
            a.join().unwrap() + b.join().unwrap()
        });
        left.append(&mut right);
        assert_eq!((sum, left), (12, vec![1, 2, 3, 4]));
    });
}

#[test]
fn it_returns_only_when_every_child_has_ended_joined_or_not() {
    support::hub(|| {
        let ended = Cell::new(0);
        scope(|s| {
            for n in 0..10 {
                let ended = &ended;
                let child = s.spawn(move || {
                    sleep(ms(n % 3));
                    ended.set(ended.get() + 1);
                });
                // reliability.md, S14: safety hangs on no destructor.
                std::mem::forget(child);
            }
        });
        assert_eq!(ended.get(), 10);
    });
}

#[test]
fn a_scope_in_a_child_of_a_scope_may_borrow_from_both() {
    support::hub(|| {
        let (outer, log) = (String::from("outer"), Log::new());
        scope(|s| {
            s.spawn(|| {
                let inner = String::from("inner");
                scope(|t| {
                    t.spawn(|| log.push(format!("{outer} {inner}")));
                });
                log.push("inner scope over");
            });
        });
        assert_eq!(log.words(), ["outer inner", "inner scope over"]);
    });
}

#[test]
fn the_builder_spawns_into_a_scope_with_a_name() {
    support::hub(|| {
        let name = scope(|s| {
            let named = Builder::new().name("scoped").stack_size(1);
            let child = named.spawn_scoped(s, || thread::current().name().map(str::to_owned)).unwrap();
            assert_eq!(child.thread().name(), Some("scoped"));
            child.join().unwrap()
        });
        assert_eq!(name.as_deref(), Some("scoped"));
    });
}

#[test]
fn the_handle_waits_and_says_whether_it_has_ended() {
    support::virtual_hub(|| {
        scope(|s| {
            let child = s.spawn(|| sleep(ms(10)));
            assert!(!child.is_finished());
            assert!(!child.wait_timeout(ms(1)));
            child.cancel();
            child.wait();
            assert!(child.is_finished() && child.wait_timeout(ms(0)));
            child.join().unwrap();
        });
    });
}

/// As `std::thread::scope`: who joins has dealt with it, a panic that nobody looked at is the scope's.
#[test]
fn a_childs_panic_is_for_who_joins_it_or_for_the_scope() {
    support::hub(|| {
        let seen = scope(|s| s.spawn(|| -> () { panic!("joined") }).join().unwrap_err());
        assert_eq!(seen.message(), "joined");
        let text = panic_of(|| {
            scope(|s| {
                s.spawn(|| panic!("not joined"));
            });
        });
        assert!(text.contains("scope") && text.contains("panicked"), "{text}");
    });
}

/// reliability.md, I4.
#[test]
fn when_the_body_panics_the_children_are_waited_for_and_the_panic_goes_on() {
    support::hub(|| {
        let (log, borrowed) = (Log::new(), Cell::new(0));
        let text = panic_of(|| {
            scope(|s| {
                s.spawn(|| {
                    (0..5).for_each(|_| yield_now());
                    borrowed.set(1);
                    assert!(!thread::panicking());
                    log.push("child");
                });
                panic!("from the body");
            })
        });
        assert_eq!((text.as_str(), borrowed.get()), ("from the body", 1));
        assert_eq!(log.words(), ["child"]);
    });
}

#[test]
fn a_child_that_is_killed_and_joined_is_nobodys_panic() {
    support::hub(|| {
        let tally = Tally::new();
        scope(|s| {
            let value = tally.one();
            let child = s.spawn(move || {
                let _value = value;
                forever();
            });
            yield_now();
            child.kill();
            assert!(child.join().unwrap_err().is_killed());
        });
        assert_eq!(tally.dropped(), 1);
    });
}

#[test]
fn a_child_that_is_killed_before_it_starts_never_runs() {
    support::hub(|| {
        let ran = Cell::new(false);
        scope(|s| {
            let child = s.spawn(|| ran.set(true));
            child.kill();
            assert!(child.join().unwrap_err().is_killed());
        });
        assert!(!ran.get());
    });
}

/// reliability.md, I8: three children need five turns each to clean up; a second kill of the parent changes nothing.
#[test]
fn a_killed_parent_kills_its_children_and_ends_after_them() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let parent = spawn(move || {
            let frame = Cell::new(0);
            let _last = OnDrop(|| words.push(format!("parent after {}", frame.get())));
            scope(|s| {
                for _ in 0..3 {
                    s.spawn(|| {
                        assert!(catch_unwind(forever).is_err());
                        for _ in 0..5 {
                            // The kill stays: each turn ends in it, and each is a turn all the same.
                            let _ = catch_unwind(AssertUnwindSafe(yield_now));
                        }
                        frame.set(frame.get() + 1);
                    });
                }
                forever();
            });
        });
        yield_now();
        yield_now();
        let neighbour = spawn(|| (0..20).for_each(|_| yield_now()));
        parent.kill();
        yield_now();
        parent.kill();
        neighbour.join().unwrap();
        assert!(parent.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["parent after 3"]);
    });
}

#[test]
fn a_parent_killed_while_it_waits_at_the_end_of_the_scope_leaves_no_child_behind() {
    support::virtual_hub(|| {
        let tally = Tally::new();
        let value = tally.one();
        let parent = spawn(move || {
            let frame = String::from("borrowed");
            scope(|s| {
                s.spawn(|| {
                    let _value = value;
                    sleep(ms(5));
                    assert_eq!(frame, "borrowed");
                });
            });
            sleep(ms(60_000));
        });
        yield_now();
        yield_now();
        parent.kill();
        assert!(parent.join().unwrap_err().is_killed());
        assert_eq!((tally.alive(), tally.dropped()), (0, 1));
    });
}

#[test]
fn an_expiry_in_the_body_kills_the_children_and_is_the_timeouts_error() {
    support::hub(|| {
        let tally = Tally::new();
        let ended = timeout(ms(3), || {
            let value = tally.one();
            scope(|s| {
                s.spawn(move || {
                    let _value = value;
                    forever();
                });
                forever();
            });
        });
        assert!(ended.is_err());
        assert_eq!((tally.alive(), tally.dropped()), (0, 1));
    });
}

#[test]
fn a_child_that_swallows_its_kill_is_waited_for() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let parent = spawn(move || {
            scope(|s| {
                s.spawn(|| {
                    let _ = catch_unwind(forever);
                    words.push("swallowed");
                });
                forever();
            });
        });
        yield_now();
        yield_now();
        parent.kill();
        assert!(parent.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["swallowed"]);
    });
}

#[test]
fn a_scope_in_a_destructor_during_unwinding_runs_its_children_inline() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let victim = spawn(move || {
            let _opens = OnDrop(|| {
                let frame = Rc::new(RefCell::new(0));
                scope(|s| {
                    s.spawn(|| *frame.borrow_mut() += 1);
                    s.spawn(|| *frame.borrow_mut() += 1);
                });
                words.push(format!("{} ran", frame.borrow()));
            });
            forever();
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["2 ran"]);
    });
}

#[test]
fn children_are_green_threads_while_somebody_else_unwinds() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let (guard, shared) = (lock.lock(), lock.clone());
        let unwinds = spawn(move || {
            let _locks = OnDrop(move || drop(shared.lock()));
            panic!("on purpose");
        });
        yield_now();
        let log = Log::new();
        scope(|s| {
            s.spawn(|| log.push("child"));
            log.push("parent");
        });
        drop(guard);
        assert!(error_of(unwinds).is_panic());
        assert_eq!(log.words(), ["parent", "child"]);
    });
}

/// reliability.md, I6: an OS thread borrows from a stack that is unwound.
#[test]
fn a_kill_waits_for_os_threads_that_borrow_the_victims_stack() {
    support::hub(|| {
        let victim = spawn(|| {
            let mut frame = [0_u8; 64];
            std::thread::scope(|s| {
                s.spawn(|| {
                    std::thread::sleep(ms(5));
                    frame.fill(7);
                });
                forever();
            });
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
    });
}

#[test]
fn a_scope_on_the_root_works_with_and_without_children() {
    support::hub(|| {
        assert_eq!(scope(|_| 1), 1);
        let mut number = 1;
        scope(|s| {
            s.spawn(|| number += 1);
        });
        assert_eq!(number, 2);
    });
}
