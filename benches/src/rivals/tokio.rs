//! tokio on one OS thread: its current-thread runtime, with a `LocalSet` for tasks that need no `Send`.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    runtime,
    task::{JoinHandle, LocalSet},
};

pub(crate) struct Tokio;

impl super::Runtime for Tokio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        run_local(main)
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        Joined(tokio::task::spawn_local(task))
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_by_self_wake()
    }

    fn sleep(delay: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(delay)
    }
}

/// Runs the future as a task of the set, where waking another task of the set is cheapest.
pub(crate) fn run_local<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let set = LocalSet::new();
    let task = set.spawn_local(future);
    set.block_on(&runtime, task).expect("the task neither panics nor is aborted")
}

/// Goes to the end of the ready queue once.
///
/// `tokio::task::yield_now` waits for a poll of the sockets besides, which makes it four times slower; this is
/// the yield that an async program has at its best.
pub(crate) async fn yield_by_self_wake() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A task that does not panic, to be joined.
struct Joined<T>(JoinHandle<T>);

impl<T> Future for Joined<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let joined = Pin::new(&mut self.0).poll(context);
        joined.map(|result| result.expect("the task neither panics nor is aborted"))
    }
}
