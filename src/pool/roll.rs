//! The roll of a group: which of its green threads are alive, who has a slot, who waits for one.
//!
//! ```text
//!            try_slot, slot                  enroll                  told (its green thread has ended)  
//!   free ───────────────────▶ promised ─────────────▶ a member's ───────────────────┐
//!     ▲                          │ dropped, unused                                  ▼
//!     └──────────── nobody waits ┴──────────────────────────── to the first who waits for room
//! ```
//!
//! Invariant: *while a slot is free, nobody waits for one*. A slot goes from hand to hand; who was handed one and is
//! interrupted before it runs passes it on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::hub;
use crate::hub::record::Record;
use crate::hub::requests::Requests;
use crate::hub::task::{Standing, State, Task, TaskPtr, WaitingFor, Woken};
use crate::hub::waiters::{Node, WaitList, Waiter, Witness};
use crate::park::seat::{Outer, Seat};
use crate::park::told::park_in;
use crate::park::{self, Manner};
use crate::pool::ending::Ending;

pub(crate) struct Roll {
    /// How many slots there are.
    size: usize,
    /// Slots that are promised, or a member's.
    taken: Cell<usize>,
    /// Slots of those who have not enrolled anybody yet.
    promised: Cell<usize>,
    /// By the number of the green thread, so oldest first.
    members: RefCell<BTreeMap<u64, Member>>,
    /// Those who wait for a slot: who spawns, and members that were not to begin without one.
    room: WaitList,
    /// Those who only look whether there is one.
    lookers: WaitList,
    /// Those who wait for the end of all.
    ends: WaitList,
    /// How many members wait for room in here.
    waiting_inside: Cell<usize>,
}

/// One that is alive.
struct Member {
    /// It keeps the roll: that is what lets a group go before its members.
    ending: Ending,
    /// Where it stands, or stood, in the list for room. None if it had a slot from the beginning.
    place: Option<Box<Node>>,
}

impl Roll {
    pub(crate) fn new(size: usize) -> Rc<Roll> {
        Rc::new(Roll {
            size,
            taken: Cell::new(0),
            promised: Cell::new(0),
            members: RefCell::default(),
            room: WaitList::new(),
            lookers: WaitList::new(),
            ends: WaitList::new(),
            waiting_inside: Cell::new(0),
        })
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn free(&self) -> usize {
        self.size - self.taken.get()
    }

    /// How many members have a slot.
    pub(crate) fn len(&self) -> usize {
        self.taken.get() - self.promised.get()
    }

    /// Whether the green thread that runs is a member.
    pub(crate) fn has_caller(&self) -> bool {
        self.members.borrow().contains_key(&hub::current().running().id)
    }

    // ---- slots ----

    pub(crate) fn try_slot(&self) -> Option<Slot<'_>> {
        if self.free() == 0 {
            return None;
        }
        self.taken.set(self.taken.get() + 1);
        self.promised.set(self.promised.get() + 1);
        Some(Slot(self))
    }

    /// Waits for a slot, first come, first served. None if the caller is unwinding, and does not wait.
    pub(crate) fn slot(&self) -> Option<Slot<'_>> {
        self.try_slot().or_else(|| self.wait_for_slot())
    }

    #[cold]
    fn wait_for_slot(&self) -> Option<Slot<'_>> {
        if park::refuses() {
            return None;
        }
        let _inside = self.waits_inside();
        let node = Node::new(Waiter::Thread(hub::current().current.get()));
        let stay = Stay { roll: self, node: &node, seat: Seat::here(), outer: Cell::default() };
        // SAFETY: both outlive `stay`, which leaves on every way out of here; and if its green thread is left standing, the
        // end of the hub leaves for it (S15).
        unsafe {
            self.room.join(&node);
            stay.outer.set(stay.seat.stands(&stay));
        }
        // Told or not, and why it was woken, is what the node says.
        let _woken = park::park(Manner::Infallible, WaitingFor::RoomInAPool, None);
        let slot = stay.leave();
        std::mem::forget(stay);
        slot
    }

    /// Waits until there is room, without taking it; returns at once if the caller is unwinding.
    pub(crate) fn wait_available(&self) {
        while self.free() == 0 && !park::refuses() {
            let _inside = self.waits_inside();
            if park_in(hub::current(), &self.lookers, Manner::Infallible, WaitingFor::RoomInAPool, None)
                .is_err()
            {
                return;
            }
        }
    }

    /// Counts the caller among the members that wait for room, if it is one.
    ///
    /// A slot comes free when a member ends, and who waits does not end: if all of them wait, they wait for ever.
    fn waits_inside(&self) -> Option<Inside<'_>> {
        if !self.has_caller() {
            return None;
        }
        let waiting = self.waiting_inside.get() + 1;
        if waiting >= self.size && self.all_others_wait_for_ever() {
            panic!(
                "all {} members of a pool of size {} wait for room in that very pool: none of them can ever end",
                self.size, self.size
            );
        }
        self.waiting_inside.set(waiting);
        Some(Inside(self))
    }

    /// None of them is about to go on, and no timeout will end a wait.
    fn all_others_wait_for_ever(&self) -> bool {
        let myself = hub::current().current.get();
        let has_no_end =
            |task: &Task| task.rare_if_any().is_none_or(|rare| !rare.scopes.borrow().any_with_an_end());
        let waits = |task: &Task| {
            task.state.get() == State::Parked && task.waiting_for.get() == WaitingFor::RoomInAPool
        };
        let members = self.members.borrow();
        let mut with_a_slot =
            members.values().filter(|member| member.has_slot()).map(|member| member.ending.task());
        self.promised.get() == 0
            && with_a_slot.all(|task| has_no_end(task) && (myself.is(task) || waits(task)))
    }

    /// Gives a slot to the first who waits for it.
    fn pass_on_a_slot(&self) {
        let hub = hub::current();
        match self.room.take_first() {
            Some(Waiter::Thread(spawner)) => {
                self.promised.set(self.promised.get() + 1);
                hub.wake(spawner, Woken::Condition);
            }
            Some(Waiter::Start(member)) => hub.start(member),
            Some(_) => unreachable!("spawners and members wait for room"),
            None => {
                self.taken.set(self.taken.get() - 1);
                hub.tell_all(&self.lookers);
            }
        }
    }

    // ---- members ----

    /// Enters a green thread that has not run yet; it keeps the slot until it has ended.
    pub(crate) fn enroll(self: &Rc<Roll>, slot: Slot<'_>, task: &Task) {
        if task.state.get() == State::Ended {
            // It could not be made.
            return;
        }
        std::mem::forget(slot);
        self.promised.set(self.promised.get() - 1);
        self.enter(task, None);
    }

    /// Enters one that has not been started: it begins when its turn for a slot comes.
    pub(crate) fn enroll_waiting(self: &Rc<Roll>, task: &Task) {
        if task.state.get() == State::Ended {
            return;
        }
        let place = Box::new(Node::new(Waiter::Start(TaskPtr::new(task))));
        // SAFETY: the box keeps its address; `told` leaves before it goes, and before the record does. The member keeps the
        // roll until then (S15).
        unsafe { self.room.join(&place) };
        self.enter(task, Some(place));
    }

    fn enter(self: &Rc<Roll>, task: &Task, place: Option<Box<Node>>) {
        let ending = Ending::of(task, self.clone(), task.id).expect("it has not ended");
        self.members.borrow_mut().insert(task.id, Member { ending, place });
    }

    /// Asks something of all members, oldest first; of the caller too, if it is one.
    pub(crate) fn request(&self, request: Requests) {
        let bodies: Vec<Record> = self.members.borrow().values().map(|member| member.ending.body()).collect();
        let hub = hub::current();
        for body in bodies.iter().filter(|body| body.task().state.get() != State::Ended) {
            hub.request(body.task(), request);
        }
    }

    /// Whether a member has begun.
    pub(crate) fn any_begun(&self) -> bool {
        self.members.borrow().values().any(|member| !member.ending.task().yielder.get().is_null())
    }

    // ---- the end of all ----

    fn is_over(&self) -> bool {
        self.promised.get() == 0 && self.members.borrow().is_empty()
    }

    fn tell_if_over(&self) {
        if self.is_over() {
            hub::current().tell_all(&self.ends);
        }
    }

    /// Waits until there was a moment without members. False at the limit, or if the caller is unwinding.
    pub(crate) fn join(&self, limit: Option<Duration>) -> bool {
        if self.is_over() {
            return true;
        }
        if self.has_caller() {
            panic!("a green thread cannot wait for the end of a group that it belongs to");
        }
        let deadline = limit.and_then(|limit| hub::current().clock.limit(limit));
        match park_in(hub::current(), &self.ends, Manner::Infallible, WaitingFor::GroupEnd, deadline) {
            Ok(Woken::Deadline) => self.is_over(),
            Ok(_) => true,
            Err(_) => false,
        }
    }
}

impl Member {
    fn has_slot(&self) -> bool {
        self.place.as_ref().is_none_or(|place| place.was_told())
    }
}

impl Witness for Roll {
    fn told(&self, number: u64) {
        let member = self.members.borrow_mut().remove(&number);
        let had_slot = member.is_some_and(|member| match &member.place {
            Some(place) => self.room.leave(place),
            None => true,
        });
        if had_slot {
            self.pass_on_a_slot();
        }
        self.tell_if_over();
    }
}

/// A slot that is not a member's yet. Dropped unused, it goes to the next.
pub(crate) struct Slot<'a>(&'a Roll);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.promised.set(self.0.promised.get() - 1);
        self.0.pass_on_a_slot();
        self.0.tell_if_over();
    }
}

/// A spawner's place in the list for room; left on every way out (S15).
struct Stay<'a, 'node> {
    roll: &'a Roll,
    node: &'node Node,
    seat: Seat,
    outer: Cell<Outer>,
}

impl<'a> Stay<'a, '_> {
    /// Leaves; the slot, if one was handed over.
    fn leave(&self) -> Option<Slot<'a>> {
        self.seat.stands_no_more(self.outer.get());
        self.roll.room.leave(self.node).then(|| Slot(self.roll))
    }
}

impl Drop for Stay<'_, '_> {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

impl Standing for Stay<'_, '_> {
    fn abandon(&self) {
        drop(self.leave());
    }
}

/// A member that waits for room in its own pool.
struct Inside<'a>(&'a Roll);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.waiting_inside.set(self.0.waiting_inside.get() - 1);
    }
}
