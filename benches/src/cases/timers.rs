//! What does a timer cost that is armed and taken back before it fires, as nearly all are?

use crate::{contest::Peer, rivals};
use may::go;
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
    time::{Duration, Instant},
};

const FAR: Duration = Duration::from_secs(30);
const OTHERS: usize = 100_000;

/// A time limit around an operation that waits once. may has no time limit around any operation.
pub(super) fn around_a_yield() -> Vec<Peer> {
    vec![Peer::timed("greenroom", greenroom_around_a_yield), Peer::timed("tokio", tokio_around_a_yield)]
}

/// A wait with a time limit that a neighbour ends: two switches beside the timer.
pub(super) fn ended_by_a_neighbour() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", greenroom_ended_by_a_neighbour),
        Peer::timed("tokio", tokio_ended_by_a_neighbour),
        Peer::timed("may", may_ended_by_a_neighbour),
    ]
}

/// One timer alone, while 100,000 others are armed. may has no timer that can be taken back.
pub(super) fn among_many_armed() -> Vec<Peer> {
    vec![Peer::timed("greenroom", greenroom_among_many), Peer::timed("tokio", tokio_among_many)]
}

fn greenroom_around_a_yield(timeouts: u64) -> Duration {
    greenroom::run(|| {
        let start = Instant::now();
        for _ in 0..timeouts {
            greenroom::timeout(FAR, greenroom::yield_now).expect("it ends in time");
        }
        start.elapsed()
    })
}

fn tokio_around_a_yield(timeouts: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let start = Instant::now();
        for _ in 0..timeouts {
            tokio::time::timeout(FAR, rivals::tokio::yield_by_self_wake()).await.expect("it ends in time");
        }
        start.elapsed()
    })
}

fn greenroom_ended_by_a_neighbour(waits: u64) -> Duration {
    greenroom::run(|| {
        let done = Rc::new(Cell::new(false));
        let sleeper = greenroom::spawn({
            let done = done.clone();
            move || {
                let start = Instant::now();
                for _ in 0..waits {
                    greenroom::thread::park_timeout(FAR);
                }
                done.set(true);
                start.elapsed()
            }
        });
        greenroom::yield_now();
        while !done.get() {
            sleeper.thread().unpark();
            greenroom::yield_now();
        }
        sleeper.join().expect("it does not panic")
    })
}

fn tokio_ended_by_a_neighbour(waits: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let (done, bell) = (Rc::new(Cell::new(false)), Rc::new(tokio::sync::Notify::new()));
        let sleeper = tokio::task::spawn_local({
            let (done, bell) = (done.clone(), bell.clone());
            async move {
                let start = Instant::now();
                for _ in 0..waits {
                    tokio::time::timeout(FAR, bell.notified()).await.expect("the bell rings in time");
                }
                done.set(true);
                start.elapsed()
            }
        });
        rivals::tokio::yield_by_self_wake().await;
        while !done.get() {
            bell.notify_one();
            rivals::tokio::yield_by_self_wake().await;
        }
        sleeper.await.expect("it does not panic")
    })
}

fn may_ended_by_a_neighbour(waits: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let done = Arc::new(AtomicBool::new(false));
        let sleeper = go!({
            let done = done.clone();
            move || {
                let start = Instant::now();
                for _ in 0..waits {
                    may::coroutine::park_timeout(FAR);
                }
                done.store(true, Relaxed);
                start.elapsed()
            }
        });
        // A coroutine of its own: may begins new ones only when none is ready, so yields from here would starve it.
        let neighbour = go!({
            let sleeper = sleeper.coroutine().clone();
            move || {
                while !done.load(Relaxed) {
                    sleeper.unpark();
                    may::coroutine::yield_now();
                }
            }
        });
        neighbour.join().expect("it does not panic");
        sleeper.join().expect("it does not panic")
    })
}

fn greenroom_among_many(timers: u64) -> Duration {
    greenroom::run(|| {
        let others: Vec<_> = (0..OTHERS).map(|_| greenroom::time::Timer::new(FAR, || ())).collect();
        let start = Instant::now();
        for _ in 0..timers {
            greenroom::timeout(FAR, || ()).expect("it ends in time");
        }
        let took = start.elapsed();
        for timer in others {
            assert!(timer.cancel(), "a timer fired before its time");
        }
        took
    })
}

fn tokio_among_many(timers: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let mut others: Vec<_> = (0..OTHERS).map(|_| Box::pin(tokio::time::sleep(FAR))).collect();
        for other in &mut others {
            arm(other.as_mut()).await;
        }
        let start = Instant::now();
        for _ in 0..timers {
            arm(pin!(tokio::time::sleep(FAR))).await;
        }
        start.elapsed()
    })
}

/// Polls a sleep once: tokio puts a timer into its wheel no sooner. Dropping the sleep takes it out.
async fn arm(mut sleep: Pin<&mut tokio::time::Sleep>) {
    poll_fn(|context| {
        assert!(sleep.as_mut().poll(context).is_pending(), "a timer fired before its time");
        Poll::Ready(())
    })
    .await;
}
