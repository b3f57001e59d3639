//! The verbs of a queue: one face for its three kinds.

/// Gives the methods of a queue to `$Queue`, a tuple struct around the `Arc` of a `Core`.
macro_rules! verbs {
    ($Queue:ident $(, $Bound:ident)?) => {
        impl<T $(: $Bound)?> $Queue<T> {
            /// Makes a queue that holds at most `capacity` items; with 0 it holds none, and each goes from hand to hand.
            ///
            /// Up to 1,024 items get their memory now, more as they come.
            pub fn bounded(capacity: usize) -> $Queue<T> {
                $Queue(Arc::new(Core::new(Some(capacity))))
            }

            /// Makes a queue that is never full.
            pub fn unbounded() -> $Queue<T> {
                $Queue(Arc::new(Core::new(None)))
            }

            /// Waits until there is room, and puts the value in. Where the capacity is 0, that is when somebody takes it.
            ///
            /// # Switching
            ///
            /// May, if the queue is full, or when the caller has had the OS thread for long.
            ///
            /// # Errors
            ///
            /// `Closed` if the queue is closed, also while the caller waits; `Interrupted` by a cancel, an expired
            /// timeout, or because the caller is unwinding. The value is inside.
            ///
            /// # Cancellation
            ///
            /// A kill unwinds here, and drops the value unless it was taken.
            #[inline]
            pub fn put(&self, value: T) -> Result<(), PutError<T>> {
                seat::spend();
                self.0.put(value, Wish::endless(Manner::Fallible))
            }

            /// Puts the value in if there is room, or somebody waits for one.
            ///
            /// # Switching
            ///
            /// Never.
            ///
            /// # Errors
            ///
            /// `Full` if there is no room, `Closed` if the queue is closed.
            ///
            /// # Examples
            ///
            /// ```
            /// use greenroom::queue::{PutError, Queue};
            ///
            /// let queue = Queue::bounded(1);
            /// queue.try_put("first").unwrap();
            /// assert_eq!(queue.try_put("second"), Err(PutError::Full("second")));
            /// ```
            #[inline]
            pub fn try_put(&self, value: T) -> Result<(), PutError<T>> {
                self.0.put(value, Wish::NO_WAIT)
            }

            /// Waits for room at most for `limit`. Zero is a [`try_put`](Self::try_put).
            ///
            /// # Switching
            ///
            /// May, if the queue is full, or when the caller has had the OS thread for long.
            ///
            /// # Errors
            ///
            /// `Full` if there was no room in time; else as [`put`](Self::put).
            ///
            /// # Cancellation
            ///
            /// As [`put`](Self::put).
            pub fn put_timeout(&self, value: T, limit: Duration) -> Result<(), PutError<T>> {
                if !limit.is_zero() {
                    seat::spend();
                }
                self.0.put(value, Wish::within(limit, Manner::Fallible))
            }

            /// Waits for an item and takes it.
            ///
            /// # Switching
            ///
            /// May, if there is none, or when the caller has had the OS thread for long.
            ///
            /// # Errors
            ///
            /// `Closed` if there is none and the queue is closed; `Interrupted` by a cancel, an expired timeout, or
            /// because the caller is unwinding.
            ///
            /// # Cancellation
            ///
            /// A kill unwinds here. An item that was handed over meanwhile goes to the next, or back.
            #[inline(always)]
            pub fn get(&self) -> Result<T, GetError> {
                seat::spend();
                self.0.get(Wish::endless(Manner::Fallible))
            }

            /// Takes an item if there is one.
            ///
            /// # Switching
            ///
            /// Never.
            ///
            /// # Errors
            ///
            /// `Empty` if there is none; `Closed` if in addition the queue is closed.
            ///
            /// # Examples
            ///
            /// ```
            /// use greenroom::queue::{GetError, Queue};
            ///
            /// let queue = Queue::unbounded();
            /// assert_eq!(queue.try_get(), Err(GetError::Empty));
            /// queue.put("first").unwrap();
            /// assert_eq!(queue.try_get(), Ok("first"));
            /// ```
            #[inline]
            pub fn try_get(&self) -> Result<T, GetError> {
                self.0.get(Wish::NO_WAIT)
            }

            /// Waits for an item at most for `limit`. Zero is a [`try_get`](Self::try_get).
            ///
            /// # Switching
            ///
            /// May, if there is none, or when the caller has had the OS thread for long.
            ///
            /// # Errors
            ///
            /// `Empty` if there was none in time; else as [`get`](Self::get).
            ///
            /// # Cancellation
            ///
            /// As [`get`](Self::get).
            ///
            /// # Examples
            ///
            /// ```
            /// use greenroom::queue::{GetError, Queue};
            /// use std::time::Duration;
            ///
            /// let queue = Queue::<u8>::unbounded();
            /// assert_eq!(queue.get_timeout(Duration::from_millis(1)), Err(GetError::Empty));
            /// ```
            pub fn get_timeout(&self, limit: Duration) -> Result<T, GetError> {
                if !limit.is_zero() {
                    seat::spend();
                }
                self.0.get(Wish::within(limit, Manner::Fallible))
            }

            /// Returns a clone of what [`get`](Self::get) would take, if the queue holds an item.
            ///
            /// # Switching
            ///
            /// Never; nor may the value's `Clone`.
            ///
            /// # Panics
            ///
            /// Panics inside the `Clone` or `Ord` of one of its items, as all that takes, puts or closes does there.
            pub fn peek(&self) -> Option<T>
            where
                T: Clone,
            {
                self.0.peek(T::clone)
            }

            /// Returns how many items it holds; values of those who wait to put are not among them.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Tells whether it holds nothing.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Tells whether it holds as many items as it may; always, if it may hold none.
            pub fn is_full(&self) -> bool {
                self.capacity().is_some_and(|capacity| self.len() >= capacity)
            }

            /// Returns how many items it may hold; None if any number.
            pub fn capacity(&self) -> Option<usize> {
                self.0.capacity()
            }

            /// Says that one item that was taken is dealt with.
            ///
            /// # Panics
            ///
            /// Panics if it is called more often than values were put, and changes nothing.
            #[track_caller]
            pub fn task_done(&self) {
                if !self.0.task_done() {
                    panic!("task_done was called more often than values were put");
                }
            }

            /// Waits until [`task_done`](Self::task_done) was called for each value that was put.
            ///
            /// # Switching
            ///
            /// May, if it was not. While the caller is unwinding it returns at once.
            ///
            /// # Cancellation
            ///
            /// A kill and an expired timeout unwind here.
            pub fn join(&self) {
                self.0.join(Wish::endless(Manner::Infallible));
            }

            /// Waits as [`join`](Self::join), at most for `limit`; tells whether all was done.
            ///
            /// # Switching
            ///
            /// May, if there is something to be done.
            ///
            /// # Cancellation
            ///
            /// As [`join`](Self::join).
            pub fn join_timeout(&self, limit: Duration) -> bool {
                self.0.join(Wish::within(limit, Manner::Infallible))
            }

            /// Returns how many values were put for which [`task_done`](Self::task_done) was not called.
            pub fn unfinished(&self) -> usize {
                self.0.unfinished()
            }

            /// Closes the queue: nothing can be put any more, and what it holds can still be taken.
            ///
            /// Those who wait to put get their values back; those who wait for an item learn that none will come.
            ///
            /// # Examples
            ///
            /// ```
            /// use greenroom::queue::{GetError, PutError, Queue};
            ///
            /// let queue = Queue::unbounded();
            /// queue.put("last").unwrap();
            /// queue.close();
            /// assert_eq!(queue.put("late"), Err(PutError::Closed("late")));
            /// assert_eq!((queue.get(), queue.get()), (Ok("last"), Err(GetError::Closed)));
            /// ```
            pub fn close(&self) {
                self.0.close();
            }

            /// Closes the queue and returns what it holds, in the order of [`get`](Self::get).
            ///
            /// These items count as dealt with. Values of those who wait to put go back to them.
            pub fn close_now(&self) -> Vec<T> {
                self.0.close_now()
            }

            /// Tells whether it was closed.
            pub fn is_closed(&self) -> bool {
                self.0.is_closed()
            }

            /// Returns the items as they come, until the queue is closed and drained, or the wait interrupted.
            pub fn iter(&self) -> Iter<'_, T> {
                Iter::over(&self.0)
            }

            /// Would a `get` return at once? Asked by one who watches.
            pub(crate) fn is_ready_after_watching(&self) -> bool {
                self.0.is_ready()
            }

            pub(crate) fn watchers(&self) -> &Watchers {
                self.0.watchers()
            }
        }

        impl<'a, T $(: $Bound)?> IntoIterator for &'a $Queue<T> {
            type Item = T;
            type IntoIter = Iter<'a, T>;

            fn into_iter(self) -> Iter<'a, T> {
                self.iter()
            }
        }

        /// Another handle of the same queue.
        impl<T> Clone for $Queue<T> {
            fn clone(&self) -> $Queue<T> {
                $Queue(self.0.clone())
            }
        }

        impl<T $(: $Bound)?> fmt::Debug for $Queue<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Queue))
                    .field("len", &self.len())
                    .field("capacity", &self.capacity())
                    .field("closed", &self.is_closed())
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use verbs;
