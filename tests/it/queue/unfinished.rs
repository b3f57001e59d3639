//! What was put and not yet dealt with.

use std::time::Duration;

use greenroom::queue::{LifoQueue, PriorityQueue, Queue};
use greenroom::wait::joinall;
use greenroom::{sleep, spawn, yield_now};

use crate::support::{self, Log, ms, panic_of};

#[test]
fn join_waits_until_all_is_done() {
    support::hub(|| {
        let (queue, log) = (Queue::unbounded(), Log::new());
        (0..3).for_each(|n| queue.put(n).unwrap());
        let worker = spawn({
            let (queue, log) = (queue.clone(), log.clone());
            move || {
                for n in &queue {
                    sleep(ms(1));
                    log.push(format!("done {n}"));
                    queue.task_done();
                }
            }
        });
        assert!(!queue.join_timeout(Duration::ZERO));
        assert!(!queue.join_timeout(Duration::from_nanos(1)));
        queue.join();
        log.push("joined");
        assert_eq!(log.words(), ["done 0", "done 1", "done 2", "joined"]);
        assert!(queue.join_timeout(Duration::ZERO));
        queue.join();
        queue.close();
        worker.join().unwrap();
    });
}

#[test]
fn several_join_and_all_are_told() {
    support::hub(|| {
        let queue = Queue::unbounded();
        queue.put(()).unwrap();
        let joiners: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                spawn(move || queue.join_timeout(Duration::MAX))
            })
            .collect();
        yield_now();
        queue.get().unwrap();
        queue.task_done();
        // New work does not hold those up who have seen it all done.
        queue.put(()).unwrap();
        assert!(joinall(joiners).into_iter().all(|joined| joined.unwrap()));
    });
}

#[test]
fn a_task_done_too_many_panics_and_changes_nothing() {
    support::hub(|| {
        let queue = Queue::bounded(2);
        assert!(panic_of(|| queue.task_done()).contains("more often"));
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        queue.task_done();
        queue.task_done();
        assert!(panic_of(|| queue.task_done()).contains("more often"));
        assert_eq!((queue.unfinished(), queue.len()), (0, 2));
    });
}

#[test]
fn what_is_refused_does_not_count_and_what_is_handed_over_does() {
    support::hub(|| {
        let queue = Queue::bounded(0);
        assert!(queue.try_put(1).is_err());
        assert!(queue.put_timeout(1, ms(1)).is_err());
        assert_eq!(queue.unfinished(), 0);
        let getter = spawn({
            let queue = queue.clone();
            move || queue.get()
        });
        yield_now();
        queue.put(1).unwrap();
        assert_eq!(queue.unfinished(), 1);
        assert_eq!(getter.join().unwrap(), Ok(1));
        queue.task_done();
        assert_eq!(queue.unfinished(), 0);
    });
}

#[test]
fn what_close_now_takes_counts_as_done() {
    support::hub(|| {
        let (fifo, lifo, priority) = (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::unbounded());
        for n in [2, 3, 1] {
            fifo.put(n).unwrap();
            lifo.put(n).unwrap();
            priority.put(n).unwrap();
        }
        fifo.get().unwrap();
        let joiner = spawn({
            let fifo = fifo.clone();
            move || fifo.join()
        });
        yield_now();
        assert_eq!(fifo.close_now(), [3, 1]);
        let of_lifo = spawn({
            let lifo = lifo.clone();
            move || lifo.join()
        });
        yield_now();
        assert_eq!(lifo.close_now(), [1, 3, 2]);
        of_lifo.join().unwrap();
        assert_eq!(priority.close_now(), [1, 2, 3]);
        assert_eq!((fifo.unfinished(), lifo.unfinished(), priority.unfinished()), (1, 0, 0));
        yield_now();
        assert!(!joiner.is_finished());
        fifo.task_done();
        joiner.join().unwrap();
        assert_eq!(fifo.close_now(), [0; 0]);
    });
}
