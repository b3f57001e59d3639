//! Models of `src/park/watchers.rs`, together with the latch of what is watched.

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use loom::sync::Arc;

use super::rest::Rest;
use super::{beside, check};
use crate::park::line::Line;
use crate::park::watchers::Watchers;

/// A number that only grows, and those who watch it.
struct Watched {
    number: Line<u32>,
    watchers: Watchers,
}

impl Watched {
    fn new() -> Arc<Watched> {
        Arc::new(Watched { number: Line::new(0), watchers: Watchers::new() })
    }

    fn grow(&self) {
        let mut guard = self.number.lock();
        guard.state += 1;
        let any = self.watchers.any();
        drop(guard);
        if any {
            self.watchers.wake_all();
        }
    }

    fn reaches(&self, wanted: u32) -> bool {
        self.number.lock().state >= wanted
    }

    fn watch_until(&self, wanted: u32) {
        let rest = Rest::new();
        loop {
            let key = self.watchers.add(rest.waker());
            if self.reaches(wanted) {
                self.watchers.remove(key);
                return;
            }
            rest.sleep();
        }
    }
}

/// Preemptions: 3. Seen to fail with an `add` that does not say that anybody watches.
#[test]
fn a_change_is_seen_by_one_who_comes_to_watch_meanwhile() {
    check(3, || {
        let watched = Watched::new();
        let changer = beside(&watched, Watched::grow);
        watched.watch_until(1);
        changer.join().unwrap();
    });
}

/// Preemptions: 2. Seen to fail with a `wake_all` that clears `any` after it has given the list back.
#[test]
fn one_who_comes_while_others_are_woken_is_told_of_the_next_change() {
    check(2, || {
        let watched = Watched::new();
        watched.watchers.add(Waker::noop().clone());
        let changer = beside(&watched, |watched| {
            watched.grow();
            watched.grow();
        });
        watched.watch_until(2);
        changer.join().unwrap();
    });
}

/// Preemptions: 2. Seen to fail with a `wake_all` that tells but the first.
#[test]
fn all_who_watch_are_told_of_one_change() {
    check(2, || {
        let watched = Watched::new();
        let other = beside(&watched, |watched| watched.watch_until(1));
        let changer = beside(&watched, Watched::grow);
        watched.watch_until(1);
        other.join().unwrap();
        changer.join().unwrap();
    });
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: StdArc<Count>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Preemptions: 3. Seen to fail with a `remove` that takes whoever is the first.
#[test]
fn one_who_leaves_takes_nobody_else_along() {
    check(3, || {
        let watched = Watched::new();
        let counts = [0, 1].map(|_| StdArc::new(Count(AtomicUsize::new(0))));
        let [stays, leaves] = counts.each_ref().map(|count| watched.watchers.add(Waker::from(count.clone())));
        let changer = beside(&watched, Watched::grow);
        watched.watchers.remove(leaves);
        changer.join().unwrap();
        assert_eq!(counts[0].0.load(Ordering::Relaxed), 1);
        watched.watchers.remove(stays);
        assert_eq!(counts.map(|count| StdArc::strong_count(&count)), [1, 1]);
    });
}
