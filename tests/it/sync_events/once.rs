//! What is made once: initialisers that park, panic, are killed, ask for themselves.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenroom::sync::{Arc, Event, LazyLock, Once, OnceLock};
use greenroom::{joinall, sleep, spawn, timeout, yield_now};

use super::waiting;
use crate::support::{self, Log, OnDrop, Tally, ms, panic_of};

#[test]
fn an_initialiser_may_park_and_its_rivals_wait_for_it() {
    support::virtual_hub(|| {
        let (cell, log) = (Rc::new(OnceLock::new()), Log::new());
        let all = ["one", "two", "three"].map(|word| {
            let (cell, log) = (cell.clone(), log.clone());
            spawn(move || {
                let value = *cell.get_or_init(|| {
                    log.push(format!("{word} makes it"));
                    sleep(ms(1));
                    word
                });
                log.push(format!("{word} has {value}"));
            })
        });
        yield_now();
        assert_eq!(cell.get(), None);
        assert_eq!(cell.set("four"), Err("four"), "it waits, then comes too late");
        joinall(all);
        assert_eq!(log.words(), ["one makes it", "one has one", "two has one", "three has one"]);
    });
}

#[test]
fn if_the_initialiser_panics_or_is_killed_the_next_in_the_line_makes_it() {
    support::virtual_hub(|| {
        let (cell, log) = (Rc::new(OnceLock::new()), Log::new());
        let make = |word: &'static str| {
            let (cell, log) = (cell.clone(), log.clone());
            waiting(move || {
                *cell.get_or_init(|| {
                    log.push(word);
                    sleep(ms(1));
                    if word == "panics" {
                        panic!("on purpose");
                    }
                    word
                })
            })
        };
        let all = [make("panics"), make("killed"), make("left"), make("makes it"), make("comes late")];
        all[2].kill();
        let [panics, killed, left, makes, late] = all;
        assert!(panics.join().unwrap_err().is_panic());
        yield_now();
        killed.kill();
        assert!(killed.join().unwrap_err().is_killed() && left.join().unwrap_err().is_killed());
        assert_eq!((makes.join().unwrap(), late.join().unwrap()), ("makes it", "makes it"));
        assert_eq!(log.words(), ["panics", "killed", "makes it"]);
    });
}

#[test]
fn one_who_is_told_to_try_and_killed_tells_the_next() {
    support::virtual_hub(|| {
        let (once, fails) = (Rc::new(Once::new()), Rc::new(Event::new()));
        let (inner, failing) = (once.clone(), fails.clone());
        let first = waiting(move || {
            inner.call_once(|| {
                failing.wait();
                panic!("on purpose");
            })
        });
        let rivals = [(); 3].map(|()| {
            let once = once.clone();
            waiting(move || once.call_once(|| sleep(ms(1))))
        });
        // In one turn: the kill wakes it, then the first fails and tells it, and then it runs.
        fails.set();
        rivals[0].kill();
        assert!(first.join().unwrap_err().is_panic());
        let [killed, others @ ..] = rivals;
        assert!(killed.join().unwrap_err().is_killed());
        joinall(others).into_iter().for_each(|ended| ended.unwrap());
        assert!(once.is_completed());
    });
}

#[test]
fn an_expired_timeout_unwinds_the_initialiser_and_the_next_makes_it() {
    support::virtual_hub(|| {
        let cell = OnceLock::new();
        let slow = || {
            sleep(ms(60_000));
            1
        };
        assert!(timeout(ms(1), || *cell.get_or_init(slow)).is_err());
        assert_eq!(*cell.get_or_init(|| 2), 2);
    });
}

#[test]
fn an_initialiser_that_asks_for_its_own_value_panics_and_can_be_made_good() {
    support::hub(|| {
        type Made = LazyLock<u8, Box<dyn FnOnce() -> u8>>;
        let (cell, once) = (OnceLock::<u8>::new(), Once::new());
        let text = "an initialiser that needs what it is to make: it would wait for itself";
        assert_eq!(panic_of(|| *cell.get_or_init(|| *cell.get_or_init(|| 1))), text);
        assert_eq!(panic_of(|| *cell.get_or_init(|| cell.set(1).map_or(2, |()| 3))), text);
        assert_eq!(panic_of(|| once.call_once(|| once.call_once(|| ()))), text);
        assert_eq!((cell.get(), once.is_completed()), (None, false));
        assert_eq!(*cell.get_or_init(|| 4), 4);
        once.call_once(|| ());
        once.call_once(|| unreachable!("it was called"));
        let lazy = Rc::<OnceLock<Made>>::default();
        let itself = lazy.clone();
        let lazy = lazy.get_or_init(|| LazyLock::new(Box::new(move || **itself.get().unwrap())));
        assert_eq!(panic_of(|| **lazy), text);
    });
    // An OS thread without a hub is told the same.
    let cell = OnceLock::new();
    let text = panic_of(|| *cell.get_or_init(|| *cell.get_or_init(|| 1)));
    assert!(text.contains("wait for itself"));
}

#[test]
fn a_lazy_value_whose_closure_panicked_is_never_made() {
    support::virtual_hub(|| {
        let lazy = Rc::new(LazyLock::<u8>::new(|| {
            sleep(ms(1));
            panic!("on purpose")
        }));
        let rival = lazy.clone();
        let first = waiting(move || **rival);
        let text = panic_of(|| **lazy);
        assert!(first.join().unwrap_err().is_panic());
        assert_eq!(text, "the closure of this LazyLock was unwound before, and there is no other");
        assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    });
    let lazy = LazyLock::new(|| 7);
    assert_eq!((*lazy, *LazyLock::force(&lazy), format!("{lazy:?}")), (7, 7, "LazyLock(7)".into()));
    assert_eq!(*LazyLock::<u8>::default(), 0);
}

#[test]
fn a_destructor_waits_for_the_initialiser_while_its_green_thread_unwinds() {
    support::virtual_hub(|| {
        let (cell, log) = (Rc::new(OnceLock::new()), Log::new());
        let (inner, asks, words) = (cell.clone(), cell.clone(), log.clone());
        let maker = waiting(move || {
            *inner.get_or_init(|| {
                sleep(ms(2));
                "made"
            })
        });
        let victim = spawn(move || {
            let _asks = OnDrop(move || words.push(*asks.get_or_init(|| "its own")));
            panic!("on purpose");
        });
        assert!(victim.join().unwrap_err().is_panic());
        assert_eq!(maker.join().unwrap(), "made");
        assert_eq!(log.words(), ["made"]);
    });
}

#[test]
fn hubs_and_os_threads_make_it_once() {
    support::watch(|| {
        for _ in 0..50 {
            let (cell, made) = (Arc::new(OnceLock::new()), Arc::new(AtomicUsize::new(0)));
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    let (cell, made) = (cell.clone(), made.clone());
                    std::thread::spawn(move || {
                        let get = || {
                            let make = || {
                                std::thread::yield_now();
                                assert!(
                                    made.fetch_add(1, Ordering::SeqCst) != 0 || number > 4,
                                    "the first fails"
                                );
                                number
                            };
                            catch_unwind(AssertUnwindSafe(|| *cell.get_or_init(make))).ok()
                        };
                        if number % 2 == 0 { get() } else { greenroom::run(get) }
                    })
                })
                .collect();
            let got: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            assert_eq!((got.iter().flatten().count(), made.load(Ordering::SeqCst)), (3, 2));
            assert!(got.iter().flatten().all(|number| Some(number) == cell.get()));
        }
    });
}

#[test]
fn a_cell_is_stds_otherwise() {
    let tally = Tally::new();
    let mut cell = OnceLock::new();
    assert!(cell.set(tally.one()).is_ok() && cell.set(tally.one()).is_err());
    assert_eq!((tally.alive(), tally.dropped()), (1, 1));
    assert!(cell.get_mut().is_some() && cell.take().is_some() && cell.get_mut().is_none());
    assert_eq!(tally.alive(), 0);
    assert!(cell.set(tally.one()).is_ok());
    drop(cell);
    assert_eq!((tally.alive(), tally.dropped()), (0, 3));

    let cell = OnceLock::from(Cell::new(3));
    let copy = cell.clone();
    copy.get().unwrap().set(4);
    assert!(cell != copy && OnceLock::<u8>::new() == OnceLock::default());
    assert_eq!(
        format!("{cell:?} {:?}", OnceLock::<u8>::new()),
        "OnceLock(Cell { value: 3 }) OnceLock(<uninit>)"
    );
    assert_eq!(
        (cell.into_inner().map(Cell::into_inner), OnceLock::<u8>::new().into_inner()),
        (Some(3), None)
    );
    assert_eq!(format!("{:?}", Once::new()), "Once { completed: false, .. }");
}
