//! Between OS threads: with hubs of their own, or none.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use greenroom::queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue, channel};
use greenroom::{sleep, spawn, timeout, yield_now};

use crate::support::{self, ms};

#[test]
fn an_os_thread_without_a_hub_waits_as_any() {
    support::watch(|| {
        let queue = Queue::bounded(1);
        let far = std::thread::spawn({
            let queue = queue.clone();
            move || queue.iter().collect::<Vec<u32>>()
        });
        (0..200).for_each(|n| queue.put(n).unwrap());
        queue.close();
        assert_eq!(far.join().unwrap(), (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn limits_hold_without_a_hub() {
    support::watch(|| {
        let queue = Queue::bounded(1);
        for limit in [Duration::ZERO, Duration::from_nanos(1), ms(3)] {
            let begun = Instant::now();
            assert_eq!(queue.get_timeout(limit), Err(GetError::Empty));
            assert!(begun.elapsed() >= limit);
        }
        queue.put(1).unwrap();
        assert_eq!(queue.put_timeout(2, ms(2)), Err(PutError::Full(2)));
        assert!(!queue.join_timeout(ms(2)));
        let late = std::thread::spawn({
            let queue = queue.clone();
            move || {
                std::thread::sleep(ms(2));
                let got = queue.get();
                queue.task_done();
                got
            }
        });
        assert_eq!(queue.put_timeout(2, Duration::MAX), Ok(()));
        assert_eq!(late.join().unwrap(), Ok(1));
    });
}

#[test]
fn green_threads_of_two_hubs_take_from_one_queue() {
    support::watch(|| {
        for capacity in [0, 1, 64] {
            let queue = Queue::bounded(capacity);
            let eaters: Vec<_> = (0..2)
                .map(|_| {
                    let queue = queue.clone();
                    std::thread::spawn(move || {
                        greenroom::run(|| {
                            let all: Vec<_> = (0..4)
                                .map(|_| {
                                    let queue = queue.clone();
                                    spawn(move || queue.iter().collect::<Vec<u32>>())
                                })
                                .collect();
                            greenroom::joinall(all).into_iter().flat_map(Result::unwrap).collect::<Vec<_>>()
                        })
                    })
                })
                .collect();
            greenroom::run(|| (0..2_000).for_each(|n| queue.put(n).unwrap()));
            queue.close();
            let mut all: Vec<_> = eaters.into_iter().flat_map(|eater| eater.join().unwrap()).collect();
            all.sort_unstable();
            assert_eq!(all, (0..2_000).collect::<Vec<_>>());
        }
    });
}

#[test]
fn an_item_from_afar_wakes_a_sleeping_hub() {
    support::hub(|| {
        let queue = channel();
        let far = std::thread::spawn({
            let queue = queue.clone();
            move || {
                std::thread::sleep(ms(3));
                queue.put("from afar").unwrap();
                queue.get()
            }
        });
        assert_eq!(queue.get(), Ok("from afar"));
        std::thread::sleep(ms(2));
        queue.put("and back").unwrap();
        assert_eq!(far.join().unwrap(), Ok("and back"));
    });
}

#[test]
fn a_close_from_afar_ends_all_waits() {
    support::hub(|| {
        let (empty, full) = (Queue::<u8>::unbounded(), Queue::bounded(1));
        full.put(0).unwrap();
        let getting = spawn({
            let empty = empty.clone();
            move || empty.get()
        });
        let putting = spawn({
            let full = full.clone();
            move || full.put(1)
        });
        yield_now();
        std::thread::spawn(move || {
            empty.close();
            assert_eq!(full.close_now(), [0]);
        });
        assert_eq!(getting.join().unwrap(), Err(GetError::Closed));
        assert_eq!(putting.join().unwrap(), Err(PutError::Closed(1)));
    });
}

#[test]
fn a_hand_over_from_afar_that_races_with_a_timeout_is_never_lost() {
    support::hub(|| {
        let queue = Queue::unbounded();
        let far = std::thread::spawn({
            let queue = queue.clone();
            move || {
                for n in 0..300 {
                    queue.put(n).unwrap();
                    let begun = Instant::now();
                    while begun.elapsed() < Duration::from_micros(40) {
                        std::hint::spin_loop();
                    }
                }
                queue.close();
            }
        });
        let mut got = Vec::new();
        loop {
            match timeout(Duration::from_micros(30), || queue.get()) {
                Ok(Ok(n)) => got.push(n),
                Ok(Err(GetError::Closed)) => break,
                Ok(Err(_)) | Err(_) => {}
            }
            match queue.get_timeout(Duration::from_micros(20)) {
                Ok(n) => got.push(n),
                Err(GetError::Closed) => break,
                Err(_) => {}
            }
        }
        far.join().unwrap();
        assert_eq!(got, (0..300).collect::<Vec<_>>());
    });
}

#[test]
fn a_joiner_on_another_os_thread_is_told() {
    support::hub(|| {
        let queue = Queue::unbounded();
        queue.put(()).unwrap();
        let far = std::thread::spawn({
            let queue = queue.clone();
            move || queue.join()
        });
        sleep(ms(1));
        queue.get().unwrap();
        queue.task_done();
        far.join().unwrap();
    });
}

#[test]
fn while_one_os_thread_compares_others_wait_and_nothing_gets_out_of_order() {
    static COMPARED: AtomicUsize = AtomicUsize::new(0);

    #[derive(PartialEq, Eq)]
    struct Slow(u32);
    impl PartialOrd for Slow {
        fn partial_cmp(&self, other: &Slow) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Slow {
        fn cmp(&self, other: &Slow) -> Ordering {
            if COMPARED.fetch_add(1, SeqCst).is_multiple_of(64) {
                std::thread::sleep(Duration::from_micros(200));
            }
            self.0.cmp(&other.0)
        }
    }
    support::watch(|| {
        let queue = PriorityQueue::bounded(8);
        let far: Vec<_> = (0..2)
            .map(|parity| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    for n in 0..300 {
                        assert!(queue.put(Slow(2 * n + parity)).is_ok());
                        assert!(queue.len() <= 8);
                    }
                })
            })
            .collect();
        let mut got: Vec<u32> = greenroom::run(|| (0..600).map(|_| queue.get().ok().unwrap().0).collect());
        far.into_iter().for_each(|far| far.join().unwrap());
        got.sort_unstable();
        assert_eq!(got, (0..600).collect::<Vec<_>>());
        assert_eq!(queue.unfinished(), 600);
    });
}

#[test]
fn a_pile_between_os_threads_gives_each_item_once() {
    support::watch(|| {
        let pile = LifoQueue::bounded(4);
        let far = std::thread::spawn({
            let pile = pile.clone();
            move || (0..1_000).for_each(|n| pile.put(n).unwrap())
        });
        let mut got: Vec<u32> = (0..1_000).map(|_| pile.get().unwrap()).collect();
        far.join().unwrap();
        got.sort_unstable();
        assert_eq!(got, (0..1_000).collect::<Vec<_>>());
    });
}
