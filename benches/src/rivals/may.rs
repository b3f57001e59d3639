//! may with one worker, so that it too has one OS thread for its coroutines.

use may::go;

/// Runs the closure as a coroutine on the one worker; spawning and waking from there stay on the worker.
pub(crate) fn run_coroutine<T: Send + 'static>(main: impl FnOnce() -> T + Send + 'static) -> T {
    configure();
    go!(main).join().expect("the coroutine does not panic")
}

/// How many coroutines it is asked to hold: each has a stack with a guard page of its own, and the kernel's limit on
/// mappings (vm.max_map_count, 65,530) ends it not far above.
pub(crate) const MOST: u64 = 10_000;

/// Sets one worker, and keeps enough stacks that none is mapped while the clock runs.
pub(crate) fn configure() {
    may::config().set_workers(1).set_pool_capacity(20_000);
}

/// Runs the closure as a coroutine on the one worker, with the ordinary pool of stacks: for servers, and where memory counts.
pub(crate) fn run_with_few_stacks<T: Send + 'static>(main: impl FnOnce() -> T + Send + 'static) -> T {
    one_worker();
    go!(main).join().expect("the coroutine does not panic")
}

pub(crate) fn one_worker() {
    may::config().set_workers(1);
}
