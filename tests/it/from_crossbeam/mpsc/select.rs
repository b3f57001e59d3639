//! Choosing among channels; crossbeam-channel's `tests/mpsc.rs`, module `select_tests`.
//!
//! Several things can be waited for at once if they are queues; a receiver of `mpsc` is none of them.

use greenroom::queue::{GetError, Queue, channel};
use greenroom::wait::iwait;
use greenroom::{spawn, yield_now};

use super::super::{A_WHILE, everywhere, get_first, give_way, nap};
use crate::support;

/// smoke
#[test]
fn the_channel_that_has_an_item_or_ended_is_chosen() {
    support::hub(|| {
        let (first, second) = (Queue::unbounded(), Queue::unbounded());
        first.put(1).unwrap();
        assert_eq!(get_first(&[&first, &second]), (0, Ok(1)));
        second.put(2).unwrap();
        assert_eq!(get_first(&[&first, &second]), (1, Ok(2)));
        first.close();
        assert_eq!(get_first(&[&first, &second]), (0, Err(GetError::Closed)));
        second.close();
        assert_eq!(get_first(&[&second]), (0, Err(GetError::Closed)));
    });
}

/// smoke2
#[test]
fn the_last_of_five_is_chosen_if_it_alone_has_an_item() {
    support::hub(|| {
        let queues: [Queue<i32>; 5] = std::array::from_fn(|_| Queue::unbounded());
        queues[4].put(4).unwrap();
        assert_eq!(get_first(&queues.each_ref()), (4, Ok(4)));
    });
}

/// closed
#[test]
fn an_ended_channel_is_chosen_over_an_open_one() {
    support::hub(|| {
        let (open, ended) = (Queue::<i32>::unbounded(), Queue::unbounded());
        ended.close();
        assert_eq!(get_first(&[&open, &ended]), (1, Err(GetError::Closed)));
    });
}

/// unblocks
#[test]
fn an_item_and_then_the_end_wake_who_chooses() {
    everywhere(|place| {
        let (queue, silent, go_on) = (Queue::unbounded(), Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let (queue, go_on) = (queue.clone(), go_on.clone());
            move || {
                (0..20).for_each(|_| give_way());
                queue.put(1).unwrap();
                go_on.get().unwrap();
                (0..20).for_each(|_| give_way());
                queue.close();
            }
        });
        assert_eq!(get_first(&[&queue, &silent]), (0, Ok(1)));
        go_on.put(()).unwrap();
        assert_eq!(get_first(&[&queue, &silent]), (0, Err(GetError::Closed)));
        other.join();
    });
}

/// both_ready
#[test]
fn of_two_that_are_ready_both_are_chosen_in_the_end() {
    everywhere(|place| {
        let (first, second, go_on) = (Queue::unbounded(), Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let (first, second, go_on) = (first.clone(), second.clone(), go_on.clone());
            move || {
                (0..20).for_each(|_| give_way());
                first.put(1).unwrap();
                second.put(2).unwrap();
                go_on.get().unwrap();
            }
        });
        let mut chosen = [get_first(&[&first, &second]), get_first(&[&first, &second])];
        chosen.sort_unstable_by_key(|chosen| chosen.0);
        assert_eq!(chosen, [(0, Ok(1)), (1, Ok(2))]);
        assert_eq!((first.try_get(), second.try_get()), (Err(GetError::Empty), Err(GetError::Empty)));
        go_on.put(()).unwrap();
        other.join();
    });
}

/// stress
#[test]
fn a_thousand_items_in_turns_of_two_channels_are_chosen_in_order() {
    everywhere(|place| {
        let (even, odd, go_on) = (Queue::unbounded(), Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let (even, odd, go_on) = (even.clone(), odd.clone(), go_on.clone());
            move || {
                for n in 0..500 {
                    if n % 2 == 0 {
                        even.put(n).unwrap()
                    } else {
                        odd.put(n).unwrap()
                    }
                    go_on.get().unwrap();
                }
            }
        });
        for n in 0..500 {
            assert_eq!(get_first(&[&even, &odd]), (n % 2, Ok(n)));
            go_on.put(()).unwrap();
        }
        other.join();
    });
}

/// cloning, cloning2
#[test]
fn a_new_handle_of_a_channel_wakes_nobody_and_an_item_does() {
    everywhere(|place| {
        let (queue, silent, go_on) = (Queue::unbounded(), Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let (queue, go_on) = (queue.clone(), go_on.clone());
            move || {
                go_on.get().unwrap();
                drop(queue.clone());
                assert_eq!(go_on.try_get(), Err(GetError::Empty));
                queue.put(2).unwrap();
                go_on.get().unwrap();
            }
        });
        go_on.put(()).unwrap();
        assert_eq!(get_first(&[&queue, &silent]), (0, Ok(2)));
        go_on.put(()).unwrap();
        other.join();
    });
}

/// cloning3
#[test]
fn a_handle_that_is_dropped_is_no_end() {
    everywhere(|place| {
        let (first, second) = (Queue::<()>::unbounded(), Queue::unbounded());
        let chooser = spawn({
            let (first, second) = (first.clone(), second.clone());
            move || get_first(&[&first, &second])
        });
        nap(A_WHILE);
        let other = place.go(move || {
            drop(first);
            second.put(()).unwrap();
        });
        assert_eq!(chooser.join().unwrap(), (1, Ok(())));
        other.join();
    });
}

/// preflight1 to preflight6
#[test]
fn what_is_there_already_is_chosen_at_once() {
    support::hub(|| {
        for (items, handles) in [(1, 0), (2, 0), (1, 1), (2, 1)] {
            let queue = Queue::unbounded();
            (0..handles).for_each(|_| drop(queue.clone()));
            (0..items).for_each(|n| queue.put(n).unwrap());
            assert_eq!(get_first(&[&queue]), (0, Ok(0)));
            assert_eq!(queue.len(), items - 1);
        }
    });
}

/// preflight7 to preflight9
#[test]
fn an_end_that_has_come_already_is_chosen_at_once() {
    support::hub(|| {
        for items in [0, 1] {
            let queue = Queue::unbounded();
            drop(queue.clone());
            (0..items).for_each(|n| queue.put(n).unwrap());
            queue.close();
            (0..items).for_each(|n| assert_eq!(queue.get(), Ok(n)));
            assert_eq!(get_first(&[&queue]), (0, Err(GetError::Closed)));
        }
    });
}

/// oneshot_data_waiting, stream_data_waiting, shared_data_waiting
#[test]
fn an_item_wakes_who_chooses_whatever_went_through_before() {
    everywhere(|place| {
        for before in 0..3 {
            let (queue, told) = (Queue::unbounded(), Queue::unbounded());
            (0..before).for_each(|n| queue.put(n).unwrap());
            (0..before).for_each(|n| assert_eq!(queue.get(), Ok(n)));
            spawn({
                let (queue, told) = (queue.clone(), told.clone());
                move || told.put(get_first(&[&queue])).unwrap()
            });
            yield_now();
            let other = place.go(move || queue.put(7));
            assert_eq!(told.get(), Ok((0, Ok(7))));
            other.join().unwrap();
        }
    });
}

/// sync1
#[test]
fn what_a_bounded_channel_holds_is_chosen() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        queue.put(1).unwrap();
        assert_eq!(get_first(&[&queue]), (0, Ok(1)));
    });
}

/// sync2
#[test]
fn one_who_comes_to_put_by_hand_wakes_who_chooses() {
    everywhere(|place| {
        let queue = channel();
        let other = place.go({
            let queue = queue.clone();
            move || {
                nap(A_WHILE);
                queue.put(1)
            }
        });
        assert_eq!(get_first(&[&queue]), (0, Ok(1)));
        other.join().unwrap();
    });
}

/// sync3
#[test]
fn kinds_of_channels_may_be_mixed() {
    everywhere(|place| {
        let (by_hand, held) = (channel(), Queue::unbounded());
        let others = [
            place.go({
                let by_hand = by_hand.clone();
                move || by_hand.put(0)
            }),
            place.go({
                let held = held.clone();
                move || held.put(1)
            }),
        ];
        let mut chosen: Vec<_> = [(); 2].iter().map(|()| get_first(&[&by_hand, &held])).collect();
        chosen.sort_unstable_by_key(|chosen| chosen.0);
        assert_eq!(chosen, [(0, Ok(0)), (1, Ok(1))]);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// stress, with `iwait`: each channel is told once, when it has become ready.
#[test]
fn channels_are_told_in_the_order_in_which_they_become_ready() {
    everywhere(|place| {
        let queues: [Queue<usize>; 5] = std::array::from_fn(|_| Queue::unbounded());
        let told = channel();
        let other = place.go({
            let (queues, told) = (queues.clone(), told.clone());
            move || {
                for index in [3, 0, 4, 1, 2] {
                    queues[index].put(index).unwrap();
                    told.get().unwrap();
                }
            }
        });
        let objects = queues.each_ref().map(|queue| queue as &dyn greenroom::Waitable);
        let order: Vec<usize> = iwait(&objects).inspect(|_| told.put(()).unwrap()).collect();
        assert_eq!(order, [3, 0, 4, 1, 2]);
        other.join();
    });
}
