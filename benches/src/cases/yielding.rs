//! What does a yield cost while a group of green threads takes turns?

use super::group::Group;
use crate::{contest::Peer, rivals};
use may::go;
use std::{rc::Rc, sync::Arc, time::Duration};

pub(super) fn peers_of_two() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |yields| greenroom(2, yields)),
        Peer::timed("tokio", |yields| tokio(2, yields)),
        Peer::timed("may", |yields| may(2, yields)),
    ]
}

pub(super) fn peers_of_a_thousand() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", |yields| greenroom(1_000, yields)),
        Peer::timed("tokio", |yields| tokio(1_000, yields)),
        Peer::timed("may", |yields| may(1_000, yields)),
    ]
}

fn greenroom(members: u64, yields: u64) -> Duration {
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

fn tokio(members: u64, yields: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let group = Rc::new(Group::new(members));
        let member = || {
            let group = group.clone();
            tokio::task::spawn_local(async move {
                group.begin();
                for _ in 0..yields / members {
                    rivals::tokio::yield_by_self_wake().await;
                }
                group.end();
            })
        };
        let members: Vec<_> = (0..members).map(|_| member()).collect();
        for member in members {
            member.await.expect("no member panics");
        }
        group.took()
    })
}

fn may(members: u64, yields: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let group = Arc::new(Group::new(members));
        let member = || {
            let group = group.clone();
            go!(move || {
                group.begin();
                for _ in 0..yields / members {
                    may::coroutine::yield_now();
                }
                group.end();
            })
        };
        let members: Vec<_> = (0..members).map(|_| member()).collect();
        for member in members {
            member.join().expect("no member panics");
        }
        group.took()
    })
}
