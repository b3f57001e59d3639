//! What does a yield cost while a group of green threads takes turns?

use crate::{
    contest::Peer,
    ours,
    rivals::{self, Runtime, monoio::Monoio, smol::Smol, tokio::Tokio},
    stopwatch::Turns,
};
use corosensei::{Coroutine, Yielder, stack::DefaultStack};
use may::go;
use std::{
    hint::black_box,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) fn peers_of_two() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |yields| ours::yielding::round_robin(2, yields)),
        Peer::timed("tokio", |yields| futures::<Tokio>(2, yields)),
        Peer::timed("may", |yields| may(2, yields)),
        Peer::timed("smol", |yields| futures::<Smol>(2, yields)),
        Peer::timed("monoio", |yields| futures::<Monoio>(2, yields)),
        Peer::limit("corosensei", |yields| corosensei(2, yields)),
    ]
}

pub(super) fn peers_of_a_thousand() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |yields| ours::yielding::round_robin(1_000, yields)),
        Peer::timed("tokio", |yields| futures::<Tokio>(1_000, yields)),
        Peer::timed("may", |yields| may(1_000, yields)),
        Peer::timed("smol", |yields| futures::<Smol>(1_000, yields)),
        Peer::timed("monoio", |yields| futures::<Monoio>(1_000, yields)),
        Peer::limit("corosensei", |yields| corosensei(1_000, yields)),
    ]
}

pub(super) fn futures<R: Runtime>(members: u64, yields: u64) -> Duration {
    R::run(async move {
        let turns = Rc::new(Turns::of(members));
        let member = || {
            let turns = turns.clone();
            R::spawn(async move {
                turns.begin();
                R::yield_now().await;
                while !turns.all_begun() {
                    R::yield_now().await;
                }
                for _ in 0..yields / members {
                    R::yield_now().await;
                }
                turns.end();
            })
        };
        let members: Vec<_> = (0..members).map(|_| member()).collect();
        for member in members {
            member.await;
        }
        turns.took()
    })
}

pub(super) fn may(members: u64, yields: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let turns = Arc::new(Turns::of(members));
        let member = || {
            let turns = turns.clone();
            go!(move || {
                turns.begin();
                may::coroutine::yield_now();
                while !turns.all_begun() {
                    may::coroutine::yield_now();
                }
                for _ in 0..yields / members {
                    may::coroutine::yield_now();
                }
                turns.end();
            })
        };
        let members: Vec<_> = (0..members).map(|_| member()).collect();
        for member in members {
            member.join().expect("no member panics");
        }
        turns.took()
    })
}

/// The least that a round robin takes: a ring of bare coroutines and a loop.
fn corosensei(members: u64, yields: u64) -> Duration {
    let member = |number: u64| {
        let stack = DefaultStack::new(16 * 1_024).expect("there is memory");
        Coroutine::<bool, (), ()>::with_stack(stack, move |yielder, _| match number % 8 {
            0 => suspend_while_told::<0>(yielder),
            1 => suspend_while_told::<384>(yielder),
            2 => suspend_while_told::<768>(yielder),
            3 => suspend_while_told::<1_152>(yielder),
            4 => suspend_while_told::<1_536>(yielder),
            5 => suspend_while_told::<1_920>(yielder),
            6 => suspend_while_told::<2_304>(yielder),
            _ => suspend_while_told::<2_688>(yielder),
        })
    };
    let mut ring: Vec<_> = (0..members).map(member).collect();
    ring.iter_mut().for_each(|member| _ = member.resume(true));
    let start = Instant::now();
    for _ in 0..yields / members {
        for member in &mut ring {
            member.resume(true);
        }
    }
    let took = start.elapsed();
    ring.iter_mut().for_each(|member| _ = member.resume(false));
    took
}

/// So many bytes lie between the top of the stack and what is in use: at one and the same place within their pages, many
/// stacks contend for the same sets of the cache.
#[inline(never)]
fn suspend_while_told<const SHIFT: usize>(yielder: &Yielder<bool, ()>) {
    black_box(&[0u8; SHIFT]);
    while yielder.suspend(()) {}
}
