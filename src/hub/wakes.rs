//! Wake-ups: data (who, and why), never a call into user code; the one exception, wakers, is fenced.

use std::cell::Cell;

use crate::greenlet::chain;
use crate::greenlet::unwind::contain;
use crate::hub::clock::Moment;
use crate::hub::reactor::Lane;
use crate::hub::remote::{Letter, MAIL, TO_ROOT};
use crate::hub::requests::Requests;
use crate::hub::task::{State, Task, TaskPtr, Woken};
use crate::hub::timers::TimerKey;
use crate::hub::waiters::{WaitList, Waiter};
use crate::hub::{Due, Hub};

impl Hub {
    /// Makes a parked green thread ready; nothing if it is ready or running already.
    #[inline(always)]
    pub(crate) fn wake(&self, task: TaskPtr, why: Woken) {
        // SAFETY: lists, lanes and timers hold only who is alive (S15).
        let record = unsafe { task.get() };
        if record.state.get() == State::Parked {
            record.state.set(State::Awake);
            record.woken.set(why);
            self.ready.push(task);
        }
    }

    /// Asks something of a green thread; wakes it if its wait heeds that.
    pub(crate) fn request(&self, task: &Task, request: Requests) {
        task.requests.set(task.requests.get().and(request));
        match task.state.get() {
            State::Parked if task.heeds.get().meets(request) => self.wake(TaskPtr::new(task), Woken::Request),
            State::Dormant if request == Requests::KILL => self.start(TaskPtr::new(task)),
            _ => {}
        }
    }

    /// It waits, and was deaf to some requests because it might have been unwinding; it is not.
    #[cold]
    pub(crate) fn heed_again(&self, task: &Task) {
        let deaf_to = task.rare_if_any().map_or(Requests::NONE, |rare| rare.deaf_to.replace(Requests::NONE));
        if task.state.get() != State::Parked || deaf_to == Requests::NONE {
            return;
        }
        task.heeds.set(task.heeds.get().and(deaf_to));
        let missed = task.requests.get().among(deaf_to);
        let is_expired = || task.rare().scopes.borrow().any_to_deliver(|link| self.stands(task, link));
        if missed.meets(Requests::KILL.and(Requests::CANCEL))
            || (missed.meets(Requests::EXPIRY) && is_expired())
        {
            self.wake(TaskPtr::new(task), Woken::Request);
        }
    }

    /// Reads the mail.
    #[cold]
    fn read_mail(&self) {
        let mut letters = self.remote.mail.take_all(self.spare_letters.take());
        // Wake-ups first: no letter for somebody may lie here while errands run, which may end it.
        for letter in &letters {
            if let Letter::Wake(task) = letter {
                self.wake(*task, Woken::Condition);
            }
        }
        for letter in letters.drain(..) {
            if let Letter::Errand(errand) = letter {
                let _no_switch = chain::forbid();
                contain(errand);
            }
        }
        self.spare_letters.set(letters);
    }

    /// Something came from another OS thread for whom `to` names.
    pub(crate) fn signal(&self, to: u64) {
        let found = match to {
            MAIL => return self.read_mail(),
            TO_ROOT => Some(TaskPtr::new(&self.root)),
            _ => self.living.numbered(to as u32).filter(|task| {
                // SAFETY: a number is forgotten before its green thread is struck from the books (S15).
                unsafe { task.get() }.is_known_as(to)
            }),
        };
        if let Some(task) = found {
            // SAFETY: just found among the living, or the root (S15).
            if unsafe { task.get() }.heeds.get().meets(Requests::SIGNAL) {
                self.wake(task, Woken::Condition);
            }
        }
    }

    /// Tells the first in the list; false if there is nobody.
    #[inline]
    pub(crate) fn tell_first(&self, list: &WaitList) -> bool {
        match list.take_first_thread() {
            Some(task) => {
                self.wake(task, Woken::Condition);
                true
            }
            None => self.tell_first_otherwise(list),
        }
    }

    fn tell_first_otherwise(&self, list: &WaitList) -> bool {
        let first = list.take_first();
        match first {
            None => return false,
            Some(Waiter::Thread(task)) => self.wake(task, Woken::Condition),
            Some(Waiter::Start(task)) => self.start(task),
            Some(Waiter::Watch(watch, index)) => {
                watch.note(index);
                if let Some(task) = watch.parked.get() {
                    self.wake(task, Woken::Condition);
                }
            }
            Some(Waiter::Witness(witness, number)) => witness.told(number),
            Some(Waiter::Waker(waker)) => {
                let _no_switch = chain::forbid();
                contain(|| waker.wake());
            }
        }
        true
    }

    #[inline(always)]
    pub(crate) fn tell_all(&self, list: &WaitList) {
        if !list.is_empty() {
            self.tell_them(list);
        }
    }

    #[inline(never)]
    fn tell_them(&self, list: &WaitList) {
        while self.tell_first(list) {}
    }

    /// An event came for a lane, or its turn is passed on: the first who waits for it tries again.
    pub(crate) fn awaken(&self, lane: &Lane) {
        if !lane.promised.get() && self.tell_first(&lane.waiters) {
            lane.promised.set(true);
        }
    }

    pub(crate) fn arm(&self, deadline: Moment, due: Due) -> TimerKey {
        self.remote.counters.timers.add(1);
        self.timers.borrow_mut().arm(deadline, self.clock.patience(deadline), due)
    }

    #[inline]
    pub(crate) fn disarm(&self, timer: &Cell<Option<TimerKey>>) {
        if let Some(key) = timer.take() {
            self.timers.borrow_mut().cancel(key);
        }
    }

    pub(crate) fn fire(&self, due: Due) {
        match due {
            Due::Wake(task) => {
                // SAFETY: a timer is taken out before its green thread is struck from the books (S15).
                unsafe { task.get() }.timer.set(None);
                self.wake(task, Woken::Deadline);
            }
            Due::Start(task) => {
                // SAFETY: as above.
                unsafe { task.get() }.timer.set(None);
                self.start(task);
            }
            Due::Expire(task, scope) => {
                // SAFETY: as above; `announce_end` takes out the timers of scopes that were left open.
                let task = unsafe { task.get() };
                let link = task.rare().scopes.borrow_mut().expire(scope);
                if link.is_some_and(|link| self.stands(task, link)) {
                    self.request(task, Requests::EXPIRY);
                } else {
                    // Its frames are put aside, in a generator or greenlet; the next wait above them will see it.
                    task.requests.set(task.requests.get().and(Requests::EXPIRY));
                }
            }
        }
    }

    /// Whether the code of a green thread or of the root, when it runs, stands in the frames of the link, or on top of them.
    fn stands(&self, task: &Task, link: u64) -> bool {
        let strand = if task.is_root() { chain::root_strand() } else { &raw const task.strand };
        // SAFETY: the strand is the green thread's own, or the root's (S15).
        unsafe { chain::stands_on(strand, link) }
    }
}
