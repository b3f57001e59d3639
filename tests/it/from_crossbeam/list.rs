//! Queues without a bound; crossbeam-channel's `tests/list.rs`.

use std::time::Instant;

use greenroom::queue::{GetError, PutError, Queue};
use greenroom::thread::Builder;
use greenroom::wait::wait;

use super::{A_WHILE, LONG, Place, Side, Steps, everywhere, nap};
use crate::support::{self, ms};

/// smoke
#[test]
fn what_is_put_is_got_once() {
    support::hub(|| {
        let queue = Queue::unbounded();
        queue.try_put(7).unwrap();
        assert_eq!(queue.try_get(), Ok(7));
        queue.put(8).unwrap();
        assert_eq!(queue.get(), Ok(8));
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        assert_eq!(queue.get_timeout(ms(1)), Err(GetError::Empty));
    });
}

/// capacity
#[test]
fn there_is_no_capacity() {
    support::hub(|| {
        let queue = Queue::<()>::unbounded();
        assert_eq!((queue.capacity(), queue.clone().capacity()), (None, None));
    });
}

/// len_empty_full
#[test]
fn it_is_never_full() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let told = |len, empty| {
            assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (len, empty, false));
        };
        told(0, true);
        queue.put(()).unwrap();
        told(1, false);
        (0..1_000).for_each(|_| queue.try_put(()).unwrap());
        told(1_001, false);
        queue.get().unwrap();
        told(1_000, false);
    });
}

/// try_recv (in this suite a case of `array` and `zero`)
#[test]
fn try_get_finds_nothing_then_an_item_then_the_end() {
    everywhere(|place| {
        let (queue, steps) = (Queue::unbounded(), Steps::default());
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
        other.join();
        assert_eq!((queue.try_get(), queue.try_get()), (Ok(7), Err(GetError::Closed)));
    });
}

/// recv
#[test]
fn get_waits_for_the_first_item_finds_the_next_and_learns_of_the_end() {
    everywhere(|place| {
        let queue = Queue::unbounded();
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
        let (queue, steps) = (Queue::unbounded(), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                nap(A_WHILE);
                queue.put(7).unwrap();
                steps.wait_for(2);
                nap(A_WHILE);
                queue.close();
            }
        });
        assert_eq!(queue.get_timeout(ms(1)), Err(GetError::Empty));
        steps.reach(1);
        assert_eq!(queue.get_timeout(LONG), Ok(7));
        steps.reach(2);
        assert_eq!(queue.get_timeout(LONG), Err(GetError::Closed));
        other.join();
    });
}

/// recv_timeout_nonempty_expired
#[test]
fn an_item_that_is_there_is_got_though_no_time_is_left() {
    support::hub(|| {
        let queue = Queue::unbounded();
        for n in 0..3 {
            queue.put(n).unwrap();
        }
        assert_eq!(queue.get_timeout(ms(0)), Ok(0));
        assert_eq!(queue.get_timeout(std::time::Duration::from_nanos(1)), Ok(1));
        assert_eq!(queue.get_timeout(std::time::Duration::MAX), Ok(2));
    });
}

/// try_send
#[test]
fn try_put_finds_room_until_the_end() {
    support::hub(|| {
        let queue = Queue::unbounded();
        (0..1_000).for_each(|n| assert_eq!(queue.try_put(n), Ok(())));
        assert_eq!(queue.close_now().len(), 1_000);
        assert_eq!(queue.try_put(777), Err(PutError::Closed(777)));
    });
}

/// send
#[test]
fn put_finds_room_until_the_end() {
    support::hub(|| {
        let queue = Queue::unbounded();
        (0..1_000).for_each(|n| assert_eq!(queue.put(n), Ok(())));
        queue.close();
        assert_eq!(queue.put(777), Err(PutError::Closed(777)));
        assert_eq!(queue.len(), 1_000);
    });
}

/// send_timeout
#[test]
fn a_limited_put_never_waits() {
    support::hub(|| {
        let (queue, begun) = (Queue::unbounded(), Instant::now());
        (0..1_000).for_each(|n| assert_eq!(queue.put_timeout(n, LONG), Ok(())));
        assert_eq!(queue.put_timeout(1_000, ms(0)), Ok(()));
        drop(queue.close_now());
        assert_eq!(queue.put_timeout(777, LONG), Err(PutError::Closed(777)));
        assert!(begun.elapsed() < LONG);
    });
}

/// send_after_disconnect
#[test]
fn nothing_is_put_after_the_getters_gave_up() {
    support::hub(|| {
        let queue = Queue::unbounded();
        (1..=3).for_each(|n| queue.put(n).unwrap());
        assert_eq!(queue.close_now(), [1, 2, 3]);
        assert_eq!(queue.put(4), Err(PutError::Closed(4)));
        assert_eq!(queue.try_put(5), Err(PutError::Closed(5)));
        assert_eq!(queue.put_timeout(6, ms(0)), Err(PutError::Closed(6)));
    });
}

/// recv_after_disconnect
#[test]
fn what_was_put_before_the_end_is_got_after_it() {
    support::hub(|| {
        let queue = Queue::unbounded();
        (1..=3).for_each(|n| queue.put(n).unwrap());
        queue.close();
        assert_eq!([(); 3].map(|()| queue.get()), [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(queue.get(), Err(GetError::Closed));
    });
}

/// len
#[test]
fn the_length_counts_up_and_down() {
    support::hub(|| {
        let queue = Queue::unbounded();
        for _ in 0..5 {
            for n in 0..50 {
                queue.put(n).unwrap();
                assert_eq!(queue.len(), n + 1);
            }
            for n in 0..50 {
                assert_eq!(queue.get(), Ok(n));
                assert_eq!(queue.len(), 49 - n);
            }
        }
    });
}

/// disconnect_wakes_receiver
#[test]
fn the_end_wakes_who_waits_for_an_item() {
    everywhere(|place| {
        let queue = Queue::<()>::unbounded();
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
    super::one_puts_and_one_gets(Queue::unbounded);
}

/// mpmc
#[test]
fn each_item_of_four_putters_comes_to_one_of_four_getters() {
    super::four_put_and_four_get(Queue::unbounded);
}

/// stress_oneshot
#[test]
fn a_queue_may_serve_for_a_single_item() {
    super::one_item_goes_through_each_of_many(Queue::unbounded);
}

/// stress_iter
#[test]
fn requests_and_responses_keep_each_other_going() {
    const COUNT: usize = 300;
    everywhere(|place| {
        let (requests, responses) = (Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let (requests, responses) = (requests.clone(), responses.clone());
            move || {
                let mut count = 0;
                while count < COUNT {
                    requests.put(()).unwrap();
                    count += std::iter::from_fn(|| responses.try_get().ok()).sum::<usize>();
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
fn limits_that_expire_lose_nothing() {
    super::limits_on_both_sides_lose_nothing(Queue::unbounded);
}

/// drops
#[test]
fn items_are_dropped_when_got_or_with_the_last_handle() {
    super::each_item_is_dropped_once(usize::MAX, Queue::unbounded);
}

/// linearizable
#[test]
fn who_has_put_finds_an_item_if_all_take_as_many_as_they_put() {
    everywhere(|place| {
        let queue = Queue::unbounded();
        let sides: Vec<_> = (0..4)
            .map(|n| {
                let (place, queue) = (if n == 0 { Place::Here } else { place }, queue.clone());
                place.go(move || {
                    for _ in 0..500 {
                        queue.put(0).unwrap();
                        assert_eq!(queue.try_get(), Ok(0));
                    }
                })
            })
            .collect();
        sides.into_iter().for_each(Side::join);
    });
}

/// fairness
#[test]
fn of_two_queues_that_are_ready_each_is_told_once_a_round() {
    support::hub(|| {
        let queues = [Queue::unbounded(), Queue::unbounded()];
        (0..500).for_each(|n| queues.iter().for_each(|queue| queue.put(n).unwrap()));
        super::each_ready_queue_is_told_once_a_round([&queues[0], &queues[1]], 500);
    });
}

/// fairness_duplicates
#[test]
fn a_queue_named_five_times_is_told_five_times() {
    support::hub(|| {
        let queue = Queue::unbounded();
        queue.put(()).unwrap();
        assert_eq!(wait(&[&queue, &queue, &queue, &queue, &queue], None, None), [0, 1, 2, 3, 4]);
        assert_eq!(queue.len(), 1, "to wait takes nothing");
    });
}

/// recv_in_send
#[test]
fn a_put_of_what_the_same_queue_gives_is_not_lost() {
    support::hub(|| {
        let queue = Queue::unbounded();
        queue.put(1).unwrap();
        queue.put(queue.get().unwrap() + 1).unwrap();
        assert_eq!(queue.close_now(), [2]);
    });
}

/// channel_through_channel
#[test]
fn queues_are_items_of_queues() {
    super::queues_go_through_queues(Queue::unbounded);
}

/// stack_overflow
#[test]
fn items_may_be_bigger_together_than_the_stack_of_who_puts_them() {
    const BIG: usize = 4_096;
    const STACK: usize = 256 << 10;
    support::hub(|| {
        let queue = Queue::<[u8; BIG]>::unbounded();
        let putter = queue.clone();
        let put = Builder::new().stack_size(STACK).spawn(move || {
            (0..2 * STACK / BIG).for_each(|_| assert!(putter.put([7; BIG]).is_ok()));
        });
        put.unwrap().join().unwrap();
        queue.close();
        assert_eq!(queue.iter().filter(|item| item[BIG - 1] == 7).count(), 2 * STACK / BIG);
    });
}
