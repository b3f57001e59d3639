//! Queues that hold nothing; crossbeam-channel's `tests/zero.rs`.

use greenroom::queue::{GetError, PutError, Queue, channel};
use greenroom::wait::wait;
use greenroom::{spawn, yield_now};

use super::{A_WHILE, LONG, Side, Steps, everywhere, get_first, nap};
use crate::support::{self, Log, ms};

/// smoke
#[test]
fn nothing_is_put_or_got_without_another() {
    support::hub(|| {
        let queue = channel();
        assert_eq!(queue.try_put(7), Err(PutError::Full(7)));
        assert_eq!(queue.try_get(), Err(GetError::Empty));
    });
}

/// capacity
#[test]
fn the_capacity_is_zero() {
    support::hub(|| {
        let queue = Queue::<()>::bounded(0);
        assert_eq!((queue.capacity(), queue.clone().capacity()), (Some(0), Some(0)));
    });
}

/// len_empty_full
#[test]
fn it_is_empty_and_full_before_and_after_a_meeting() {
    everywhere(|place| {
        let queue = channel();
        let told = || assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (0, true, true));
        told();
        let other = place.go({
            let queue = queue.clone();
            move || queue.put(0)
        });
        nap(A_WHILE);
        told();
        assert_eq!(queue.get(), Ok(0));
        other.join().unwrap();
        told();
    });
}

/// try_recv
#[test]
fn try_get_finds_nothing_then_one_who_waits_then_the_end() {
    everywhere(|place| {
        let (queue, steps) = (channel(), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                queue.put(7).unwrap();
                queue.close();
            }
        });
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        steps.reach(1);
        assert_eq!(wait(&[&queue], None, None), [0]);
        assert_eq!(queue.try_get(), Ok(7));
        other.join();
        assert_eq!(queue.try_get(), Err(GetError::Closed));
    });
}

/// recv
#[test]
fn get_takes_from_the_hands_of_who_puts_and_learns_of_the_end() {
    everywhere(|place| {
        let queue = channel();
        let other = place.go({
            let queue = queue.clone();
            move || {
                nap(A_WHILE);
                (7..10).for_each(|n| queue.put(n).unwrap());
                queue.close();
            }
        });
        assert_eq!(queue.get(), Ok(7));
        nap(A_WHILE);
        assert_eq!((queue.get(), queue.get()), (Ok(8), Ok(9)));
        assert_eq!(queue.get(), Err(GetError::Closed));
        other.join();
    });
}

/// recv_timeout
#[test]
fn a_limited_get_ends_in_time_or_with_an_item_or_at_the_end() {
    everywhere(|place| {
        let (queue, steps) = (channel(), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                nap(A_WHILE);
                queue.put(7).unwrap();
                nap(A_WHILE);
                queue.close();
            }
        });
        assert_eq!(queue.get_timeout(ms(1)), Err(GetError::Empty));
        steps.reach(1);
        assert_eq!(queue.get_timeout(LONG), Ok(7));
        assert_eq!(queue.get_timeout(LONG), Err(GetError::Closed));
        other.join();
    });
}

/// try_send
#[test]
fn try_put_succeeds_only_while_somebody_waits() {
    everywhere(|place| {
        let queue = channel();
        assert_eq!(queue.try_put(7), Err(PutError::Full(7)));
        let other = place.go({
            let queue = queue.clone();
            move || {
                let got = queue.get();
                queue.close();
                got
            }
        });
        while let Err(error) = queue.try_put(8) {
            assert_eq!(error, PutError::Full(8));
            nap(A_WHILE);
        }
        assert_eq!(other.join(), Ok(8));
        assert_eq!(queue.try_put(9), Err(PutError::Closed(9)));
    });
}

/// send
#[test]
fn put_waits_until_its_value_is_taken() {
    everywhere(|place| {
        let (queue, steps) = (channel(), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                for n in 7..10 {
                    steps.wait_for(n);
                    assert_eq!(queue.get(), Ok(n));
                }
                queue.close();
            }
        });
        for n in 7..10 {
            let late = spawn({
                let steps = steps.clone();
                move || {
                    nap(A_WHILE);
                    steps.reach(n);
                }
            });
            queue.put(n).unwrap();
            assert!(late.is_finished(), "nobody can have got it before");
        }
        other.join();
        assert_eq!(queue.put(10), Err(PutError::Closed(10)));
    });
}

/// send_timeout
#[test]
fn a_limited_put_ends_in_time_or_with_a_getter_or_at_the_end() {
    everywhere(|place| {
        let (queue, steps) = (channel(), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                nap(A_WHILE);
                assert_eq!(queue.get(), Ok(8));
                nap(A_WHILE);
                queue.close();
            }
        });
        assert_eq!(queue.put_timeout(7, ms(1)), Err(PutError::Full(7)));
        steps.reach(1);
        assert_eq!(queue.put_timeout(8, LONG), Ok(()));
        assert_eq!(queue.put_timeout(9, LONG), Err(PutError::Closed(9)));
        other.join();
    });
}

/// len
#[test]
fn the_length_is_zero_all_along() {
    const COUNT: usize = 300;
    everywhere(|place| {
        let queue = channel();
        let other = place.go({
            let queue = queue.clone();
            move || {
                for n in 0..COUNT {
                    assert_eq!((queue.get(), queue.len()), (Ok(n), 0));
                }
            }
        });
        for n in 0..COUNT {
            queue.put(n).unwrap();
            assert_eq!(queue.len(), 0);
        }
        other.join();
    });
}

/// disconnect_wakes_sender
#[test]
fn the_end_wakes_who_puts() {
    everywhere(|place| {
        for drain in [false, true] {
            let queue = channel();
            let other = place.go({
                let queue = queue.clone();
                move || queue.put("refused")
            });
            nap(A_WHILE);
            // What waits to be put is not held.
            if drain {
                assert!(queue.close_now().is_empty())
            } else {
                queue.close()
            }
            assert_eq!(other.join(), Err(PutError::Closed("refused")));
        }
    });
}

/// disconnect_wakes_receiver
#[test]
fn the_end_wakes_who_waits_for_an_item() {
    everywhere(|place| {
        let queue = channel::<()>();
        let other = place.go({
            let queue = queue.clone();
            move || queue.get()
        });
        nap(A_WHILE);
        queue.close();
        assert_eq!(other.join(), Err(GetError::Closed));
    });
}

/// spsc
#[test]
fn all_come_in_order() {
    super::one_puts_and_one_gets(channel);
}

/// mpmc
#[test]
fn each_item_of_four_putters_comes_to_one_of_four_getters() {
    super::four_put_and_four_get(channel);
}

/// stress_oneshot
#[test]
fn a_queue_may_serve_for_a_single_meeting() {
    super::one_item_goes_through_each_of_many(channel);
}

/// stress_iter
///
/// The lender's loop looks for responses by `try_iter` only, and must meet a sender that waits just then; here as well.
#[test]
fn requests_and_responses_keep_each_other_going() {
    const COUNT: usize = 200;
    everywhere(|place| {
        let (requests, responses) = (channel(), channel());
        let other = place.go({
            let (requests, responses) = (requests.clone(), responses.clone());
            move || {
                let mut count = 0;
                while count < COUNT {
                    count += std::iter::from_fn(|| responses.try_get().ok()).sum::<usize>();
                    // `Full` as long as the other side is about to put its response.
                    let _ = requests.try_put(());
                    super::give_way();
                }
                responses.close_now();
                requests.close();
            }
        });
        let asked = requests.iter().take_while(|()| responses.put(1).is_ok()).count();
        assert!(asked >= COUNT, "{asked}");
        other.join();
    });
}

/// stress_timeout_two_threads
#[test]
fn limits_that_expire_on_both_sides_lose_nothing() {
    super::limits_on_both_sides_lose_nothing(channel);
}

/// drops
#[test]
fn items_are_dropped_when_got() {
    super::each_item_is_dropped_once(0, channel);
}

/// fairness
///
/// Two who put into each; the queue that is ready is told in turn.
#[test]
fn of_two_queues_with_putters_each_is_told_once_a_round() {
    support::hub(|| {
        let queues = [channel(), channel()];
        for queue in &queues {
            let queue = queue.clone();
            spawn(move || (0..100).for_each(|n| queue.put(n).unwrap()));
        }
        super::each_ready_queue_is_told_once_a_round([&queues[0], &queues[1]], 100);
    });
}

/// fairness_duplicates
#[test]
fn a_queue_named_five_times_is_told_as_often_and_gives_its_items_in_order() {
    everywhere(|place| {
        let queue = channel();
        let other = place.go({
            let queue = queue.clone();
            move || (0..100).for_each(|n| queue.put(n).unwrap())
        });
        for n in 0..100 {
            assert_eq!(get_first(&[&queue, &queue, &queue, &queue, &queue]).1, Ok(n));
        }
        other.join();
    });
}

/// recv_in_send
#[test]
fn a_put_of_what_the_same_queue_gives_meets_the_next_getter() {
    support::hub(|| {
        let queue = channel();
        let putter = spawn({
            let queue = queue.clone();
            move || queue.put(1)
        });
        let getter = spawn({
            let queue = queue.clone();
            move || {
                yield_now();
                queue.get()
            }
        });
        queue.put(queue.get().unwrap() + 1).unwrap();
        assert_eq!((putter.join().unwrap(), getter.join().unwrap()), (Ok(()), Ok(2)));
    });
}

/// channel_through_channel
#[test]
fn queues_are_items_of_queues() {
    super::queues_go_through_queues(channel);
}

/// Who waits is served in the order of coming: the lender promises no order among senders.
#[test]
fn putters_are_met_in_the_order_of_their_coming() {
    support::hub(|| {
        let (queue, log) = (channel(), Log::new());
        for n in 0..5 {
            let (queue, log) = (queue.clone(), log.clone());
            spawn(move || {
                queue.put(n).unwrap();
                log.push(format!("put {n}"));
            });
        }
        yield_now();
        (0..5).for_each(|n| assert_eq!(queue.try_get(), Ok(n)));
        yield_now();
        assert_eq!(log.words(), ["put 0", "put 1", "put 2", "put 3", "put 4"]);
    });
}

/// fairness, of the getters: an item goes to the first who waits, wherever.
#[test]
fn getters_share_what_one_puts() {
    everywhere(|place| {
        let queue = channel();
        let getters: Vec<Side<usize>> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                place.go(move || queue.iter().sum())
            })
            .collect();
        (0..300).for_each(|n| queue.put(n).unwrap());
        queue.close();
        assert_eq!(getters.into_iter().map(Side::join).sum::<usize>(), (0..300).sum());
    });
}
