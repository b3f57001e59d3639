//! The rivals' set-up, the strongest that one OS thread allows.

pub(crate) mod may;
pub(crate) mod monoio;
pub(crate) mod smol;
pub(crate) mod tokio;

use std::time::Duration;

/// A runtime of futures on one OS thread, so that one text of a case serves all of them.
pub(crate) trait Runtime: 'static {
    /// Runs a future as a task, where waking another task is cheapest.
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T;

    /// As `run`, where timers fire.
    fn run_with_timers<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        Self::run(main)
    }

    /// Spawns a task; dropping what comes back may end it.
    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static;

    /// Lets all other tasks that are ready go first.
    fn yield_now() -> impl Future<Output = ()>;

    fn sleep(delay: Duration) -> impl Future<Output = ()>;
}
