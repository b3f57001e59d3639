//! The cases: what must hold in whatever order green threads run.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use greenroom::greenlet::Greenlet;
use greenroom::pool::Pool;
use greenroom::queue::Queue;
use greenroom::sync::{Barrier, Condvar, Event, Mutex, Semaphore};
use greenroom::thread::{self, Thread};
use greenroom::time::Timer;
use greenroom::{
    JoinHandle, iwait, joinall, killall, scope, sleep, spawn, spawn_later, timeout, wait, yield_now,
};

use super::{MANY, under_seeds};
use crate::support::{Log, OnDrop, Tally, ms};

#[test]
fn a_lock_is_held_by_one_at_a_time_and_handed_over_in_the_order_of_asking() {
    under_seeds(MANY, || {
        let (asked, got) = (Log::new(), Log::new());
        let (lock, inside) = (Rc::new(Mutex::new(0)), Rc::new(Cell::new(0)));
        let children = (0..6).map(|n| {
            let (asked, got, lock, inside) = (asked.clone(), got.clone(), lock.clone(), inside.clone());
            spawn(move || {
                for round in 0..3 {
                    asked.push(format!("{n}.{round}"));
                    let mut count = lock.lock();
                    got.push(format!("{n}.{round}"));
                    assert_eq!(inside.replace(1), 0, "two inside");
                    yield_now();
                    *count += 1;
                    inside.set(0);
                }
            })
        });
        let ended = joinall(children);
        assert!(ended.iter().all(Result::is_ok));
        assert_eq!(*lock.lock(), 18);
        assert_eq!(got.words(), asked.words());
    });
}

#[test]
fn a_lock_whose_waiters_are_killed_goes_to_the_others_and_is_free_at_the_end() {
    under_seeds(MANY, || {
        let (lock, held) = (Rc::new(Mutex::new(())), Tally::new());
        let children: Vec<_> = (0..8)
            .map(|_| {
                let (lock, held) = (lock.clone(), held.clone());
                spawn(move || {
                    let _held = lock.lock();
                    let _one = held.one();
                    assert_eq!(held.alive(), 1, "two inside");
                    yield_now();
                    yield_now();
                })
            })
            .collect();
        let killer = |n: usize| children.iter().skip(n).step_by(3).for_each(JoinHandle::kill);
        yield_now();
        killer(1);
        yield_now();
        killer(0);
        let ends: Vec<_> = joinall(children).into_iter().map(|end| end.is_ok()).collect();
        assert!([2, 5].iter().all(|n| ends[*n]), "{ends:?}");
        assert!(lock.try_lock().is_some(), "nobody has it");
    });
}

#[test]
fn who_waits_for_a_lock_until_the_moment_it_is_let_go_gets_it_or_not_but_it_is_not_lost() {
    under_seeds(MANY, || {
        let lock = Rc::new(Mutex::new(0));
        let owner = {
            let lock = lock.clone();
            spawn(move || {
                let _held = lock.lock();
                sleep(ms(5));
            })
        };
        let waiters: Vec<_> = (3..8)
            .map(|limit| {
                let lock = lock.clone();
                spawn(move || match lock.lock_timeout(ms(limit)) {
                    Some(mut count) => {
                        *count += 1;
                        true
                    }
                    None => false,
                })
            })
            .collect();
        let scoped = {
            let lock = lock.clone();
            spawn(move || timeout(ms(5), || *lock.lock() += 1).is_ok())
        };
        owner.join().unwrap();
        let got =
            joinall(waiters).into_iter().chain([scoped.join()]).filter(|end| *end.as_ref().unwrap()).count();
        assert_eq!(lock.try_lock().map(|count| *count), Some(got));
    });
}

#[test]
fn a_timeout_wins_or_loses_against_the_end_of_its_body_and_never_strikes_later() {
    under_seeds(MANY, || {
        let children = (0..6_u64).map(|n| {
            spawn(move || {
                let ended = timeout(ms(5), || sleep(ms(3 + n % 4)));
                assert!(n % 4 > 1 || ended.is_ok(), "{n}: it was over before");
                assert!(n % 4 < 3 || ended.is_err(), "{n}: it was not over");
                sleep(ms(10));
            })
        });
        assert!(joinall(children).iter().all(Result::is_ok));
    });
}

#[test]
fn every_join_gets_the_result_of_its_own_thread() {
    under_seeds(MANY, || {
        fn sum(depth: u32) -> u32 {
            if depth == 0 {
                yield_now();
                return 1;
            }
            let (one, other) = (spawn(move || sum(depth - 1)), spawn(move || sum(depth - 1)));
            other.join().unwrap() + one.join().unwrap() + 1
        }
        assert_eq!(sum(3), 15);
    });
}

#[test]
fn several_that_wait_for_one_end_all_learn_of_it() {
    under_seeds(MANY, || {
        let slow = Rc::new(spawn(|| sleep(ms(2))));
        let (seen, linked) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let children: Vec<_> = (0..5_u64)
            .map(|n| {
                let (slow, seen) = (slow.clone(), seen.clone());
                spawn(move || {
                    if n < 3 {
                        slow.wait();
                    } else {
                        slow.wait_timeout(ms(n));
                    }
                    seen.set(seen.get() + usize::from(slow.is_finished()));
                })
            })
            .collect();
        let tells = linked.clone();
        spawn(|| sleep(ms(2))).link(move |_| tells.set(true));
        joinall(children);
        sleep(ms(1));
        assert_eq!((seen.get(), linked.get()), (5, true));
    });
}

#[test]
fn no_token_of_an_unpark_is_lost() {
    under_seeds(MANY, || {
        let ring: Rc<RefCell<Vec<Thread>>> = Rc::default();
        let children: Vec<_> = (0..4)
            .map(|n| {
                let ring = ring.clone();
                spawn(move || {
                    for _ in 0..5 {
                        thread::park();
                        ring.borrow()[(n + 1) % 4].unpark();
                    }
                })
            })
            .collect();
        ring.borrow_mut().extend(children.iter().map(|child| child.thread().clone()));
        ring.borrow()[0].unpark();
        // One token goes round; the last of the five rounds leaves it with somebody who has ended.
        assert!(joinall(children).iter().all(Result::is_ok));
    });
}

#[test]
fn a_storm_of_kills_unwinds_everybody_once() {
    under_seeds(MANY, || {
        let tally = Tally::new();
        let lock = Rc::new(Mutex::new(()));
        let children: Vec<_> = (0..9_u64)
            .map(|n| {
                let (tally, lock) = (tally.clone(), lock.clone());
                spawn(move || {
                    let _counted = tally.one();
                    let _unlocks = OnDrop(|| drop(lock.lock()));
                    match n % 4 {
                        0 => sleep(Duration::from_secs(3_600)),
                        1 => thread::park(),
                        2 => (0..1_000).for_each(|_| yield_now()),
                        _ => drop(spawn(|| sleep(ms(7))).join()),
                    }
                })
            })
            .collect();
        (0..3).for_each(|_| yield_now());
        let all: Rc<Vec<_>> = Rc::new(children);
        let assassins: Vec<_> = (0..3).map(|_| all.clone()).map(|all| spawn(move || killall(&all))).collect();
        joinall(assassins);
        assert!(all.iter().all(JoinHandle::is_finished));
        assert_eq!(tally.alive(), 0);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn a_scope_that_is_killed_has_outlived_its_children() {
    under_seeds(MANY, || {
        let tally = Tally::new();
        let parent = {
            let tally = tally.clone();
            spawn(move || {
                let _last = OnDrop(|| assert_eq!(tally.alive(), 0, "a child outlived its scope"));
                scope(|s| {
                    for n in 0..4 {
                        let tally = &tally;
                        s.spawn(move || {
                            let _counted = tally.one();
                            sleep(ms(n));
                            thread::park();
                        });
                    }
                    sleep(ms(2));
                });
            })
        };
        let killer = spawn_later(ms(2), || ());
        killer.wait();
        parent.kill();
        assert!(parent.join().is_err_and(|error| error.is_killed()));
        assert_eq!(tally.alive(), 0);
    });
}

#[test]
fn each_of_several_is_returned_once() {
    under_seeds(MANY, || {
        let children: Vec<_> = (0..5).map(|n| spawn(move || sleep(ms(n % 2)))).collect();
        let objects: Vec<&dyn greenroom::Waitable> = children.iter().map(|child| child as _).collect();
        let two = wait(&objects, None, Some(2));
        assert_eq!(two.len(), 2);
        let mut all: Vec<_> = iwait(&objects).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_timer_that_is_cancelled_in_time_does_not_fire() {
    under_seeds(MANY, || {
        let fired = Rc::new(Cell::new(0));
        let timers: Vec<_> = (0..4_u64)
            .map(|n| {
                let fired = fired.clone();
                Timer::new(ms(n), move || fired.set(fired.get() + 1))
            })
            .collect();
        let cancels = spawn(move || {
            sleep(ms(2));
            timers.iter().filter(|timer| timer.cancel()).count()
        });
        let cancelled = cancels.join().unwrap();
        sleep(ms(5));
        assert_eq!(fired.get() + cancelled, 4);
    });
}

#[test]
fn greenlets_of_several_green_threads_do_not_meet() {
    under_seeds(MANY, || {
        let children = (0..4_u32).map(|n| {
            spawn(move || {
                let inner = Greenlet::<u32>::new(move |first: u32| {
                    yield_now();
                    let parent = Greenlet::<u32>::current().parent().expect("who made it");
                    let second = parent.switch(first + 1);
                    sleep(ms(1));
                    second + 1
                });
                assert_eq!(inner.switch(n * 10), n * 10 + 1);
                yield_now();
                assert_eq!(inner.switch(n * 100), n * 100 + 1);
            })
        });
        assert!(joinall(children).iter().all(Result::is_ok));
    });
}

#[test]
fn a_condition_wakes_as_many_as_it_was_notified_for_though_some_are_killed() {
    under_seeds(MANY, || {
        let stock = Rc::new((Mutex::new(0), Condvar::new()));
        let taken = Rc::new(Cell::new(0));
        let consumers: Vec<_> = (0..6)
            .map(|_| {
                let (stock, taken) = (stock.clone(), taken.clone());
                spawn(move || {
                    let mut left = stock.1.wait_while(stock.0.lock(), |left| *left == 0);
                    *left -= 1;
                    taken.set(taken.get() + 1);
                })
            })
            .collect();
        let producer = {
            let stock = stock.clone();
            spawn(move || {
                for _ in 0..4 {
                    *stock.0.lock() += 1;
                    stock.1.notify_one();
                    yield_now();
                }
            })
        };
        yield_now();
        consumers[0].kill();
        yield_now();
        consumers[1].kill();
        producer.join().unwrap();
        sleep(ms(1));
        // Of four goods, all are taken: those who were notified and killed have passed it on.
        assert_eq!((taken.get(), *stock.0.lock()), (4, 0));
        killall(&consumers);
    });
}

#[test]
fn permits_of_those_who_are_killed_or_give_up_come_back() {
    under_seeds(MANY, || {
        let (permits, inside) = (Rc::new(Semaphore::new(2)), Rc::new(Cell::new(0)));
        let children: Vec<_> = (0..8_u64)
            .map(|n| {
                let (permits, inside) = (permits.clone(), inside.clone());
                spawn(move || {
                    let permit =
                        if n % 2 == 0 { Some(permits.acquire()) } else { permits.acquire_timeout(ms(n)) };
                    if permit.is_none() {
                        return;
                    }
                    inside.set(inside.get() + 1);
                    let _leaves = OnDrop(|| inside.set(inside.get() - 1));
                    assert!(inside.get() <= 2, "more inside than there are permits");
                    sleep(ms(2));
                })
            })
            .collect();
        sleep(ms(1));
        children.iter().step_by(3).for_each(JoinHandle::kill);
        sleep(ms(2));
        children[2].kill();
        let failed =
            joinall(children).into_iter().filter(|end| end.as_ref().is_err_and(|e| e.is_panic())).count();
        assert_eq!((failed, permits.available_permits(), inside.get()), (0, 2, 0));
    });
}

#[test]
fn everybody_passes_an_event_and_a_barrier() {
    under_seeds(MANY, || {
        let (event, barrier, leaders) =
            (Rc::new(Event::new()), Rc::new(Barrier::new(4)), Rc::new(Cell::new(0)));
        let children: Vec<_> = (0..4)
            .map(|_| {
                let (event, barrier, leaders) = (event.clone(), barrier.clone(), leaders.clone());
                spawn(move || {
                    event.wait();
                    for _ in 0..3 {
                        let led = barrier.wait().is_leader();
                        leaders.set(leaders.get() + usize::from(led));
                    }
                })
            })
            .collect();
        spawn(move || event.set());
        assert!(joinall(children).iter().all(Result::is_ok));
        assert_eq!(leaders.get(), 3);
    });
}

#[test]
fn a_pool_never_has_more_members_than_places_and_loses_no_result() {
    under_seeds(MANY, || {
        let (pool, inside) = (Pool::new(2), Rc::new(Cell::new(0)));
        let counted = inside.clone();
        let squares = pool.map(0..6_u64, move |n| {
            counted.set(counted.get() + 1);
            assert!(counted.get() <= 2, "more members than places");
            sleep(ms(n % 3));
            counted.set(counted.get() - 1);
            n * n
        });
        assert_eq!(squares, [0, 1, 4, 9, 16, 25]);
        let mut unordered: Vec<u64> = pool
            .imap_unordered(0..6_u64, |n| {
                sleep(ms(n % 2));
                n
            })
            .map(Result::unwrap)
            .collect();
        unordered.sort_unstable();
        assert_eq!(unordered, [0, 1, 2, 3, 4, 5]);
        assert_eq!((pool.len(), inside.get()), (0, 0));
    });
}

#[test]
fn what_is_put_into_a_queue_comes_out_once_though_some_who_wait_are_killed() {
    under_seeds(MANY, || {
        let queue = Queue::bounded(2);
        let got = Rc::new(RefCell::new(Vec::new()));
        let consumers: Vec<_> = (0..4)
            .map(|_| {
                let (queue, got) = (queue.clone(), got.clone());
                spawn(move || {
                    while let Ok(item) = queue.get() {
                        got.borrow_mut().push(item);
                    }
                })
            })
            .collect();
        let producers: Vec<_> = (0..2)
            .map(|n| {
                let queue = queue.clone();
                spawn(move || (0..5).for_each(|item| queue.put(n * 10 + item).unwrap()))
            })
            .collect();
        yield_now();
        consumers[0].kill();
        yield_now();
        consumers[1].kill();
        assert!(joinall(producers).iter().all(Result::is_ok));
        queue.close();
        joinall(consumers);
        let mut all = got.take();
        // What a killed one was handed may come back after the others have seen the queue closed and empty.
        all.extend(std::iter::from_fn(|| queue.try_get().ok()));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
    });
}
