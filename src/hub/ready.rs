//! The ready queue: who can run, in the order in which they became able to.

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;

use crate::hub::task::TaskPtr;

/// First in, first out; or shuffled by a seed, the same way each time.
pub(crate) struct Ready {
    queue: UnsafeCell<VecDeque<TaskPtr>>,
    /// The state of the generator of random numbers; zero for the plain order.
    shuffle: Cell<u64>,
}

impl Ready {
    pub(crate) fn new(seed: Option<u64>) -> Ready {
        // Any state but zero will do, and neighbouring seeds should differ in many bits.
        let shuffle = seed.map_or(0, |seed| seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Ready { queue: UnsafeCell::new(VecDeque::with_capacity(64)), shuffle: Cell::new(shuffle) }
    }

    #[inline(always)]
    pub(crate) fn push(&self, task: TaskPtr) {
        // SAFETY: on one OS thread (the type is not Sync), and no method calls out while it holds the reference (S7).
        unsafe { (*self.queue.get()).push_back(task) }
    }

    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<TaskPtr> {
        // SAFETY: as in `push`.
        let queue = unsafe { &mut *self.queue.get() };
        if self.shuffle.get() != 0 && queue.len() > 1 {
            let chosen = (self.random() % queue.len() as u64) as usize;
            queue.swap(0, chosen);
        }
        queue.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        // SAFETY: as in `push`.
        unsafe { (*self.queue.get()).len() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes out all that `leaves` says.
    pub(crate) fn remove(&self, leaves: impl Fn(TaskPtr) -> bool) {
        // SAFETY: as in `push`; `leaves` compares addresses.
        unsafe { (*self.queue.get()).retain(|task| !leaves(*task)) }
    }

    /// Marsaglia's xorshift64 (Journal of Statistical Software 8, 2003).
    fn random(&self) -> u64 {
        let mut state = self.shuffle.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.shuffle.set(state);
        state
    }
}
