//! One turn of the hub: those that are ready run, then the hub looks outside.
//!
//! ```text
//!   ┌─▶ batch: the ready queue, first in first out, at most 61 switches ──▶ the root, if it is its turn: return
//!   │     │
//!   │     ▼  until nobody is ready or the 61 are spent
//!   └── look: inbox ─▶ reactor (asleep until the next deadline if nobody is ready) ─▶ inbox ─▶ due timers
//! ```
//!
//! It runs on the root's stack (on whatever stack the root parked on), between two lines of the root's own code. A
//! green thread is entered by one `resume` and comes back when it parks or ends; it never enters another itself.
//!
//! But for this: where one ends and the next in the queue begins, that next one inherits the stack, with the coroutine on it,
//! and begins there, without a switch. The coroutine lies in the record of the one for whom it was made, the host, which
//! stays until it is free: the heir keeps it. When the heir has parked and runs again, the coroutine moves to its own record.

use std::io;
use std::mem::ManuallyDrop;
use std::ptr;

use crate::greenlet::chain::{self, Strand};
use crate::greenlet::switch::{Coroutine, Step, Yielder};
use crate::hub::clock::Moment;
use crate::hub::deadlock::Doubts;
use crate::hub::forked;
use crate::hub::record::Record;
use crate::hub::requests::Requests;
use crate::hub::task::{Seat, Seated, Task, TaskPtr};
use crate::hub::{self, Due, Hub, full_budget};
use crate::stack::Stack;

/// Switches between two looks outside. A prime, as in Go and tokio, so that it falls into step with no pattern of the program.
const SWITCHES_A_LOOK: u32 = 61;

/// A green thread whose record is larger does not leave its stack to another. In bytes.
const LARGEST_HOST: usize = 1024;

impl Hub {
    /// Turns until it is the root's turn to run. The root has parked, or stands in the ready queue itself.
    pub(crate) fn run_until_root(&self) {
        let outer = self.turning.replace(true);
        let mut doubts = Doubts::default();
        while !self.batch() {
            self.look_for_the_root(&mut doubts, outer);
            if self.orphaned.get() {
                self.end_orphans();
            }
        }
        self.turning.set(outer);
        if self.lent.get() {
            self.ring_if_called();
        }
    }

    /// The hub is left to whoever polls its descriptor, who is to see what came and what will.
    pub(crate) fn ring_if_called(&self) {
        if !self.remote.inbox.fall_asleep() {
            self.remote.ring();
        }
    }

    /// Runs those that are ready until the next look is due. True if it came to the root.
    #[inline]
    fn batch(&self) -> bool {
        let left = self.until_look.get();
        self.forgone.set(0);
        self.bequeaths.set(self.plain);
        let to_root = if self.plain { self.batch_in::<true>() } else { self.batch_in::<false>() };
        self.bequeaths.set(false);
        self.back_on_root();
        // To the root it is no switch.
        let switches = left - self.until_look.get() - self.forgone.get() - u32::from(to_root);
        self.switches.set(self.switches.get() + u64::from(switches));
        self.publish_counts();
        to_root
    }

    #[inline(always)]
    fn batch_in<const PLAIN: bool>(&self) -> bool {
        // It is this one all the time. But each green thread hands it back in a register, and what was kept on this stack would
        // be known only once the processor knows where this stack is.
        let mut hub = self;
        while hub.until_look.get() != 0 {
            let next = if PLAIN { hub.ready.pop_and_fetch() } else { hub.ready.pop() };
            let Some(task) = next else { break };
            hub.until_look.set(hub.until_look.get() - 1);
            if hub.is_root(task) {
                hub.budget.set(full_budget());
                return true;
            }
            // SAFETY: who is in the ready queue is alive (S15).
            hub = hub.step::<PLAIN>(unsafe { task.get() });
        }
        false
    }

    /// Runs those that are ready now, each once, without waiting for anybody; returns how many ran. For owners that turn
    /// the hub themselves: the root is running and, if somebody woke it, stays in the queue.
    pub(crate) fn run_those_ready(&self) -> usize {
        let (mut ran, mut root_is_due) = (0, false);
        for _ in 0..self.ready.len() {
            if self.until_look.get() == 0 {
                self.look(Some(0));
            }
            let Some(task) = self.ready.pop() else { break };
            if self.is_root(task) {
                root_is_due = true;
                continue;
            }
            self.until_look.set(self.until_look.get() - 1);
            self.switches.set(self.switches.get() + 1);
            ran += 1;
            // SAFETY: as in `batch_in`.
            self.step::<false>(unsafe { task.get() });
            self.back_on_root();
        }
        if root_is_due {
            self.ready.push(TaskPtr::new(self.root()));
        }
        ran
    }

    /// Gives the OS thread to one green thread until it parks or ends; returns this hub. Before anybody else's code runs on
    /// this stack, [`back_on_root`](Self::back_on_root) is due.
    #[inline(always)]
    fn step<const PLAIN: bool>(&self, task: &Task) -> &Hub {
        self.current.set(TaskPtr::new(task));
        self.budget.set(full_budget());
        if !PLAIN && let Some(watchdog) = &self.watchdog {
            watchdog.begins(task);
        }
        // SAFETY: the strand is in the record, which stays until `finish`, and `back_on_root` comes after that at the latest,
        // with nobody's code in between (S15).
        unsafe { Strand::run_on(&task.strand) };
        // SAFETY: only the turn touches this cell, and the green thread that runs now cannot turn (S7).
        let seat = unsafe { &mut *task.seat.get() };
        let word = if task.seated.get() == Seated::Here { Some(0) } else { self.take_seat(task, seat) };
        let step = match word {
            // SAFETY: its coroutine lies here.
            Some(word) => unsafe { &mut seat.own }.resume(word),
            None => Step::Ended,
        };
        if !PLAIN && let Some(watchdog) = &self.watchdog {
            watchdog.ends();
        }
        match step {
            // SAFETY: it is the address of this very hub, which whoever parks hands over (`park::away`).
            Step::Suspended(hub) => unsafe { &*ptr::with_exposed_provenance(hub) },
            Step::Ended => {
                self.finish(task);
                self
            }
        }
    }

    /// The code that runs is the root's again, or the hub's.
    #[inline(always)]
    fn back_on_root(&self) {
        // SAFETY: null stands for the root, whose strand is always there.
        unsafe { Strand::run_on(std::ptr::null()) };
        self.current.set(TaskPtr::new(self.root()));
    }

    /// Shows other OS threads what was counted.
    #[inline(always)]
    pub(crate) fn publish_counts(&self) {
        let counters = &self.remote.counters;
        counters.switches.set(self.switches.get());
        counters.spawned.set(self.spawned.get());
        counters.alive.set(self.alive() as u64);
        counters.stacks.set(self.stacks.get());
    }

    /// Binds a stack for a green thread that begins: late, so that who waits to begin has none and who begins gets a hot one.
    /// If there is none after all, the green thread ends here, and its body learns why. To an heir comes what it inherited.
    /// Returns the word with which the coroutine is resumed, if there is one.
    #[inline(always)]
    fn take_seat(&self, task: &Task, seat: &mut Seat) -> Option<usize> {
        if task.seated.get() == Seated::AtHost {
            task.seated.set(Seated::Here);
            // SAFETY: the host has it, and nobody runs in it now; only the turn touches the cells of both (S7).
            unsafe {
                let host = ManuallyDrop::take(&mut seat.host);
                host.task().seated.set(Seated::Nowhere);
                seat.own = ManuallyDrop::new(ManuallyDrop::take(&mut (*host.task().seat.get()).own));
            }
            return Some(0);
        }
        let class = task.class.expect("every green thread has a size of stack");
        match self.pool.bind(class, &task.label) {
            Ok(stack) => {
                self.stacks.set(self.stacks.get() + 1);
                let (first, top) = (TaskPtr::new(task), stack.top());
                // SAFETY: `first` is alive and no root, and this is its stack (S15): `step` says so.
                let body = move |yielder: &Yielder, top| unsafe { run_all(first, yielder, top) };
                seat.own = ManuallyDrop::new(Coroutine::new(stack, body));
                task.seated.set(Seated::Here);
                Some(top)
            }
            Err(error) => {
                self.refuse(&self.living.keep(task), error);
                None
            }
        }
    }

    /// Who inherits the stack of `task`, which has ended: the next in the queue, if it is to begin now and wants no other size.
    /// Nobody from one with a large record, which would stay as long as an heir is parked.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn heir_of(&self, task: &Task) -> Option<&Task> {
        let may = self.bequeaths.get() && self.until_look.get() != 0 && task.methods.bytes() <= LARGEST_HOST;
        let first = self.ready.first().filter(|_| may)?;
        // SAFETY: who is in the ready queue is alive (S15).
        let heir = unsafe { first.get() };
        (heir.class == task.class && heir.yielder.get().is_null()).then_some(heir)
    }

    /// `task` has ended, and `heir` begins on its stack.
    ///
    /// # Safety
    ///
    /// The one is who runs, with a stack that has that `top`; the other is its [`heir_of`](Self::heir_of).
    #[inline(never)]
    unsafe fn bequeath(&self, task: &Task, heir: &Task, top: usize) {
        self.ready.pop_first();
        self.until_look.set(self.until_look.get() - 1);
        self.budget.set(full_budget());
        self.current.set(TaskPtr::new(heir));
        // SAFETY: the strand and the label are in a record that stays until its owner has ended and `forget` is called, or
        // another one is named here (S15). The stack is bound (caller).
        unsafe {
            Strand::run_on(&heir.strand);
            Stack::relabel(top, &heir.label);
        }
        self.release_stack(task);
        let host = self.forget(task);
        heir.seated.set(Seated::AtHost);
        // SAFETY: it has no coroutine, and only the turn touches this cell (S7).
        unsafe { heir.seat.get().write(Seat { host: ManuallyDrop::new(host) }) };
    }

    #[cold]
    fn refuse(&self, body: &Record, why: io::Error) {
        let _no_switch = chain::forbid();
        body.refuse(why);
        self.announce_end();
    }

    /// Takes back the stack of `host`, whose coroutine has ended, and forgets the green thread that ran there last: that one, or
    /// an heir.
    #[inline(always)]
    fn finish(&self, host: &Task) {
        if host.seated.replace(Seated::Nowhere) == Seated::Here {
            // SAFETY: as in `step`; the coroutine has ended, and is not used after this.
            let stack = unsafe {
                let seat = &mut *host.seat.get();
                Coroutine::take_stack(&mut seat.own)
            };
            // Whoever ran there had a stack of that size.
            self.pool.give_back_for_good(stack);
            self.stacks.set(self.stacks.get() - 1);
        } else {
            self.release_stack(host);
        }
        drop(self.forget(self.running()));
    }

    #[inline(always)]
    fn release_stack(&self, task: &Task) {
        self.pool.release(task.class.expect("every green thread has a size of stack"));
    }

    /// Strikes a green thread that has ended from the books; returns the record in which its coroutine lies, or lay.
    #[inline(always)]
    fn forget(&self, task: &Task) -> Record {
        let record = self.strike(task);
        if task.seated.get() != Seated::AtHost {
            return record;
        }
        task.seated.set(Seated::Nowhere);
        // SAFETY: the host has its coroutine, and only the turn touches this cell (S7).
        unsafe { ManuallyDrop::take(&mut (*task.seat.get()).host) }
    }

    /// Ends the batch that runs, if one does.
    pub(crate) fn look_at_once(&self) {
        let left = self.until_look.replace(0);
        self.forgone.set(self.forgone.get() + left);
    }

    /// Looks outside: at what other OS threads left, at descriptors, at the clock. Waits for them if nobody is ready, at
    /// most until `limit` and the next deadline. True if it waited that long, and nothing came.
    pub(crate) fn look(&self, limit: Option<Moment>) -> bool {
        if forked::happened() {
            self.turning.set(false);
            forked::check();
        }
        self.until_look.set(SWITCHES_A_LOOK);
        self.remote.counters.turns.add(1);
        let mut wait = self.patience(limit);
        let mut nothing_came = false;
        let sleeps = wait != Some(0);
        if sleeps && !self.remote.inbox.fall_asleep() {
            wait = Some(0);
        }
        if wait != Some(0) || !self.reactor.is_empty() || self.lent.get() {
            self.remote.counters.polls.add(1);
            match self.reactor.look(wait, |lane| self.awaken(lane)) {
                Ok(came) => nothing_came = wait != Some(0) && !came,
                Err(error) => {
                    // The poller's own descriptor was closed under us: nothing that waits can ever be woken (F5).
                    self.turning.set(false);
                    panic!("the hub's poller failed: {error}");
                }
            }
        }
        if sleeps {
            self.remote.inbox.wake_up();
        }
        self.take_remote();
        self.take_due(sleeps);
        nothing_came
    }

    /// How long the next look may wait, in nanoseconds.
    fn patience(&self, limit: Option<Moment>) -> Option<Moment> {
        if !self.ready.is_empty() || self.orphaned.get() {
            return Some(0);
        }
        let next = match self.earliest_deadline() {
            // Nobody is ready: virtual time stands at the next deadline.
            Some(next) if self.clock.is_virtual() => {
                self.clock.jump_to(next);
                Some(0)
            }
            Some(next) => Some(self.with_slack(next)),
            None => None,
        };
        match (next, limit) {
            (Some(next), Some(limit)) => Some(next.min(limit)),
            (next, limit) => next.or(limit),
        }
    }

    /// How long an idle hub sleeps until a deadline: so much longer that those wake together whose deadlines are near each
    /// other.
    fn with_slack(&self, deadline: Moment) -> Moment {
        let now = self.clock.now();
        let (wait, worked) = (deadline.saturating_sub(now), now.saturating_sub(self.woke.get()));
        let slack = self.timers.borrow().patience().slack(wait, worked);
        deadline.saturating_add(slack).saturating_sub(now)
    }

    pub(crate) fn earliest_deadline(&self) -> Option<Moment> {
        self.timers.borrow_mut().next()
    }

    fn take_remote(&self) {
        if self.remote.inbox.is_empty() {
            return;
        }
        self.remote.inbox.drain(|to| {
            self.remote.counters.remote_wakes.add(1);
            self.signal(to);
        });
    }

    /// Fires what is due. The hub `slept`, or did not.
    fn take_due(&self, slept: bool) {
        if self.timers.borrow().is_empty() {
            // Nobody waits for a moment: how long it will have worked by then does not matter.
            self.woke.set(Moment::MAX);
            return;
        }
        let now = self.clock.now();
        if slept {
            self.woke.set(now);
        }
        loop {
            let due = self.timers.borrow_mut().pop_due(now, Due::fetch);
            match due {
                Some(due) => self.fire(due),
                None => break,
            }
        }
    }
}

/// What a coroutine does: it runs `first`, and then whoever inherits it. It does not unwind, as C's functions do not: so nobody
/// need be ready to catch that.
///
/// # Safety
///
/// `first` is alive and has a body to run. It runs in this coroutine, whose stack has that `top`.
#[inline(never)]
unsafe extern "C" fn run_all(first: TaskPtr, yielder: &Yielder, top: usize) -> usize {
    // SAFETY: it stays until it is struck from the books, which comes after its end (S15).
    let mut task = unsafe { first.get() };
    loop {
        task.yielder.set(yielder);
        task.heeds.set(Requests::NONE);
        // SAFETY: it is as `first`.
        unsafe { Record::run(task) };
        // Gone in a forked child that has dropped its runtime here: the turn tells the root.
        let Some(hub) = hub::try_current() else { return 0 };
        hub.announce_end();
        let Some(heir) = hub.heir_of(task) else { return 0 };
        // SAFETY: it ran, and the stack is its own (caller).
        unsafe { hub.bequeath(task, heir, top) };
        task = heir;
    }
}
