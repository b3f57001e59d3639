//! Cases of gevent's queues, rewritten: `src/gevent/tests/test__queue.py`. Each names its source.
//!
//! Where the meaning differs (`peek` never waits, a hand-over does not switch), the case says so.

use std::time::{Duration, Instant};

use greenroom::queue::{self, GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenroom::sync::AsyncResult;
use greenroom::{JoinHandle, joinall, sleep, spawn, timeout, yield_now};

use crate::support::{Log, hub, ms, panic_of, virtual_hub};

type Word = &'static str;

/// A green thread that gets once, in a scope that is over before it waits, and says what came of it.
fn impatient(queue: &Queue<Word>) -> JoinHandle<Word> {
    let queue = queue.clone();
    spawn(move || match timeout(Duration::ZERO, || queue.get()) {
        Ok(Ok(word)) => word,
        _ => "timed out",
    })
}

/// A green thread that gets once.
fn getter(queue: &Queue<Word>) -> JoinHandle<Result<Word, GetError>> {
    let queue = queue.clone();
    spawn(move || queue.get())
}

// ---- UsesOnlyOneItemMixin

/// test_put_nowait_simple, of a queue
#[test]
fn a_second_try_put_finds_a_queue_of_one_full() {
    hub(|| {
        let queue = Queue::bounded(1);
        let results = joinall([2, 3].map(|number| {
            let queue = queue.clone();
            spawn(move || queue.try_put(number))
        }));
        let results: Vec<_> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [Ok(()), Err(PutError::Full(3))]);
    });
}

/// test_put_nowait_simple, of a channel
#[test]
fn a_try_put_into_a_channel_needs_somebody_who_waits() {
    hub(|| {
        let channel = queue::channel();
        assert_eq!(channel.try_put(2), Err(PutError::Full(2)));
        assert_eq!(channel.try_put(3), Err(PutError::Full(3)));
    });
}

/// test_put_nowait_unlock, of a queue
#[test]
fn a_try_put_frees_a_waiting_getter() {
    hub(|| {
        let queue = Queue::unbounded();
        let getter = getter(&queue);
        assert!(queue.is_empty() && !queue.is_full());
        yield_now();
        assert!(queue.is_empty() && !queue.is_full());
        assert_eq!(queue.try_put("ten"), Ok(()));
        assert!(!getter.is_finished());
        yield_now();
        assert!(getter.is_finished() && queue.is_empty() && !queue.is_full());
    });
}

/// test_put_nowait_unlock, of a channel
#[test]
fn a_try_put_into_a_channel_frees_a_waiting_getter() {
    hub(|| {
        let channel = queue::channel();
        let getter = getter(&channel);
        assert!(channel.is_empty() && channel.is_full());
        yield_now();
        assert_eq!(channel.try_put("ten"), Ok(()));
        yield_now();
        assert!(channel.is_empty() && channel.is_full());
        assert_eq!(getter.join().unwrap(), Ok("ten"));
    });
}

/// test_send_last, of a queue
#[test]
fn a_getter_with_a_limit_gets_what_comes_in_time() {
    virtual_hub(|| {
        let queue = Queue::unbounded();
        let waiter = spawn({
            let queue = queue.clone();
            move || timeout(ms(500), || queue.get())
        });
        sleep(ms(2));
        queue.put("hi2").unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(Ok("hi2")));
    });
}

/// test_send_last, of a channel
#[test]
fn a_getter_of_a_channel_with_a_limit_gets_what_comes_in_time() {
    virtual_hub(|| {
        let channel = queue::channel();
        let waiter = spawn({
            let channel = channel.clone();
            move || timeout(ms(500), || channel.get())
        });
        sleep(ms(2));
        channel.put("hi2").unwrap();
        assert_eq!(waiter.join().unwrap(), Ok(Ok("hi2")));
    });
}

// ---- TestSimpleQueue

/// test_get_nowait_simple
#[test]
fn a_second_try_get_finds_a_queue_of_one_empty() {
    hub(|| {
        let queue = Queue::bounded(1);
        queue.put(4).unwrap();
        assert_eq!((queue.try_get(), queue.try_get()), (Ok(4), Err(GetError::Empty)));
    });
}

/// test_get_nowait_unlock
#[test]
fn a_try_get_frees_a_waiting_putter() {
    hub(|| {
        let queue = Queue::bounded(1);
        queue.put(5).unwrap();
        let putter = spawn({
            let queue = queue.clone();
            move || queue.put(6)
        });
        yield_now();
        assert!(queue.is_full() && !putter.is_finished());
        assert_eq!(queue.try_get(), Ok(5));
        yield_now();
        assert!(putter.is_finished());
        assert_eq!((queue.try_get(), queue.is_empty()), (Ok(6), true));
    });
}

/// test_send_first
#[test]
fn what_is_put_first_is_there_to_peek_at_and_to_get() {
    hub(|| {
        let queue = Queue::unbounded();
        queue.put("hi").unwrap();
        assert_eq!((queue.peek(), queue.get()), (Some("hi"), Ok("hi")));
    });
}

/// test_peek_empty; ours says so at once
#[test]
fn a_peek_into_an_empty_queue_does_not_wait() {
    hub(|| assert_eq!(Queue::<u8>::unbounded().peek(), None));
}

/// test_peek_multi_greenlet
#[test]
fn a_peek_leaves_the_item_for_everybody() {
    hub(|| {
        let queue = Queue::unbounded();
        queue.put(1).unwrap();
        let peeker = spawn({
            let queue = queue.clone();
            move || queue.peek()
        });
        assert_eq!(peeker.join().unwrap(), Some(1));
        assert_eq!((queue.peek(), queue.len()), (Some(1), 1));
    });
}

/// test_max_size
#[test]
fn a_putter_waits_at_the_size_of_the_queue() {
    hub(|| {
        let (queue, log) = (Queue::bounded(2), Log::new());
        let putter = spawn({
            let (queue, log) = (queue.clone(), log.clone());
            move || {
                for word in ["a", "b", "c"] {
                    queue.put(word).unwrap();
                    log.push(word);
                }
            }
        });
        yield_now();
        assert_eq!(log.words(), ["a", "b"]);
        assert_eq!(queue.get(), Ok("a"));
        yield_now();
        assert_eq!(log.words(), ["a", "b", "c"]);
        assert_eq!((queue.get(), queue.get()), (Ok("b"), Ok("c")));
        putter.join().unwrap();
    });
}

/// test_multiple_waiters
#[test]
fn each_of_several_getters_gets_one_item_in_the_order_of_their_coming() {
    hub(|| {
        let queue = Queue::unbounded();
        let results: Vec<AsyncResult<Word>> = (0..4).map(|_| AsyncResult::new()).collect();
        for result in &results {
            let (queue, result) = (queue.clone(), result.clone());
            spawn(move || result.set(queue.get().unwrap()));
        }
        yield_now();
        let arrived = || results.iter().filter(|result| result.is_ready()).count();
        for (sent, word) in ["1", "2", "3", "4"].into_iter().enumerate() {
            assert_eq!(arrived(), sent);
            queue.put(word).unwrap();
            yield_now();
        }
        let all: Vec<Word> = results.iter().map(|result| result.get().unwrap()).collect();
        assert_eq!(all, ["1", "2", "3", "4"]);
    });
}

/// test_waiters_that_cancel
#[test]
fn a_getter_that_gave_up_takes_nothing() {
    hub(|| {
        let queue = Queue::unbounded();
        assert_eq!(impatient(&queue).join().unwrap(), "timed out");
        queue.put("hi").unwrap();
        assert_eq!(queue.get(), Ok("hi"));
    });
}

/// test_senders_that_die
#[test]
fn what_was_put_outlives_its_putter() {
    hub(|| {
        let queue = Queue::unbounded();
        let putter = spawn({
            let queue = queue.clone();
            move || queue.put("sent")
        });
        putter.wait();
        assert_eq!(queue.get(), Ok("sent"));
    });
}

/// test_two_waiters_one_dies
#[test]
fn of_two_getters_the_one_that_stays_gets_the_item() {
    virtual_hub(|| {
        let queue = Queue::unbounded();
        let (dying, waiting) = (impatient(&queue), getter(&queue));
        sleep(ms(2));
        queue.put("hi").unwrap();
        assert_eq!(dying.join().unwrap(), "timed out");
        assert_eq!(waiting.join().unwrap(), Ok("hi"));
    });
}

/// test_two_bogus_waiters
#[test]
fn two_getters_that_gave_up_leave_the_item_to_a_third() {
    virtual_hub(|| {
        let queue = Queue::unbounded();
        let bogus = [impatient(&queue), impatient(&queue)];
        sleep(ms(2));
        queue.put("sent").unwrap();
        assert!(joinall(bogus).into_iter().all(|word| word.unwrap() == "timed out"));
        assert_eq!(queue.get(), Ok("sent"));
    });
}

// ---- TestChannel

/// test_get_nowait_unlock_channel
#[test]
fn a_try_get_takes_from_a_putter_that_waits_at_a_channel() {
    hub(|| {
        let channel = queue::channel();
        let putter = spawn({
            let channel = channel.clone();
            move || channel.put(5)
        });
        yield_now();
        assert!(channel.is_empty() && channel.is_full() && !putter.is_finished());
        assert_eq!(channel.try_get(), Ok(5));
        yield_now();
        assert!(channel.is_empty() && putter.is_finished());
    });
}

/// test_zero_max_size
#[test]
fn a_putter_waits_at_a_channel_until_somebody_gets() {
    virtual_hub(|| {
        let channel = queue::channel();
        let sender = spawn({
            let channel = channel.clone();
            move || channel.put("hi")
        });
        sleep(ms(1));
        assert!(!sender.is_finished());
        assert_eq!(getter(&channel).join().unwrap(), Ok("hi"));
        assert_eq!(sender.join().unwrap(), Ok(()));
    });
}

/// test_send; where gevent switches to a getter that waits, ours hands over and goes on
#[test]
fn a_put_into_a_channel_returns_once_the_item_is_taken() {
    hub(|| {
        let (channel, log) = (queue::channel(), Log::new());
        let getter = spawn({
            let (channel, log) = (channel.clone(), log.clone());
            move || (0..2).for_each(|_| log.push(channel.get().unwrap()))
        });
        log.push("sending");
        channel.put("hello").unwrap();
        log.push("sent hello");
        channel.put("world").unwrap();
        log.push("sent world");
        getter.join().unwrap();
        assert_eq!(log.words(), ["sending", "hello", "sent hello", "sent world", "world"]);
    });
}

/// test_wait; as above
#[test]
fn a_get_from_a_channel_waits_for_each_putter() {
    hub(|| {
        let (channel, log) = (queue::channel(), Log::new());
        let putter = spawn({
            let (channel, log) = (channel.clone(), log.clone());
            move || {
                log.push("sending hello");
                channel.put("hello").unwrap();
                log.push("sending world");
                channel.put("world").unwrap();
                log.push("sent world");
            }
        });
        log.push("waiting");
        log.push(channel.get().unwrap());
        log.push(channel.get().unwrap());
        assert_eq!(log.words(), ["waiting", "sending hello", "sending world", "hello", "world"]);
        putter.join().unwrap();
        assert_eq!(log.words().last().unwrap(), "sent world");
    });
}

/// test_iterable; what ends the iteration is `close`, not an item
#[test]
fn iterating_over_a_channel_ends_when_it_is_closed() {
    hub(|| {
        let channel = queue::channel();
        let putter = spawn({
            let channel = channel.clone();
            move || {
                channel.put(1).unwrap();
                channel.close();
            }
        });
        assert_eq!(channel.iter().collect::<Vec<u8>>(), [1]);
        putter.join().unwrap();
    });
}

// ---- TestQueue

/// test_task_done
#[test]
fn task_done_ends_what_put_began() {
    hub(|| {
        let queue = Queue::unbounded();
        spawn({
            let queue = queue.clone();
            move || queue.put("x")
        });
        assert_eq!(queue.get(), Ok("x"));
        assert_eq!(queue.unfinished(), 1);
        queue.task_done();
        assert_eq!(queue.unfinished(), 0);
    });
}

/// test_shutdown_all_methods_in_one_thread
#[test]
fn a_closed_queue_takes_nothing_and_gives_what_it_has() {
    hub(|| {
        let queue = Queue::unbounded();
        queue.put("L").unwrap();
        queue.try_put("O").unwrap();
        queue.close();
        assert_eq!(queue.put("E"), Err(PutError::Closed("E")));
        assert_eq!(queue.try_put("W"), Err(PutError::Closed("W")));
        for word in ["L", "O"] {
            assert_eq!(queue.get(), Ok(word));
            queue.task_done();
        }
        queue.join();
        assert_eq!(queue.get(), Err(GetError::Closed));
        assert_eq!(queue.try_get(), Err(GetError::Closed));
        assert_eq!(queue.get_timeout(Duration::from_secs(1)), Err(GetError::Closed));
    });
}

/// test_shutdown_immediate_all_methods_in_one_thread
#[test]
fn a_queue_closed_at_once_has_nothing_left_and_nothing_unfinished() {
    hub(|| {
        let queue = Queue::unbounded();
        queue.put("L").unwrap();
        queue.try_put("O").unwrap();
        assert_eq!(queue.close_now(), ["L", "O"]);
        assert_eq!(queue.put("E"), Err(PutError::Closed("E")));
        assert_eq!((queue.get(), queue.try_get()), (Err(GetError::Closed), Err(GetError::Closed)));
        panic_of(|| queue.task_done());
        queue.join();
    });
}

/// test_issue_45
#[test]
fn a_join_without_any_work_returns_at_once() {
    hub(|| {
        let queue = Queue::<u8>::unbounded();
        queue.join();
        assert!(queue.join_timeout(Duration::ZERO));
    });
}

// ---- TestGetInterrupt, TestPutInterrupt: each claim for each kind

const LIMIT: Duration = ms(4);

/// `wait` of the source, which ends in `wanted` after the limit and not before.
#[track_caller]
fn assert_takes_the_limit<T: PartialEq + std::fmt::Debug>(wait: impl FnOnce() -> T, wanted: T) {
    let before = Instant::now();
    assert_eq!(wait(), wanted);
    assert!(before.elapsed() >= LIMIT, "it took {:?}", before.elapsed());
}

macro_rules! interrupted {
    ($($kind:ident: $empty:expr, $full:expr;)+) => { $(
        mod $kind {
            use super::*;

            /// test_raises_timeout_number
            #[test]
            fn a_get_with_a_limit_ends_empty() {
                hub(|| assert_takes_the_limit(|| $empty.get_timeout(LIMIT), Err(GetError::Empty)));
            }

            /// test_raises_timeout_Timeout
            #[test]
            fn a_get_in_a_scope_is_interrupted_and_the_scope_has_elapsed() {
                hub(|| {
                    let queue = $empty;
                    let mut seen = None;
                    let body = || seen = Some(queue.get());
                    assert_takes_the_limit(|| timeout(LIMIT, body).is_err(), true);
                    assert_eq!(seen, Some(Err(GetError::Interrupted)));
                });
            }

            /// test_outer_timeout_is_not_lost
            #[test]
            fn a_shorter_scope_around_a_get_with_a_limit_is_not_lost() {
                hub(|| {
                    let queue = $empty;
                    let body = || queue.get_timeout(ms(5_000));
                    assert_takes_the_limit(|| timeout(LIMIT, body).is_err(), true);
                });
            }

            /// TestPutInterrupt, test_raises_timeout_number
            #[test]
            fn a_put_with_a_limit_ends_full_and_gives_its_value_back() {
                hub(|| assert_takes_the_limit(|| $full.put_timeout(2, LIMIT), Err(PutError::Full(2))));
            }

            /// TestPutInterrupt, test_raises_timeout_Timeout
            #[test]
            fn a_put_in_a_scope_is_interrupted_and_gives_its_value_back() {
                hub(|| {
                    let queue = $full;
                    let mut seen = None;
                    let body = || seen = Some(queue.put(2));
                    assert_takes_the_limit(|| timeout(LIMIT, body).is_err(), true);
                    assert_eq!(seen, Some(Err(PutError::Interrupted(2))));
                });
            }
        }
    )+ };
}

/// A queue that has no room left.
macro_rules! full {
    ($kind:ident) => {{
        let queue = $kind::bounded(1);
        queue.put(1).unwrap();
        queue
    }};
}

interrupted! {
    fifo: Queue::<u8>::unbounded(), full!(Queue);
    lifo: LifoQueue::<u8>::unbounded(), full!(LifoQueue);
    priority: PriorityQueue::<u8>::unbounded(), full!(PriorityQueue);
    channel: queue::channel::<u8>(), queue::channel();
}
