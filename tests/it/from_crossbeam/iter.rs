//! Iteration; crossbeam-channel's `tests/iter.rs`, with queues and with `mpsc`.
//!
//! A queue has no `try_iter` and no iterator that owns it: `from_fn` over `try_get`, and a handle that is moved along, say
//! the same.

use greenroom::queue::Queue;
use greenroom::sync::mpsc;

use super::{A_WHILE, everywhere, nap};
use crate::support;

/// nested_recv_iter
#[test]
fn an_iteration_over_a_queue_ends_when_it_is_closed() {
    everywhere(|place| {
        let (queue, totals) = (Queue::unbounded(), Queue::unbounded());
        let other = place.go({
            let (queue, totals) = (queue.clone(), totals.clone());
            move || {
                let mut sum = 0;
                for n in &queue {
                    sum += n;
                }
                totals.put(sum).unwrap();
            }
        });
        [3, 1, 2].into_iter().for_each(|n| queue.put(n).unwrap());
        queue.close();
        assert_eq!(totals.get(), Ok(6));
        other.join();
    });
}

/// nested_recv_iter
#[test]
fn an_iteration_over_a_receiver_ends_with_the_last_sender() {
    everywhere(|place| {
        let (sender, receiver) = mpsc::channel();
        let (totals, total) = mpsc::channel();
        let other = place.go(move || {
            let mut sum = 0;
            for n in &receiver {
                sum += n;
            }
            totals.send(sum).unwrap();
        });
        let second = sender.clone();
        sender.send(3).unwrap();
        drop(sender);
        nap(A_WHILE);
        second.send(1).unwrap();
        second.send(2).unwrap();
        drop(second);
        assert_eq!(total.recv(), Ok(6));
        other.join();
    });
}

/// recv_iter_break
#[test]
fn an_iteration_over_a_queue_that_breaks_off_leaves_the_rest() {
    everywhere(|place| {
        let queue = Queue::unbounded();
        let other = place.go({
            let queue = queue.clone();
            move || {
                let mut count = 0;
                for n in queue.iter() {
                    if count >= 3 {
                        break;
                    }
                    count += n;
                }
                count
            }
        });
        (0..4).for_each(|_| queue.put(2).unwrap());
        queue.close();
        assert_eq!(other.join(), 4);
        assert_eq!(queue.iter().collect::<Vec<_>>(), [2], "the third was got, and thrown away");
    });
}

/// recv_iter_break
#[test]
fn an_iteration_over_a_receiver_may_break_off_and_go_on() {
    everywhere(|place| {
        let (sender, receiver) = mpsc::sync_channel(0);
        let other = place.go(move || {
            let first: Vec<_> = receiver.iter().take(2).collect();
            (first, receiver.iter().take(1).collect::<Vec<_>>(), receiver.recv())
        });
        (0..4).for_each(|n| sender.send(n).unwrap());
        assert_eq!(other.join(), (vec![0, 1], vec![2], Ok(3)));
        assert_eq!(sender.send(4).unwrap_err().0, 4);
    });
}

/// recv_try_iter
#[test]
fn what_is_there_is_iterated_over_without_a_wait() {
    everywhere(|place| {
        let (requests, request) = mpsc::channel();
        let (responses, response) = mpsc::channel();
        let other = place.go(move || {
            let mut count = 0;
            while count < 6 {
                requests.send(()).unwrap();
                count += response.try_iter().sum::<i32>();
                super::give_way();
            }
            count
        });
        for () in &request {
            if responses.send(2).is_err() {
                break;
            }
        }
        assert!(other.join() >= 6);
    });
}

/// recv_try_iter
#[test]
fn try_iter_ends_where_a_value_is_missing_and_goes_on_when_it_has_come() {
    support::hub(|| {
        let (sender, receiver) = mpsc::channel();
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        let mut there = receiver.try_iter();
        assert_eq!([(); 3].map(|()| there.next()), [Some(1), Some(2), None]);
        sender.send(3).unwrap();
        drop(sender);
        assert_eq!([(); 3].map(|()| there.next()), [Some(3), None, None]);
    });
}

/// recv_into_iter_owned
#[test]
fn an_iterator_may_own_the_receiver() {
    support::hub(|| {
        let mut values = {
            let (sender, receiver) = mpsc::channel();
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            receiver.into_iter()
        };
        assert_eq!([(); 3].map(|()| values.next()), [Some(1), Some(2), None]);
    });
}

/// recv_into_iter_owned
#[test]
fn an_iterator_that_owns_the_receiver_closes_the_channel_when_it_is_dropped() {
    everywhere(|place| {
        let (sender, receiver) = mpsc::sync_channel(1);
        let other = place.go(move || receiver.into_iter().next());
        sender.send(1).unwrap();
        assert_eq!(other.join(), Some(1));
        assert!(sender.send(2).is_err());
    });
}

/// recv_into_iter_borrowed
#[test]
fn an_iterator_may_borrow_the_queue_or_the_receiver() {
    support::hub(|| {
        let (sender, receiver) = mpsc::channel();
        let queue = Queue::unbounded();
        for n in [1, 2] {
            sender.send(n).unwrap();
            queue.put(n).unwrap();
        }
        drop(sender);
        queue.close();
        let (mut values, mut items) = ((&receiver).into_iter(), (&queue).into_iter());
        assert_eq!([(); 3].map(|()| values.next()), [Some(1), Some(2), None]);
        assert_eq!([(); 3].map(|()| items.next()), [Some(1), Some(2), None]);
    });
}
