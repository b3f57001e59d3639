//! `greenroom::queue`: order, room, waiting, closing; corners in the folder.

mod close;
mod far;
mod interruption;
mod order;
mod own_code;
mod unfinished;
mod waiting;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::queue::{GetError, JoinableQueue, LifoQueue, PriorityQueue, PutError, Queue, channel};
use greenroom::wait::joinall;
use greenroom::{sleep, spawn, yield_now};

use crate::support::{self, Log, Tally, ms};

#[test]
fn each_kind_gives_its_own_order() {
    support::hub(|| {
        let (fifo, lifo, priority) = (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::unbounded());
        for n in [2, 3, 1] {
            fifo.put(n).unwrap();
            lifo.put(n).unwrap();
            priority.put(n).unwrap();
        }
        assert_eq!([(); 3].map(|()| fifo.get().unwrap()), [2, 3, 1]);
        assert_eq!([(); 3].map(|()| lifo.get().unwrap()), [1, 3, 2]);
        assert_eq!([(); 3].map(|()| priority.get().unwrap()), [1, 2, 3]);
    });
}

#[test]
fn a_get_waits_for_a_put_and_a_put_for_a_get() {
    support::hub(|| {
        let (queue, log) = (Queue::bounded(1), Log::new());
        let getter = spawn({
            let (queue, log) = (queue.clone(), log.clone());
            move || {
                for _ in 0..3 {
                    log.push("get");
                    let n: u32 = queue.get().unwrap();
                    log.push(format!("got {n}"));
                }
            }
        });
        for n in 1..=3 {
            log.push(format!("put {n}"));
            queue.put(n).unwrap();
        }
        getter.join().unwrap();
        let words = log.words();
        assert_eq!(words.first().map(String::as_str), Some("put 1"));
        let got: Vec<_> = words.iter().filter(|word| word.starts_with("got")).collect();
        assert_eq!(got, ["got 1", "got 2", "got 3"]);
    });
}

#[test]
fn the_methods_that_do_not_wait_say_why_they_fail() {
    support::virtual_hub(|| {
        let queue = Queue::bounded(1);
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        assert_eq!(queue.try_put(1), Ok(()));
        assert_eq!(queue.try_put(2), Err(PutError::Full(2)));
        assert_eq!(queue.put_timeout(3, Duration::ZERO), Err(PutError::Full(3)));
        queue.close();
        assert_eq!(queue.try_put(4), Err(PutError::Closed(4)));
        assert_eq!(queue.put(5), Err(PutError::Closed(5)));
        assert_eq!(queue.put_timeout(6, ms(1)).unwrap_err().into_inner(), 6);
        assert_eq!(queue.try_get(), Ok(1));
        assert_eq!(queue.try_get(), Err(GetError::Closed));
        assert_eq!(queue.get(), Err(GetError::Closed));
        assert_eq!(queue.get_timeout(Duration::ZERO), Err(GetError::Closed));
    });
}

#[test]
fn a_wait_with_a_limit_ends_in_full_or_empty() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        for limit in [Duration::ZERO, Duration::from_nanos(1), ms(3)] {
            let begun = Instant::now();
            assert_eq!(queue.get_timeout(limit), Err(GetError::Empty));
            assert!(begun.elapsed() >= limit);
        }
        queue.put(1).unwrap();
        for limit in [Duration::ZERO, Duration::from_nanos(1), ms(3)] {
            let begun = Instant::now();
            assert_eq!(queue.put_timeout(2, limit), Err(PutError::Full(2)));
            assert!(begun.elapsed() >= limit);
        }
        assert_eq!((queue.len(), queue.unfinished()), (1, 1));
    });
}

#[test]
fn the_longest_limit_is_legal_and_met_by_an_item() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        let late = spawn({
            let queue = queue.clone();
            move || {
                sleep(ms(1));
                queue.put(1).unwrap();
                queue.put_timeout(2, Duration::MAX).unwrap();
            }
        });
        assert_eq!(queue.get_timeout(Duration::MAX), Ok(1));
        assert_eq!(queue.get_timeout(Duration::MAX - Duration::from_nanos(1)), Ok(2));
        late.join().unwrap();
    });
}

#[test]
fn a_queue_of_huge_capacity_takes_no_memory_for_it() {
    support::hub(|| {
        for capacity in [usize::MAX, usize::MAX / 2, 1 << 60, 1_025] {
            let (fifo, lifo) = (Queue::bounded(capacity), LifoQueue::bounded(capacity));
            let priority = PriorityQueue::bounded(capacity);
            fifo.put(1).unwrap();
            lifo.put(1).unwrap();
            priority.put(1).unwrap();
            assert_eq!((fifo.capacity(), fifo.len(), fifo.is_full()), (Some(capacity), 1, false));
            assert_eq!((lifo.get(), priority.get()), (Ok(1), Ok(1)));
        }
        assert_eq!(Queue::<u8>::unbounded().capacity(), None);
        assert!(!Queue::<u8>::unbounded().is_full());
    });
}

#[test]
fn a_rendezvous_put_returns_once_the_item_is_taken() {
    support::hub(|| {
        let (queue, log) = (channel(), Log::new());
        let putter = spawn({
            let (queue, log) = (queue.clone(), log.clone());
            move || {
                for n in 1..=2 {
                    queue.put(n).unwrap();
                    log.push(format!("put {n}"));
                }
            }
        });
        yield_now();
        assert_eq!(
            (queue.len(), queue.is_full(), queue.is_empty(), queue.capacity()),
            (0, true, true, Some(0))
        );
        assert_eq!(queue.peek(), None);
        assert_eq!(queue.unfinished(), 0);
        log.push("take");
        assert_eq!(queue.try_get(), Ok(1));
        assert_eq!(queue.unfinished(), 1);
        assert_eq!(log.words(), ["take"]);
        yield_now();
        assert_eq!(queue.get(), Ok(2));
        putter.join().unwrap();
        assert_eq!(log.words(), ["take", "put 1", "put 2"]);
    });
}

#[test]
fn a_rendezvous_is_tried_in_vain_unless_somebody_waits() {
    support::hub(|| {
        let queue = channel();
        assert_eq!(queue.try_put(1), Err(PutError::Full(1)));
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        let getter = spawn({
            let queue = queue.clone();
            move || queue.get()
        });
        yield_now();
        assert!(queue.is_full());
        assert_eq!(queue.try_put(2), Ok(()));
        assert_eq!(getter.join().unwrap(), Ok(2));
    });
}

#[test]
fn a_bounded_queue_never_holds_more_than_it_may() {
    support::hub(|| {
        let queue = Queue::bounded(3);
        let putters: Vec<_> = (0..10)
            .map(|n| {
                let queue = queue.clone();
                spawn(move || queue.put(n).unwrap())
            })
            .collect();
        yield_now();
        assert_eq!((queue.len(), queue.is_full(), queue.unfinished()), (3, true, 3));
        for n in 0..10 {
            assert_eq!(queue.get(), Ok(n));
            assert!(queue.len() <= 3);
        }
        joinall(putters);
    });
}

#[test]
fn many_put_and_many_take_and_each_item_comes_once() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        let putters: Vec<_> = (0..50_u64)
            .map(|n| {
                let queue = queue.clone();
                spawn(move || (0..40).for_each(|i| queue.put(n * 40 + i).unwrap()))
            })
            .collect();
        let getters: Vec<_> = (0..50)
            .map(|_| {
                let queue = queue.clone();
                spawn(move || queue.iter().collect::<Vec<_>>())
            })
            .collect();
        joinall(putters);
        queue.close();
        let mut all: Vec<_> = joinall(getters).into_iter().flat_map(Result::unwrap).collect();
        all.sort_unstable();
        assert_eq!(all, (0..2_000).collect::<Vec<_>>());
    });
}

#[test]
fn the_iterator_ends_when_the_queue_is_closed_and_drained() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let eater = spawn({
            let queue = queue.clone();
            move || {
                let mut all = Vec::new();
                for n in &queue {
                    all.push(n);
                }
                all
            }
        });
        (0..5).for_each(|n| queue.put(n).unwrap());
        queue.close();
        assert_eq!(eater.join().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(queue.iter().next(), None);
    });
}

#[test]
fn peek_shows_what_get_would_give_and_leaves_it() {
    support::hub(|| {
        let (fifo, lifo, priority) = (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::unbounded());
        assert_eq!((fifo.peek(), lifo.peek(), priority.peek()), (None::<u8>, None::<u8>, None::<u8>));
        for n in [2, 1, 3] {
            fifo.put(n).unwrap();
            lifo.put(n).unwrap();
            priority.put(n).unwrap();
        }
        assert_eq!((fifo.peek(), lifo.peek(), priority.peek()), (Some(2), Some(3), Some(1)));
        assert_eq!((fifo.len(), lifo.len(), priority.len()), (3, 3, 3));
        assert_eq!((fifo.get(), lifo.get(), priority.get()), (Ok(2), Ok(3), Ok(1)));
    });
}

#[test]
fn the_last_handle_drops_what_is_held() {
    support::hub(|| {
        let tally = Tally::new();
        let queue = Queue::bounded(4);
        let other = queue.clone();
        (0..3).for_each(|_| queue.put(tally.one()).unwrap_or_else(|_| panic!("room")));
        drop(queue);
        assert_eq!(tally.alive(), 3);
        drop(other);
        assert_eq!((tally.alive(), tally.dropped()), (0, 3));
    });
}

#[test]
fn debug_shows_how_full_it_is_and_asks_nothing_of_the_items() {
    struct Silent;
    let queue = JoinableQueue::bounded(2);
    assert!(queue.try_put(Silent).is_ok());
    let text = format!("{queue:?}");
    assert!(text.contains("len: 1") && text.contains("Some(2)") && text.contains("closed: false"), "{text}");
    assert_eq!(format!("{:?}", PutError::Full(Silent)), "Full(..)");
    assert_eq!(format!("{}", PutError::Closed(Silent)), "the queue is closed");
    assert_eq!(GetError::Empty.to_string(), "the queue is empty");
    assert!(format!("{:?}", queue.iter()).starts_with("Iter"));
}

#[test]
fn who_puts_and_gets_without_end_leaves_the_others_their_turns() {
    support::hub(|| {
        let (queue, over) = (Queue::unbounded(), Rc::new(Cell::new(false)));
        let busy = spawn({
            let (queue, over) = (queue.clone(), over.clone());
            move || {
                while !over.get() {
                    queue.put(1).unwrap();
                    queue.get().unwrap();
                }
            }
        });
        yield_now();
        over.set(true);
        busy.join().unwrap();
    });
}
