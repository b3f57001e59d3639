//! Bounded queues; crossbeam-channel's `tests/array.rs`.
//!
//! Left out is `recv_in_send`'s `select!` whose value is not asked for: there is no such form here.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use greenroom::queue::{GetError, PutError, Queue};
use greenroom::wait::wait;

use super::{A_WHILE, LONG, Place, Side, Steps, everywhere, get_first, nap};
use crate::support::{self, Tally, ms, panic_of};

/// smoke
#[test]
fn what_is_put_is_got_once() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        queue.put(7).unwrap();
        assert_eq!(queue.try_get(), Ok(7));
        queue.put(8).unwrap();
        assert_eq!(queue.get(), Ok(8));
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        assert_eq!(queue.get_timeout(ms(1)), Err(GetError::Empty));
    });
}

/// capacity
#[test]
fn both_handles_know_the_capacity() {
    support::hub(|| {
        for n in 1..10 {
            let queue = Queue::<()>::bounded(n);
            assert_eq!((queue.capacity(), queue.clone().capacity()), (Some(n), Some(n)));
        }
    });
}

/// len_empty_full
#[test]
fn both_handles_tell_how_full_it_is() {
    support::hub(|| {
        let queue = Queue::bounded(2);
        let other = queue.clone();
        let told = |len, empty, full| {
            assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (len, empty, full));
            assert_eq!((other.len(), other.is_empty(), other.is_full()), (len, empty, full));
        };
        told(0, true, false);
        queue.put(()).unwrap();
        told(1, false, false);
        queue.put(()).unwrap();
        told(2, false, true);
        other.get().unwrap();
        told(1, false, false);
    });
}

/// try_recv
#[test]
fn try_get_finds_nothing_then_an_item_then_the_end() {
    everywhere(|place| {
        let (queue, steps) = (Queue::bounded(100), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                queue.put(7).unwrap();
                steps.reach(2);
                steps.wait_for(3);
                queue.close();
            }
        });
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        steps.reach(1);
        steps.wait_for(2);
        assert_eq!(queue.try_get(), Ok(7));
        steps.reach(3);
        other.join();
        assert_eq!(queue.try_get(), Err(GetError::Closed));
    });
}

/// recv
#[test]
fn get_waits_for_the_first_item_finds_the_next_and_learns_of_the_end() {
    everywhere(|place| {
        let queue = Queue::bounded(100);
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
        let (queue, steps) = (Queue::bounded(100), Steps::default());
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

/// try_send
#[test]
fn try_put_finds_room_then_none_then_room_then_the_end() {
    everywhere(|place| {
        let (queue, steps) = (Queue::bounded(1), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                assert_eq!(queue.try_get(), Ok(1));
                assert_eq!(queue.try_get(), Err(GetError::Empty));
                steps.reach(2);
                assert_eq!(queue.get(), Ok(3));
                queue.close();
            }
        });
        assert_eq!(queue.try_put(1), Ok(()));
        assert_eq!(queue.try_put(2), Err(PutError::Full(2)));
        steps.reach(1);
        steps.wait_for(2);
        assert_eq!(queue.try_put(3), Ok(()));
        other.join();
        assert_eq!(queue.try_put(4), Err(PutError::Closed(4)));
    });
}

/// send
#[test]
fn put_waits_while_there_is_no_room() {
    everywhere(|place| {
        let (queue, steps) = (Queue::bounded(1), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                queue.put(7).unwrap();
                steps.reach(1);
                queue.put(8).unwrap();
                queue.put(9).unwrap();
                steps.reach(2);
                queue.put(10).unwrap();
            }
        });
        steps.wait_for(1);
        nap(A_WHILE);
        assert_eq!(queue.len(), 1);
        assert_eq!([(); 3].map(|()| queue.get()), [Ok(7), Ok(8), Ok(9)]);
        steps.wait_for(2);
        other.join();
        assert_eq!(queue.close_now(), [10]);
    });
}

/// send_timeout
#[test]
fn a_limited_put_ends_in_time_or_with_room_or_at_the_end() {
    everywhere(|place| {
        let (queue, steps) = (Queue::bounded(2), Steps::default());
        let other = place.go({
            let (queue, steps) = (queue.clone(), steps.clone());
            move || {
                steps.wait_for(1);
                nap(A_WHILE);
                assert_eq!(queue.get(), Ok(1));
                steps.wait_for(2);
                assert_eq!((queue.get(), queue.get()), (Ok(2), Ok(4)));
                assert_eq!(queue.close_now(), [0; 0]);
            }
        });
        assert_eq!(queue.put_timeout(1, LONG), Ok(()));
        assert_eq!(queue.put_timeout(2, ms(1)), Ok(()));
        assert_eq!(queue.put_timeout(3, ms(1)), Err(PutError::Full(3)));
        steps.reach(1);
        assert_eq!(queue.put_timeout(4, LONG), Ok(()));
        steps.reach(2);
        other.join();
        assert_eq!(queue.put(5), Err(PutError::Closed(5)));
    });
}

/// send_after_disconnect
#[test]
fn nothing_is_put_after_the_getters_gave_up() {
    support::hub(|| {
        let queue = Queue::bounded(100);
        (1..=3).for_each(|n| queue.put(n).unwrap());
        assert_eq!(queue.close_now(), [1, 2, 3]);
        assert_eq!(queue.put(4), Err(PutError::Closed(4)));
        assert_eq!(queue.try_put(5), Err(PutError::Closed(5)));
        assert_eq!(queue.put_timeout(6, ms(500)), Err(PutError::Closed(6)));
    });
}

/// recv_after_disconnect
#[test]
fn what_was_put_before_the_end_is_got_after_it() {
    support::hub(|| {
        let queue = Queue::bounded(100);
        (1..=3).for_each(|n| queue.put(n).unwrap());
        queue.close();
        assert_eq!([(); 3].map(|()| queue.get()), [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(queue.get(), Err(GetError::Closed));
    });
}

/// len, the first half
#[test]
fn the_length_counts_up_and_down() {
    support::hub(|| {
        let queue = Queue::bounded(100);
        for _ in 0..10 {
            for n in 0..50 {
                queue.put(n).unwrap();
                assert_eq!(queue.len(), n + 1);
            }
            for n in 0..50 {
                assert_eq!(queue.get(), Ok(n));
                assert_eq!(queue.len(), 49 - n);
            }
        }
        for n in 0..100 {
            queue.put(n).unwrap();
            assert_eq!(queue.len(), n + 1);
        }
        assert_eq!(queue.close_now().len(), 100);
        assert_eq!(queue.len(), 0);
    });
}

/// len, the second half
#[test]
fn the_length_is_never_more_than_the_capacity() {
    const COUNT: usize = 1_500;
    const CAPACITY: usize = 50;
    everywhere(|place| {
        let queue = Queue::bounded(CAPACITY);
        let other = place.go({
            let queue = queue.clone();
            move || {
                for n in 0..COUNT {
                    assert_eq!(queue.get(), Ok(n));
                    assert!(queue.len() <= CAPACITY);
                }
            }
        });
        for n in 0..COUNT {
            queue.put(n).unwrap();
            assert!(queue.len() <= CAPACITY);
        }
        other.join();
        assert_eq!(queue.len(), 0);
    });
}

/// disconnect_wakes_sender
#[test]
fn the_end_wakes_who_waits_for_room() {
    everywhere(|place| {
        for drain in [false, true] {
            let (queue, steps) = (Queue::bounded(1), Steps::default());
            let other = place.go({
                let (queue, steps) = (queue.clone(), steps.clone());
                move || {
                    assert_eq!(queue.put("held"), Ok(()));
                    steps.reach(1);
                    queue.put("refused")
                }
            });
            steps.wait_for(1);
            nap(A_WHILE);
            if drain {
                assert_eq!(queue.close_now(), ["held"])
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
        let queue = Queue::<()>::bounded(1);
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
fn all_come_in_order_through_room_for_three() {
    super::one_puts_and_one_gets(|| Queue::bounded(3));
}

/// mpmc
#[test]
fn each_item_of_four_putters_comes_to_one_of_four_getters() {
    super::four_put_and_four_get(|| Queue::bounded(3));
}

/// stress_oneshot
#[test]
fn a_queue_may_serve_for_a_single_item() {
    super::one_item_goes_through_each_of_many(|| Queue::bounded(1));
}

/// stress_iter
#[test]
fn requests_and_responses_keep_each_other_going() {
    const COUNT: usize = 1_000;
    everywhere(|place| {
        let (requests, responses) = (Queue::bounded(1), Queue::bounded(1));
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
fn limits_that_expire_on_both_sides_lose_nothing() {
    super::limits_on_both_sides_lose_nothing(|| Queue::bounded(2));
}

/// drops
#[test]
fn items_are_dropped_when_got_or_with_the_last_handle() {
    super::each_item_is_dropped_once(50, || Queue::bounded(50));
}

/// linearizable
#[test]
fn who_has_put_finds_an_item_if_all_take_as_many_as_they_put() {
    const SIDES: usize = 4;
    everywhere(|place| {
        let queue = Queue::bounded(SIDES);
        let sides: Vec<_> = (0..SIDES)
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
        let queues = [Queue::bounded(500), Queue::bounded(500)];
        (0..500).for_each(|n| queues.iter().for_each(|queue| queue.put(n).unwrap()));
        super::each_ready_queue_is_told_once_a_round([&queues[0], &queues[1]], 500);
    });
}

/// fairness_duplicates
#[test]
fn a_queue_named_five_times_is_told_five_times() {
    support::hub(|| {
        let queue = Queue::bounded(100);
        (0..100).for_each(|n| queue.put(n).unwrap());
        let mut hits = [0; 5];
        for _ in 0..20 {
            for place in wait(&[&queue, &queue, &queue, &queue, &queue], None, None) {
                queue.try_get().unwrap();
                hits[place] += 1;
            }
        }
        assert_eq!(hits, [20; 5]);
    });
}

/// recv_in_send
#[test]
fn a_put_of_what_the_same_full_queue_gives_finds_room() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        queue.put(1).unwrap();
        assert_eq!(queue.try_put(queue.get().unwrap() + 1), Ok(()));
        assert_eq!(get_first(&[&queue]), (0, Ok(2)));
    });
}

/// channel_through_channel
#[test]
fn queues_are_items_of_queues() {
    super::queues_go_through_queues(|| Queue::bounded(1));
}

/// Says its name when it is dropped, and panics then, unless somebody does already.
struct Panics(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Panics {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
        if !std::thread::panicking() {
            panic!("the drop of the {}", self.0);
        }
    }
}

/// panic_on_drop
///
/// The lender leaks what stands behind the item that panics. Here the rest is dropped all the same.
#[test]
fn a_panic_of_an_item_that_is_dropped_comes_out_and_the_rest_is_dropped() {
    support::hub(|| {
        let dropped = Rc::default();
        for drain in [false, true] {
            let queue = Queue::bounded(2);
            assert!(queue.put(Panics("first", Rc::clone(&dropped))).is_ok());
            assert!(queue.put(Panics("second", Rc::clone(&dropped))).is_ok());
            let text = panic_of(|| if drain { drop(queue.close_now()) } else { drop(queue) });
            assert_eq!(text, "the drop of the first");
            assert_eq!(dropped.take(), ["first", "second"]);
        }
    });
}

/// drop_unreceived
#[test]
fn what_nobody_got_is_dropped_with_the_last_handle_or_when_the_getters_give_up() {
    support::hub(|| {
        let tally = Tally::new();
        let (queue, given_up) = (Queue::bounded(1), Queue::bounded(1));
        assert!(queue.put(tally.one()).is_ok() && given_up.put(tally.one()).is_ok());
        let other = queue.clone();
        drop(queue);
        assert_eq!(tally.alive(), 2);
        drop(other);
        assert_eq!(tally.alive(), 1);
        drop(given_up.close_now());
        assert_eq!(tally.alive(), 0);
    });
}

/// recv_timeout, for the time it takes
#[test]
fn a_limited_get_waits_its_time_and_no_hub_waits_with_it() {
    everywhere(|place| {
        let (queue, turns) = (Queue::<u8>::bounded(1), AtomicUsize::new(0));
        let other = place.go({
            let queue = queue.clone();
            move || {
                let begun = Instant::now();
                let got = queue.get_timeout(ms(3));
                (got, begun.elapsed())
            }
        });
        let begun = Instant::now();
        while begun.elapsed() < ms(2) {
            nap(Duration::from_micros(100));
            turns.fetch_add(1, SeqCst);
        }
        let (got, waited) = other.join();
        assert_eq!(got, Err(GetError::Empty));
        assert!(waited >= ms(3) && turns.load(SeqCst) > 0);
    });
}
