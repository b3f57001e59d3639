//! The group: any number of green threads that are waited for and ended together.

use std::fmt;
use std::io;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::greenlet::unwind::contain;
use crate::hub;
use crate::hub::requests::Requests;
use crate::park;
use crate::park::error::JoinError;
use crate::park::payload::Unwind;
use crate::pool::imap::{self, Imap, ImapUnordered};
use crate::pool::promise::Promise;
use crate::pool::roll::{Roll, Slot};
use crate::sync::AsyncResult;
use crate::thread::{self, JoinHandle};

/// Green threads that belong together; gevent's `Group`.
///
/// A green thread that was spawned here is a member until it has ended. Dropping the group leaves its members running.
///
/// # Examples
///
/// ```
/// use greenroom::pool::Group;
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// let (group, done) = (Group::new(), Rc::new(Cell::new(0)));
/// for n in 0..3 {
///     let done = done.clone();
///     group.spawn(move || {
///         greenroom::sleep(Duration::from_millis(n));
///         done.set(done.get() + 1);
///     });
/// }
/// group.join();
/// assert_eq!((done.get(), group.len()), (3, 0));
/// ```
pub struct Group {
    pub(crate) roll: Rc<Roll>,
}

impl Group {
    /// Makes a group without members.
    pub fn new() -> Group {
        Group::of_size(usize::MAX)
    }

    pub(crate) fn of_size(size: usize) -> Group {
        Group { roll: Roll::new(size) }
    }

    /// Spawns a green thread, as [`thread::spawn`](crate::spawn) does, and makes it a member.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`thread::spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        spawn_when_there_is_room(&self.roll, Location::caller(), f)
    }

    /// Returns how many members are alive.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn len(&self) -> usize {
        self.roll.len()
    }

    /// Tells whether there are no members.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until all members have ended, those too that are spawned meanwhile.
    ///
    /// # Switching
    ///
    /// May, if there are members. Returns at once while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller is a member.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the members go on.
    pub fn join(&self) {
        self.roll.join(None);
    }

    /// Waits until all members have ended, at most for `limit`; returns true if they have.
    ///
    /// # Switching
    ///
    /// May, if there are members. Returns at once while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// Panics if the caller is a member.
    ///
    /// # Cancellation
    ///
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, limit: Duration) -> bool {
        self.roll.join(Some(limit))
    }

    /// Asks all members softly to stop, as [`JoinHandle::cancel`] does.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn cancel(&self) {
        self.roll.request(Requests::CANCEL);
    }

    /// Makes all members unwind at their present or next park, as [`JoinHandle::kill`] does, and does not wait for that.
    ///
    /// Those that have not begun never run. Green threads that wait to spawn here, or feed an [`imap`](Self::imap), are no
    /// members, and go on. If the caller is a member, it unwinds once the others were asked.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::kill`].
    pub fn kill(&self) {
        if cfg!(panic = "abort") && self.roll.any_begun() {
            panic!("kill needs unwinding, and this program is built with panic = \"abort\"");
        }
        self.roll.request(Requests::KILL);
        if !std::thread::panicking() && self.roll.has_caller() {
            Unwind::Kill { thread: hub::current().running().id }.raise();
        }
    }

    /// Calls `f` with each item, each in a member of its own, and returns what they return, in the order of the items.
    ///
    /// While the caller is unwinding, it makes the calls itself.
    ///
    /// # Switching
    ///
    /// May, if there are items.
    ///
    /// # Panics
    ///
    /// Panics if a call does, with what the call threw; with the first in the order of the items, if several do. Panics if a
    /// member was killed. The other members go on.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; calls that have been spawned are made all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// let squares = greenroom::pool::Group::new().map(1..4, |n| n * n);
    /// assert_eq!(squares, [1, 4, 9]);
    /// ```
    #[track_caller]
    pub fn map<I, F, R>(&self, items: I, f: F) -> Vec<R>
    where
        I: IntoIterator,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
        R: 'static,
    {
        if cannot_wait() {
            return items.into_iter().map(f).collect();
        }
        let (site, f) = (Location::caller(), Rc::new(f));
        // Not collected: the input may promise more than there is memory for, and end in a panic.
        let mut handles = Vec::new();
        for item in items {
            let f = f.clone();
            handles.push(spawn_when_there_is_room(&self.roll, site, move || f(item)));
        }
        handles.into_iter().map(value_of).collect()
    }

    /// Calls `f` with each item, each in a member of its own, while the iterator that it returns gives the results, in the
    /// order of the items.
    ///
    /// The input is read by a green thread of its own, as fast as there is room for members, and as the iterator's
    /// [`bound`](Imap::bound) says; an input without an end is fine. If reading it panics, that is the last result.
    ///
    /// # Switching
    ///
    /// Never; the iterator does.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn imap<I, F, R>(&self, items: I, f: F) -> Imap<R>
    where
        I: IntoIterator,
        I::IntoIter: 'static,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
        R: 'static,
    {
        imap::ordered(Location::caller(), &self.roll, items.into_iter(), f)
    }

    /// As [`imap`](Self::imap), but gives the results in the order in which the calls end.
    ///
    /// # Switching
    ///
    /// Never; the iterator does.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn imap_unordered<I, F, R>(&self, items: I, f: F) -> ImapUnordered<R>
    where
        I: IntoIterator,
        I::IntoIter: 'static,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
        R: 'static,
    {
        imap::unordered(Location::caller(), &self.roll, items.into_iter(), f)
    }

    /// Calls `f` in a member and returns what it returns.
    ///
    /// A member makes the call itself, so that it never waits for room that it takes up; as does a caller that is unwinding.
    ///
    /// # Switching
    ///
    /// May, unless the caller is a member: then `f` does.
    ///
    /// # Panics
    ///
    /// Panics if `f` does, with what it threw, or if the member was killed.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the member goes on.
    #[track_caller]
    pub fn apply<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R + 'static,
        R: 'static,
    {
        if cannot_wait() || self.roll.has_caller() {
            return f();
        }
        value_of(spawn_when_there_is_room(&self.roll, Location::caller(), f))
    }

    /// Calls `f` in a member and returns at once; the result is set before the member has ended.
    ///
    /// If there is no room, the member begins when its turn for some comes; until then it does not count, but
    /// [`join`](Self::join) waits for it and [`kill`](Self::kill) ends it. If `f` panics, is killed or never runs, the
    /// result fails.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn apply_async<F, R>(&self, f: F) -> AsyncResult<R>
    where
        F: FnOnce() -> R + 'static,
        R: 'static,
    {
        let site = Location::caller();
        let result = AsyncResult::new();
        let promise = Promise::new(result.clone());
        let body = move || promise.fulfil(f);
        match self.roll.try_slot() {
            Some(slot) => drop(spawn_in(&self.roll, slot, site, body)),
            None => {
                let waiting = thread::dormant_later(site, Duration::MAX, body);
                self.roll.enroll_waiting(waiting.inner.job.task());
            }
        }
        result
    }
}

/// Whether the caller is unwinding, and would not wait for a member.
fn cannot_wait() -> bool {
    // Without a hub nothing is refused; but a member needs one, and then it is.
    hub::current();
    park::refuses()
}

/// Spawns a member that takes over the slot.
pub(super) fn spawn_in<F, T>(
    roll: &Rc<Roll>,
    slot: Slot<'_>,
    site: &'static Location<'static>,
    f: F,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let handle = thread::spawn_at(site, f);
    roll.enroll(slot, handle.inner.job.task());
    handle
}

/// As [`spawn_in`], with an error if there is no stack; then the slot goes to the next.
pub(super) fn try_spawn_in<F, T>(
    roll: &Rc<Roll>,
    slot: Slot<'_>,
    site: &'static Location<'static>,
    f: F,
) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let handle = thread::try_spawn_at(site, f)?;
    roll.enroll(slot, handle.inner.job.task());
    Ok(handle)
}

/// Spawns a member as soon as there is a slot for it. A caller that is unwinding does not wait for one: then there is no
/// member, and its handle says so.
pub(super) fn spawn_when_there_is_room<F, T>(
    roll: &Rc<Roll>,
    site: &'static Location<'static>,
    f: F,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    match roll.slot() {
        Some(slot) => spawn_in(roll, slot, site, f),
        None => {
            contain(|| drop(f));
            thread::never_begun(site, park::unwinding())
        }
    }
}

/// Waits for a member; its panic goes on here.
#[track_caller]
fn value_of<R>(member: JoinHandle<R>) -> R {
    match member.join() {
        Ok(value) => value,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(error) => no_value(&error),
    }
}

#[cold]
#[track_caller]
fn no_value(error: &JoinError) -> ! {
    panic!("a member of the group has no result: {error}")
}

impl Default for Group {
    fn default() -> Group {
        Group::new()
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("len", &self.len()).finish()
    }
}
