//! Go's channels; crossbeam-channel's `tests/golang.rs`, which restates Go's `test/chan/*` and `src/runtime/chan_test.go`.
//!
//! Go's `close` is `close`. Left out is what needs a `select!` of sends that wait, or of sends and receives: `select7`'s
//! `send3`, `test_self_select`, `test_pseudo_random_send`, `ken/chan`; elsewhere `try_put` on each in turn stands for it.
//! It is long as its source is: one file of the lender, one here.

use std::any::Any;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use greenroom::queue::{GetError, PutError, Queue, channel};
use greenroom::wait::wait;
use greenroom::{joinall, spawn, yield_now};

use super::{A_WHILE, Place, Side, Steps, everywhere, get_first, give_way, nap, try_get_first};
use crate::support;

/// doubleselect
#[test]
fn a_value_that_is_offered_to_four_channels_arrives_in_one() {
    const COUNT: i32 = 400;
    everywhere(|place| {
        let queues: [Queue<i32>; 4] = std::array::from_fn(|_| channel());
        let (merged, done) = (channel(), channel());
        let sender = place.go({
            let queues = queues.clone();
            move || {
                for n in 0..COUNT {
                    if !queues.iter().any(|queue| queue.try_put(n).is_ok()) {
                        queues[n as usize % 4].put(n).unwrap();
                    }
                }
                queues.iter().for_each(Queue::close);
            }
        });
        for queue in queues {
            let (merged, done) = (merged.clone(), done.clone());
            spawn(move || {
                queue.iter().for_each(|n| merged.put(n).unwrap());
                done.put(()).unwrap();
            });
        }
        spawn({
            let merged = merged.clone();
            move || {
                (0..4).for_each(|_| done.get().unwrap());
                merged.close();
            }
        });
        let mut seen = HashSet::new();
        assert!(merged.iter().all(|n| seen.insert(n)), "a value came twice");
        assert_eq!(seen.len(), COUNT as usize);
        sender.join();
    });
}

/// fifo, asynch_fifo
#[test]
fn a_buffer_is_first_in_first_out() {
    support::hub(|| {
        let queue = Queue::bounded(10);
        (0..10).for_each(|n| queue.put(n).unwrap());
        (0..10).for_each(|n| assert_eq!(queue.get(), Ok(n)));
    });
}

/// fifo, synch_fifo
#[test]
fn a_chain_of_getters_gets_in_the_order_in_which_they_are_let_go() {
    everywhere(|place| {
        let (queue, start) = (channel(), channel());
        let mut turn = start.clone();
        let links: Vec<_> = (0..10)
            .map(|n| {
                let (queue, next) = (queue.clone(), channel());
                let turn = std::mem::replace(&mut turn, next.clone());
                place.go(move || {
                    turn.get().unwrap();
                    assert_eq!(queue.get(), Ok(n));
                    next.put(1).unwrap();
                })
            })
            .collect();
        start.put(0).unwrap();
        (0..10).for_each(|n| queue.put(n).unwrap());
        assert_eq!(turn.get(), Ok(1));
        links.into_iter().for_each(Side::join);
    });
}

/// goroutines
#[test]
fn a_value_walks_down_a_line_of_a_hundred() {
    support::hub(|| {
        let leftmost = channel();
        let mut left = leftmost.clone();
        let line: Vec<_> = (0..100)
            .map(|_| {
                let right = channel();
                let to = std::mem::replace(&mut left, right.clone());
                spawn(move || to.put(right.get().unwrap() + 1).unwrap())
            })
            .collect();
        spawn(move || left.put(1).unwrap());
        assert_eq!(leftmost.get(), Ok(101));
        joinall(line);
    });
}

/// nonblock: what is tried succeeds as soon as the other side is there, for each kind of value and with a buffer or none.
#[track_caller]
fn tries_meet_the_other_side<T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static>(values: [T; 2]) {
    everywhere(|place| {
        for room in 0..2 {
            let queue = Queue::bounded(room);
            assert_eq!(queue.try_get(), Err(GetError::Empty));
            let getter = place.go({
                let queue = queue.clone();
                move || queue.get()
            });
            while queue.try_put(values[0].clone()).is_err() {
                nap(A_WHILE);
            }
            assert_eq!(getter.join(), Ok(values[0].clone()));
            let putter = place.go({
                let (queue, value) = (queue.clone(), values[1].clone());
                move || queue.put(value)
            });
            let got = std::iter::repeat_with(|| {
                nap(A_WHILE);
                queue.try_get()
            });
            assert_eq!(got.into_iter().find(Result::is_ok), Some(Ok(values[1].clone())));
            putter.join().unwrap();
        }
    });
}

/// nonblock
#[test]
fn tries_of_numbers_meet_the_other_side() {
    tries_meet_the_other_side([123_i32, 234]);
    tries_meet_the_other_side([123_456_i64, 234_567]);
}

/// nonblock
#[test]
fn tries_of_truths_meet_the_other_side() {
    tries_meet_the_other_side([true, true]);
}

/// nonblock
#[test]
fn tries_of_texts_meet_the_other_side() {
    tries_meet_the_other_side(["hello".to_owned(), "hello again".to_owned()]);
}

/// select
#[test]
fn of_two_channels_with_room_each_is_offered_one() {
    support::hub(|| {
        let (a, b) = (Queue::bounded(1), Queue::bounded(1));
        let offer = |queues: &[&Queue<u32>]| queues.iter().filter(|queue| queue.try_put(1).is_ok()).count();
        assert_eq!(offer(&[&a, &b]), 2);
        assert_eq!(offer(&[&a, &b]), 0);
        assert_eq!((a.get(), b.get()), (Ok(1), Ok(1)));
        assert_eq!(offer(&[&a]), 1);
    });
}

/// select2
///
/// The lender counts bytes; here the wait list of the silent channel is asked: its first item finds nobody left over.
#[test]
fn a_silent_channel_beside_a_busy_one_keeps_nothing_of_those_who_waited() {
    const COUNT: usize = 1_000;
    everywhere(|place| {
        let (busy, silent) = (Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let busy = busy.clone();
            move || (0..COUNT).for_each(|n| busy.put(n).unwrap())
        });
        for n in 0..COUNT {
            assert_eq!(get_first(&[&busy, &silent]), (0, Ok(n)));
        }
        other.join();
        silent.put(COUNT).unwrap();
        assert_eq!((silent.len(), silent.try_get()), (1, Ok(COUNT)));
    });
}

/// select4
#[test]
fn a_channel_with_an_item_is_chosen_over_one_without() {
    support::hub(|| {
        let (with, without) = (Queue::bounded(1), channel());
        with.put(42).unwrap();
        assert_eq!(get_first(&[&without, &with]), (1, Ok(42)));
        assert_eq!(try_get_first(&[&without, &with]), None);
    });
}

/// select6
#[test]
fn who_chose_one_channel_is_not_left_in_the_line_of_the_other() {
    everywhere(|place| {
        let (first, second, chosen) = (channel(), channel(), channel());
        let getter = spawn({
            let first = first.clone();
            move || first.get()
        });
        spawn({
            let (first, second, chosen) = (first.clone(), second.clone(), chosen.clone());
            move || {
                assert_eq!(get_first(&[&first, &second]), (1, Ok(true)));
                chosen.put(()).unwrap();
                first.get().unwrap();
            }
        });
        let other = place.go(move || second.put(true));
        chosen.get().unwrap();
        other.join().unwrap();
        first.put(false).unwrap();
        first.put(false).unwrap();
        assert_eq!(getter.join().unwrap(), Ok(false));
    });
}

/// select7, those that send plainly
///
/// By hand, who chooses takes only from one who waits: see the next test.
#[test]
fn each_way_to_get_meets_each_way_to_put() {
    let gets: [fn(&Queue<i32>); 3] = [
        |queue| assert_eq!(queue.get(), Ok(1)),
        |queue| assert_eq!(get_first(&[queue]), (0, Ok(1))),
        |queue| assert_eq!(get_first(&[queue, &Queue::bounded(1)]), (0, Ok(1))),
    ];
    let wait_to_put: fn(&Queue<i32>) = |queue| queue.put(1).unwrap();
    let try_to_put: fn(&Queue<i32>) = |queue| {
        while queue.try_put(1).is_err() {
            give_way();
        }
    };
    everywhere(|place| {
        for get in gets {
            for (room, put) in [(0, wait_to_put), (1, wait_to_put), (1, try_to_put)] {
                let queue = Queue::bounded(room);
                let other = place.go({
                    let queue = queue.clone();
                    move || {
                        give_way();
                        put(&queue);
                    }
                });
                get(&queue);
                other.join();
            }
        }
    });
}

/// select7, `send2` with a `default`
///
/// The lender's `select!` is a receive, and a `try_send` meets it. Waiting among several takes nothing here, so nobody is
/// there to take.
#[test]
fn who_waits_among_several_takes_nothing_by_hand_from_one_who_only_tries() {
    support::hub(|| {
        let queue = channel();
        let chooser = spawn({
            let queue = queue.clone();
            move || get_first(&[&queue])
        });
        yield_now();
        assert_eq!(queue.try_put(1), Err(PutError::Full(1)));
        queue.put(2).unwrap();
        assert_eq!(chooser.join().unwrap(), (0, Ok(2)));
    });
}

/// sieve1
#[test]
fn a_sieve_of_channels_finds_the_primes() {
    support::hub(|| {
        let numbers = Queue::bounded(1);
        spawn({
            let numbers = numbers.clone();
            move || (2..).take_while(|n| numbers.put(*n).is_ok()).for_each(drop)
        });
        let (mut channel, mut primes, mut all) = (numbers, Vec::new(), Vec::new());
        for _ in 0..25 {
            let prime: i32 = channel.get().unwrap();
            primes.push(prime);
            let filtered = Queue::bounded(1);
            let (from, to) = (channel.clone(), filtered.clone());
            spawn(move || {
                from.iter().filter(|n| n % prime != 0).take_while(|n| to.put(*n).is_ok()).for_each(drop);
            });
            all.push(std::mem::replace(&mut channel, filtered));
        }
        all.iter().for_each(Queue::close);
        assert_eq!(
            primes,
            [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
        );
    });
}

/// zerosize, zero_size_struct and zero_size_array
#[test]
fn values_may_have_no_size() {
    #[derive(Debug, PartialEq)]
    struct ZeroSize;
    everywhere(|place| {
        let (structs, arrays) = (channel(), Queue::unbounded());
        let other = place.go({
            let (structs, arrays) = (structs.clone(), arrays.clone());
            move || {
                (0..100).for_each(|_| arrays.put([0_u8; 0]).unwrap());
                structs.put(ZeroSize).unwrap();
            }
        });
        assert_eq!(structs.get(), Ok(ZeroSize));
        other.join();
        arrays.close();
        assert_eq!(arrays.iter().count(), 100);
    });
}

/// The capacities of `test_chan`, which are 0 to 199 there.
const CAPACITIES: [usize; 6] = [0, 1, 2, 3, 17, 199];

/// test_chan: receive from empty chan blocks
#[test]
fn a_get_from_an_empty_channel_waits_and_a_try_does_not() {
    everywhere(|place| {
        for room in CAPACITIES {
            let (queue, got) = (Queue::bounded(room), Arc::new(AtomicUsize::new(0)));
            let getters: Vec<_> = (0..2)
                .map(|_| {
                    let (queue, got) = (queue.clone(), got.clone());
                    place.go(move || {
                        queue.get().unwrap();
                        got.fetch_add(1, SeqCst);
                    })
                })
                .collect();
            nap(A_WHILE);
            assert_eq!(got.load(SeqCst), 0);
            assert_eq!(queue.try_get(), Err(GetError::Empty));
            assert_eq!(try_get_first(&[&queue, &queue]), None);
            queue.put(0).unwrap();
            queue.put(0).unwrap();
            getters.into_iter().for_each(Side::join);
            assert_eq!(got.load(SeqCst), 2);
        }
    });
}

/// test_chan: send to full chan blocks
#[test]
fn a_put_to_a_full_channel_waits_and_a_try_does_not() {
    everywhere(|place| {
        for room in CAPACITIES {
            let (queue, sent) = (Queue::bounded(room), Steps::default());
            (0..room).for_each(|n| queue.put(n).unwrap());
            let other = place.go({
                let (queue, sent) = (queue.clone(), sent.clone());
                move || {
                    queue.put(room).unwrap();
                    sent.reach(1);
                }
            });
            nap(A_WHILE);
            assert_eq!(sent.0.load(SeqCst), 0);
            assert_eq!(queue.try_put(777), Err(PutError::Full(777)));
            assert_eq!(queue.get(), Ok(0));
            sent.wait_for(1);
            other.join();
            queue.close();
            assert_eq!(queue.iter().collect::<Vec<_>>(), (1..=room).collect::<Vec<_>>());
        }
    });
}

/// test_chan: we receive 0 from closed chan
#[test]
fn a_closed_channel_gives_what_it_holds_and_then_nothing() {
    support::hub(|| {
        for room in CAPACITIES {
            let queue = Queue::bounded(room);
            (0..room).for_each(|n| queue.put(n).unwrap());
            queue.close();
            (0..room).for_each(|n| assert_eq!(queue.get(), Ok(n)));
            assert_eq!((queue.get(), queue.try_get()), (Err(GetError::Closed), Err(GetError::Closed)));
        }
    });
}

/// test_chan: close unblocks receive
#[test]
fn a_close_ends_a_get() {
    everywhere(|place| {
        for room in CAPACITIES {
            let (queue, done) = (Queue::<u8>::bounded(room), channel());
            let other = place.go({
                let (queue, done) = (queue.clone(), done.clone());
                move || done.put(queue.get())
            });
            nap(A_WHILE);
            queue.close();
            assert_eq!(done.get(), Ok(Err(GetError::Closed)));
            other.join().unwrap();
        }
    });
}

/// test_chan: many integers
#[test]
fn many_integers_arrive_unharmed_and_in_order_with_any_room() {
    everywhere(|place| {
        for room in CAPACITIES {
            let queue = Queue::bounded(room);
            for get in [(|queue| queue.get()) as fn(&Queue<i32>) -> _, |queue| get_first(&[queue]).1] {
                let other = place.go({
                    let queue = queue.clone();
                    move || (0..100).for_each(|n| queue.put(n).unwrap())
                });
                (0..100).for_each(|n| assert_eq!(get(&queue), Ok(n)));
                other.join();
            }
        }
    });
}

/// test_nonblock_recv_race
#[test]
fn a_try_that_races_with_a_close_finds_the_item_or_the_end() {
    everywhere(|place| {
        for _ in 0..80 {
            let queue = Queue::bounded(1);
            queue.put(1).unwrap();
            let other = place.go({
                let queue = queue.clone();
                move || queue.try_get()
            });
            queue.close();
            let here = queue.try_get();
            let there = other.join();
            assert_eq!([here, there].iter().filter(|got| **got == Ok(1)).count(), 1);
            assert_eq!([here, there].iter().filter(|got| **got == Err(GetError::Closed)).count(), 1);
        }
    });
}

/// test_nonblock_select_race
///
/// The lender's `select!` looks at both at once. Here one is looked at after the other; but the second has its item before
/// that of the first is taken away.
#[test]
fn there_is_always_an_item_for_who_looks_at_both() {
    everywhere(|place| {
        for _ in 0..80 {
            let (first, second) = (Queue::bounded(1), Queue::bounded(1));
            first.put(1).unwrap();
            let other = place.go({
                let (first, second) = (first.clone(), second.clone());
                move || try_get_first(&[&first, &second]).is_some()
            });
            second.put(1).unwrap();
            let _ = first.try_get();
            assert!(other.join(), "no channel was ready");
        }
    });
}

/// test_nonblock_select_race2
#[test]
fn there_is_always_an_item_or_an_end_for_who_looks_at_both() {
    everywhere(|place| {
        for _ in 0..80 {
            let (first, second) = (Queue::bounded(1), channel());
            first.put(1).unwrap();
            let other = place.go({
                let (first, second) = (first.clone(), second.clone());
                move || try_get_first(&[&first, &second]).is_some()
            });
            second.close();
            let _ = first.try_get();
            assert!(other.join(), "no channel was ready");
        }
    });
}

/// test_select_stress, with a chooser among receives
#[test]
fn plain_getters_and_a_chooser_share_four_channels() {
    const COUNT: usize = 200;
    everywhere(|place| {
        let queues: [Queue<usize>; 4] = [channel(), channel(), Queue::bounded(2), Queue::bounded(3)];
        let mut sides = Vec::new();
        for queue in &queues {
            // Half is got there, and half by the chooser here.
            let (putting, getting) = (queue.clone(), queue.clone());
            sides.push(place.go(move || (0..2 * COUNT).for_each(|n| putting.put(n).unwrap())));
            sides.push(place.go(move || (0..COUNT).for_each(|_| assert!(getting.get().is_ok()))));
        }
        let mut left = [COUNT; 4];
        while left.iter().any(|left| *left > 0) {
            let open: Vec<usize> = [3, 2, 0, 1].into_iter().filter(|index| left[*index] > 0).collect();
            let chosen: Vec<_> = open.iter().map(|index| &queues[*index]).collect();
            let (index, item) = get_first(&chosen);
            item.unwrap();
            left[open[index]] -= 1;
        }
        sides.into_iter().for_each(Side::join);
        assert!(queues.iter().all(|queue| queue.try_get() == Err(GetError::Empty)));
    });
}

/// test_select_fairness
///
/// The lender chooses by lot, ours in the order of the objects: who wants to be fair takes what each round tells.
#[test]
fn nobody_starves_among_those_that_are_ready() {
    support::hub(|| {
        let queues = [Queue::bounded(501), Queue::bounded(501)];
        (0..501).for_each(|n| queues.iter().for_each(|queue| queue.put(n).unwrap()));
        let (silent, out) = (channel(), channel());
        let chooser = spawn({
            let (queues, out) = (queues.clone(), out.clone());
            move || {
                loop {
                    for place in wait(&[&silent, &queues[0], &queues[1]], None, Some(2)) {
                        silent.try_put(()).unwrap_err();
                        queues[place - 1].try_get().unwrap();
                        if out.put(place).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        let first = (0..1_000).filter(|_| out.get() == Ok(1)).count();
        assert_eq!(first, 500);
        out.close();
        chooser.join().unwrap();
    });
}

/// test_chan_send_interface
#[test]
fn values_may_be_of_any_type() {
    struct Mt;
    support::hub(|| {
        let queue = Queue::<Box<dyn Any>>::bounded(2);
        queue.put(Box::new(Mt)).unwrap();
        queue.try_put(Box::new(7_u8)).unwrap();
        assert!(queue.try_put(Box::new(Mt)).unwrap_err().into_inner().is::<Mt>());
        assert!(queue.get().unwrap().is::<Mt>());
        assert!(queue.get().unwrap().is::<u8>());
    });
}

/// test_multi_consumer
#[test]
fn many_workers_between_two_channels_lose_nothing() {
    const WORKERS: usize = 23;
    const COUNT: usize = 2_718;
    const PN: [usize; 10] = [2, 3, 7, 11, 13, 17, 19, 23, 27, 31];
    everywhere(|place| {
        let (jobs, results) = (Queue::bounded(WORKERS * 3), Queue::bounded(WORKERS * 3));
        let workers: Vec<_> = (0..WORKERS)
            .map(|n| {
                let (jobs, results) = (jobs.clone(), results.clone());
                // OS threads without end would take long; a few say as much.
                let place = if n < 3 { place } else { Place::Here };
                place.go(move || {
                    for job in &jobs {
                        if PN[n % PN.len()] == job {
                            give_way();
                        }
                        results.put(job).unwrap();
                    }
                })
            })
            .collect();
        let feeder = spawn({
            let results = results.clone();
            move || {
                let expected: usize = PN.iter().cycle().take(COUNT).inspect(|n| jobs.put(**n).unwrap()).sum();
                jobs.close();
                workers.into_iter().for_each(Side::join);
                results.close();
                expected
            }
        });
        let (count, sum) = results.iter().fold((0, 0), |(count, sum), n| (count + 1, sum + n));
        assert_eq!((count, sum), (COUNT, feeder.join().unwrap()));
    });
}

/// test_select_duplicate_channel
#[test]
fn who_waited_for_a_channel_among_others_is_gone_from_its_line() {
    everywhere(|place| {
        let (c, d, e) = (channel(), channel(), channel());
        spawn({
            let (c, d, e) = (c.clone(), d.clone(), e.clone());
            move || {
                assert_eq!(get_first(&[&c, &d, &e]), (1, Ok(7)));
                e.put(9).unwrap();
            }
        });
        nap(A_WHILE);
        let other = place.go({
            let c = c.clone();
            move || c.get()
        });
        nap(A_WHILE);
        d.put(7).unwrap();
        assert_eq!(e.get(), Ok(9));
        c.put(8).unwrap();
        assert_eq!(other.join(), Ok(8));
    });
}

/// ken/chan1
#[test]
fn ten_who_choose_among_one_channel_get_each_number_once() {
    const COUNT: usize = 500;
    everywhere(|place| {
        let (queue, states) = (Queue::bounded(2), Arc::new(Mutex::new([0; COUNT])));
        let getters: Vec<_> = (0..10)
            .map(|_| {
                let (queue, states) = (queue.clone(), states.clone());
                spawn(move || {
                    while let (_, Ok(n)) = get_first(&[&queue]) {
                        let state: &mut i32 = &mut states.lock().unwrap()[n];
                        assert_eq!(std::mem::replace(state, 2), 1);
                    }
                })
            })
            .collect();
        yield_now();
        let other = place.go({
            let states = states.clone();
            move || {
                for n in 0..COUNT {
                    assert_eq!(std::mem::replace(&mut states.lock().unwrap()[n], 1), 0);
                    queue.put(n).unwrap();
                }
                queue.close();
            }
        });
        joinall(getters).into_iter().for_each(Result::unwrap);
        other.join();
        assert_eq!(*states.lock().unwrap(), [2; COUNT]);
    });
}
