//! smol on one OS thread: its local executor, for channels and locks that bring no executor of their own.

use async_executor::LocalExecutor;
use std::time::Duration;

pub(crate) struct Smol;

thread_local! {
    static EXECUTOR: &'static LocalExecutor<'static> = Box::leak(Box::new(LocalExecutor::new()));
}

fn executor() -> &'static LocalExecutor<'static> {
    EXECUTOR.with(|executor| *executor)
}

impl super::Runtime for Smol {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        futures_lite::future::block_on(executor().run(executor().spawn(main)))
    }

    /// On the reactor, whose timers fire when this thread has nothing else to do.
    fn run_with_timers<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        async_io::block_on(executor().run(executor().spawn(main)))
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        executor().spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> {
        super::tokio::yield_by_self_wake()
    }

    async fn sleep(delay: Duration) {
        async_io::Timer::after(delay).await;
    }
}
