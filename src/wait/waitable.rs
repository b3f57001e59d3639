//! The kinds of things that may be waited for several at once.
//!
//! A kind that any OS thread may bring about has [`Watchers`](crate::park::watchers::Watchers), and a look under its latch.

use self::sealed::{Kind, List};
use crate::executor::Future;
use crate::queue::{LifoQueue, PriorityQueue, Queue};
use crate::sync::{AsyncResult, BoundedSemaphore, Event, Semaphore};
use crate::thread::JoinHandle;
use crate::time::Timer;

/// What [`wait`](crate::wait()) and [`iwait`](crate::iwait) can wait for.
///
/// | | is ready when |
/// |---|---|
/// | [`JoinHandle`] | its green thread has ended |
/// | [`executor::Future`](Future) | its job has ended, or was cancelled |
/// | [`Timer`] | its call is over, or was cancelled |
/// | [`Event`] | it is set |
/// | [`AsyncResult`] | it has a value or a failure |
/// | [`Semaphore`], [`BoundedSemaphore`] | a permit is to be had |
/// | [`Queue`], [`LifoQueue`], [`PriorityQueue`] | an item is to be had, or it is closed |
///
/// Waiting takes nothing: what was ready may have gone to somebody else when the caller comes to take it, and whoever
/// watches a rendezvous queue is no getter to whom [`try_put`](crate::queue::Queue::try_put) could give an item. The trait is
/// sealed.
pub trait Waitable: sealed::Waitable {}

pub(super) mod sealed {
    use crate::hub::waiters::WaitList;
    use crate::park::watchers::Watchers;

    /// Those who are told when an object becomes ready.
    #[derive(Clone, Copy)]
    #[expect(missing_debug_implementations, reason = "nobody outside can name it")]
    pub struct List<'a>(pub(crate) Kind<'a>);

    #[derive(Clone, Copy)]
    pub(crate) enum Kind<'a> {
        /// For one OS thread. What is ready stays so.
        Local(&'a WaitList),
        /// For all OS threads. What is ready need not stay so; who is told looks again.
        Shared(&'a Watchers),
    }

    pub trait Waitable {
        /// Whether it is ready just now. With a shared list it is asked by one who watches already, and looks under the
        /// latch of the object: see [`watchers`](crate::park::watchers).
        fn is_ready(&self) -> bool;
        fn list(&self) -> List<'_>;
    }
}

impl<T> Waitable for JoinHandle<T> {}

impl<T> sealed::Waitable for JoinHandle<T> {
    fn is_ready(&self) -> bool {
        self.is_finished()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Local(&self.inner.job.task().waiters))
    }
}

impl<T> Waitable for Future<T> {}

impl<T> sealed::Waitable for Future<T> {
    fn is_ready(&self) -> bool {
        self.is_done()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl Waitable for Timer {}

impl sealed::Waitable for Timer {
    fn is_ready(&self) -> bool {
        self.call().is_finished()
    }

    fn list(&self) -> List<'_> {
        sealed::Waitable::list(self.call())
    }
}

impl Waitable for Event {}

impl sealed::Waitable for Event {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl<T> Waitable for AsyncResult<T> {}

impl<T> sealed::Waitable for AsyncResult<T> {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl Waitable for Semaphore {}

impl sealed::Waitable for Semaphore {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl Waitable for BoundedSemaphore {}

impl sealed::Waitable for BoundedSemaphore {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl<T> Waitable for Queue<T> {}

impl<T> sealed::Waitable for Queue<T> {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl<T> Waitable for LifoQueue<T> {}

impl<T> sealed::Waitable for LifoQueue<T> {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}

impl<T: Ord> Waitable for PriorityQueue<T> {}

impl<T: Ord> sealed::Waitable for PriorityQueue<T> {
    fn is_ready(&self) -> bool {
        self.is_ready_after_watching()
    }

    fn list(&self) -> List<'_> {
        List(Kind::Shared(self.watchers()))
    }
}
