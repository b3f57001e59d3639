//! A yield, while a group of green threads takes turns.

use crate::stopwatch::Turns;
use std::{rc::Rc, time::Duration};

pub(crate) fn round_robin(members: u64, yields: u64) -> Duration {
    greenroom::run(|| {
        let turns = Rc::new(Turns::of(members));
        let member = || {
            let turns = turns.clone();
            greenroom::spawn(move || {
                turns.begin();
                greenroom::yield_now();
                while !turns.all_begun() {
                    greenroom::yield_now();
                }
                for _ in 0..yields / members {
                    greenroom::yield_now();
                }
                turns.end();
            })
        };
        let members: Vec<_> = (0..members).map(|_| member()).collect();
        greenroom::try_joinall(members).expect("no member panics");
        turns.took()
    })
}
