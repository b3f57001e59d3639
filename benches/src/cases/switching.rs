//! What does one switch of a bare pair cost, a number going along each way?
//!
//! No scheduler takes part. corosensei is what greenroom stands on, so it is the limit, not a rival.

use crate::contest::Peer;
use corosensei::Coroutine;
use generator::Gn;
use greenroom::{
    generator::{Generator, Resumed, Yielder},
    greenlet::Greenlet,
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

pub(super) fn generator_peers() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", greenroom_generator),
        Peer::timed("generator", generator_crate),
        Peer::timed("corosensei", corosensei),
    ]
}

pub(super) fn greenlet_peers() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", greenroom_greenlet),
        Peer::timed("generator", generator_crate),
        Peer::timed("corosensei", corosensei),
    ]
}

/// Times round trips: there and back are two switches.
fn round_trips(switches: u64, mut there_and_back: impl FnMut(u64) -> u64) -> Duration {
    let start = Instant::now();
    let mut value = 0;
    for _ in 0..switches / 2 {
        value = there_and_back(black_box(value));
    }
    black_box(value);
    start.elapsed()
}

fn greenroom_generator(switches: u64) -> Duration {
    let mut counter = Generator::<u64, u64, ()>::new(|yielder: &Yielder<u64, u64>, mut value| {
        loop {
            value = yielder.yield_(value + 1);
        }
    });
    round_trips(switches, |value| match counter.send(value) {
        Resumed::Yielded(value) => value,
        Resumed::Returned(()) => unreachable!("the counter never returns"),
    })
}

fn greenroom_greenlet(switches: u64) -> Duration {
    let root = Greenlet::<u64>::current();
    let counter = Greenlet::<u64>::new(move |mut value| {
        loop {
            value = root.switch(value + 1);
        }
    });
    round_trips(switches, |value| counter.switch(value))
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
    round_trips(switches, |value| counter.raw_send(Some(value)).expect("the counter never returns"))
}

fn corosensei(switches: u64) -> Duration {
    let mut counter = Coroutine::<u64, u64, ()>::new(|yielder, mut value| {
        loop {
            value = yielder.suspend(value + 1);
        }
    });
    round_trips(switches, |value| counter.resume(value).as_yield().expect("the counter never returns"))
}
