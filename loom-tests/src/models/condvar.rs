//! Models of `src/sync/condvar/raw.rs`, with a latch in place of the mutex, which has models of its own.

use std::time::Duration;

use loom::cell::Cell;
use loom::sync::Arc;

use super::{beside, check};
use crate::park::seat::{self, Limit, Seat, Victim, unless_killed};
use crate::shim::{Latch, Latched};
use crate::sync::condvar::RawCondvar;

/// Items that one takes out as they come.
struct Basket {
    mutex: Latch,
    items: Cell<u32>,
    has_items: RawCondvar,
}

impl Basket {
    fn new() -> Arc<Basket> {
        Arc::new(Basket { mutex: Latch::new(), items: Cell::new(0), has_items: RawCondvar::new() })
    }

    fn lock(&self) -> Latched<'_> {
        self.mutex.lock()
    }

    fn put(&self, count: u32) {
        let held = self.lock();
        self.items.set(self.items.get() + count);
        drop(held);
    }

    /// False if the time was over, and nothing was there.
    fn take(&self, limit: Option<Limit>) -> bool {
        let mut held = self.lock();
        let mut goes_on = true;
        while self.items.get() == 0 && goes_on {
            let notified = self.has_items.wait(limit, || drop(held));
            held = self.lock();
            match notified {
                Some(notification) => notification.accept(),
                None => goes_on = false,
            }
        }
        let any = self.items.get() > 0;
        if any {
            self.items.set(self.items.get() - 1);
        }
        drop(held);
        any
    }

    fn take_always(&self) {
        assert!(self.take(None));
    }

    fn take_soon(&self) -> bool {
        self.take(Seat::here().limit(Duration::ZERO))
    }
}

/// Preemptions: 3. Seen to fail with a wait that unlocks before it says that anybody waits, and before it takes the latch.
#[test]
fn a_change_is_seen_by_one_who_comes_to_wait_meanwhile() {
    check(3, || {
        let basket = Basket::new();
        let putter = beside(&basket, |basket| {
            basket.put(1);
            basket.has_items.notify(1);
        });
        basket.take_always();
        putter.join().unwrap();
    });
}

/// Preemptions: 2. Seen to fail with a `notify_all` that tells but the first.
#[test]
fn all_who_wait_are_notified_at_once() {
    check(2, || {
        let basket = Basket::new();
        let others = [0, 1].map(|_| beside(&basket, Basket::take_always));
        basket.put(2);
        basket.has_items.notify_all();
        for other in others {
            other.join().unwrap();
        }
    });
}

/// Preemptions: 2. Seen to fail with a `left` that says that nobody waits though others do.
#[test]
fn one_whose_time_is_over_leaves_the_others_to_be_notified() {
    check(2, || {
        let basket = Basket::new();
        let hasty = beside(&basket, Basket::take_soon);
        let patient = beside(&basket, Basket::take_always);
        basket.put(2);
        basket.has_items.notify(2);
        hasty.join().unwrap();
        patient.join().unwrap();
    });
}

/// One is notified and does not act on it, another waits.
fn a_notification_goes_to_the_next(first: fn(&Basket) -> bool) {
    let (basket, victim) = (Basket::new(), Victim::to_be());
    let killed = beside(&basket, {
        let victim = victim.clone();
        move |basket| {
            victim.take_place();
            unless_killed(|| first(basket)).is_none()
        }
    });
    let other = beside(&basket, Basket::take_always);
    basket.put(1);
    basket.has_items.notify(1);
    victim.kill();
    if !killed.join().unwrap() {
        basket.put(1);
        basket.has_items.notify(1);
    }
    other.join().unwrap();
}

/// Preemptions: 2. Seen to fail with a `pass_on` that does nothing.
#[test]
fn a_notification_of_one_who_is_killed_goes_to_the_next() {
    check(2, || a_notification_goes_to_the_next(|basket| basket.take(None)));
}

/// Preemptions: 2. Seen to fail with a notification that is not passed on when it is dropped.
#[test]
fn a_notification_of_one_who_unwinds_before_it_has_the_mutex_goes_to_the_next() {
    check(2, || {
        a_notification_goes_to_the_next(|basket| {
            let held = basket.lock();
            if basket.items.get() == 0 {
                let _notification = basket.has_items.wait(None, || drop(held));
                seat::unwind();
            }
            basket.items.set(basket.items.get() - 1);
            true
        });
    });
}
