//! Waiting for several things at once: gevent's `joinall`, `wait` and `iwait`.
//!
//! ```
//! use greenroom::{joinall, spawn};
//!
//! let squares = joinall((1..4).map(|n| spawn(move || n * n)));
//! let squares: Vec<i32> = squares.into_iter().map(Result::unwrap).collect();
//! assert_eq!(squares, [1, 4, 9]);
//! ```
//!
//! # Traps
//!
//! * A panic of a green thread is in its place of the result, and nowhere else but in the panic hook's report: a
//!   `joinall(…);` whose results nobody looks at goes on as if nothing had happened.
//! * A caller that is unwinding does not wait: [`joinall`] gives refusals for those that have not ended, [`wait`] and
//!   [`iwait`] only what is ready, and [`killall`] does not wait for those it kills.
//! * Whoever waits for its own end with [`wait`] or [`iwait`] waits for ever; [`joinall`] refuses.

use std::rc::Rc;
use std::time::Duration;

use crate::hub;
use crate::hub::clock::Moment;
use crate::hub::task::{WaitingFor, Woken};
use crate::hub::waiters::{Node, Waiter, Watch};
use crate::park::error::JoinError;
use crate::park::{self, Manner};
use crate::thread::JoinHandle;
use crate::time::Timer;

/// What [`wait`] and [`iwait`] can wait for: a [`JoinHandle`] (its green thread has ended), a [`Timer`] (its call is over
/// or was cancelled).
///
/// The trait is sealed.
pub trait Waitable: sealed::Waitable {}

mod sealed {
    use crate::hub::waiters::WaitList;

    /// The list of those who are told when an object becomes ready.
    #[derive(Debug)]
    pub struct List<'a>(pub(crate) &'a WaitList);

    pub trait Waitable {
        fn is_ready(&self) -> bool;
        fn list(&self) -> List<'_>;
    }
}

impl<T> Waitable for JoinHandle<T> {}

impl<T> sealed::Waitable for JoinHandle<T> {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    fn list(&self) -> sealed::List<'_> {
        sealed::List(&self.inner.job.task().waiters)
    }
}

impl Waitable for Timer {}

impl sealed::Waitable for Timer {
    fn is_ready(&self) -> bool {
        self.call().is_finished()
    }

    fn list(&self) -> sealed::List<'_> {
        sealed::Waitable::list(self.call())
    }
}

/// Waits for all and returns their results, in the order given; gevent's `joinall`.
///
/// # Switching
///
/// May, if one has not ended.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here; those that were waited for go on, detached.
///
/// # Examples
///
/// ```
/// use greenroom::{joinall, spawn};
///
/// let words = joinall(["a", "b"].map(|word| spawn(move || word.to_uppercase())));
/// let words: Result<Vec<String>, _> = words.into_iter().collect();
/// assert_eq!(words?, ["A", "B"]);
/// # Ok::<(), greenroom::JoinError>(())
/// ```
pub fn joinall<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<Result<T, JoinError>> {
    let handles: Vec<_> = handles.into_iter().collect();
    handles.into_iter().map(JoinHandle::join).collect()
}

/// Waits for all and returns their values, in the order given; or, as soon as one fails, its error.
///
/// The others go on, detached. gevent's `joinall` with `raise_error`.
///
/// # Switching
///
/// May, if one has not ended.
///
/// # Errors
///
/// The first failure, in the order of time; a refusal if the caller is unwinding.
///
/// # Cancellation
///
/// As [`joinall`].
///
/// # Examples
///
/// ```
/// use greenroom::{spawn, try_joinall};
///
/// assert_eq!(try_joinall([spawn(|| 1), spawn(|| 2)])?, [1, 2]);
/// let failed = try_joinall([spawn(|| 1), spawn(|| panic!("no second"))]);
/// assert_eq!(failed.unwrap_err().message(), "no second");
/// # Ok::<(), greenroom::JoinError>(())
/// ```
pub fn try_joinall<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Result<Vec<T>, JoinError> {
    let handles: Vec<_> = handles.into_iter().collect();
    let mut values: Vec<Option<T>> = handles.iter().map(|_| None).collect();
    let mut ended = 0;
    let mut gathering = Gathering::new(handles);
    while let Some(index) = gathering.next(None) {
        values[index] = Some(gathering.objects[index].inner.join()?);
        ended += 1;
    }
    match ended == values.len() {
        true => Ok(values.into_iter().flatten().collect()),
        false => Err(park::unwinding()),
    }
}

/// Kills all and waits until all have ended; gevent's `killall`.
///
/// # Switching
///
/// May, if one has not ended.
///
/// # Panics
///
/// As [`JoinHandle::kill`].
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here. If the caller is among them, the others are killed, and then it unwinds.
///
/// # Examples
///
/// ```
/// use greenroom::{killall, spawn, thread, yield_now};
///
/// let sleepers = [spawn(thread::park), spawn(thread::park)];
/// yield_now();
/// killall(&sleepers);
/// for sleeper in sleepers {
///     assert!(sleeper.join().unwrap_err().is_killed());
/// }
/// ```
pub fn killall<T>(handles: &[JoinHandle<T>]) {
    let myself = hub::current().current.get();
    let is_me = |handle: &&JoinHandle<T>| myself.is(handle.inner.job.task());
    handles.iter().filter(|handle| !is_me(handle)).for_each(JoinHandle::kill);
    handles.iter().filter(is_me).for_each(JoinHandle::kill);
    handles.iter().filter(|handle| !is_me(handle)).for_each(JoinHandle::wait);
}

/// Waits until `count` of the objects are ready (None: all), at most for `timeout` (None: for ever); gevent's `wait`.
///
/// Returns the places of the first `count` that are ready, in the order of becoming so.
///
/// # Switching
///
/// May, if fewer are ready.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here.
///
/// # Examples
///
/// ```
/// use greenroom::{spawn_later, wait};
/// use std::time::Duration;
///
/// let (slow, fast) = (spawn_later(Duration::MAX, || ()), spawn_later(Duration::from_millis(1), || ()));
/// assert_eq!(wait(&[&slow, &fast], None, Some(1)), [1]);
/// ```
pub fn wait(objects: &[&dyn Waitable], timeout: Option<Duration>, count: Option<usize>) -> Vec<usize> {
    let deadline = timeout.and_then(|limit| hub::current().clock.after(limit));
    let mut gathering = Gathering::new(objects);
    let wanted = count.unwrap_or(objects.len());
    let mut ready = Vec::new();
    while ready.len() < wanted {
        match gathering.next(deadline) {
            Some(index) => ready.push(index),
            None => break,
        }
    }
    ready
}

/// Returns the places of the objects, each as soon as it is ready; gevent's `iwait`.
///
/// Dropping the iterator ends its interest.
///
/// # Switching
///
/// `next` may, if none is ready.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind in `next`.
///
/// # Examples
///
/// ```
/// use greenroom::{iwait, spawn_later};
/// use std::time::Duration;
///
/// let (slow, fast) = (spawn_later(Duration::from_millis(2), || ()), spawn_later(Duration::ZERO, || ()));
/// assert_eq!(iwait(&[&slow, &fast]).collect::<Vec<_>>(), [1, 0]);
/// ```
pub fn iwait<'a>(objects: &'a [&'a dyn Waitable]) -> impl Iterator<Item = usize> + 'a {
    let mut gathering = Gathering::new(objects);
    std::iter::from_fn(move || gathering.next(None))
}

/// Returns the results, each as soon as its green thread has ended; Python's `concurrent.futures.as_completed`.
///
/// # Switching
///
/// `next` may, if none has ended.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind in `next`.
pub fn as_completed<T>(
    handles: impl IntoIterator<Item = JoinHandle<T>>,
) -> impl Iterator<Item = Result<T, JoinError>> {
    let mut gathering = Gathering::new(handles.into_iter().collect::<Vec<_>>());
    std::iter::from_fn(move || {
        let index = gathering.next(None)?;
        Some(gathering.objects[index].inner.join())
    })
}

/// The objects of one wait, borrowed or owned.
trait Objects {
    fn len(&self) -> usize;
    fn at(&self, index: usize) -> &dyn sealed::Waitable;
}

impl Objects for &[&dyn Waitable] {
    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn at(&self, index: usize) -> &dyn sealed::Waitable {
        self[index]
    }
}

impl<T> Objects for Vec<JoinHandle<T>> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn at(&self, index: usize) -> &dyn sealed::Waitable {
        &self[index]
    }
}

/// Interest in several objects: an entry in the list of each that was not ready, and the order in which they tell.
struct Gathering<O: Objects> {
    objects: O,
    watch: Rc<Watch>,
    /// The place in the list of each; none if it was ready at once. The boxes keep their addresses.
    nodes: Vec<Option<Box<Node>>>,
    /// How many have not been returned.
    left: usize,
}

impl<O: Objects> Gathering<O> {
    fn new(objects: O) -> Gathering<O> {
        let watch = Rc::<Watch>::default();
        let enter = |index| {
            let object = objects.at(index);
            if object.is_ready() {
                watch.happened.borrow_mut().push_back(index);
                return None;
            }
            let node = Box::new(Node::new(Waiter::Watch(watch.clone(), index)));
            // SAFETY: the object stays where it is or, if it is moved in here, its list is behind a pointer; the box keeps
            // its address; `leave` comes before either goes (S15).
            unsafe { object.list().0.join(&node) };
            Some(node)
        };
        let nodes = (0..objects.len()).map(enter).collect();
        Gathering { left: objects.len(), watch, nodes, objects }
    }

    /// The place of the next that is ready; None once all were returned, at the deadline, or while the caller is unwinding.
    fn next(&mut self, deadline: Option<Moment>) -> Option<usize> {
        while self.left > 0 {
            let ready = self.watch.happened.borrow_mut().pop_front();
            if let Some(index) = ready {
                self.left -= 1;
                self.leave(index);
                return Some(index);
            }
            let _parked = Parked::new(&self.watch);
            match park::park(Manner::Infallible, WaitingFor::AnyOfSeveral, deadline) {
                Ok(Woken::Condition | Woken::Request) => {}
                Ok(Woken::Deadline) if !self.watch.happened.borrow().is_empty() => {}
                Ok(Woken::Deadline) | Err(_) => break,
            }
        }
        None
    }

    fn leave(&mut self, index: usize) {
        if let Some(node) = self.nodes[index].take() {
            self.objects.at(index).list().0.leave(&node);
        }
    }
}

impl<O: Objects> Drop for Gathering<O> {
    fn drop(&mut self) {
        (0..self.nodes.len()).for_each(|index| self.leave(index));
    }
}

/// Says who is to be woken, as long as there is somebody parked.
struct Parked<'a>(&'a Watch);

impl Parked<'_> {
    fn new(watch: &Watch) -> Parked<'_> {
        watch.parked.set(Some(hub::current().current.get()));
        Parked(watch)
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.parked.set(None);
    }
}
