//! A yield, while a group of green threads takes turns.

use crate::group::Group;
use std::{rc::Rc, time::Duration};

pub(crate) fn round_robin(members: u64, yields: u64) -> Duration {
    greenroom::run(|| {
        let group = Rc::new(Group::new(members));
        let member = || {
            let group = group.clone();
            greenroom::spawn(move || {
                group.begin();
                for _ in 0..yields / members {
                    greenroom::yield_now();
                }
                group.end();
            })
        };
        let members: Vec<_> = (0..members).map(|_| member()).collect();
        greenroom::try_joinall(members).expect("no member panics");
        group.took()
    })
}
