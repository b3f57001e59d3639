//! tokio on one OS thread: its current-thread runtime, with a `LocalSet` for tasks that need no `Send`.

use std::{
    future::{Future, poll_fn},
    task::Poll,
};
use tokio::{runtime, task::LocalSet};

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
