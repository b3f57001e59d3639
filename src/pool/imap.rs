//! The parallel map that is read while it runs: one green thread feeds items to members, whoever has the iterator reads what
//! they return.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::hub;
use crate::hub::requests::Requests;
use crate::hub::task::{State, WaitingFor};
use crate::hub::waiters::{WaitList, Witness};
use crate::park::error::JoinError;
use crate::park::told::park_in;
use crate::park::{self, Manner};
use crate::pool::ending::Ending;
use crate::pool::group::spawn_in;
use crate::pool::roll::Roll;
use crate::thread::{self, JoinHandle};

/// The results of [`Group::imap`](crate::pool::Group::imap), in the order of the items.
///
/// Dropping it stops the feeding; calls that have begun go on, detached. It is at its end while its reader is unwinding.
///
/// # Examples
///
/// ```
/// use greenroom::pool::Pool;
///
/// let squares = Pool::new(2).imap(1_u64.., |n| n * n).bound(4);
/// let first: Vec<u64> = squares.take(3).map(Result::unwrap).collect();
/// assert_eq!(first, [1, 4, 9]);
/// ```
pub struct Imap<R> {
    feed: Feed<R>,
    /// The one whose end is waited for. It stays here if the wait is cut short.
    next: Option<JoinHandle<R>>,
}

/// The results of [`Group::imap_unordered`](crate::pool::Group::imap_unordered), in the order in which the calls end.
///
/// Dropping it stops the feeding; calls that have begun go on, detached. It is at its end while its reader is unwinding.
///
/// # Examples
///
/// ```
/// use greenroom::{pool::Group, sleep};
/// use std::time::Duration;
///
/// let group = Group::new();
/// let ends = group.imap_unordered([9, 1, 5], |n| {
///     sleep(Duration::from_millis(n));
///     n
/// });
/// assert_eq!(ends.map(Result::unwrap).collect::<Vec<_>>(), [1, 5, 9]);
/// ```
pub struct ImapUnordered<R> {
    feed: Feed<R>,
}

/// The reader's end.
struct Feed<R> {
    belt: Rc<Belt<R>>,
    /// None once its end was told.
    feeder: Option<JoinHandle<()>>,
}

/// What is between the feeder and the reader.
struct Belt<R> {
    /// Those that have begun and were not read, by the place of their item.
    begun: RefCell<BTreeMap<usize, Begun<R>>>,
    /// How many have begun and were not returned to the reader.
    unread: Cell<usize>,
    bound: Cell<usize>,
    /// The reader waits.
    hungry: Cell<bool>,
    /// There will be no more.
    done: Cell<bool>,
    /// There is no reader any more.
    dropped: Cell<bool>,
    news: Rc<News>,
    /// The feeder, while it waits for the reader.
    room: WaitList,
}

/// What the reader waits for. It knows nothing of results: whoever lets go of it last, drops nothing of the user's.
#[derive(Default)]
struct News {
    /// The places of those that have ended, in that order.
    ended: RefCell<VecDeque<usize>>,
    reader: WaitList,
}

struct Begun<R> {
    /// Tells the news of its end, where the order of the ends counts.
    _ending: Option<Ending>,
    handle: JoinHandle<R>,
}

impl Witness for News {
    fn told(&self, number: u64) {
        self.ended.borrow_mut().push_back(number as usize);
        self.tell();
    }
}

impl News {
    fn tell(&self) {
        if !self.reader.is_empty() {
            hub::current().tell_all(&self.reader);
        }
    }
}

pub(super) fn ordered<I, F, R>(site: &'static Location<'static>, roll: &Rc<Roll>, items: I, f: F) -> Imap<R>
where
    I: Iterator + 'static,
    I::Item: 'static,
    F: Fn(I::Item) -> R + 'static,
    R: 'static,
{
    Imap { feed: Feed::begin(site, roll, items, f, false), next: None }
}

pub(super) fn unordered<I, F, R>(
    site: &'static Location<'static>,
    roll: &Rc<Roll>,
    items: I,
    f: F,
) -> ImapUnordered<R>
where
    I: Iterator + 'static,
    I::Item: 'static,
    F: Fn(I::Item) -> R + 'static,
    R: 'static,
{
    ImapUnordered { feed: Feed::begin(site, roll, items, f, true) }
}

// ---- the feeder ----

/// The feeder's end. Its drop says that there will be no more, whether the feeder has run or not.
struct Feeder<R> {
    site: &'static Location<'static>,
    roll: Rc<Roll>,
    belt: Rc<Belt<R>>,
    /// The reader is told of each end, not only of that of the oldest.
    in_order_of_ends: bool,
}

impl<R: 'static> Feeder<R> {
    fn feed<I, F>(&self, items: I, f: F)
    where
        I: Iterator,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
    {
        let (f, mut items) = (Rc::new(f), items.enumerate());
        loop {
            self.wait_for_the_reader();
            // Without a bound, and with room for all, nothing else would let the others run.
            park::spend(hub::current());
            let Some((place, item)) = items.next() else { return };
            let slot = self.roll.slot();
            let (Some(slot), false) = (slot, self.belt.dropped.get()) else { return };
            let f = f.clone();
            self.put(place, spawn_in(&self.roll, slot, self.site, move || f(item)));
        }
    }

    fn wait_for_the_reader(&self) {
        let belt = &self.belt;
        while !belt.has_room() && !belt.dropped.get() {
            if park_in(hub::current(), &belt.room, Manner::Infallible, WaitingFor::RoomInAQueue, None)
                .is_err()
            {
                return;
            }
        }
    }

    fn put(&self, place: usize, handle: JoinHandle<R>) {
        let belt = &self.belt;
        let task = handle.inner.job.task();
        let _ending = match self.in_order_of_ends {
            true => Ending::of(task, belt.news.clone(), place as u64),
            false => None,
        };
        belt.unread.set(belt.unread.get() + 1);
        belt.begun.borrow_mut().insert(place, Begun { _ending, handle });
        if !self.in_order_of_ends {
            belt.news.tell();
        }
    }
}

impl<R> Drop for Feeder<R> {
    fn drop(&mut self) {
        self.belt.done.set(true);
        self.belt.news.tell();
    }
}

// ---- the belt ----

impl<R> Belt<R> {
    /// May one more begin? With a bound of 0 one does for each time that the reader waits.
    fn has_room(&self) -> bool {
        self.unread.get() < self.bound.get().max(usize::from(self.hungry.get()))
    }

    fn tell_feeder(&self) {
        if !self.room.is_empty() && (self.has_room() || self.dropped.get()) {
            hub::current().tell_all(&self.room);
        }
    }

    /// Takes the oldest out.
    fn oldest(&self) -> Option<JoinHandle<R>> {
        let oldest = self.begun.borrow_mut().pop_first();
        oldest.map(|(_, begun)| begun.handle)
    }

    /// Takes that out which was the first to end.
    fn first_ended(&self) -> Option<JoinHandle<R>> {
        let place = self.news.ended.borrow_mut().pop_front()?;
        let ended = self.begun.borrow_mut().remove(&place);
        ended.map(|begun| begun.handle)
    }

    /// Waits for news. False if the caller is unwinding, and so does not wait.
    fn wait_for_news(&self) -> bool {
        struct Hungry<'a>(&'a Cell<bool>);
        impl Drop for Hungry<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        self.hungry.set(true);
        let _hungry = Hungry(&self.hungry);
        self.tell_feeder();
        park_in(hub::current(), &self.news.reader, Manner::Infallible, WaitingFor::AnItem, None).is_ok()
    }
}

// ---- the reader ----

impl<R: 'static> Feed<R> {
    fn begin<I, F>(
        site: &'static Location<'static>,
        roll: &Rc<Roll>,
        items: I,
        f: F,
        in_order_of_ends: bool,
    ) -> Feed<R>
    where
        I: Iterator + 'static,
        I::Item: 'static,
        F: Fn(I::Item) -> R + 'static,
    {
        let belt = Rc::new(Belt {
            begun: RefCell::default(),
            unread: Cell::new(0),
            bound: Cell::new(usize::MAX),
            hungry: Cell::new(false),
            done: Cell::new(false),
            dropped: Cell::new(false),
            news: Rc::default(),
            room: WaitList::new(),
        });
        let feeder = Feeder { site, roll: roll.clone(), belt: belt.clone(), in_order_of_ends };
        // Nobody has to wait for the end of what only serves a reader.
        let feeder = thread::spawn_daemon_at(site, move || feeder.feed(items, f));
        Feed { belt, feeder: Some(feeder) }
    }
}

impl<R> Feed<R> {
    fn set_bound(&self, bound: usize) {
        self.belt.bound.set(bound);
        self.belt.tell_feeder();
    }

    /// Waits until `take` finds one. None once there will be no more, or while the caller is unwinding.
    fn wait_for(&mut self, take: fn(&Belt<R>) -> Option<JoinHandle<R>>) -> Option<JoinHandle<R>> {
        loop {
            if let Some(found) = take(&self.belt) {
                return Some(found);
            }
            let over = self.belt.done.get() && self.belt.begun.borrow().is_empty();
            if over || !self.belt.wait_for_news() {
                return None;
            }
        }
    }

    /// Counts one as read.
    fn note_read(&self) {
        self.belt.unread.set(self.belt.unread.get() - 1);
        self.belt.tell_feeder();
    }

    /// Why there will be no more, if that is news: the feeder may have been ended by its input.
    fn failure(&mut self) -> Option<JoinError> {
        if !self.belt.done.get() || park::refuses() {
            return None;
        }
        // A kill of the reader may come while the feeder's last destructors run.
        let ended = self.feeder.as_ref()?.inner.join();
        self.feeder = None;
        ended.err()
    }
}

impl<R> Drop for Feed<R> {
    fn drop(&mut self) {
        self.belt.dropped.set(true);
        if let Some(feeder) = &self.feeder {
            let task = feeder.inner.job.task();
            if task.state.get() != State::Ended {
                hub::current().request(task, Requests::KILL);
            }
        }
        // A kill does nothing where there is no unwinding.
        self.belt.tell_feeder();
        let unread = self.belt.begun.take();
        drop(unread);
    }
}

impl<R> Imap<R> {
    /// Lets at most `n` calls begin whose results were not read, so that no more than `n` wait to be read.
    ///
    /// Without it there is no such bound. With 0, a call begins when its result is asked for. gevent's `maxsize`.
    ///
    /// # Switching
    ///
    /// Never.
    #[must_use]
    pub fn bound(self, n: usize) -> Imap<R> {
        self.feed.set_bound(n);
        self
    }
}

impl<R> Iterator for Imap<R> {
    type Item = Result<R, JoinError>;

    /// Waits for the result of the next item.
    ///
    /// # Switching
    ///
    /// May, if it is not there. Returns None at once while the caller is unwinding.
    ///
    /// # Errors
    ///
    /// The call has panicked or was killed; at the end, once, if reading the input has panicked.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. No result is lost.
    fn next(&mut self) -> Option<Result<R, JoinError>> {
        if self.next.is_none() {
            self.next = self.feed.wait_for(Belt::oldest);
        }
        let Some(next) = &self.next else { return self.feed.failure().map(Err) };
        if !next.is_finished() && park::refuses() {
            return None;
        }
        let result = next.inner.join();
        self.next = None;
        self.feed.note_read();
        Some(result)
    }
}

impl<R> ImapUnordered<R> {
    /// Lets at most `n` calls begin whose results were not read, so that no more than `n` wait to be read.
    ///
    /// Without it there is no such bound. With 0, a call begins when a result is asked for. gevent's `maxsize`.
    ///
    /// # Switching
    ///
    /// Never.
    #[must_use]
    pub fn bound(self, n: usize) -> ImapUnordered<R> {
        self.feed.set_bound(n);
        self
    }
}

impl<R> Iterator for ImapUnordered<R> {
    type Item = Result<R, JoinError>;

    /// Waits for the end of the next call that ends.
    ///
    /// # Switching
    ///
    /// May, if none has ended. Returns None at once while the caller is unwinding.
    ///
    /// # Errors
    ///
    /// The call has panicked or was killed; at the end, once, if reading the input has panicked.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here. No result is lost.
    fn next(&mut self) -> Option<Result<R, JoinError>> {
        let Some(ended) = self.feed.wait_for(Belt::first_ended) else {
            return self.feed.failure().map(Err);
        };
        self.feed.note_read();
        Some(ended.inner.join())
    }
}

impl<R> fmt::Debug for Feed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("unread", &self.belt.unread.get())
            .field("done", &self.belt.done.get())
            .finish()
    }
}

impl<R> fmt::Debug for Imap<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap").field("feed", &self.feed).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for ImapUnordered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapUnordered").field("feed", &self.feed).finish_non_exhaustive()
    }
}
