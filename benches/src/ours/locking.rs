//! Lock, add one, unlock.

use crate::{group::Group, stopwatch};
use std::{rc::Rc, time::Duration};

/// On a green thread, while nobody else wants the lock.
pub(crate) fn uncontended(locks: u64) -> Duration {
    greenroom::run(|| {
        let n = greenroom::sync::Mutex::new(0u64);
        stopwatch::time(locks, || *n.lock() += 1)
    })
}

pub(crate) const CONTENDERS: u64 = 8;

/// Eight take turns at a lock, and each yields while it has it.
pub(crate) fn contended(locks: u64) -> Duration {
    greenroom::run(|| {
        let (group, n) = (Rc::new(Group::new(CONTENDERS)), Rc::new(greenroom::sync::Mutex::new(0u64)));
        let member = || {
            let (group, n) = (group.clone(), n.clone());
            greenroom::spawn(move || {
                group.begin();
                for _ in 0..locks / CONTENDERS {
                    let mut n = n.lock();
                    greenroom::yield_now();
                    *n += 1;
                }
                group.end();
            })
        };
        let members: Vec<_> = (0..CONTENDERS).map(|_| member()).collect();
        greenroom::try_joinall(members).expect("no member panics");
        group.took()
    })
}
