//! Who is served first, and which item comes first.

use std::cmp::Ordering;

use greenroom::queue::{LifoQueue, PriorityQueue, Queue};
use greenroom::{spawn, yield_now};

use crate::support::{self, Log};

/// Compared by its first field only.
#[derive(Clone, Debug)]
struct Rank(u32, &'static str);

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.0 == other.0
    }
}
impl Eq for Rank {}
impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[test]
fn getters_get_in_the_order_of_coming() {
    support::hub(|| {
        let (queue, log) = (Queue::unbounded(), Log::new());
        for name in ["a", "b", "c"] {
            let (queue, log) = (queue.clone(), log.clone());
            spawn(move || {
                let n: u32 = queue.get().unwrap();
                log.push(format!("{name}{n}"));
            });
        }
        yield_now();
        (1..=3).for_each(|n| queue.put(n).unwrap());
        yield_now();
        assert_eq!(log.words(), ["a1", "b2", "c3"]);
    });
}

#[test]
fn putters_put_in_the_order_of_coming() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        for n in 1..=4 {
            let queue = queue.clone();
            spawn(move || queue.put(n).unwrap());
        }
        yield_now();
        assert_eq!([(); 4].map(|()| queue.get().unwrap()), [1, 2, 3, 4]);
    });
}

#[test]
fn a_newcomer_does_not_overtake_who_waits() {
    support::hub(|| {
        let (queue, log) = (Queue::bounded(1), Log::new());
        let getter = spawn({
            let (queue, log) = (queue.clone(), log.clone());
            move || log.push(format!("waiter {}", queue.get().unwrap()))
        });
        yield_now();
        queue.put(1).unwrap();
        // The item is on its way to the waiter, which has not run yet.
        assert!(queue.try_get().is_err());
        queue.put(2).unwrap();
        let putter = spawn({
            let queue = queue.clone();
            move || queue.put(3).unwrap()
        });
        yield_now();
        assert_eq!(queue.get(), Ok(2));
        // The room went to the putter, which has not run yet.
        assert!(queue.try_put(4).is_err());
        assert_eq!(queue.get(), Ok(3));
        getter.join().unwrap();
        putter.join().unwrap();
        assert_eq!(log.words(), ["waiter 1"]);
    });
}

#[test]
fn equal_priorities_keep_their_order() {
    support::hub(|| {
        let queue = PriorityQueue::unbounded();
        for (rank, name) in [(2, "c"), (1, "a"), (2, "d"), (1, "b"), (2, "e")] {
            queue.put(Rank(rank, name)).unwrap();
        }
        assert_eq!(queue.get().unwrap().1, "a");
        queue.put(Rank(2, "f")).unwrap();
        let names: Vec<_> = [(); 5].map(|()| queue.get().unwrap().1).to_vec();
        assert_eq!(names, ["b", "c", "d", "e", "f"]);
    });
}

#[test]
fn equal_priorities_keep_their_order_through_a_wait_for_room() {
    support::hub(|| {
        let queue = PriorityQueue::bounded(2);
        for name in ["a", "b", "c", "d", "e"] {
            let queue = queue.clone();
            spawn(move || queue.put(Rank(1, name)).unwrap());
        }
        yield_now();
        let names = [(); 5].map(|()| queue.get().unwrap().1);
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
    });
}

#[test]
fn a_priority_queue_sorts_whatever_comes() {
    support::hub(|| {
        let mut seed = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        for round in 0..200 {
            let queue = PriorityQueue::unbounded();
            let mut model: Vec<(u64, u64)> = Vec::new();
            for step in 0..60 {
                if next(3) > 0 {
                    let item = (next(8), step);
                    queue.put(item).unwrap();
                    model.push(item);
                    model.sort_unstable();
                } else if !model.is_empty() {
                    assert_eq!(queue.get(), Ok(model.remove(0)), "round {round}");
                }
            }
            assert_eq!(queue.peek(), model.first().copied());
            assert_eq!(queue.close_now(), model, "round {round}");
        }
    });
}

#[test]
fn putters_of_a_pile_come_on_top_as_they_are_let_in() {
    support::hub(|| {
        let queue = LifoQueue::bounded(2);
        for n in 1..=4 {
            let queue = queue.clone();
            spawn(move || queue.put(n).unwrap());
        }
        yield_now();
        assert_eq!([(); 4].map(|()| queue.get().unwrap()), [2, 3, 4, 1]);
    });
}
