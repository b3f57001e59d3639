//! What does one switch of a bare pair cost, a number going along each way?
//!
//! No scheduler takes part. corosensei is what greenroom stands on, so it is the limit, not a rival.

use crate::{contest::Peer, ours, stopwatch::time_round_trips};
use corosensei::Coroutine;
use generator::Gn;
use std::time::Duration;

pub(super) fn generator_peers() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::switching::generator),
        Peer::timed("generator", generator_crate),
        Peer::limit("corosensei", corosensei),
    ]
}

pub(super) fn greenlet_peers() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::switching::greenlet),
        Peer::timed("generator", generator_crate),
        Peer::limit("corosensei", corosensei),
    ]
}

fn generator_crate(switches: u64) -> Duration {
    let mut counter = Gn::<u64>::new_scoped(|mut scope| {
        let mut value = scope.get_yield().unwrap_or(0);
        while let Some(next) = scope.yield_(value + 1) {
            value = next;
        }
        0
    });
    // Not `send`, which is not inlined and takes half as long again.
    time_round_trips(switches, |value| counter.raw_send(Some(value)).expect("the counter never returns"))
}

fn corosensei(switches: u64) -> Duration {
    const END: u64 = u64::MAX;
    let mut counter = Coroutine::<u64, u64, ()>::new(|yielder, mut value| {
        while value != END {
            value = yielder.suspend(value + 1);
        }
    });
    let took = time_round_trips(switches, |value| {
        counter.resume(value).as_yield().expect("it counts until it is told to end")
    });
    counter.resume(END);
    took
}
