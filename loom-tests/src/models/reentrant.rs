//! Models of `src/sync/reentrant.rs`.

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use super::{beside, check};
use crate::sync::reentrant::ReentrantLock;

type Lock = ReentrantLock<UnsafeCell<()>>;

fn touch_twice(lock: &Lock) {
    let outer = lock.lock();
    outer.with_mut(|_| ());
    drop(lock.lock());
    outer.with_mut(|_| ());
}

/// Preemptions: 3. Seen to fail with a guard that unlocks though others are left.
#[test]
fn the_end_of_an_inner_lock_lets_nobody_in() {
    check(3, || {
        let lock = Arc::new(Lock::new(UnsafeCell::new(())));
        let other = beside(&lock, touch_twice);
        touch_twice(&lock);
        other.join().unwrap();
    });
}

/// Preemptions: 3. Seen to fail with a `mine` that takes the lock of anybody for the caller's.
#[test]
fn what_another_has_is_not_taken_again() {
    check(3, || {
        let lock = Arc::new(Lock::new(UnsafeCell::new(())));
        let other = beside(&lock, |lock| {
            if let Some(guard) = lock.try_lock() {
                guard.with_mut(|_| ());
            }
        });
        lock.lock().with_mut(|_| ());
        other.join().unwrap();
        assert!(lock.try_lock().is_some());
    });
}
