//! Those who want to hear when something may be ready, without queueing up for it: futures, and waits for several things.
//!
//! Whoever comes to watch adds its waker first, and looks whether the thing is ready after that, under the thing's own latch.
//! Whoever makes it ready does so under that latch, asks there whether anybody watches, and wakes them after it. So one of
//! the two sees the other. A waker is told once; it comes again if it still cares.

use std::sync::PoisonError;
use std::task::Waker;

use crate::greenlet::chain;
use crate::greenlet::unwind::contain;
use crate::shim::const_fn;
use crate::shim::sync::atomic::{AtomicBool, Ordering};
use crate::shim::sync::{Mutex, MutexGuard};

pub(crate) struct Watchers {
    any: AtomicBool,
    list: Mutex<List>,
}

struct List {
    next_key: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Watchers {
    const_fn! {
        pub(crate) const fn new() -> Watchers {
            Watchers { any: AtomicBool::new(false), list: Mutex::new(List { next_key: 0, wakers: Vec::new() }) }
        }
    }

    /// Adds a waker; the caller looks under the latch after that. Returns what takes it out again.
    pub(crate) fn add(&self, waker: Waker) -> u64 {
        let mut list = self.lock();
        let key = list.next_key;
        list.next_key += 1;
        list.wakers.push((key, waker));
        self.any.store(true, Ordering::Relaxed);
        key
    }

    /// Takes a waker out, if it was not told.
    pub(crate) fn remove(&self, key: u64) {
        let mut list = self.lock();
        let place = list.wakers.iter().position(|(other, _)| *other == key);
        let removed = place.map(|place| list.wakers.remove(place));
        drop(list);
        contain(|| drop(removed));
    }

    /// Does anybody watch? Asked under the latch.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Tells all, after the latch. Wakers are user code: they run where nothing may switch, and what they throw is dropped.
    #[cold]
    pub(crate) fn wake_all(&self) {
        let mut list = self.lock();
        self.any.store(false, Ordering::Relaxed);
        let wakers = std::mem::take(&mut list.wakers);
        drop(list);
        let _no_switch = chain::forbid();
        for (_, waker) in wakers {
            contain(|| waker.wake());
        }
    }

    /// No user code runs under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
