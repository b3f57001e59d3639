//! Queues: many put, many take, on green threads and OS threads alike; gevent's `queue`, Python's `queue`.
//!
//! [`Queue`] gives the oldest item first, [`LifoQueue`] the newest, [`PriorityQueue`] the smallest. Clones are handles of the
//! same queue. Whoever waits is served in the order of coming: an item goes into the hands of the first that waits for
//! one, room to the first that waits to put, and who comes later queues up behind them.
//!
//! ```
//! use greenroom::queue::Queue;
//!
//! let food = Queue::bounded(2);
//! let eater = greenroom::spawn({
//!     let food = food.clone();
//!     move || food.iter().collect::<Vec<_>>()
//! });
//! for bun in 0..5 {
//!     food.put(bun).unwrap();
//! }
//! food.close();
//! assert_eq!(eater.join().unwrap(), [0, 1, 2, 3, 4]);
//! ```
//!
//! # Traps
//!
//! * Each call of `put` counts one unfinished item, wanted or not. Who never calls `join` need not call `task_done`.
//! * An item that was handed to a getter which is killed before it runs goes to the next, or back to the head of the queue;
//!   a bounded queue holds one more then.
//! * `Ord` and `Clone` of items run where nothing may switch, and may not use the queue that asks them.

mod error;
mod heap;
mod iter;
pub(crate) mod raw;
pub(crate) mod store;
mod verbs;
pub(crate) mod wish;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::park::seat::{self, Manner};
use crate::park::watchers::Watchers;
use crate::queue::heap::Heap;
use crate::queue::raw::Core;
use crate::queue::store::{Fifo, Lifo};
use crate::queue::verbs::verbs;
use crate::queue::wish::Wish;

pub use error::{GetError, PutError};
pub use iter::Iter;

/// A queue that gives the oldest item first.
///
/// # Examples
///
/// ```
/// use greenroom::queue::Queue;
///
/// let words = Queue::unbounded();
/// let there = words.clone();
/// std::thread::spawn(move || there.put("hello").unwrap());
/// assert_eq!(words.get(), Ok("hello"));
/// ```
pub struct Queue<T>(Arc<Core<T, Fifo<T>>>);

/// A [`Queue`], under the name it has where [`join`](Queue::join) matters; gevent's `JoinableQueue`.
///
/// # Examples
///
/// ```
/// use greenroom::queue::JoinableQueue;
///
/// let jobs = JoinableQueue::unbounded();
/// let worker = jobs.clone();
/// greenroom::spawn(move || worker.iter().for_each(|()| worker.task_done()));
/// (0..3).for_each(|_| jobs.put(()).unwrap());
/// jobs.join();
/// assert!(jobs.is_empty());
/// jobs.close();
/// ```
pub type JoinableQueue<T> = Queue<T>;

/// A queue that gives the newest item first.
///
/// # Examples
///
/// ```
/// use greenroom::queue::LifoQueue;
///
/// let plates = LifoQueue::unbounded();
/// (1..4).for_each(|plate| plates.put(plate).unwrap());
/// assert_eq!(plates.close_now(), [3, 2, 1]);
/// ```
pub struct LifoQueue<T>(Arc<Core<T, Lifo<T>>>);

/// A queue that gives the smallest item first, and of equal ones the oldest.
///
/// `Ord::cmp` of its items runs where nothing may switch. Should it panic, that comes out of the `put` or `get` that asked,
/// and the queue is as before.
///
/// # Examples
///
/// ```
/// use greenroom::queue::PriorityQueue;
///
/// let guests = PriorityQueue::bounded(9);
/// guests.put((2, "guest")).unwrap();
/// guests.put((1, "friend")).unwrap();
/// assert_eq!(guests.get(), Ok((1, "friend")));
/// ```
pub struct PriorityQueue<T>(Arc<Core<T, Heap<T>>>);

/// Makes a queue that holds nothing: each value goes from hand to hand. gevent's `Channel`.
///
/// # Examples
///
/// ```
/// let channel = greenroom::queue::channel();
/// let other = channel.clone();
/// let putter = greenroom::spawn(move || other.put("by hand"));
/// assert_eq!(channel.get(), Ok("by hand"));
/// assert_eq!(putter.join().unwrap(), Ok(()));
/// ```
pub fn channel<T>() -> Queue<T> {
    Queue::bounded(0)
}

verbs!(Queue);
verbs!(LifoQueue);
verbs!(PriorityQueue, Ord);
