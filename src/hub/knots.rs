//! The knots: green threads in a ring, each of which waits for what the next one has; no ring comes loose by itself.
//!
//! Who waits for something that has an owner (a lock, an initialiser) is on a list, so that looking for rings costs nothing
//! to those who wait for other things, however many they are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::hub::Hub;
use crate::hub::deadlock::line_about;
use crate::hub::task::{State, Task, TaskPtr};

/// The least time between two searches while the hub is busy.
const PAUSE: Duration = Duration::from_millis(50);

/// Those of one hub who wait for an owner.
#[derive(Default)]
pub(crate) struct Knots {
    waiters: RefCell<Vec<TaskPtr>>,
    /// Room for the numbers of all of them: a search that finds nothing allocates nothing.
    numbers: RefCell<Vec<u64>>,
    /// When rings were searched for last, or the search began to be of use.
    looked: Cell<Option<Instant>>,
    /// The rings that were reported and stand still: the numbers of their members, in order.
    reported: RefCell<Vec<Vec<u64>>>,
}

/// A place on the list, for the time of one wait.
pub(crate) struct Entry<'a> {
    knots: &'a Knots,
    task: &'a Task,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.knots.leave(self.task);
    }
}

impl Knots {
    pub(crate) fn enter<'a>(&'a self, task: &'a Task) -> Entry<'a> {
        let mut waiters = self.waiters.borrow_mut();
        task.knot.set(u32::try_from(waiters.len()).expect("fewer than four thousand million green threads"));
        if waiters.len() == waiters.capacity() {
            waiters.reserve(1);
            self.numbers.borrow_mut().reserve(waiters.capacity());
        }
        waiters.push(TaskPtr::new(task));
        Entry { knots: self, task }
    }

    /// Takes it off the list, if it is there: its wait is over, or it never runs again.
    pub(crate) fn leave(&self, task: &Task) {
        let mut waiters = self.waiters.borrow_mut();
        let place = task.knot.get() as usize;
        if waiters.get(place).is_some_and(|there| there.is(task)) {
            waiters.swap_remove(place);
            if let Some(moved) = waiters.get(place) {
                // SAFETY: who is on the list is parked, and leaves it before it ends (S15).
                unsafe { moved.get() }.knot.set(place as u32);
            }
        }
    }

    /// Could there be a ring of two?
    #[inline(always)]
    pub(crate) fn are_possible(&self) -> bool {
        self.waiters.borrow().len() > 1
    }

    /// Does any of them wait for another of them? Without that there is no ring.
    fn any_waits_for_another(&self) -> bool {
        let (waiters, mut numbers) = (self.waiters.borrow(), self.numbers.borrow_mut());
        // SAFETY: who is on the list is parked, and leaves it before it ends (S15).
        let tasks =
            || waiters.iter().map(|waiter| unsafe { waiter.get() }).filter(|task| waits_for_ever(task));
        numbers.clear();
        numbers.extend(tasks().map(|task| task.id));
        numbers.sort_unstable();
        tasks().filter_map(owner_to_wait_for).any(|owner| numbers.binary_search(&owner).is_ok())
    }

    /// All rings, each from its oldest member on, in the order in which they wait for each other. Who waits only for a time
    /// is in none: it will let go.
    pub(crate) fn rings(&self) -> Vec<Vec<&Task>> {
        if !self.any_waits_for_another() {
            return Vec::new();
        }
        let waiters = self.waiters.borrow();
        // SAFETY: who is on the list is parked, and leaves it before it ends (S15).
        let tasks = waiters.iter().map(|waiter| unsafe { waiter.get() });
        let bound: HashMap<u64, &Task> =
            tasks.filter(|task| waits_for_ever(task)).map(|task| (task.id, task)).collect();
        let mut ids: Vec<u64> = bound.keys().copied().collect();
        ids.sort_unstable();
        let mut seen = HashMap::new();
        let mut rings = Vec::new();
        for start in ids {
            let mut path = Vec::new();
            let mut at = Some(start);
            while let Some(task) = at.and_then(|id| bound.get(&id)) {
                if let Some(earlier) = seen.insert(task.id, start) {
                    // Seen on this very walk: the ring begins where it was seen. The oldest of a ring may not be its begin.
                    if earlier == start {
                        let begin = path.iter().position(|other: &&Task| other.id == task.id);
                        let mut ring = path.split_off(begin.expect("it was seen on this walk"));
                        let oldest = (0..ring.len()).min_by_key(|place| ring[*place].id);
                        ring.rotate_left(oldest.unwrap_or(0));
                        rings.push(ring);
                    }
                    break;
                }
                path.push(*task);
                at = owner_to_wait_for(task);
            }
        }
        rings
    }
}

fn waits_for_ever(task: &Task) -> bool {
    let has_alarm = |task: &Task| task.rare_if_any().is_some_and(|rare| rare.scopes.borrow().any_alarm());
    task.state.get() == State::Parked && task.timer.get().is_none() && !has_alarm(task)
}

/// The number of whoever has what `task` waits for.
pub(crate) fn owner_of(task: &Task) -> Option<u64> {
    let word = task.waiting_for.get().owner_word()?;
    // SAFETY: the word stays as long as somebody waits for it. Other OS threads may change it, so it is an atomic.
    let owner = unsafe { word.as_ref() }.load(Ordering::Relaxed) >> 8;
    (owner != 0).then_some(owner)
}

/// The same, but for whoever waits for what it has itself: it was handed that by another OS thread, and is about to learn it.
pub(crate) fn owner_to_wait_for(task: &Task) -> Option<u64> {
    owner_of(task).filter(|owner| *owner != task.id)
}

impl Hub {
    /// Searches for rings if it is time to, while others run.
    #[cold]
    pub(crate) fn look_for_knots_at_times(&self) {
        match self.knots.looked.get() {
            Some(last) if last.elapsed() >= PAUSE => self.look_for_knots(),
            Some(_) => {}
            // A wait for a lock that is over soon is none of our business.
            None => self.knots.looked.set(Some(Instant::now())),
        }
    }

    /// Reports each ring, once, on standard error.
    pub(crate) fn look_for_knots(&self) {
        self.knots.looked.set(Some(Instant::now()));
        let rings = self.knots.rings();
        let names: Vec<Vec<u64>> = rings
            .iter()
            .map(|ring| {
                let mut ids: Vec<u64> = ring.iter().map(|task| task.id).collect();
                ids.sort_unstable();
                ids
            })
            .collect();
        // What stood here before and has come loose may be tied anew, and is news then.
        let known = self.knots.reported.replace(names.clone());
        for (ring, _) in rings.iter().zip(names).filter(|(_, name)| !known.contains(name)) {
            let mut text =
                String::from("greenroom: deadlock: each of these waits for what the next one has\n");
            ring_lines(ring, &mut text);
            // Standard error may be closed: then nobody is told.
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }
}

/// A line for each member of a ring.
pub(crate) fn ring_lines(ring: &[&Task], text: &mut String) {
    for (task, next) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        line_about(task, Some(next), text);
    }
}
