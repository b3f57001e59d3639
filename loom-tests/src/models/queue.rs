//! Models of `src/queue/raw.rs` and the stores.

use std::cmp::Ordering;
use std::time::Duration;

use loom::sync::Arc;

use super::rest::Rest;
use super::{beside, check};
use crate::park::seat::{Manner, Victim, become_green, has_no_mail, unless_killed};
use crate::queue::error::{GetError, PutError};
use crate::queue::heap::Heap;
use crate::queue::raw::Core;
use crate::queue::store::{Fifo, Store};
use crate::queue::wish::Wish;

/// A number. Loom looks at each for leaks.
struct Item(Arc<u8>);

impl Item {
    fn new(number: u8) -> Item {
        Item(Arc::new(number))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Item) -> bool {
        *self.0 == *other.0
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Item) -> Ordering {
        u8::cmp(&self.0, &other.0)
    }
}

type Queue = Core<Item, Fifo<Item>>;
type PriorityQueue = Core<Item, Heap<Item>>;

const ALWAYS: Wish = Wish::endless(Manner::Infallible);

fn soon() -> Wish {
    Wish::within(Duration::from_nanos(1), Manner::Infallible)
}

fn put<S: Store<Item>>(queue: &Core<Item, S>, number: u8) {
    assert!(queue.put(Item::new(number), ALWAYS).is_ok());
}

fn get<S: Store<Item>>(queue: &Core<Item, S>) -> u8 {
    *queue.get(ALWAYS).expect("nothing ends this wait").0
}

fn drain<S: Store<Item>>(queue: &Core<Item, S>) -> Vec<u8> {
    std::iter::from_fn(|| queue.get(Wish::NO_WAIT).ok()).map(|item| *item.0).collect()
}

/// Preemptions: 3. Seen to fail with an `offer` that does not look for those who wait.
#[test]
fn items_come_out_once_and_in_order() {
    check(3, || {
        let queue = Arc::new(Queue::new(None));
        let putter = beside(&queue, |queue| {
            put(queue, 1);
            put(queue, 2);
        });
        assert_eq!([get(&queue), get(&queue)], [1, 2]);
        putter.join().unwrap();
        assert!(drain(&queue).is_empty());
    });
}

/// Preemptions: 3. Seen to fail with a `take` that lets nobody in.
#[test]
fn one_who_waits_for_room_goes_on_when_there_is_some() {
    check(3, || {
        let queue = Arc::new(Queue::new(Some(1)));
        let putter = beside(&queue, |queue| {
            put(queue, 1);
            put(queue, 2);
        });
        assert_eq!(get(&queue), 1);
        putter.join().unwrap();
        assert_eq!(drain(&queue), [2]);
    });
}

/// Preemptions: 3. Seen to fail with a `get` that takes nothing from those who wait to put.
#[test]
fn a_queue_that_holds_nothing_hands_over() {
    check(3, || {
        let queue = Arc::new(Queue::new(Some(0)));
        let putter = beside(&queue, |queue| put(queue, 1));
        assert_eq!(get(&queue), 1);
        putter.join().unwrap();
        assert!(drain(&queue).is_empty());
    });
}

/// Preemptions: 3. Seen to fail with a `put_slowly` that lets go of the latch between its last look and its place in the line.
#[test]
fn two_hubs_meet_at_queues_that_hold_nothing_and_one_of_them_answers() {
    check(3, || {
        let queues = Arc::new([Queue::new(Some(0)), Queue::new(Some(0))]);
        let other = beside(&queues, |[requests, responses]| {
            become_green();
            put(responses, get(requests) + 1);
        });
        become_green();
        let [requests, responses] = &*queues;
        put(requests, 1);
        assert_eq!(get(responses), 2);
        other.join().unwrap();
        assert!(has_no_mail());
    });
}

/// Preemptions: 3. Seen to fail with a `tell_far` that posts no letter.
#[test]
fn one_who_only_looks_meets_the_hub_that_waits() {
    check(3, || {
        let queue = Arc::new(Queue::new(Some(0)));
        let looker = beside(&queue, |queue| {
            loop {
                match queue.get(Wish::NO_WAIT) {
                    Ok(item) => return *item.0,
                    Err(_) => loom::thread::yield_now(),
                }
            }
        });
        become_green();
        put(&queue, 1);
        assert_eq!(looker.join().unwrap(), 1);
        assert!(has_no_mail());
    });
}

/// Preemptions: 3. Seen to fail with a `line::wait` that ends at its limit whatever it was told.
#[test]
fn an_item_handed_to_one_whose_time_is_over_is_got_or_kept() {
    check(3, || {
        let queue = Arc::new(Queue::new(Some(1)));
        let putter = beside(&queue, |queue| put(queue, 1));
        let got = queue.get(soon());
        putter.join().unwrap();
        assert_eq!(drain(&queue).len(), usize::from(got.is_err()));
    });
}

/// Preemptions: 3. Seen to fail with an `accept` that tells a putter and leaves it its value.
#[test]
fn a_value_of_one_whose_time_is_over_is_got_or_comes_back() {
    check(3, || {
        let queue = Arc::new(Queue::new(Some(0)));
        let getter = beside(&queue, |queue| queue.get(soon()).is_ok());
        let put = queue.put(Item::new(1), soon()).is_ok();
        assert_eq!(getter.join().unwrap(), put);
    });
}

/// Preemptions: 2. Seen to fail with a `pass_on` that drops the item.
#[test]
fn an_item_handed_to_one_who_is_killed_goes_to_the_next() {
    check(2, || {
        let (queue, victim) = (Arc::new(Queue::new(None)), Victim::to_be());
        let killed = beside(&queue, {
            let victim = victim.clone();
            move |queue| {
                victim.take_place();
                unless_killed(|| get(queue)).is_none()
            }
        });
        let other = beside(&queue, get);
        put(&queue, 1);
        victim.kill();
        if !killed.join().unwrap() {
            put(&queue, 2);
        }
        other.join().unwrap();
        assert!(drain(&queue).is_empty());
    });
}

/// Preemptions: 3. Seen to fail with a `shut` that does not tell those who wait for an item.
#[test]
fn a_close_ends_the_wait_for_an_item() {
    check(3, || {
        let queue = Arc::new(Queue::new(None));
        let closer = beside(&queue, Queue::close);
        assert!(matches!(queue.get(ALWAYS), Err(GetError::Closed)));
        closer.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `shut` that does not tell those who wait for room.
#[test]
fn a_close_ends_the_wait_for_room_and_the_value_comes_back() {
    check(3, || {
        let queue = Arc::new(Queue::new(Some(0)));
        let closer = beside(&queue, Queue::close);
        assert!(matches!(queue.put(Item::new(1), ALWAYS), Err(PutError::Closed(Item(_)))));
        closer.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `close_now` that gives the latch back between taking all and closing.
#[test]
fn a_value_that_meets_the_end_is_among_all_or_comes_back() {
    check(3, || {
        let queue = Arc::new(Queue::new(None));
        let putter = beside(&queue, |queue| queue.put(Item::new(1), ALWAYS).is_ok());
        let all = queue.close_now();
        assert_eq!(all.len(), usize::from(putter.join().unwrap()));
        assert!(matches!(queue.get(ALWAYS), Err(GetError::Closed)));
    });
}

/// Preemptions: 3. Seen to fail with a `task_done` that tells nobody.
#[test]
fn a_join_ends_when_all_is_done() {
    check(3, || {
        let queue = Arc::new(Queue::new(None));
        put(&queue, 1);
        let worker = beside(&queue, |queue| {
            get(queue);
            assert!(queue.task_done());
        });
        assert!(queue.join(ALWAYS));
        worker.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with an `enter` that does not wait for the end of a claim.
#[test]
fn what_is_put_while_the_queue_is_claimed_is_kept() {
    check(3, || {
        let queue = Arc::new(PriorityQueue::new(None));
        let putter = beside(&queue, |queue| put(queue, 1));
        put(&queue, 2);
        putter.join().unwrap();
        assert_eq!(drain(&queue), [1, 2]);
    });
}

/// Preemptions: 2. Seen to fail with a claim that ends without what came back meanwhile.
#[test]
fn what_comes_back_while_the_queue_is_claimed_is_kept() {
    check(2, || {
        let (queue, victim) = (Arc::new(PriorityQueue::new(None)), Victim::to_be());
        let killed = beside(&queue, {
            let victim = victim.clone();
            move |queue| {
                victim.take_place();
                unless_killed(|| get(queue)).is_some()
            }
        });
        let putter = beside(&queue, |queue| put(queue, 1));
        put(&queue, 2);
        victim.kill();
        let got = killed.join().unwrap();
        putter.join().unwrap();
        assert_eq!(drain(&queue).len() + usize::from(got), 2);
    });
}

/// Preemptions: 3. Seen to fail with an `offer` that asks whether anybody watches before it takes the latch.
#[test]
fn an_item_is_seen_by_one_who_comes_to_watch_meanwhile() {
    check(3, || {
        let queue = Arc::new(Queue::new(None));
        let putter = beside(&queue, |queue| put(queue, 1));
        let rest = Rest::new();
        queue.watchers().add(rest.waker());
        while !queue.is_ready() {
            rest.sleep();
        }
        putter.join().unwrap();
        assert_eq!(drain(&queue), [1]);
    });
}
