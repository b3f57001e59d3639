//! Models of `src/sync/once/raw.rs`.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};

use super::{beside, check};
use crate::park::seat::{self, Victim, unless_killed};
use crate::sync::once::RawOnce;

/// A value that is made once, and how often it was made.
struct Made {
    once: RawOnce,
    value: UnsafeCell<()>,
    times: AtomicUsize,
}

impl Made {
    fn new() -> Arc<Made> {
        Arc::new(Made { once: RawOnce::new(), value: UnsafeCell::new(()), times: AtomicUsize::new(0) })
    }

    fn make(&self) {
        self.value.with_mut(|_| ());
        self.times.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) {
        self.once.call(|| self.make());
        self.value.with(|_| ());
    }

    /// Takes no latch.
    fn look(&self) {
        if self.once.is_complete() {
            self.value.with(|_| ());
        }
    }

    /// The initialiser unwinds, if it runs.
    fn get_in_vain(&self) {
        unless_killed(|| {
            self.once.call(|| {
                self.value.with_mut(|_| ());
                seat::unwind();
            });
        });
    }

    fn times(&self) -> usize {
        self.times.load(Ordering::Relaxed)
    }
}

/// Preemptions: 3. Seen to fail with a relaxed store of `COMPLETE`.
#[test]
fn a_value_that_is_seen_to_be_there_is_there() {
    check(3, || {
        let made = Made::new();
        let looker = beside(&made, Made::look);
        made.get();
        looker.join().unwrap();
    });
}

/// Preemptions: 2. Seen to fail with a `complete` that tells but the first.
#[test]
fn of_three_one_makes_the_value_and_all_get_it() {
    check(2, || {
        let made = Made::new();
        let others = [0, 1].map(|_| beside(&made, Made::get));
        made.get();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(made.times(), 1);
    });
}

/// Preemptions: 2. Seen to fail with an attempt that tells nobody when it unwinds.
#[test]
fn when_an_initialiser_unwinds_another_makes_the_value() {
    check(2, || {
        let made = Made::new();
        let unwinding = beside(&made, Made::get_in_vain);
        let other = beside(&made, Made::get);
        made.get();
        unwinding.join().unwrap();
        other.join().unwrap();
        assert_eq!(made.times(), 1);
    });
}

/// Preemptions: 2. Seen to fail with a `pass_on` that does nothing.
#[test]
fn when_one_who_is_to_try_is_killed_the_next_tries() {
    check(2, || {
        let (made, victim) = (Made::new(), Victim::to_be());
        let (killed, other) = (Started::new(), Started::new());
        unless_killed(|| {
            made.once.call(|| {
                killed.put(beside(&made, {
                    let victim = victim.clone();
                    move |made| {
                        victim.take_place();
                        unless_killed(|| made.get());
                    }
                }));
                other.put(beside(&made, Made::get));
                victim.kill();
                seat::unwind();
            });
        });
        killed.join();
        other.join();
        assert_eq!(made.times(), 1);
    });
}

/// What an initialiser that unwinds leaves behind: the threads that it has started.
struct Started(std::cell::Cell<Option<loom::thread::JoinHandle<()>>>);

impl Started {
    fn new() -> Started {
        Started(std::cell::Cell::new(None))
    }

    fn put(&self, handle: loom::thread::JoinHandle<()>) {
        self.0.set(Some(handle));
    }

    fn join(&self) {
        self.0.take().expect("the initialiser has run").join().unwrap();
    }
}

/// Preemptions: 2. Seen to fail with a `put` that says that it is complete before it has put.
#[test]
fn of_two_values_that_are_put_one_is_there() {
    check(2, || {
        let made = Made::new();
        let other = beside(&made, |made| made.once.put(|| made.make()));
        let looker = beside(&made, Made::look);
        let put = made.once.put(|| made.make());
        assert!(put != other.join().unwrap());
        looker.join().unwrap();
        assert_eq!(made.times(), 1);
    });
}
