//! The books of the hub: who lives, from birth to death.

use std::any::Any;
use std::io;

use crate::greenlet::chain;
use crate::greenlet::unwind::contain;
use crate::hub::Hub;
use crate::hub::forked;
use crate::hub::here::reserve_ids;
use crate::hub::record::Record;
use crate::hub::scopes::Scope;
use crate::hub::task::{State, Task, TaskPtr, WaitingFor, Woken};
use crate::stack::Class;

impl Hub {
    /// The record of whoever runs: a green thread or the root.
    #[inline(always)]
    pub(crate) fn running(&self) -> &Task {
        // SAFETY: whoever runs is on the list of the living; the root's record is the hub's own (S15).
        unsafe { self.current.get().get() }
    }

    pub(crate) fn root(&self) -> &Task {
        &self.root
    }

    pub(crate) fn is_root(&self, task: TaskPtr) -> bool {
        task.is(&self.root)
    }

    /// Counts one more user of stacks of `bytes` (None: the default size); returns the class and what `bytes` was rounded
    /// to, in KiB. Running out shows here.
    #[inline(always)]
    pub(crate) fn promise_stack(&self, bytes: Option<usize>) -> io::Result<(Class, u32)> {
        if self.closing.get() || self.alive() >= self.max_threads {
            return Err(self.no_more());
        }
        let stacks = match bytes {
            None => self.default_stacks,
            Some(bytes) => {
                let class = self.pool.class(bytes)?;
                (class, self.pool.kib(class))
            }
        };
        self.pool.promise(stacks.0)?;
        Ok(stacks)
    }

    #[cold]
    fn no_more(&self) -> io::Error {
        forked::check();
        if self.closing.get() {
            return io::Error::other("the hub is ending and takes no new green threads");
        }
        let limit = self.max_threads;
        io::Error::other(format!("the limit of {limit} green threads (max_threads) is reached"))
    }

    /// Takes a new green thread, whose stack is promised, into the books. It is dormant.
    #[inline(always)]
    pub(crate) fn adopt(&self, record: Record) {
        self.lasting.set(self.lasting.get() + usize::from(!record.task().daemon));
        self.living.enter(record);
        self.spawned.set(self.spawned.get() + 1);
    }

    /// As [`start`](Self::start), for one that was just made.
    #[inline(always)]
    pub(crate) fn start_new(&self, task: &Task) {
        task.state.set(State::Awake);
        self.ready.push(TaskPtr::new(task));
    }

    /// Makes a dormant green thread run at its turn.
    #[inline]
    pub(crate) fn start(&self, task: TaskPtr) {
        // SAFETY: a dormant green thread is on the list of the living until it has run (S15).
        let record = unsafe { task.get() };
        if record.state.get() == State::Dormant {
            self.disarm(&record.timer);
            // Whose end it was to begin at may be gone.
            record.waiting_for.set(WaitingFor::Nothing);
            record.state.set(State::Awake);
            self.ready.push(task);
        }
    }

    /// Tells everybody who waits for the end of the running green thread; it is called on its own stack, as its last act
    /// but returning. Wakers are user code: they run here, where they cannot switch.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn announce_end(&self) {
        let task = self.running();
        task.state.set(State::Ended);
        if !self.unwinding.is_nobody() || task.rare_if_any().is_some() {
            self.announce_rare(task);
        }
        if !task.daemon {
            self.lasting.set(self.lasting.get() - 1);
            if self.lasting.get() == 0 {
                self.tell_all(&self.all_ended);
            }
        }
        // Nearly always one waits, or nobody.
        if let Some(waiter) = task.waiters.take_first_thread() {
            self.wake(waiter, Woken::Condition);
        }
        self.tell_all(&task.waiters);
        // A waker may have asked for the current greenlet, and can have entered none.
        task.strand.end();
    }

    #[cold]
    fn announce_rare(&self, task: &Task) {
        self.unwinding.forget(task);
        self.look_who_unwinds();
        self.close_scopes(task);
    }

    /// Takes out the alarms of scopes that were left open.
    #[inline(always)]
    pub(crate) fn close_scopes(&self, task: &Task) {
        if let Some(rare) = task.rare_if_any() {
            self.close_all(rare.scopes.borrow_mut().take());
        }
    }

    fn close_all(&self, open: Vec<Scope>) {
        let mut timers = self.timers.borrow_mut();
        open.iter().filter_map(|scope| scope.timer).for_each(|key| {
            timers.cancel(key);
        });
    }

    /// Strikes a green thread that has ended from the books.
    #[inline(always)]
    pub(crate) fn strike(&self, task: &Task) -> Record {
        debug_assert!(
            !self.remote.mail.holds(|letter| letter.is_for(TaskPtr::new(task))),
            "a letter outlives nobody"
        );
        if let Some(known) = task.rare_if_any().and_then(|rare| rare.known_outside.get()) {
            known.identity.move_out();
            self.living.forget_number(known.number);
        }
        self.living.strike(task)
    }

    #[inline(always)]
    pub(crate) fn alive(&self) -> usize {
        self.living.count()
    }

    pub(crate) fn report_panic(&self, task: &Task, payload: &(dyn Any + Send)) {
        let Some(on_panic) = &self.on_panic else { return };
        let _no_switch = chain::forbid();
        contain(|| on_panic(task, payload));
    }

    /// A number no other green thread or root of this process has had.
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        let mut next = self.next_id.get();
        if next == self.ids_end.get() {
            let end;
            (next, end) = reserve_ids(1024);
            self.ids_end.set(end);
        }
        self.next_id.set(next + 1);
        next
    }
}
