//! Who begins where another ends inherits its stack: nobody can tell, but by the clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenroom::generator::{Generator, Resumed, Yielder};
use greenroom::thread::{self, Builder};
use greenroom::{Runtime, sleep, spawn, yield_now};

use crate::support::{self, Log, Tally, ms};

/// What stands on a stack, to be looked at after a switch.
fn filled(with: u64) -> [u64; 200] {
    std::hint::black_box([with; 200])
}

#[test]
fn heirs_that_park_keep_what_stands_on_their_stack() {
    support::hub(|| {
        // Every other ends at once, so that nearly all begin as heirs; the rest park in turn.
        let handles: Vec<_> = (0..300_u64)
            .map(|number| {
                spawn(move || {
                    if number % 2 == 0 {
                        return number;
                    }
                    let mine = filled(number);
                    for _ in 0..number % 7 {
                        yield_now();
                    }
                    sleep(ms(number % 3));
                    assert!(mine.iter().all(|word| *word == number));
                    mine[0]
                })
            })
            .collect();
        for (number, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.join().unwrap(), number as u64);
        }
    });
}

#[test]
fn an_heir_that_was_parked_leaves_its_stack_to_the_next() {
    support::hub(|| {
        for round in 0..3 {
            let log = Log::new();
            let (one, two) = (log.clone(), log.clone());
            spawn(move || one.push("ends"));
            let parked = spawn(move || {
                two.push("parks");
                thread::park();
                two.push("goes on");
            });
            yield_now();
            let last = log.clone();
            parked.thread().unpark();
            let heir = spawn(move || last.push("begins"));
            heir.join().unwrap();
            parked.join().unwrap();
            assert_eq!(log.words(), ["ends", "parks", "goes on", "begins"], "round {round}");
        }
    });
}

#[test]
fn heirs_are_killed_and_panic_as_others_do() {
    support::hub(|| {
        let tally = Tally::new();
        for _ in 0..10 {
            spawn(|| ());
            let killed = spawn({
                let held = tally.one();
                move || {
                    let _held = held;
                    thread::park();
                }
            });
            let never = spawn({
                let held = tally.one();
                move || drop(held)
            });
            let panics = spawn({
                let held = tally.one();
                move || {
                    let _held = held;
                    panic!("an heir")
                }
            });
            never.kill();
            yield_now();
            killed.kill();
            assert!(killed.join().unwrap_err().is_killed());
            assert!(never.join().unwrap_err().is_killed());
            assert_eq!(panics.join().unwrap_err().message(), "an heir");
            assert_eq!(tally.alive(), 0);
        }
    });
}

#[test]
fn an_heir_has_its_own_values_and_its_own_greenlets() {
    greenroom::green_local! { static MINE: Cell<u32> = Cell::new(0); }
    support::hub(|| {
        let seen: Rc<RefCell<Vec<u32>>> = Rc::default();
        for number in 1..=4 {
            let seen = seen.clone();
            spawn(move || {
                MINE.with(|mine| {
                    seen.borrow_mut().push(mine.get());
                    mine.set(number);
                });
                let mut inner = Generator::new(move |y: &Yielder<u32, ()>, ()| y.yield_(number));
                assert_eq!(inner.send(()), Resumed::Yielded(number));
            });
        }
        yield_now();
        assert_eq!(*seen.borrow(), [0; 4]);
    });
}

#[test]
fn another_size_of_stack_is_not_inherited() {
    fn deep(kib: usize) -> u8 {
        let frame = std::hint::black_box([1_u8; 1024]);
        if kib == 0 { frame[0] } else { deep(kib - 1).wrapping_add(frame[1023]) }
    }
    support::hub(|| {
        for _ in 0..3 {
            spawn(|| ());
            let large = Builder::new().stack_size(4 << 20).spawn(|| deep(1500)).unwrap();
            let small = Builder::new().stack_size(32 << 10).spawn(|| ()).unwrap();
            let large_again = Builder::new().stack_size(4 << 20).spawn(|| deep(1500)).unwrap();
            assert_eq!(large.join().unwrap(), large_again.join().unwrap());
            small.join().unwrap();
        }
    });
}

#[test]
fn an_endless_line_of_heirs_starves_nobody() {
    fn next(stop: &Rc<Cell<bool>>) {
        if !stop.get() {
            let stop = stop.clone();
            spawn(move || next(&stop));
        }
    }
    support::hub(|| {
        let stop = Rc::new(Cell::new(false));
        next(&stop);
        // A timer needs a look outside; the root needs its turn.
        sleep(ms(2));
        stop.set(true);
        yield_now();
    });
}

#[test]
fn a_turn_runs_those_who_are_ready_each_once() {
    support::guard(|| {
        let runtime = Runtime::new().unwrap();
        let ran = Rc::new(Cell::new(0));
        for _ in 0..5 {
            let ran = ran.clone();
            drop(runtime.spawn(move || ran.set(ran.get() + 1)));
        }
        let turn = runtime.turn(Some(ms(0))).unwrap();
        assert_eq!((turn.ran, turn.alive, ran.get()), (5, 0, 5));
    });
}

#[test]
fn heirs_that_are_parked_when_their_hub_ends_unwind() {
    support::guard(|| {
        let tally = Tally::new();
        greenroom::run(|| {
            for _ in 0..5 {
                spawn(|| ());
                let held = tally.one();
                Builder::new()
                    .daemon(true)
                    .spawn(move || {
                        let _held = held;
                        thread::park();
                    })
                    .unwrap();
            }
            yield_now();
            assert_eq!(tally.alive(), 5);
        });
        assert_eq!(tally.alive(), 0);
    });
}

#[test]
fn a_crowd_that_comes_and_goes_maps_its_stacks_once() {
    // What this OS thread touches for the first time. The maps of the process would tell of all its OS threads.
    let faults = || -> usize {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, after_the_name) = stat.rsplit_once(')').unwrap();
        after_the_name.split_whitespace().nth(7).unwrap().parse().unwrap()
    };
    support::hub(|| {
        let crowd = || {
            let handles: Vec<_> = (0..500).map(|_| spawn(thread::park)).collect();
            yield_now();
            handles.iter().for_each(|handle| handle.thread().unpark());
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        };
        crowd();
        let before = faults();
        (0..5).for_each(|_| crowd());
        let more = faults() - before;
        // One a stack, if they were mapped anew. The allocator may give some of its own pages back in between.
        assert!(more < 1_500, "{more} page faults for five crowds of 500");
    });
}
