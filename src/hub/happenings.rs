//! What happened of several things that a wait watches, in that order, if other OS threads may bring some of them about.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use crate::hub;
use crate::hub::remote::Identity;
use crate::shim::sync::Mutex;

pub(crate) struct Happenings(Mutex<Inside>);

struct Inside {
    happened: VecDeque<usize>,
    /// Who waits just now.
    parked: Option<Arc<Identity>>,
}

impl Happenings {
    /// Goes on after those that have happened already.
    pub(crate) fn after(happened: VecDeque<usize>) -> Happenings {
        Happenings(Mutex::new(Inside { happened, parked: None }))
    }

    /// Notes one; returns who is to be woken.
    pub(crate) fn note(&self, index: usize) -> Option<Arc<Identity>> {
        let mut inside = self.lock();
        inside.happened.push_back(index);
        inside.parked.clone()
    }

    pub(crate) fn take_first(&self) -> Option<usize> {
        self.lock().happened.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().happened.is_empty()
    }

    /// Says who waits from now on, before it looks a last time whether something has happened.
    pub(crate) fn set_parked(&self, who: Option<Arc<Identity>>) {
        let before = std::mem::replace(&mut self.lock().parked, who);
        drop(before);
    }

    /// What is left with the thing number `index`: it may be woken on any OS thread.
    pub(crate) fn bell(self: &Arc<Happenings>, index: usize) -> Waker {
        Waker::from(Arc::new(Bell { happenings: self.clone(), index }))
    }

    /// Nothing is called under this lock, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bell {
    happenings: Arc<Happenings>,
    index: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        if let Some(waiter) = self.happenings.note(self.index) {
            waiter.wake(hub::try_current());
        }
    }
}
