//! Orders that the plain queue never takes: each case runs under a thousand seeds, in virtual time.
//!
//! A case that fails names its seed; `GREENROOM_SEED=k cargo test --test it NAME` plays that one alone, as often as one likes.

mod cases;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use greenroom::sync::Mutex;
use greenroom::{Runtime, sleep, spawn, yield_now};

use crate::support::{self, Log, ms};

const SEED: &str = "GREENROOM_SEED";
/// How many seeds a case runs under.
const MANY: u64 = 1_000;

/// Runs `case` as the root of a new hub under each of the seeds below `seeds`, or under the one that the environment names.
#[track_caller]
fn under_seeds(seeds: u64, case: impl Fn()) {
    support::watch(|| {
        for seed in chosen(seeds, std::env::var(SEED).ok().as_deref()) {
            if let Err(payload) = play(seed, &case) {
                eprintln!("this was seed {seed}: {SEED}={seed} plays it again");
                resume_unwind(payload);
            }
        }
    });
}

fn chosen(seeds: u64, named: Option<&str>) -> std::ops::Range<u64> {
    match named {
        None => 0..seeds,
        Some(named) => {
            let seed = named.parse().unwrap_or_else(|_| panic!("{SEED} is a number, not {named:?}"));
            seed..seed + 1
        }
    }
}

fn play<T>(seed: u64, case: impl FnOnce() -> T) -> std::thread::Result<T> {
    let runtime = Runtime::builder().seed(seed).virtual_time(true).build().expect("a hub");
    catch_unwind(AssertUnwindSafe(|| runtime.run(case)))
}

#[test]
fn the_environment_chooses_one_seed() {
    assert_eq!(chosen(7, None), 0..7);
    assert_eq!(chosen(7, Some("41")), 41..42);
    assert!(support::panic_of(|| chosen(7, Some("x"))).contains(SEED));
}

/// Who gets a lock, wakes from a sleep and runs, in order.
fn order() -> Vec<String> {
    let (log, lock) = (Log::new(), Rc::new(Mutex::new(())));
    let children = (0..12_u64).map(|n| {
        let (log, lock) = (log.clone(), lock.clone());
        spawn(move || {
            for round in 0..3 {
                sleep(ms(n % 3));
                let _held = lock.lock();
                yield_now();
                log.push(format!("{n}.{round}"));
            }
        })
    });
    greenroom::joinall(children);
    log.words()
}

#[test]
fn the_same_seed_gives_the_same_order_and_another_gives_another() {
    support::watch(|| {
        let of = |seed| play(seed, order).unwrap();
        let firsts: Vec<_> = (0..50).map(of).collect();
        let again: Vec<_> = (0..50).map(of).collect();
        assert_eq!(firsts, again);
        let mut different = firsts;
        different.sort();
        different.dedup();
        assert!(different.len() > 45, "{} orders of 50 seeds", different.len());
    });
}

/// A bug of order: what is read before the yield is written after it, and the one that reads in between is lost. In the plain
/// order nobody comes in between, for the others begin later.
fn planted() {
    let (count, begun) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let first = {
        let (count, begun) = (count.clone(), begun.clone());
        spawn(move || {
            begun.borrow_mut().push("first");
            count.set(count.get() + 1);
        })
    };
    let second = {
        let (count, begun) = (count.clone(), begun.clone());
        spawn(move || {
            let read = count.get();
            yield_now();
            begun.borrow_mut().push("second");
            count.set(read + 1);
        })
    };
    greenroom::joinall([first, second]);
    assert_eq!(count.get(), 2, "{:?}", begun.borrow());
}

/// reliability.md, P32: any failure reproduces 10 of 10.
#[test]
fn a_planted_bug_that_the_plain_order_hides_is_found_and_its_seed_finds_it_again() {
    support::watch(|| {
        greenroom::run(planted);
        let found = (0..MANY).find(|seed| play(*seed, planted).is_err()).expect("a seed that finds it");
        assert!(found < 20, "it is not as rare as {found}");
        assert!((0..10).all(|_| play(found, planted).is_err()), "seed {found} finds it again");
    });
    let named = support::panic_of(|| under_seeds(MANY, planted));
    assert!(named.contains("first"), "{named}");
}
