//! Cases of crossbeam-channel, rewritten: its `crossbeam-channel/tests/`. Each file names its source.
//!
//! Threads become green threads, and what has two sides runs again with the other side elsewhere: see [`Place`].
//!
//! A queue has no sides that could be gone: it is closed. So where a case drops its senders the queue is closed here, and
//! where it drops its receivers, closed with `close_now`; with `mpsc` both are dropped. A `select!` among receives is
//! [`get_first`]. Left out are those among sends that wait (nothing waits for room in several queues), and `after`,
//! `tick` and `never`.

mod array;
mod golang;
mod iter;
mod list;
mod mpsc;
mod zero;

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use greenroom::queue::{GetError, PutError, Queue};
use greenroom::wait::{Waitable, wait};
use greenroom::{JoinHandle, sleep, spawn};

use crate::support::{self, ms};

/// Longer than any test may take.
const LONG: Duration = ms(600_000);
/// Long enough that the other side mostly waits by then. No case is right or wrong by it.
const A_WHILE: Duration = ms(1);

thread_local! {
    static HUBLESS: Cell<bool> = const { Cell::new(false) };
}

/// Where the other side of a case runs.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// On a green thread of the same hub.
    Here,
    /// On an OS thread without a hub.
    OsThread,
    /// On an OS thread, as the root of another hub.
    OtherHub,
}

/// The other side of a case.
enum Side<T> {
    Green(JoinHandle<T>),
    Os(std::thread::JoinHandle<T>),
}

impl Place {
    fn go<T: Send + 'static>(self, f: impl FnOnce() -> T + Send + 'static) -> Side<T> {
        match self {
            Place::Here => Side::Green(spawn(f)),
            Place::OsThread => Side::Os(std::thread::spawn(move || {
                HUBLESS.set(true);
                f()
            })),
            Place::OtherHub => Side::Os(std::thread::spawn(move || greenroom::run(f))),
        }
    }
}

impl<T> Side<T> {
    /// Waits in a way that lets the hub go on.
    fn join(self) -> T {
        match self {
            Side::Green(side) => side.join().unwrap_or_else(|error| panic!("the other side: {error}")),
            Side::Os(side) => {
                while !side.is_finished() {
                    nap(Duration::from_micros(50));
                }
                side.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
            }
        }
    }
}

/// Waits, on any side.
fn nap(duration: Duration) {
    if HUBLESS.get() { std::thread::sleep(duration) } else { sleep(duration) }
}

/// Lets others go first, on any side: other green threads, and other OS threads if there are fewer cores than of these.
fn give_way() {
    if !HUBLESS.get() {
        greenroom::yield_now();
    }
    std::thread::yield_now();
}

/// How far a case has come, told by other means than those that are tested.
#[derive(Clone, Default)]
struct Steps(Arc<AtomicUsize>);

impl Steps {
    fn reach(&self, step: usize) {
        self.0.store(step, SeqCst);
    }

    fn wait_for(&self, step: usize) {
        while self.0.load(SeqCst) < step {
            nap(Duration::from_micros(50));
        }
    }
}

/// Runs a case as the root of a hub, once for each place of its other side.
///
/// An assertion that fails on the other side may leave this one waiting: then the watchdog tells which test it was.
#[track_caller]
fn everywhere(case: impl Fn(Place)) {
    struct Named(Place);
    impl Drop for Named {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the place of the other side: {:?}", self.0);
            }
        }
    }
    for place in [Place::Here, Place::OsThread, Place::OtherHub] {
        support::hub(|| {
            let _named = Named(place);
            case(place);
        });
    }
}

/// Takes from the first queue that has something to give or is closed: a `select!` of receives.
fn get_first<T>(queues: &[&Queue<T>]) -> (usize, Result<T, GetError>) {
    let objects: Vec<&dyn Waitable> = queues.iter().map(|queue| *queue as &dyn Waitable).collect();
    loop {
        for index in wait(&objects, None, Some(1)) {
            match queues[index].try_get() {
                // Somebody else was quicker.
                Err(GetError::Empty) => {}
                result => return (index, result),
            }
        }
    }
}

/// The first that has something to give, without a wait: a `select!` of receives with a `default`.
fn try_get_first<T>(queues: &[&Queue<T>]) -> Option<(usize, Result<T, GetError>)> {
    let tries = queues.iter().map(|queue| queue.try_get()).enumerate();
    tries.into_iter().find(|(_, result)| !matches!(result, Err(GetError::Empty)))
}

// ---- the cases that `array`, `list` and `zero` share ----

/// spsc
#[track_caller]
fn one_puts_and_one_gets(make: impl Fn() -> Queue<usize>) {
    const COUNT: usize = 1_000;
    everywhere(|place| {
        let queue = make();
        let other = place.go({
            let queue = queue.clone();
            move || {
                (0..COUNT).for_each(|n| assert_eq!(queue.get(), Ok(n)));
                assert_eq!(queue.get(), Err(GetError::Closed));
            }
        });
        (0..COUNT).for_each(|n| queue.put(n).unwrap());
        queue.close();
        other.join();
    });
}

/// mpmc
#[track_caller]
fn four_put_and_four_get(make: impl Fn() -> Queue<usize>) {
    const COUNT: usize = 150;
    const EACH: usize = 4;
    everywhere(|place| {
        let queue = make();
        let seen: Arc<Vec<AtomicUsize>> = Arc::new((0..COUNT).map(|_| AtomicUsize::new(0)).collect());
        // Half of each side are here, half there.
        let sides: Vec<_> = (0..EACH)
            .flat_map(|n| {
                let place = if n % 2 == 0 { Place::Here } else { place };
                let (putting, getting, seen) = (queue.clone(), queue.clone(), seen.clone());
                let getter = place.go(move || {
                    for _ in 0..COUNT {
                        seen[getting.get().unwrap()].fetch_add(1, SeqCst);
                    }
                });
                [getter, place.go(move || (0..COUNT).for_each(|n| putting.put(n).unwrap()))]
            })
            .collect();
        sides.into_iter().for_each(Side::join);
        assert!(seen.iter().all(|times| times.load(SeqCst) == EACH));
        assert_eq!((queue.len(), queue.try_get()), (0, Err(GetError::Empty)));
    });
}

/// stress_oneshot
#[track_caller]
fn one_item_goes_through_each_of_many(make: impl Fn() -> Queue<usize>) {
    everywhere(|place| {
        for n in 0..60 {
            let queue = make();
            let other = place.go({
                let queue = queue.clone();
                move || queue.get()
            });
            queue.put(n).unwrap();
            assert_eq!(other.join(), Ok(n));
        }
    });
}

/// stress_timeout_two_threads
#[track_caller]
fn limits_on_both_sides_lose_nothing(make: impl Fn() -> Queue<usize>) {
    const COUNT: usize = 20;
    const LIMIT: Duration = Duration::from_micros(200);
    everywhere(|place| {
        let queue = make();
        let other = place.go({
            let queue = queue.clone();
            move || {
                for mut n in 0..COUNT {
                    if n.is_multiple_of(2) {
                        nap(A_WHILE);
                    }
                    while let Err(error) = queue.put_timeout(n, LIMIT) {
                        assert_eq!(error, PutError::Full(n));
                        n = error.into_inner();
                    }
                }
            }
        });
        for n in 0..COUNT {
            if n % 2 == 1 {
                nap(A_WHILE);
            }
            let item = std::iter::repeat_with(|| queue.get_timeout(LIMIT))
                .find(|item| *item != Err(GetError::Empty));
            assert_eq!(item, Some(Ok(n)));
        }
        other.join();
        assert_eq!(queue.try_get(), Err(GetError::Empty));
    });
}

/// An item that counts when it is dropped.
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// drops
#[track_caller]
fn each_item_is_dropped_once(room: usize, make: impl Fn() -> Queue<Counts>) {
    everywhere(|place| {
        for (steps, left) in [(0, 3), (1, 0), (7, 50), (311, 17)] {
            let dropped = Arc::new(AtomicUsize::new(0));
            let queue = make();
            let other = place.go({
                let queue = queue.clone();
                move || (0..steps).for_each(|_| drop(queue.get().ok().unwrap()))
            });
            (0..steps).for_each(|_| assert!(queue.put(Counts(dropped.clone())).is_ok()));
            other.join();
            let left = left.min(room);
            (0..left).for_each(|_| assert!(queue.put(Counts(dropped.clone())).is_ok()));
            assert_eq!(dropped.load(SeqCst), steps);
            drop(queue);
            assert_eq!(dropped.load(SeqCst), steps + left);
        }
    });
}

/// channel_through_channel
#[track_caller]
fn queues_go_through_queues(make: fn() -> Queue<Box<dyn Any + Send>>) {
    const COUNT: usize = 200;
    everywhere(|place| {
        let first = make();
        let other = place.go({
            let mut queue = first.clone();
            move || {
                for _ in 0..COUNT {
                    let next = make();
                    queue.put(Box::new(next.clone())).ok().unwrap();
                    queue = next;
                }
            }
        });
        let mut queue = first;
        for _ in 0..COUNT {
            queue = *queue.get().unwrap().downcast().unwrap();
        }
        other.join();
        assert!(queue.is_empty());
    });
}

/// fairness, as far as it has a counterpart: what is ready is told in the order of the objects, not by lot, and each once a
/// round. So nobody starves who takes what each round tells.
#[track_caller]
fn each_ready_queue_is_told_once_a_round(queues: [&Queue<usize>; 2], items: usize) {
    let mut hits = [0; 2];
    for _ in 0..items {
        for place in wait(&[queues[0], queues[1]], None, None) {
            queues[place].try_get().unwrap();
            hits[place] += 1;
        }
    }
    assert_eq!(hits, [items; 2]);
}
