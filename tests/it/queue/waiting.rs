//! Queues among the several things of one wait.

use std::time::Duration;

use greenroom::queue::{LifoQueue, PriorityQueue, Queue, channel};
use greenroom::{iwait, sleep, spawn, wait, yield_now};

use crate::support::{self, ms};

#[test]
fn a_queue_is_ready_with_its_first_item_or_its_end() {
    support::hub(|| {
        let (fifo, lifo, priority) =
            (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::<u8>::unbounded());
        assert_eq!(wait(&[&fifo, &lifo, &priority], Some(ms(1)), None), [0; 0]);
        let far = std::thread::spawn({
            let (fifo, lifo, priority) = (fifo.clone(), lifo.clone(), priority.clone());
            move || {
                for step in 0..3 {
                    std::thread::sleep(ms(3));
                    match step {
                        0 => lifo.put(1).unwrap(),
                        1 => priority.close(),
                        _ => fifo.put(1).unwrap(),
                    }
                }
            }
        });
        assert_eq!(iwait(&[&fifo, &lifo, &priority]).collect::<Vec<_>>(), [1, 2, 0]);
        far.join().unwrap();
        assert_eq!(wait(&[&fifo, &lifo, &priority], Some(Duration::ZERO), None).len(), 3);
        assert_eq!((fifo.len(), lifo.len()), (1, 1));
    });
}

#[test]
fn a_rendezvous_is_ready_when_somebody_waits_to_put() {
    support::hub(|| {
        let queue = channel();
        let late = spawn({
            let queue = queue.clone();
            move || {
                sleep(ms(1));
                queue.put(1)
            }
        });
        assert_eq!(wait(&[&queue], None, None), [0]);
        assert_eq!(queue.try_get(), Ok(1));
        late.join().unwrap().unwrap();
        let far = std::thread::spawn({
            let queue = queue.clone();
            move || {
                for n in 0..100 {
                    queue.put(n).unwrap();
                }
            }
        });
        for n in 0..100 {
            assert_eq!(wait(&[&queue], None, None), [0]);
            assert_eq!(queue.get(), Ok(n));
        }
        far.join().unwrap();
    });
}

#[test]
fn an_item_that_was_put_back_is_news() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let victim = spawn({
            let queue = queue.clone();
            move || queue.get()
        });
        yield_now();
        victim.kill();
        queue.put(1).unwrap();
        assert_eq!(wait(&[&queue], None, None), [0]);
        drop(victim.join());
        assert_eq!(queue.get(), Ok(1));
    });
}
