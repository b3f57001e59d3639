//! One switch of a bare pair, a number going along each way; no scheduler takes part.

use crate::stopwatch::time_round_trips;
use greenroom::{
    generator::{Generator, Resumed, Yielder},
    greenlet::Greenlet,
};
use std::time::Duration;

pub(crate) fn generator(switches: u64) -> Duration {
    let mut counter = Generator::<u64, u64, ()>::new(|yielder: &Yielder<u64, u64>, mut value| {
        loop {
            value = yielder.yield_(value + 1);
        }
    });
    time_round_trips(switches, |value| match counter.send(value) {
        Resumed::Yielded(value) => value,
        Resumed::Returned(()) => unreachable!("the counter never returns"),
    })
}

pub(crate) fn greenlet(switches: u64) -> Duration {
    let root = Greenlet::<u64>::current();
    let counter = Greenlet::<u64>::new(move |mut value| {
        loop {
            value = root.switch(value + 1);
        }
    });
    time_round_trips(switches, |value| counter.switch(value))
}
