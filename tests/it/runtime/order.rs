//! Who runs when: first in first out, nobody starves, a seed can be played again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::thread::{self, Builder};
use greenroom::time::Timer;
use greenroom::{Runtime, sleep, spawn, yield_now};

use crate::support::{self, Log, ms};

/// reliability.md, B5.
#[test]
fn a_thousand_run_in_the_order_of_their_spawn_and_then_round_robin() {
    support::hub(|| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let all: Vec<_> = (0..1_000)
            .map(|n| {
                let order = order.clone();
                spawn(move || {
                    for _ in 0..3 {
                        order.borrow_mut().push(n);
                        yield_now();
                    }
                })
            })
            .collect();
        greenroom::joinall(all);
        let expected: Vec<_> = (0..1_000).cycle().take(3_000).collect();
        assert_eq!(*order.borrow(), expected);
    });
}

#[test]
fn the_root_takes_its_turn_among_the_others() {
    support::hub(|| {
        let log = Log::new();
        let words = log.clone();
        let child = spawn(move || {
            for _ in 0..3 {
                words.push("child");
                yield_now();
            }
        });
        for _ in 0..3 {
            log.push("root");
            yield_now();
        }
        child.join().unwrap();
        assert_eq!(log.words(), ["root", "child", "root", "child", "root", "child"]);
    });
}

/// reliability.md, P7: the hub looks at timers and sockets at least every 61 switches.
#[test]
fn a_timer_gets_its_turn_while_two_others_yield_for_ever() {
    support::hub(|| {
        let yields = Rc::new(Cell::new(0_u64));
        for _ in 0..2 {
            let count = yields.clone();
            let busy = move || {
                loop {
                    count.set(count.get() + 1);
                    yield_now();
                }
            };
            Builder::new().daemon(true).spawn(busy).unwrap();
        }
        let sleeper = {
            let yields = yields.clone();
            spawn(move || {
                let due = Instant::now() + ms(1);
                thread::sleep_until(due);
                yields.get()
            })
        };
        while !sleeper.is_finished() {
            yield_now();
        }
        sleeper.join().unwrap();

        // Due already, so only the hub's own look is waited for: 61 switches, and each runs one of three.
        let before = yields.get();
        let woken = {
            let yields = yields.clone();
            spawn(move || {
                sleep(Duration::from_nanos(1));
                yields.get()
            })
        };
        let after = woken.join().unwrap();
        assert!(after - before <= 4 * 61, "{} yields until the timer's turn", after - before);
    });
}

#[test]
fn a_wake_up_from_another_os_thread_gets_its_turn_while_others_yield_for_ever() {
    support::hub(|| {
        for _ in 0..2 {
            let busy = || {
                loop {
                    yield_now();
                }
            };
            Builder::new().daemon(true).spawn(busy).unwrap();
        }
        let parked = spawn(thread::park);
        let target = parked.thread().clone();
        let other = std::thread::spawn(move || {
            std::thread::sleep(ms(2));
            target.unpark();
        });
        parked.join().unwrap();
        other.join().unwrap();
    });
}

/// The order in which green threads run that yield, park and wake each other.
fn trace(seed: Option<u64>) -> Vec<u32> {
    let builder = match seed {
        Some(seed) => Runtime::builder().seed(seed),
        None => Runtime::builder(),
    };
    let order = Rc::new(RefCell::new(Vec::new()));
    builder.build().unwrap().run(|| {
        let all: Rc<RefCell<Vec<thread::Thread>>> = Rc::default();
        let children: Vec<_> = (0..30_u32)
            .map(|n| {
                let (order, all) = (order.clone(), all.clone());
                spawn(move || {
                    for round in 0..4 {
                        order.borrow_mut().push(n * 10 + round);
                        all.borrow()[(n as usize + 7) % 30].unpark();
                        if n % 3 == round % 3 { thread::park() } else { yield_now() }
                    }
                })
            })
            .collect();
        all.borrow_mut().extend(children.iter().map(|child| child.thread().clone()));
        while children.iter().any(|child| !child.is_finished()) {
            all.borrow().iter().for_each(thread::Thread::unpark);
            yield_now();
        }
    });
    order.take()
}

/// reliability.md, P27 and P32.
#[test]
fn one_seed_gives_one_order_and_others_give_others() {
    support::watch(|| {
        for seed in [0, 1, 7, u64::MAX] {
            let first = trace(Some(seed));
            assert_eq!(first.len(), 120);
            for _ in 0..10 {
                assert_eq!(trace(Some(seed)), first, "seed {seed}");
            }
        }
        let plain = trace(None);
        assert_eq!(plain, trace(None));
        let others = (1..=5).filter(|seed| trace(Some(*seed)) != plain).count();
        assert!(others >= 4, "a seed shuffles");
    });
}

#[test]
fn a_seed_starves_nobody() {
    support::watch(|| {
        Runtime::builder().seed(3).build().unwrap().run(|| {
            let all: Vec<_> = (0..50).map(|_| spawn(|| (0..20).for_each(|_| yield_now()))).collect();
            greenroom::joinall(all);
        });
    });
}

/// reliability.md, B9.
#[test]
fn waking_one_a_thousand_times_before_it_runs_wakes_it_once() {
    support::hub(|| {
        let rounds = Rc::new(Cell::new(0));
        let count = rounds.clone();
        let child = Builder::new()
            .daemon(true)
            .spawn(move || {
                loop {
                    thread::park();
                    count.set(count.get() + 1);
                }
            })
            .unwrap();
        yield_now();
        (0..1_000).for_each(|_| child.thread().unpark());
        sleep(ms(1));
        assert_eq!(rounds.get(), 1);
    });
}

#[test]
fn a_root_that_only_yields_does_not_keep_timers_away() {
    support::hub(|| {
        let rung = Rc::new(Cell::new(false));
        let bell = rung.clone();
        let timer = Timer::new(Duration::from_millis(1), move || bell.set(true));
        let begin = Instant::now();
        while !rung.get() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the timer never came");
            yield_now();
        }
        timer.join();
    });
}
