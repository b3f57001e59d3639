//! Models of `src/monkey/words.rs`: locks made as std makes its own, with that table in place of the kernel.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::{beside, check};
use crate::monkey::words::{Bucket, Ended, Word};
use crate::park::seat::{Seat, become_green};

const UNLOCKED: u32 = 0;
const LOCKED: u32 = 1;
const CONTENDED: u32 = 2;

/// std's mutex, without its spinning, with a number that it guards; and a word that counts notifications, as std's
/// condition does.
struct Things {
    bucket: Bucket,
    mutex: AtomicU32,
    number: AtomicUsize,
    notified: AtomicU32,
}

const MUTEX: usize = 1;
const CONDITION: usize = 2;

impl Things {
    fn new() -> Arc<Things> {
        Arc::new(Things {
            bucket: Bucket::new(),
            mutex: AtomicU32::new(UNLOCKED),
            number: AtomicUsize::new(0),
            notified: AtomicU32::new(0),
        })
    }

    fn wait(&self, address: usize, word: &AtomicU32, expected: u32, soon: bool) -> Ended {
        let is_still = || word.load(Ordering::Relaxed) == expected;
        let limit = Seat::here().limit(std::time::Duration::ZERO).filter(|_| soon);
        self.bucket.wait(Word { address, lost: false }, is_still, limit)
    }

    fn wake(&self, address: usize, all: bool) {
        if self.bucket.is_waited_at() {
            self.bucket.wake(address, all);
        }
    }

    fn lock(&self) {
        let changed = self.mutex.compare_exchange(UNLOCKED, LOCKED, Ordering::Acquire, Ordering::Relaxed);
        if changed.is_err() {
            while self.mutex.swap(CONTENDED, Ordering::Acquire) != UNLOCKED {
                self.wait(MUTEX, &self.mutex, CONTENDED, false);
            }
        }
    }

    fn unlock(&self) {
        if self.mutex.swap(UNLOCKED, Ordering::Release) == CONTENDED {
            self.wake(MUTEX, false);
        }
    }

    fn count(&self) {
        self.lock();
        let number = self.number.load(Ordering::Relaxed);
        self.number.store(number + 1, Ordering::Relaxed);
        self.unlock();
    }

    fn notify(&self, all: bool) {
        self.notified.fetch_add(1, Ordering::Relaxed);
        self.wake(CONDITION, all);
    }

    fn await_notification(&self) {
        while self.notified.load(Ordering::Relaxed) == 0 {
            self.wait(CONDITION, &self.notified, 0, false);
        }
    }
}

/// Preemptions: 3. Seen to fail with a look at the word before the latch is taken.
#[test]
fn a_mutex_made_of_words_is_handed_about() {
    check(3, || {
        let things = Things::new();
        let other = beside(&things, |things| {
            become_green();
            things.count();
        });
        become_green();
        things.count();
        other.join().unwrap();
        assert_eq!(things.number.load(Ordering::Relaxed), 2);
        assert!(!things.bucket.is_waited_at());
    });
}

/// Preemptions: 3. Seen to fail without the fence of either side.
#[test]
fn a_notification_is_seen_by_one_who_comes_to_wait_meanwhile() {
    check(3, || {
        let things = Things::new();
        let notifier = beside(&things, |things| things.notify(false));
        become_green();
        things.await_notification();
        notifier.join().unwrap();
        assert!(!things.bucket.is_waited_at());
    });
}

/// Preemptions: 2. Seen to fail with a `wake` that ends after the first.
#[test]
fn a_wake_up_for_one_reaches_both_hubs() {
    check(2, || {
        let things = Things::new();
        let other = beside(&things, |things| {
            become_green();
            things.await_notification();
        });
        let notifier = beside(&things, |things| things.notify(false));
        become_green();
        things.await_notification();
        other.join().unwrap();
        notifier.join().unwrap();
        assert!(!things.bucket.is_waited_at());
    });
}

/// Preemptions: 3. Seen to fail with a `wake` that tells who waits for another word.
#[test]
fn who_waits_for_another_word_of_the_bucket_waits_on() {
    check(3, || {
        let things = Things::new();
        let other = beside(&things, |things| things.notify(true));
        become_green();
        let ended = things.wait(MUTEX, &things.mutex, UNLOCKED, true);
        assert_eq!(ended, Ended::Deadline);
        other.join().unwrap();
        assert!(!things.bucket.is_waited_at());
    });
}

/// Preemptions: 3. Seen to fail with a count that one who leaves does not take back.
#[test]
fn who_leaves_at_its_limit_is_counted_no_more() {
    check(3, || {
        let things = Things::new();
        let notifier = beside(&things, |things| things.notify(false));
        become_green();
        let ended = things.wait(CONDITION, &things.notified, 0, true);
        notifier.join().unwrap();
        assert!(!things.bucket.is_waited_at(), "{ended:?}");
    });
}
