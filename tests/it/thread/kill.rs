//! Killing: each state of the victim, what it may do about it, what stays unharmed.

use std::cell::{Cell, RefCell};
use std::panic::{catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use greenroom::sync::Mutex;
use greenroom::thread::{self, Builder};
use greenroom::{JoinHandle, killall, sleep, spawn, spawn_later, timeout, yield_now};

use crate::support::{self, Log, OnDrop, Tally, error_of, ms};

fn forever() {
    sleep(ms(86_400_000));
}

#[test]
fn a_victim_that_has_not_started_never_runs_and_its_captures_are_dropped_once() {
    support::hub(|| {
        let (tally, log) = (Tally::new(), Log::new());
        for make in [|f: Box<dyn FnOnce()>| spawn(f), |f: Box<dyn FnOnce()>| spawn_later(ms(60_000), f)] {
            let (value, words) = (tally.one(), log.clone());
            let victim = make(Box::new(move || {
                let _value = value;
                words.push("ran");
            }));
            victim.kill();
            assert!(!victim.is_finished(), "kill does not wait");
            assert!(victim.join().unwrap_err().is_killed());
            assert_eq!(tally.alive(), 0);
        }
        assert_eq!((tally.dropped(), log.words()), (2, vec![]));
        assert_eq!(thread::active_count(), 0);
    });
}

#[test]
fn a_victim_that_is_ready_unwinds_when_its_turn_comes() {
    support::hub(|| {
        let (tally, log) = (Tally::new(), Log::new());
        let (value, words) = (tally.one(), log.clone());
        let victim = spawn(move || {
            let _value = value;
            words.push("begun");
            yield_now();
            words.push("went on");
        });
        yield_now();
        victim.kill();
        assert_eq!(tally.alive(), 1);
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!((tally.dropped(), log.words()), (1, vec!["begun".into()]));
    });
}

#[test]
fn a_parked_victim_unwinds_inner_destructors_first_before_join_returns() {
    support::hub(|| {
        let log = Log::new();
        let say = |word: &'static str| {
            let words = log.clone();
            OnDrop(move || words.push(word))
        };
        let (outer, inner) = (say("outer"), say("inner"));
        let victim = spawn(move || {
            let _outer = outer;
            let _inner = inner;
            forever();
        });
        yield_now();
        victim.kill();
        let error = victim.join().unwrap_err();
        log.push("joined");
        assert!(error.is_killed() && !error.is_panic() && !error.is_refused());
        assert_eq!(log.words(), ["inner", "outer", "joined"]);
    });
}

#[test]
fn killing_the_finished_does_nothing() {
    support::hub(|| {
        let child = spawn(|| "value");
        yield_now();
        child.kill();
        child.kill();
        assert_eq!(child.join().unwrap(), "value");
    });
}

#[test]
fn killing_twice_is_killing_once() {
    support::hub(|| {
        let tally = Tally::new();
        let value = tally.one();
        let victim = spawn(move || {
            let _value = value;
            forever();
        });
        yield_now();
        victim.kill();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(tally.dropped(), 1);
    });
}

#[test]
fn one_that_kills_itself_does_not_come_back_from_its_next_park() {
    support::virtual_hub(|| {
        let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        let (log, words, mine) = (Log::new(), Log::new(), own.clone());
        let trace = words.clone();
        let victim = spawn(move || {
            let _last = OnDrop(move || trace.push("unwound"));
            yield_now();
            let handle = mine.borrow_mut().take().expect("my own handle");
            handle.kill();
            sleep(ms(1));
            log.push("went on");
        });
        *own.borrow_mut() = Some(victim);
        sleep(ms(3));
        assert_eq!(words.words(), ["unwound"]);
        assert_eq!(thread::active_count(), 0);
    });
}

#[test]
fn a_kill_that_is_caught_is_raised_again_at_the_next_park() {
    support::hub(|| {
        let caught = Rc::new(Cell::new(0));
        let count = caught.clone();
        let victim = spawn(move || {
            for _ in 0..3 {
                assert!(catch_unwind(forever).is_err());
                count.set(count.get() + 1);
            }
            forever();
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(caught.get(), 3);
    });
}

/// reliability.md, H12.
#[test]
fn a_kill_that_is_caught_and_resumed_ends_the_victim_and_one_that_is_kept_means_nothing_elsewhere() {
    support::hub(|| {
        let kept = Rc::new(RefCell::new(None));
        let keep = kept.clone();
        let victim = spawn(move || {
            *keep.borrow_mut() = catch_unwind(forever).err();
            resume_unwind(catch_unwind(forever).unwrap_err())
        });
        yield_now();
        victim.kill();
        let error = error_of(victim);
        assert!(error.is_killed());
        let payload = kept.borrow_mut().take().expect("the first payload");
        let innocent = error_of(spawn(move || resume_unwind(payload)));
        assert!(!innocent.is_killed(), "nobody killed this one: {innocent:?}");
    });
}

#[test]
fn a_destructor_that_parks_while_it_is_killed_returns_at_once_and_aborts_nothing() {
    support::virtual_hub(|| {
        let (log, other) = (Log::new(), Rc::new(RefCell::new(Some(spawn(|| sleep(ms(5)))))));
        let (words, rest) = (log.clone(), other.clone());
        let parks = OnDrop(move || {
            sleep(ms(60_000));
            words.push("slept");
            yield_now();
            words.push("yielded");
            thread::park();
            thread::park_timeout(ms(60_000));
            words.push("parked");
            let refused = rest.borrow_mut().take().expect("another").join().unwrap_err();
            assert!(refused.is_refused());
            words.push("refused");
        });
        let victim = spawn(move || {
            let _parks = parks;
            forever();
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["slept", "yielded", "parked", "refused"]);
    });
}

/// reliability.md, M5 and S10: the panic count is the OS thread's, and nobody else may see it.
#[test]
fn while_one_unwinds_others_never_see_a_panic() {
    support::hub(|| {
        let watcher = Builder::new()
            .daemon(true)
            .spawn(|| {
                loop {
                    assert!(!thread::panicking());
                    yield_now();
                }
            })
            .unwrap();
        let victim = spawn(|| {
            let _parks = OnDrop(|| sleep(ms(1)));
            forever();
        });
        let panics = spawn(|| {
            let _parks = OnDrop(|| sleep(ms(1)));
            panic!("on purpose");
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert!(error_of(panics).is_panic());
        sleep(ms(1));
        assert!(!watcher.is_finished());
    });
}

/// Parks in the middle of its unwinding, until the lock is free.
fn unwinds_as_long_as(lock: &Rc<Mutex<()>>) -> JoinHandle<()> {
    let lock = lock.clone();
    let unwinds = spawn(move || {
        let _locks = OnDrop(move || drop(lock.lock()));
        panic!("on purpose");
    });
    yield_now();
    unwinds
}

#[test]
fn a_wait_that_began_while_another_unwound_heeds_a_kill_once_that_is_over() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        let unwinds = unwinds_as_long_as(&lock);
        let (early, late) = (spawn(|| sleep(Duration::MAX)), spawn(forever));
        yield_now();
        early.kill();
        assert!(!early.wait_timeout(ms(1)), "as far as one can tell, it may be the one that unwinds");
        drop(guard);
        assert!(early.wait_timeout(ms(500)), "asked before it was known");
        late.kill();
        assert!(late.wait_timeout(ms(500)), "asked after that");
        assert!(error_of(unwinds).is_panic());
    });
}

#[test]
fn a_wait_that_began_while_another_unwound_heeds_an_expiry_once_that_is_over() {
    support::virtual_hub(|| {
        let lock = Rc::new(Mutex::new(()));
        let guard = lock.lock();
        let unwinds = unwinds_as_long_as(&lock);
        let expires = spawn(|| timeout(ms(1), forever).is_err());
        sleep(ms(3));
        assert!(!expires.is_finished());
        drop(guard);
        assert!(expires.wait_timeout(ms(500)));
        assert!(expires.join().unwrap());
        assert!(error_of(unwinds).is_panic());
    });
}

#[test]
fn who_gives_way_while_it_unwinds_beside_another_does_so_still_when_that_is_over() {
    support::hub(|| {
        let (lock, go) = (Rc::new(Mutex::new(())), Rc::new(Cell::new(false)));
        let (holds, seen, yields) = (lock.clone(), go.clone(), Rc::new(Cell::new(0)));
        // All waits but those of the two that unwind begin before that.
        let holder = spawn(move || {
            let _guard = holds.lock();
            sleep(ms(6));
        });
        let first = spawn(move || {
            sleep(ms(2));
            let _locks = OnDrop(move || drop(lock.lock()));
            panic!("on purpose");
        });
        let count = yields.clone();
        let second = spawn(move || {
            sleep(ms(4));
            let _yields = OnDrop(move || {
                while !seen.get() && count.get() < 1_000_000 {
                    count.set(count.get() + 1);
                    yield_now();
                }
            });
            panic!("on purpose");
        });
        let innocent = spawn(move || {
            assert!(error_of(first).is_panic());
            let others = spawn(|| 5).join();
            go.set(true);
            others.unwrap()
        });
        assert_eq!(innocent.join().unwrap(), 5);
        assert!(error_of(second).is_panic());
        assert!(yields.get() < 1_000_000, "it was taken for one that must not give way");
        holder.join().unwrap();
    });
}

/// reliability.md, M7: a kill that strikes a park in an ordinary `drop`, outside any unwinding.
#[test]
fn a_kill_may_strike_inside_a_destructor_that_parks_in_peace() {
    support::hub(|| {
        let tally = Tally::new();
        let value = tally.one();
        let victim = spawn(move || {
            let _value = value;
            drop(OnDrop(forever));
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(tally.dropped(), 1);
    });
}

#[test]
fn a_kill_is_silent() {
    support::hub(|| {
        let me = std::thread::current().id();
        let heard = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = heard.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |_| {
            if std::thread::current().id() == me {
                flag.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }));
        let victim = spawn(forever);
        yield_now();
        victim.kill();
        let ended = victim.join();
        std::panic::set_hook(before);
        assert!(ended.unwrap_err().is_killed());
        assert!(!heard.load(std::sync::atomic::Ordering::Relaxed));
    });
}

/// reliability.md, H7.
#[test]
fn the_children_of_a_victim_go_on() {
    support::hub(|| {
        let (done, children) = (Rc::new(Cell::new(0)), 1_000);
        let count = done.clone();
        let parent = spawn(move || {
            let all = (0..children).map(|_| {
                let count = count.clone();
                spawn(move || {
                    thread::park();
                    count.set(count.get() + 1);
                })
            });
            greenroom::joinall(all.collect::<Vec<_>>());
        });
        yield_now();
        yield_now();
        parent.kill();
        assert!(parent.join().unwrap_err().is_killed());
        assert_eq!(thread::active_count(), children);
        thread::enumerate().iter().for_each(thread::Thread::unpark);
        yield_now();
        assert_eq!(done.get(), children);
    });
}

#[test]
fn a_victim_may_kill_its_killer_while_it_unwinds() {
    support::virtual_hub(|| {
        let handles: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
        let (of_killer, of_victim) = (handles.clone(), handles.clone());
        let killer = spawn(move || {
            yield_now();
            of_killer.borrow()[1].kill();
            forever();
        });
        let victim = spawn(move || {
            let _strikes_back = OnDrop(|| of_victim.borrow()[0].kill());
            forever();
        });
        handles.borrow_mut().extend([killer, victim]);
        sleep(ms(1));
        for ended in greenroom::joinall(handles.take()) {
            assert!(ended.unwrap_err().is_killed());
        }
    });
}

#[test]
fn killall_returns_when_all_have_ended() {
    support::hub(|| {
        let tally = Tally::new();
        let victims: Vec<_> = (0..100)
            .map(|n| {
                let value = tally.one();
                spawn(move || {
                    let _value = value;
                    if n % 3 == 0 { yield_now() } else { forever() }
                })
            })
            .collect();
        yield_now();
        killall(&victims);
        assert!(victims.iter().all(JoinHandle::is_finished));
        assert_eq!((tally.alive(), tally.dropped()), (0, 100));
    });
}

#[test]
fn what_a_victim_spawns_while_it_unwinds_is_an_ordinary_green_thread() {
    support::virtual_hub(|| {
        let log = Log::new();
        let words = log.clone();
        let spawns = OnDrop(move || {
            let words = words.clone();
            drop(spawn(move || words.push("heir")));
        });
        let victim = spawn(move || {
            let _spawns = spawns;
            forever();
        });
        yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        sleep(ms(1));
        assert_eq!(log.words(), ["heir"]);
    });
}

/// reliability.md, P3, at random moments; the generator of moments is a fixed xorshift.
#[test]
fn killed_at_random_moments_every_destructor_runs_once() {
    support::hub(|| {
        let (tally, mut random) = (Tally::new(), 0x9E37_79B9_7F4A_7C15_u64);
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for _ in 0..1_000 {
            let (value, rounds) = (tally.one(), next() % 4);
            let victim = spawn(move || {
                let _value = value;
                for round in 0..rounds {
                    if round % 2 == 0 { yield_now() } else { thread::park_timeout(ms(1)) }
                }
            });
            (0..next() % 6).for_each(|_| yield_now());
            victim.kill();
            victim.wait();
        }
        assert_eq!((tally.alive(), tally.dropped()), (0, 1_000));
    });
}
