//! The pool: a group with room for so many.

use std::fmt;
use std::io;
use std::panic::Location;
use std::time::Duration;

use crate::pool::group::{Group, spawn_in, try_spawn_in};
use crate::pool::imap::{Imap, ImapUnordered};
use crate::sync::AsyncResult;
use crate::thread::JoinHandle;

/// A [`Group`] that bounds how many of its members are alive: who spawns one more waits until one has ended; gevent's `Pool`.
///
/// Who waits for room gets it in the order of asking. Nothing is kept but the bound: members are green threads that come
/// and go.
///
/// # Examples
///
/// ```
/// use greenroom::pool::Pool;
///
/// greenroom::run(|| {
///     let pool = Pool::new(2);
///     let words: Vec<_> = pool.imap(["a", "b", "c"], str::to_uppercase).map(Result::unwrap).collect();
///     assert_eq!(words, ["A", "B", "C"]);
///     assert_eq!(pool.free_count(), 2);
/// });
/// ```
pub struct Pool {
    group: Group,
}

impl Pool {
    /// Makes a pool with room for `size` members.
    ///
    /// # Panics
    ///
    /// Panics if `size` is 0: nobody could ever spawn.
    #[track_caller]
    pub fn new(size: usize) -> Pool {
        assert!(size > 0, "a pool needs room for at least one green thread");
        Pool { group: Group::of_size(size) }
    }

    /// Returns how many members there is room for in all.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn size(&self) -> usize {
        self.group.roll.size()
    }

    /// Spawns a green thread, as [`thread::spawn`](crate::spawn) does, and makes it a member; waits for room first.
    ///
    /// A caller that is unwinding does not wait: if there is no room then, the closure is dropped, and the handle's
    /// [`join`](JoinHandle::join) says that it was refused.
    ///
    /// # Switching
    ///
    /// May, if there is no room.
    ///
    /// # Panics
    ///
    /// As [`thread::spawn`](crate::spawn). Panics if all members, and the caller is one, wait for room in this pool, and no
    /// timeout can end that.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; room that had been promised goes to the next.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        self.group.spawn(f)
    }

    /// Spawns a member if there is room.
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// Gives the closure back if there is no room.
    ///
    /// # Panics
    ///
    /// As [`thread::spawn`](crate::spawn).
    #[track_caller]
    pub fn try_spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>, F>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        match self.group.roll.try_slot() {
            Some(slot) => Ok(spawn_in(&self.group.roll, slot, Location::caller(), f)),
            None => Err(f),
        }
    }

    /// As [`try_spawn`](Self::try_spawn), for somebody else, at whose place in the source it was asked for; with an error
    /// if there is no room or no stack.
    pub(crate) fn try_spawn_at<F, T>(
        &self,
        site: &'static Location<'static>,
        f: F,
    ) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        match self.group.roll.try_slot() {
            Some(slot) => try_spawn_in(&self.group.roll, slot, site, f),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Returns how many members could be spawned now without waiting.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn free_count(&self) -> usize {
        self.group.roll.free()
    }

    /// Waits until there is room, and leaves it there: [`try_spawn`](Self::try_spawn) takes it.
    ///
    /// Those who wait to spawn come first.
    ///
    /// # Switching
    ///
    /// May, if there is no room. Returns at once while the caller is unwinding.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn), if all members wait for room.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here.
    pub fn wait_available(&self) {
        self.group.roll.wait_available();
    }

    /// Returns how many members are alive.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// Tells whether there are no members.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn is_empty(&self) -> bool {
        self.group.is_empty()
    }

    /// Waits until all members have ended; see [`Group::join`].
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
        self.group.join();
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
        self.group.join_timeout(limit)
    }

    /// Asks all members softly to stop; see [`Group::cancel`].
    ///
    /// # Switching
    ///
    /// Never.
    pub fn cancel(&self) {
        self.group.cancel();
    }

    /// Makes all members unwind, and does not wait for that; see [`Group::kill`].
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::kill`].
    pub fn kill(&self) {
        self.group.kill();
    }

    /// Calls `f` with each item, each in a member of its own, and returns what they return, in the order of the items; see
    /// [`Group::map`].
    ///
    /// # Switching
    ///
    /// May, if there are items.
    ///
    /// # Panics
    ///
    /// As [`Group::map`] and [`spawn`](Self::spawn).
    ///
    /// # Cancellation
    ///
    /// As [`Group::map`]; calls that wait for room are not made.
    #[track_caller]
    pub fn map<I, F, R>(&self, items: I, f: F) -> Vec<R>
    where
        I: IntoIterator,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
        R: 'static,
    {
        self.group.map(items, f)
    }

    /// Calls `f` with each item, each in a member of its own, while the iterator that it returns gives the results, in the
    /// order of the items; see [`Group::imap`].
    ///
    /// # Switching
    ///
    /// Never; the iterator does.
    ///
    /// # Panics
    ///
    /// As [`thread::spawn`](crate::spawn).
    #[track_caller]
    pub fn imap<I, F, R>(&self, items: I, f: F) -> Imap<R>
    where
        I: IntoIterator,
        I::IntoIter: 'static,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
        R: 'static,
    {
        self.group.imap(items, f)
    }

    /// As [`imap`](Self::imap), but gives the results in the order in which the calls end.
    ///
    /// # Switching
    ///
    /// Never; the iterator does.
    ///
    /// # Panics
    ///
    /// As [`thread::spawn`](crate::spawn).
    #[track_caller]
    pub fn imap_unordered<I, F, R>(&self, items: I, f: F) -> ImapUnordered<R>
    where
        I: IntoIterator,
        I::IntoIter: 'static,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
        R: 'static,
    {
        self.group.imap_unordered(items, f)
    }

    /// Calls `f` in a member and returns what it returns; see [`Group::apply`].
    ///
    /// # Switching
    ///
    /// May, unless the caller is a member: then `f` does.
    ///
    /// # Panics
    ///
    /// As [`Group::apply`].
    ///
    /// # Cancellation
    ///
    /// As [`Group::apply`]; if it waits for room, `f` is not called.
    #[track_caller]
    pub fn apply<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R + 'static,
        R: 'static,
    {
        self.group.apply(f)
    }

    /// Calls `f` in a member, at once or when its turn for room comes, and returns at once; see [`Group::apply_async`].
    ///
    /// # Switching
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// As [`thread::spawn`](crate::spawn).
    #[track_caller]
    pub fn apply_async<F, R>(&self, f: F) -> AsyncResult<R>
    where
        F: FnOnce() -> R + 'static,
        R: 'static,
    {
        self.group.apply_async(f)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.size()).field("len", &self.len()).finish()
    }
}
