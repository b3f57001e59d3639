//! OS threads for work that blocks and cannot wait cooperatively.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::hub;
use crate::park::handover::handover;

/// The process's pool for name look-ups. It is apart from other blocking work, so that a dead name server,
/// whose look-ups last many seconds, holds up nothing but look-ups.
static LOOKUPS: Pool = Pool::new("greenroom-lookup", 4, Duration::from_secs(5));

type Job = Box<dyn FnOnce() + Send>;

/// Runs a name look-up on an OS thread and parks the calling green thread until it has ended.
///
/// An interrupted caller leaves the job behind: its result is dropped where it was made.
pub(crate) fn lookup<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = handover();
    LOOKUPS.submit(Box::new(move || sender.send(job())), hub::current().blocking_threads)?;
    receiver.recv()?.ok_or_else(|| io::Error::other("the name look-up panicked"))
}

/// Up to `limit` OS threads that run jobs in order of arrival, started as needed and ended when `idle` for that
/// long.
struct Pool {
    name: &'static str,
    limit: usize,
    idle: Duration,
    state: Mutex<State>,
    arrival: Condvar,
}

struct State {
    /// Jobs that no worker has begun. Never holds any while `workers` is 0.
    jobs: VecDeque<Job>,
    workers: usize,
    /// Those of the workers that wait for a job or are on their way to one that just arrived.
    idle: usize,
}

impl Pool {
    const fn new(name: &'static str, limit: usize, idle: Duration) -> Pool {
        let state = State { jobs: VecDeque::new(), workers: 0, idle: 0 };
        Pool { name, limit, idle, state: Mutex::new(state), arrival: Condvar::new() }
    }

    /// Queues a job, and starts a worker for it unless `limit` are there.
    ///
    /// # Errors
    ///
    /// If there is no worker, and the system refuses a first one.
    fn submit(&'static self, job: Job, limit: usize) -> io::Result<()> {
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && state.workers < limit.min(self.limit) {
            // The lock is held while the thread starts, so a failure finds the queue as it was.
            match thread::Builder::new().name(self.name.into()).spawn(|| self.work()) {
                Ok(_detached) => state.workers += 1,
                Err(error) if state.workers == 0 => {
                    let refused = state.jobs.pop_back();
                    drop(state);
                    drop(refused);
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        drop(state);
        self.arrival.notify_one();
        Ok(())
    }

    /// The life of a worker.
    fn work(&self) {
        while let Some(job) = self.next_job() {
            // The waiter hears of a panic by its sender being dropped unsent.
            let _ = panic::catch_unwind(AssertUnwindSafe(job));
        }
    }

    /// Waits for a job; `None` ends the worker, which is then no longer counted.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        state.idle += 1;
        let waited = self.arrival.wait_timeout_while(state, self.idle, |state| state.jobs.is_empty());
        (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.workers -= 1;
        }
        job
    }

    /// No job runs under the lock, so poison means nothing here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool(limit: usize, idle: Duration) -> &'static Pool {
        Box::leak(Box::new(Pool::new("test-pool", limit, idle)))
    }

    #[test]
    fn one_worker_runs_jobs_in_order_of_arrival() {
        let pool = pool(1, Duration::from_millis(1));
        let (done, order) = mpsc::channel();
        for number in 0..100 {
            let done = done.clone();
            pool.submit(Box::new(move || done.send(number).unwrap()), 4).unwrap();
        }
        drop(done);
        assert!(order.iter().eq(0..100));
    }

    #[test]
    fn jobs_that_last_get_a_worker_each_up_to_the_limit() {
        let pool = pool(3, Duration::from_millis(1));
        let (begun, begins) = mpsc::channel();
        let ends: Vec<_> = (0..5)
            .map(|number| {
                let (end, ended) = mpsc::channel::<()>();
                let begun = begun.clone();
                let job = move || {
                    begun.send(number).unwrap();
                    ended.recv().unwrap();
                };
                pool.submit(Box::new(job), 4).unwrap();
                end
            })
            .collect();
        let mut first: Vec<_> = begins.iter().take(3).collect();
        first.sort();
        assert_eq!(first, [0, 1, 2]);
        assert!(begins.recv_timeout(Duration::from_millis(20)).is_err());
        ends[1].send(()).unwrap();
        assert_eq!(begins.recv(), Ok(3));
        ends[0].send(()).unwrap();
        assert_eq!(begins.recv(), Ok(4));
        for end in ends {
            // Two of them have ended.
            let _ = end.send(());
        }
    }

    #[test]
    fn a_job_that_panics_costs_no_worker() {
        let pool = pool(1, Duration::from_secs(5));
        let (done, order) = mpsc::channel();
        let unsent = done.clone();
        // Raised past the panic hook, which would report it.
        pool.submit(
            Box::new(move || {
                let _unsent = unsent;
                panic::resume_unwind(Box::new("on purpose"))
            }),
            pool.limit,
        )
        .unwrap();
        pool.submit(Box::new(move || done.send("next").unwrap()), 4).unwrap();
        assert!(order.iter().eq(["next"]));
        assert_eq!(pool.lock().workers, 1);
    }

    #[test]
    fn idle_workers_end_and_later_jobs_get_new_ones() {
        let pool = pool(2, Duration::from_millis(1));
        for _ in 0..3 {
            let (done, ended) = mpsc::channel();
            pool.submit(Box::new(move || done.send(()).unwrap()), 4).unwrap();
            ended.recv().unwrap();
            while pool.lock().workers > 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
