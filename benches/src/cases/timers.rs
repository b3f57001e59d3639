//! What does a timer cost: one that is armed and taken back before it fires, as nearly all are, and one that fires?

use crate::{
    contest::Peer,
    lateness::{Lateness, scattered},
    ours::{
        self,
        timers::{FAR, OTHERS, SPREAD},
    },
    rivals::{self, Runtime, monoio::Monoio, smol::Smol, tokio::Tokio},
    stopwatch,
};
use may::go;
use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
    time::{Duration, Instant},
};

/// A time limit around an operation that waits once. may has no time limit around any operation.
pub(super) fn around_a_yield() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::timers::around_a_yield),
        Peer::timed("tokio", tokio_around_a_yield),
        Peer::timed("monoio", monoio_around_a_yield),
    ]
}

/// A wait with a time limit that a neighbour ends: two switches beside the timer.
pub(super) fn ended_by_a_neighbour() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::timers::ended_by_a_neighbour),
        Peer::timed("tokio", tokio_ended_by_a_neighbour),
        Peer::timed("may", may_ended_by_a_neighbour),
    ]
}

/// One timer alone, while 100,000 others are armed. may has no timer that can be taken back.
pub(super) fn among_many_armed() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::timers::among_many),
        Peer::timed("tokio", |timers| among_many::<Tokio, _>(timers, tokio::time::sleep)),
        Peer::timed("smol", |timers| among_many::<Smol, _>(timers, async_io::Timer::after)),
        Peer::timed("monoio", |timers| among_many::<Monoio, _>(timers, monoio::time::sleep)),
    ]
}

/// So many sleeps at a time, spread over 0 to 100 ms: CPU time, and how late the median one is.
/// Those who are measured are the second crowd of a runtime, or the first.
pub(super) fn firing(sleepers: u64, which: Crowd) -> Vec<Peer> {
    let peer = |name, run: fn(u64, Crowd) -> (Duration, Duration)| {
        Peer::new(name, move |_| {
            let (cpu, late) = run(sleepers, which);
            Ok(vec![("", cpu.as_nanos() as f64 / sleepers as f64), ("_late", late.as_nanos() as f64)])
        })
    };
    let mut peers = vec![
        peer("greenroom", |sleepers, which| match which {
            Crowd::First => ours::timers::fire_first(sleepers),
            Crowd::Second => ours::timers::fire(sleepers),
        }),
        peer("tokio", fire::<Tokio>),
        peer("smol", fire::<Smol>),
        peer("monoio", fire::<Monoio>),
    ];
    if sleepers <= rivals::may::MOST {
        peers.push(peer("may", may_fire));
    }
    peers
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

fn monoio_around_a_yield(timeouts: u64) -> Duration {
    Monoio::run(async move {
        let start = Instant::now();
        for _ in 0..timeouts {
            monoio::time::timeout(FAR, Monoio::yield_now()).await.expect("it ends in time");
        }
        start.elapsed()
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

fn among_many<R: Runtime, S: Future + 'static>(timers: u64, sleep: fn(Duration) -> S) -> Duration {
    R::run_with_timers(async move {
        let mut others: Vec<_> = (0..OTHERS).map(|_| Box::pin(sleep(FAR))).collect();
        for other in &mut others {
            arm(other.as_mut()).await;
        }
        let start = Instant::now();
        for _ in 0..timers {
            arm(pin!(sleep(FAR))).await;
        }
        start.elapsed()
    })
}

/// Polls a sleep once: these runtimes arm a timer no sooner. Dropping the sleep takes it back.
async fn arm(mut sleep: Pin<&mut impl Future>) {
    poll_fn(|context| {
        assert!(sleep.as_mut().poll(context).is_pending(), "a timer fired before its time");
        Poll::Ready(())
    })
    .await;
}

#[derive(Clone, Copy)]
pub(super) enum Crowd {
    First,
    Second,
}

fn fire<R: Runtime>(sleepers: u64, which: Crowd) -> (Duration, Duration) {
    R::run_with_timers(async move {
        if let Crowd::Second = which {
            crowd::<R>(sleepers).await;
        }
        crowd::<R>(sleepers).await
    })
}

async fn crowd<R: Runtime>(sleepers: u64) -> (Duration, Duration) {
    let (lateness, start) = (Lateness::of(sleepers), stopwatch::cpu_time());
    let sleeper = |number| {
        let lateness = lateness.clone();
        R::spawn(async move {
            let delay = scattered(number, SPREAD);
            let due = Instant::now() + delay;
            R::sleep(delay).await;
            lateness.woke(due);
        })
    };
    let handles: Vec<_> = (0..sleepers).map(sleeper).collect();
    for handle in handles {
        handle.await;
    }
    (stopwatch::cpu_time() - start, lateness.median())
}

fn may_fire(sleepers: u64, which: Crowd) -> (Duration, Duration) {
    rivals::may::run_coroutine(move || {
        if let Crowd::Second = which {
            may_crowd(sleepers);
        }
        may_crowd(sleepers)
    })
}

fn may_crowd(sleepers: u64) -> (Duration, Duration) {
    let (lateness, start) = (Lateness::of(sleepers), stopwatch::cpu_time());
    let sleeper = |number| {
        let lateness = lateness.clone();
        go!(move || {
            let delay = scattered(number, SPREAD);
            let due = Instant::now() + delay;
            may::coroutine::sleep(delay);
            lateness.woke(due);
        })
    };
    let handles: Vec<_> = (0..sleepers).map(sleeper).collect();
    for handle in handles {
        handle.join().expect("it does not panic");
    }
    (stopwatch::cpu_time() - start, lateness.median())
}
