//! The crew: OS threads that run jobs in order of arrival, started as needed and ended when they are idle.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::executor::promise::Promise;
use crate::greenlet::unwind::discard;
use crate::hub::bystanders;
use crate::park::Manner;
use crate::park::line::How;
use crate::park::seat::WaitingFor;
use crate::shim::sync::Mutex;
use crate::shim::{LOOKS, turn_round};

/// How long a worker waits for the next job before it ends.
const IDLE: Duration = Duration::from_secs(5);

/// What a worker does once.
pub(crate) trait Job: Send + Sync {
    /// Runs on a worker; what it throws goes no further.
    fn run(&self);
}

/// Those who can have jobs done. When they are gone the workers finish what is queued, and end.
pub(crate) struct Crew {
    shop: Arc<Shop>,
}

/// What the workers share.
struct Shop {
    name: &'static str,
    limit: usize,
    idle: Duration,
    state: Mutex<State>,
    arrival: Condvar,
    /// Kept once it is closed and the last worker has left.
    empty: Promise<(), ()>,
}

struct State {
    /// Jobs that no worker has begun. Never holds any while `workers` is 0.
    jobs: VecDeque<Arc<dyn Job>>,
    workers: usize,
    /// Those of the workers that wait for a job or are on their way to one that just arrived.
    idle: usize,
    /// Those of the idle that sleep, and nobody has called them yet.
    asleep: usize,
    /// Those that were called and are not up yet.
    called: usize,
    /// How many of the idle the hubs were told of: those for whom there is no job.
    bystanders: usize,
    /// Takes no more jobs.
    closed: bool,
}

/// Why a job was not taken.
pub(crate) enum Refusal {
    Closed,
    /// The system starts no OS thread, and there is none.
    NoThread(io::Error),
}

thread_local! {
    /// The shop that this OS thread works for; null elsewhere.
    static EMPLOYER: Cell<*const Shop> = const { Cell::new(ptr::null()) };
}

impl Crew {
    /// At most `limit` workers, with this name.
    pub(crate) fn new(name: &'static str, limit: usize) -> Crew {
        Crew::with_idle(name, limit, IDLE)
    }

    fn with_idle(name: &'static str, limit: usize, idle: Duration) -> Crew {
        let state = State {
            jobs: VecDeque::new(),
            workers: 0,
            idle: 0,
            asleep: 0,
            called: 0,
            bystanders: 0,
            closed: false,
        };
        let (state, arrival) = (Mutex::new(state), Condvar::new());
        Crew { shop: Arc::new(Shop { name, limit, idle, state, arrival, empty: Promise::new(()) }) }
    }

    /// Queues a job, and starts a worker for it unless there are enough, or `limit` of them.
    pub(crate) fn submit(&self, job: Arc<dyn Job>, limit: usize) -> Result<(), Refusal> {
        let shop = &self.shop;
        let mut state = shop.lock();
        if state.closed {
            drop(state);
            return Err(Refusal::Closed);
        }
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && state.workers < limit.min(shop.limit) {
            // The lock is held while the thread starts, so a failure finds the queue as it was.
            match shop.start_worker() {
                Ok(()) => state.workers += 1,
                Err(error) if state.workers == 0 => {
                    let refused = state.jobs.pop_back();
                    drop(state);
                    drop(refused);
                    return Err(Refusal::NoThread(error));
                }
                // Those that are there will come to it.
                Err(_) => {}
            }
        }
        let call = state.call();
        state.count_bystanders();
        drop(state);
        if call {
            shop.arrival.notify_one();
        }
        Ok(())
    }

    /// Takes no more jobs. What is queued is still done.
    pub(crate) fn close(&self) {
        let mut state = self.shop.lock();
        state.closed = true;
        let deserted = state.workers == 0;
        drop(state);
        self.shop.arrival.notify_all();
        if deserted {
            self.shop.empty.finish(());
        }
    }

    /// Waits until it is closed and every job has been done.
    pub(crate) fn await_end(&self) {
        let how = How { manner: Manner::Infallible, what: WaitingFor::Job, limit: None };
        // Who is unwinding does not wait.
        let _ = self.shop.empty.wait(how);
    }

    /// Is the calling OS thread one of its workers?
    pub(crate) fn is_mine(&self) -> bool {
        ptr::eq(EMPLOYER.get(), Arc::as_ptr(&self.shop))
    }

    /// How many workers there are, and how many jobs wait for one.
    pub(crate) fn workers_and_jobs(&self) -> (usize, usize) {
        let state = self.shop.lock();
        (state.workers, state.jobs.len())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    /// Is another of those that sleep to be called? Not if enough are up for all the jobs: they look before they sleep.
    fn call(&mut self) -> bool {
        let call = self.asleep > 0 && self.jobs.len() > self.idle - self.asleep;
        if call {
            self.asleep -= 1;
            self.called += 1;
        }
        call
    }

    /// Somebody is up. Whether it was called or not: as many sleep now as `asleep` says, or fewer.
    fn rise(&mut self) {
        match self.called {
            0 => self.asleep -= 1,
            _ => self.called -= 1,
        }
    }

    fn has_nothing_to_do(&self) -> bool {
        self.jobs.is_empty() && !self.closed
    }

    /// Tells hubs how many workers do nothing and have nothing to do. Under the lock, after each change.
    fn count_bystanders(&mut self) {
        let now = self.idle.saturating_sub(self.jobs.len());
        if now != self.bystanders {
            bystanders::change(self.bystanders, now);
            self.bystanders = now;
        }
    }
}

impl Shop {
    fn start_worker(self: &Arc<Shop>) -> io::Result<()> {
        let shop = self.clone();
        thread::Builder::new().name(self.name.into()).spawn(move || shop.work()).map(drop)
    }

    /// The life of a worker.
    fn work(&self) {
        EMPLOYER.set(self);
        while let Some(job) = self.next_job() {
            // A job keeps its own panics; its drop may be the last of what somebody left in it.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| {
                job.run();
                drop(job);
            })) {
                discard(payload);
            }
        }
    }

    /// Waits for a job; None ends the worker, which is then no longer counted.
    fn next_job(&self) -> Option<Arc<dyn Job>> {
        let mut state = self.lock();
        state.idle += 1;
        state.count_bystanders();
        if state.has_nothing_to_do() {
            state = self.await_something_to_do(state);
        }
        state.idle -= 1;
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.workers -= 1;
        }
        state.count_bystanders();
        let deserted = state.closed && state.workers == 0;
        drop(state);
        if deserted {
            self.empty.finish(());
        }
        job
    }

    /// Returns without anything to do if it has been idle for long.
    fn await_something_to_do<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let since = Instant::now();
        let mut look = 0;
        while state.has_nothing_to_do() {
            if look < LOOKS {
                drop(state);
                turn_round(look);
                look += 1;
                state = self.lock();
                continue;
            }
            let left = self.idle.saturating_sub(since.elapsed());
            if left.is_zero() {
                break;
            }
            state.asleep += 1;
            (state, _) = self.arrival.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state.rise();
            look = 0;
        }
        state
    }

    /// No job runs or is dropped under the lock, so poison means nothing here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Once(Mutex<Option<Box<dyn FnOnce() + Send>>>);

    impl Job for Once {
        fn run(&self) {
            let job = self.0.lock().unwrap().take().expect("a job is run once");
            job();
        }
    }

    fn crew(limit: usize, idle: Duration) -> Crew {
        Crew::with_idle("test-crew", limit, idle)
    }

    fn submit(crew: &Crew, job: impl FnOnce() + Send + 'static) {
        assert!(crew.submit(Arc::new(Once(Mutex::new(Some(Box::new(job))))), usize::MAX).is_ok());
    }

    #[test]
    fn one_worker_runs_jobs_in_order_of_arrival() {
        let crew = crew(1, Duration::from_millis(1));
        let (done, order) = mpsc::channel();
        for number in 0..100 {
            let done = done.clone();
            submit(&crew, move || done.send(number).unwrap());
        }
        drop(done);
        assert!(order.iter().eq(0..100));
    }

    #[test]
    fn jobs_that_last_get_a_worker_each_up_to_the_limit() {
        let crew = crew(3, Duration::from_millis(1));
        let (begun, begins) = mpsc::channel();
        let ends: Vec<_> = (0..5)
            .map(|number| {
                let (end, ended) = mpsc::channel::<()>();
                let begun = begun.clone();
                submit(&crew, move || {
                    begun.send(number).unwrap();
                    ended.recv().unwrap();
                });
                end
            })
            .collect();
        let mut first: Vec<_> = begins.iter().take(3).collect();
        first.sort();
        assert_eq!(first, [0, 1, 2]);
        assert!(begins.recv_timeout(Duration::from_millis(20)).is_err());
        assert_eq!(crew.workers_and_jobs(), (3, 2));
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
    fn a_worker_that_is_called_in_vain_is_called_again() {
        let crew = crew(1, IDLE);
        let sleeps = || {
            let state = crew.shop.lock();
            (state.asleep, state.called) == (1, 0)
        };
        let await_sleep = || {
            let mut looks = 0..1000;
            while !sleeps() {
                assert!(looks.next().is_some(), "it sleeps, and counts as called");
                thread::sleep(Duration::from_millis(1));
            }
        };
        let (done, order) = mpsc::channel();
        for number in 0..3 {
            let done = done.clone();
            submit(&crew, move || done.send(number).unwrap());
            assert_eq!(order.recv_timeout(IDLE / 2), Ok(number));
            await_sleep();
            // As if another worker had been faster.
            let mut state = crew.shop.lock();
            state.jobs.push_back(Arc::new(Once(Mutex::new(None))));
            assert!(state.call());
            assert!(!state.call());
            state.jobs.clear();
            drop(state);
            crew.shop.arrival.notify_one();
            await_sleep();
        }
    }

    #[test]
    fn a_job_that_panics_costs_no_worker() {
        let crew = crew(1, IDLE);
        let (done, order) = mpsc::channel();
        let unsent = done.clone();
        // Raised past the panic hook, which would report it.
        submit(&crew, move || {
            let _unsent = unsent;
            std::panic::resume_unwind(Box::new("on purpose"))
        });
        submit(&crew, move || done.send("next").unwrap());
        assert!(order.iter().eq(["next"]));
        assert_eq!(crew.workers_and_jobs(), (1, 0));
    }

    #[test]
    fn idle_workers_end_and_later_jobs_get_new_ones() {
        let crew = crew(2, Duration::from_millis(1));
        for _ in 0..3 {
            let (done, ended) = mpsc::channel();
            submit(&crew, move || done.send(()).unwrap());
            ended.recv().unwrap();
            while crew.workers_and_jobs().0 > 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn a_closed_crew_does_what_is_queued_and_ends() {
        let crew = crew(1, IDLE);
        let (done, order) = mpsc::channel();
        for number in 0..10 {
            let done = done.clone();
            submit(&crew, move || done.send(number).unwrap());
        }
        crew.close();
        crew.close();
        crew.await_end();
        assert!(order.try_iter().eq(0..10));
        assert_eq!(crew.workers_and_jobs(), (0, 0));
        assert!(matches!(crew.submit(Arc::new(Once(Mutex::new(None))), 1), Err(Refusal::Closed)));
    }

    #[test]
    fn a_worker_with_nothing_to_do_is_a_bystander_until_it_is_given_a_job() {
        let crew = crew(1, IDLE);
        let count = || crew.shop.lock().bystanders;
        let (end, ended) = mpsc::channel::<()>();
        submit(&crew, || ());
        while count() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        submit(&crew, move || assert!(ended.recv().is_err()));
        assert_eq!(count(), 0);
        assert!(bystanders::idle() < usize::MAX / 2, "the count wraps around to what it was");
        drop(end);
        while count() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
