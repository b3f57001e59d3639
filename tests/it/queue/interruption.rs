//! Waits for room or for an item that end otherwise.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenroom::wait::{joinall, killall};
use greenroom::{JoinHandle, Runtime, sleep, spawn, timeout, yield_now};

use crate::support::{self, OnDrop, Tally, ms};

/// Parked in `get`.
fn getter(queue: &Queue<u32>) -> JoinHandle<Result<u32, GetError>> {
    let queue = queue.clone();
    let getter = spawn(move || queue.get());
    yield_now();
    getter
}

/// Parked in `put`.
fn putter(queue: &Queue<u32>, n: u32) -> JoinHandle<Result<(), PutError<u32>>> {
    let queue = queue.clone();
    let putter = spawn(move || queue.put(n));
    yield_now();
    putter
}

fn full() -> Queue<u32> {
    let queue = Queue::bounded(1);
    queue.put(0).unwrap();
    queue
}

#[test]
fn a_killed_getter_takes_nothing_with_it() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let (first, second) = (getter(&queue), getter(&queue));
        first.kill();
        yield_now();
        queue.put(1).unwrap();
        assert_eq!(second.join().unwrap(), Ok(1));
        assert!(first.join().unwrap_err().is_killed());
    });
}

#[test]
fn an_item_handed_to_a_getter_that_is_killed_goes_to_the_next_that_waits() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let (first, second) = (getter(&queue), getter(&queue));
        first.kill();
        queue.put(1).unwrap();
        // It is in the hands of the first now, which has yet to unwind.
        assert!(queue.is_empty());
        assert_eq!(second.join().unwrap(), Ok(1));
        assert!(first.join().unwrap_err().is_killed());
        assert_eq!((queue.len(), queue.unfinished()), (0, 1));
    });
}

#[test]
fn items_handed_to_getters_that_are_killed_go_back_in_their_order() {
    support::hub(|| {
        for backwards in [false, true] {
            let queue = Queue::bounded(2);
            let mut getters = [getter(&queue), getter(&queue), getter(&queue)];
            if backwards {
                getters.reverse();
            }
            getters.iter().for_each(JoinHandle::kill);
            (1..=5).for_each(|n| queue.put(n).unwrap());
            drop(joinall(getters));
            assert_eq!((queue.len(), queue.is_full(), queue.unfinished()), (2, true, 5));
            let late = putter(&queue, 6);
            assert_eq!(queue.get(), Ok(1));
            yield_now();
            assert!(!late.is_finished(), "it holds more than it may still");
            assert_eq!([(); 5].map(|()| queue.get().unwrap()), [2, 3, 4, 5, 6]);
            late.join().unwrap().unwrap();
        }
    });
}

#[test]
fn items_go_back_where_each_kind_looks_first() {
    support::hub(|| {
        let (lifo, priority) = (LifoQueue::unbounded(), PriorityQueue::unbounded());
        let one = spawn({
            let lifo = lifo.clone();
            move || lifo.get().map_or((), drop)
        });
        let other = spawn({
            let priority = priority.clone();
            move || priority.get().map_or((), drop)
        });
        yield_now();
        one.kill();
        other.kill();
        for n in [(5, 'a'), (5, 'b'), (1, 'c')] {
            lifo.put(n).unwrap();
            priority.put(n).unwrap();
        }
        killall(&[one, other]);
        assert_eq!(lifo.close_now(), [(5, 'a'), (1, 'c'), (5, 'b')]);
        assert_eq!(priority.peek(), Some((1, 'c')));
        assert_eq!(priority.close_now(), [(1, 'c'), (5, 'a'), (5, 'b')]);
    });
}

#[test]
fn a_rendezvous_item_of_a_killed_getter_is_there_for_the_next() {
    support::hub(|| {
        let queue = Queue::bounded(0);
        let victim = getter(&queue);
        victim.kill();
        queue.put(1).unwrap();
        drop(victim.join());
        assert_eq!((queue.len(), queue.unfinished()), (0, 1));
        let late = putter(&queue, 2);
        assert_eq!(queue.get(), Ok(1));
        assert!(!late.is_finished());
        assert_eq!(queue.get(), Ok(2));
        late.join().unwrap().unwrap();
    });
}

#[test]
fn a_putter_that_is_killed_puts_nothing_and_drops_its_value() {
    support::hub(|| {
        let tally = Tally::new();
        let queue = Queue::bounded(1);
        assert!(queue.put(tally.one()).is_ok());
        let victim = spawn({
            let (queue, value) = (queue.clone(), tally.one());
            move || drop(queue.put(value))
        });
        yield_now();
        victim.kill();
        drop(victim.join());
        assert_eq!((tally.alive(), queue.len(), queue.unfinished()), (1, 1, 1));
        drop(queue.get());
        assert!(queue.try_get().is_err());
    });
}

#[test]
fn a_putter_that_is_killed_after_it_was_let_in_has_put() {
    support::hub(|| {
        for capacity in [0, 1] {
            let queue = Queue::bounded(capacity);
            (0..capacity as u32).for_each(|_| queue.put(7).unwrap());
            let victim = putter(&queue, 7);
            victim.kill();
            assert_eq!(queue.get(), Ok(7));
            assert!(victim.join().unwrap_err().is_killed());
            assert_eq!((queue.len(), queue.unfinished()), (capacity, capacity + 1));
        }
    });
}

#[test]
fn a_cancel_gives_the_value_back() {
    support::hub(|| {
        let queue = full();
        let (putting, getting) = (putter(&queue, 1), getter(&Queue::unbounded()));
        putting.cancel();
        getting.cancel();
        assert_eq!(putting.join().unwrap(), Err(PutError::Interrupted(1)));
        assert_eq!(getting.join().unwrap(), Err(GetError::Interrupted));
        assert_eq!(queue.len(), 1);
    });
}

#[test]
fn what_came_before_a_cancel_counts() {
    support::hub(|| {
        let (queue, empty) = (full(), Queue::unbounded());
        let (putting, getting) = (putter(&queue, 1), getter(&empty));
        queue.get().unwrap();
        empty.put(9).unwrap();
        putting.cancel();
        getting.cancel();
        assert_eq!((putting.join().unwrap(), getting.join().unwrap()), (Ok(()), Ok(9)));
        assert_eq!(queue.get(), Ok(1));
    });
}

#[test]
fn what_came_before_a_kill_counts_and_the_next_wait_unwinds() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let victim = getter(&queue);
        queue.put(1).unwrap();
        victim.kill();
        assert_eq!(victim.join().unwrap(), Ok(1));
    });
}

#[test]
fn a_cancelled_thread_may_still_do_what_need_not_wait() {
    support::hub(|| {
        let queue = full();
        let cancelled = spawn({
            let queue = queue.clone();
            move || {
                sleep(ms(60_000));
                (queue.get(), queue.put(1), queue.put(2), queue.get(), queue.get())
            }
        });
        yield_now();
        cancelled.cancel();
        let done = cancelled.join().unwrap();
        assert_eq!(done, (Ok(0), Ok(()), Err(PutError::Interrupted(2)), Ok(1), Err(GetError::Interrupted)));
    });
}

#[test]
fn a_timeout_gives_the_value_back_and_is_the_scopes_error() {
    support::virtual_hub(|| {
        let queue = full();
        let note = RefCell::new(None);
        let scope = timeout(ms(1), || *note.borrow_mut() = Some(queue.put(1)));
        assert!(scope.is_err());
        assert_eq!(note.take(), Some(Err(PutError::Interrupted(1))));
        let empty = Queue::<u8>::unbounded();
        assert!(timeout(ms(1), || assert_eq!(empty.get(), Err(GetError::Interrupted))).is_err());
        assert!(timeout(ms(1), || assert_eq!(empty.iter().next(), None)).is_err());
    });
}

#[test]
fn a_deadline_that_meets_a_told_waiter_comes_too_late() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let getting = spawn({
            let queue = queue.clone();
            move || queue.get_timeout(ms(2))
        });
        yield_now();
        queue.put(1).unwrap();
        // Its time passes before it runs.
        std::thread::sleep(ms(4));
        assert_eq!(getting.join().unwrap(), Ok(1));
        let queue = full();
        let putting = spawn({
            let queue = queue.clone();
            move || queue.put_timeout(1, ms(2))
        });
        yield_now();
        queue.get().unwrap();
        std::thread::sleep(ms(4));
        assert_eq!(putting.join().unwrap(), Ok(()));
    });
}

#[test]
fn an_item_that_comes_after_the_expiry_of_the_getters_scope_is_not_dropped_with_its_result() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let putting = spawn({
            let queue = queue.clone();
            move || {
                sleep(ms(1));
                queue.put(1).unwrap();
            }
        });
        let getting = spawn({
            let queue = queue.clone();
            move || timeout(ms(2), || queue.get())
        });
        yield_now();
        // Both are due now: the putter runs first, and finds the getter in the line.
        std::thread::sleep(ms(4));
        putting.join().unwrap();
        assert!(getting.join().unwrap().is_err());
        assert_eq!(queue.try_get(), Ok(1));
    });
}

#[test]
fn who_unwinds_does_not_wait_but_may_put_and_get() {
    support::virtual_hub(|| {
        let queue = full();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let victim = spawn({
            let (queue, seen) = (queue.clone(), seen.clone());
            move || {
                let _on_drop = OnDrop(move || {
                    let mut seen = seen.borrow_mut();
                    seen.push(format!("{:?}", queue.put(1)));
                    seen.push(format!("{:?}", queue.get()));
                    seen.push(format!("{:?}", queue.get()));
                    seen.push(format!("{:?}", queue.put(2)));
                    queue.join();
                    seen.push(format!("{:?}", queue.join_timeout(Duration::MAX)));
                });
                sleep(ms(60_000));
            }
        });
        yield_now();
        victim.kill();
        drop(victim.join());
        assert_eq!(
            *seen.borrow(),
            ["Interrupted(..)", "Ok(0)", "Err(Interrupted)", "Ok(())", "false"]
                .map(|word| { if word == "Interrupted(..)" { "Err(Interrupted(..))" } else { word } })
        );
        assert_eq!(queue.get(), Ok(2));
    });
}

#[test]
fn waiters_that_leave_the_middle_leave_the_rest_in_order() {
    support::hub(|| {
        let queue = full();
        let putters: Vec<_> = (1..=6).map(|n| putter(&queue, n)).collect();
        [1, 3, 5].iter().for_each(|n| putters[*n].kill());
        yield_now();
        let got: Vec<_> = [(); 4].map(|()| queue.get().unwrap()).to_vec();
        assert_eq!(got, [0, 1, 3, 5]);
        drop(joinall(putters));
        assert!(queue.is_empty());
    });
}

#[test]
fn at_the_end_of_a_hub_what_was_handed_over_is_still_there() {
    support::watch(|| {
        let runtime = Runtime::new().unwrap();
        let (queue, room) = (Queue::unbounded(), full());
        let (one, _two, _three) = (getter(&queue), getter(&queue), putter(&room, 1));
        one.kill();
        queue.put(1).unwrap();
        drop(runtime);
        assert_eq!((queue.try_get(), queue.try_get()), (Ok(1), Err(GetError::Empty)));
        assert_eq!((room.try_get(), room.try_get()), (Ok(0), Err(GetError::Empty)));
    });
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_under_random_interruption() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for capacity in [0, 1, 3] {
        support::hub(|| {
            for _ in 0..150 {
                let queue = Queue::bounded(capacity);
                let (put, got) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
                let mut all = Vec::new();
                for n in 0..40_u32 {
                    let (queue, put, got) = (queue.clone(), put.clone(), got.clone());
                    all.push(match n % 2 {
                        0 => spawn(move || {
                            let accepted = queue.put(n).is_ok();
                            put.borrow_mut().extend(accepted.then_some(n));
                        }),
                        _ => spawn(move || {
                            let item = queue.get().ok();
                            got.borrow_mut().extend(item);
                        }),
                    });
                    match next(6) {
                        0 => all[next(u64::from(n) + 1) as usize].kill(),
                        1 => all[next(u64::from(n) + 1) as usize].cancel(),
                        2 => yield_now(),
                        _ => {}
                    }
                }
                sleep(Duration::from_micros(1));
                let held = queue.len();
                let accepted = queue.unfinished();
                let mut seen = got.take();
                queue.close();
                // What came back from the dead may be one more than fits.
                while let Ok(n) = queue.try_get() {
                    seen.push(n);
                }
                drop(joinall(all));
                seen.extend(got.take());
                let put = put.take();
                assert!(put.iter().all(|n| seen.contains(n)), "put {put:?}, seen {seen:?}, held {held}");
                assert_eq!(seen.len(), accepted, "accepted and seen");
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), accepted, "each once");
            }
        });
    }
}

#[test]
fn an_item_that_comes_back_late_is_before_those_that_were_put_later_though_an_earlier_one_was_taken() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let taken = Rc::new(RefCell::new(Vec::new()));
        let (theirs, place) = (queue.clone(), taken.clone());
        let first = spawn(move || {
            // Takes what has just come back from its own wait.
            let _takes = OnDrop(|| place.borrow_mut().extend(theirs.try_get()));
            theirs.get()
        });
        yield_now();
        let second = getter(&queue);
        // Killed first: who was handed something before the kill came keeps it.
        first.kill();
        second.kill();
        for n in 1..=3 {
            queue.put(n).unwrap();
        }
        joinall([first, second]);
        assert_eq!(taken.take(), [1]);
        assert_eq!((queue.get(), queue.get()), (Ok(2), Ok(3)));
    });
}

#[test]
fn an_item_of_one_who_is_left_standing_at_the_end_of_its_os_thread_goes_back() {
    support::guard(|| {
        let queue = Queue::unbounded();
        let theirs = queue.clone();
        // The implicit hub of that OS thread leaves everybody standing.
        std::thread::spawn(move || {
            let never_runs_again = getter(&theirs);
            theirs.put(7).unwrap();
            assert_eq!((theirs.len(), never_runs_again.is_finished()), (0, false));
        })
        .join()
        .unwrap();
        assert_eq!(queue.try_get(), Ok(7));
    });
}
