//! The end of a queue.

use greenroom::queue::{GetError, PriorityQueue, PutError, Queue, channel};
use greenroom::wait::joinall;
use greenroom::{spawn, yield_now};

use crate::support::{self, Tally};

#[test]
fn those_who_wait_for_an_item_learn_that_none_will_come() {
    support::hub(|| {
        let queue = Queue::<u8>::unbounded();
        let getters: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                spawn(move || queue.get())
            })
            .collect();
        yield_now();
        queue.close();
        queue.close();
        assert!(queue.is_closed());
        for got in joinall(getters) {
            assert_eq!(got.unwrap(), Err(GetError::Closed));
        }
    });
}

#[test]
fn those_who_wait_for_room_get_their_values_back_and_the_rest_can_be_taken() {
    support::hub(|| {
        let closes: [fn(&Queue<u32>); 2] = [Queue::close, |queue| assert_eq!(queue.close_now(), [0])];
        for close in closes {
            let queue = Queue::bounded(1);
            queue.put(0).unwrap();
            let putters: Vec<_> = (1..=3)
                .map(|n| {
                    let queue = queue.clone();
                    spawn(move || queue.put(n))
                })
                .collect();
            yield_now();
            close(&queue);
            for (put, n) in joinall(putters).into_iter().zip(1..) {
                assert_eq!(put.unwrap(), Err(PutError::Closed(n)));
            }
            let _left = queue.try_get();
            assert_eq!((queue.get(), queue.len()), (Err(GetError::Closed), 0));
            assert!(queue.unfinished() <= 1);
        }
    });
}

#[test]
fn a_closed_rendezvous_returns_what_nobody_took() {
    support::hub(|| {
        let queue = channel();
        let putter = spawn({
            let queue = queue.clone();
            move || queue.put(1)
        });
        yield_now();
        assert_eq!(queue.close_now(), [0; 0]);
        assert_eq!(queue.try_get(), Err(GetError::Closed));
        assert_eq!(putter.join().unwrap(), Err(PutError::Closed(1)));
    });
}

#[test]
fn an_item_on_its_way_to_a_getter_arrives_though_the_queue_closes() {
    support::hub(|| {
        let queue = Queue::bounded(1);
        let getter = spawn({
            let queue = queue.clone();
            move || queue.get()
        });
        yield_now();
        queue.put(1).unwrap();
        assert_eq!(queue.close_now(), [0; 0]);
        assert_eq!(getter.join().unwrap(), Ok(1));
    });
}

#[test]
fn a_putter_that_was_let_in_before_the_close_has_put() {
    support::hub(|| {
        let queue = PriorityQueue::bounded(1);
        queue.put(1).unwrap();
        let putter = spawn({
            let queue = queue.clone();
            move || queue.put(2)
        });
        yield_now();
        assert_eq!(queue.get(), Ok(1));
        queue.close();
        assert_eq!(putter.join().unwrap(), Ok(()));
        assert_eq!(queue.get(), Ok(2));
    });
}

#[test]
fn a_value_may_use_its_own_queue_when_it_is_dropped() {
    struct Puts(Option<Queue<Puts>>, #[expect(dead_code, reason = "counts")] crate::support::Counted);
    impl Drop for Puts {
        fn drop(&mut self) {
            if let Some(queue) = self.0.take() {
                let _ = queue.len();
                assert!(queue.try_put(Puts(None, Tally::new().one())).is_err());
                assert!(queue.try_get().is_err());
            }
        }
    }
    support::hub(|| {
        let tally = Tally::new();
        let queue = Queue::bounded(3);
        for _ in 0..3 {
            let _ = queue.put(Puts(Some(queue.clone()), tally.one()));
        }
        let putter = spawn({
            let (queue, value) = (queue.clone(), Puts(Some(queue.clone()), tally.one()));
            move || drop(queue.put(value))
        });
        yield_now();
        drop(queue.close_now());
        putter.join().unwrap();
        assert_eq!(tally.alive(), 0);
    });
}
