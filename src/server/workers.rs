//! Workers: OS threads with a hub each, for a server that wants more than one core.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::post::Post;
use crate::park::error::JoinError;
use crate::runtime;
use crate::shim::sync::Mutex;
use crate::thread;

/// What a worker's handlers get to end when nothing else is said.
const GRACE: Duration = Duration::from_secs(1);

/// Starts `n` OS threads with a hub each, and runs `f` on each hub, in a green thread of its own.
///
/// Each worker makes its own listener, with [`reuse_port`](crate::net::TcpListenerBuilder::reuse_port): the kernel spreads
/// connections over them. Sockets do not leave their OS thread, so what belongs to one worker stays with it. OS threads are not
/// pinned to cores.
///
/// An OS thread that cannot be started is an error of [`Workers::join`].
///
/// # Switching
///
/// Never.
///
/// # Examples
///
/// ```
/// use greenroom::{net::TcpListener, server::{StreamServer, per_core}};
///
/// let workers = per_core(2, |worker| {
///     let listener = TcpListener::builder().reuse_port(true).bind("127.0.0.1:0").unwrap();
///     let server = StreamServer::new(listener, move |_stream, peer| println!("{} serves {peer}", worker.index));
///     server.serve_forever().unwrap()
/// });
/// workers.stop();
/// assert!(workers.join().iter().all(Result::is_ok));
/// ```
pub fn per_core<F>(n: usize, f: F) -> Workers
where
    F: Fn(Worker) + Send + Sync + 'static,
{
    let f = Arc::new(f);
    let team = (0..n).map(|index| Member::start(Worker { index, count: n }, f.clone())).collect();
    Workers { team }
}

/// One of the OS threads that [`per_core`] starts, as its closure sees it.
///
/// # Examples
///
/// ```
/// let workers = greenroom::server::per_core(2, |worker| assert!(worker.index < worker.count));
/// assert!(workers.join().iter().all(Result::is_ok));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Worker {
    /// Which of them it is, from 0 on.
    pub index: usize,
    /// How many there are.
    pub count: usize,
}

/// The OS threads that [`per_core`] has started. Dropping it detaches them.
///
/// # Examples
///
/// ```
/// let workers = greenroom::server::per_core(3, |worker| assert_ne!(worker.index, 1, "not this one"));
/// let ends = workers.join();
/// assert!(ends[0].is_ok() && ends[1].as_ref().unwrap_err().is_panic() && ends[2].is_ok());
/// ```
pub struct Workers {
    team: Vec<Member>,
}

struct Member {
    post: Arc<Post>,
    /// None once somebody waits for it, or if it could not be started.
    os_thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Workers {
    /// Has all workers end, from any OS thread, and does not wait for that.
    ///
    /// Each [stops](super::ServerHandle::stop) its servers, with a grace of one second, so
    /// [`serve_forever`](super::StreamServer::serve_forever) returns. Whatever still lives on its hub when the
    /// closure has returned, or the grace is over, is killed, the closure too.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn stop(&self) {
        self.stop_within(GRACE);
    }

    /// As [`stop`](Self::stop), with a grace of the caller's.
    ///
    /// # Switching
    ///
    /// Never.
    pub fn stop_within(&self, grace: Duration) {
        self.team.iter().for_each(|member| member.post.stop(grace));
    }

    /// Waits until all workers have ended, and says how each did, in their order. A worker that panics ends alone.
    ///
    /// A hub's green threads are waited for like the worker's closure; if that panics, they are killed. One that was killed by
    /// [`stop`](Self::stop) has ended well. Asked again, it says the same again.
    ///
    /// # Switching
    ///
    /// May, if they have not ended: on an OS thread with a hub it parks; without one it blocks.
    ///
    /// # Cancellation
    ///
    /// A kill and an expired timeout unwind here; the workers go on.
    pub fn join(&self) -> Vec<Result<(), JoinError>> {
        self.team.iter().map(Member::join).collect()
    }
}

impl Member {
    fn start<F>(worker: Worker, f: Arc<F>) -> Member
    where
        F: Fn(Worker) + Send + Sync + 'static,
    {
        let post = Post::new();
        let name = format!("greenroom-{}", worker.index);
        let started = std::thread::Builder::new().name(name).spawn({
            let post = post.clone();
            move || post.ends(work(&post, worker, f))
        });
        if let Err(why) = &started {
            post.could_not_begin(why);
        }
        Member { post, os_thread: Mutex::new(started.ok()) }
    }

    fn join(&self) -> Result<(), JoinError> {
        let outcome = self.post.outcome.get();
        if self.post.outcome.is_ready() {
            // It has said all, and only has to end.
            let os_thread = self.os_thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            os_thread.map(std::thread::JoinHandle::join);
        }
        outcome
    }
}

/// A worker's life.
fn work<F>(post: &Arc<Post>, worker: Worker, f: Arc<F>) -> Result<(), JoinError>
where
    F: Fn(Worker) + Send + Sync + 'static,
{
    let life = || {
        runtime::run(|| {
            if !post.take_up() {
                return Ok(());
            }
            let returning = Returning(post.clone());
            let closure = thread::Builder::new().name(format!("worker {}", worker.index)).spawn(move || {
                let _returning = returning;
                f(worker);
            });
            match closure.map_err(|why| JoinError::refused(why.to_string()))?.join() {
                Err(error) if error.is_killed() && post.is_stopped() => Ok(()),
                // The hub kills what is left, and throws it again.
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                outcome => outcome,
            }
        })
    };
    catch_unwind(AssertUnwindSafe(life)).unwrap_or_else(|payload| Err(JoinError::from_panic(payload)))
}

/// Says that the closure has ended, whatever ended it.
struct Returning(Arc<Post>);

impl Drop for Returning {
    fn drop(&mut self) {
        self.0.returns();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.team.iter().filter(|member| member.post.outcome.is_ready()).count();
        f.debug_struct("Workers").field("count", &self.team.len()).field("ended", &ended).finish()
    }
}
