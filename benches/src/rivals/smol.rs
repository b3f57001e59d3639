//! smol on one OS thread: its local executor, for channels and locks that bring no executor of their own.

use async_executor::LocalExecutor;
use std::{future::Future, rc::Rc};

/// Runs what `main` makes as a task of the executor, which it gets so that it can spawn others.
pub(crate) fn run_local<T: 'static, F: Future<Output = T> + 'static>(
    main: impl FnOnce(Rc<LocalExecutor<'static>>) -> F,
) -> T {
    let executor = Rc::new(LocalExecutor::new());
    let task = executor.spawn(main(executor.clone()));
    futures_lite::future::block_on(executor.run(task))
}
