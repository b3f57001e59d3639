//! Rows: groups and pools, and what reads their maps.

use std::rc::Rc;

use greenroom::pool::{Group, Pool};
use greenroom::sleep;

use super::super::Manner::Infallible;
use super::super::{Call, Row, Stage};
use super::{LONG, plain, row};
use crate::support::ms;

pub(super) const ROWS: &[Row] = &[
    row("pool::Group::join", Infallible, |stage| with_a_group(stage, |group| group.join())),
    row("pool::Group::join_timeout", Infallible, |stage| {
        with_a_group(stage, |group| {
            group.join_timeout(LONG);
        })
    }),
    row("pool::Group::map", Infallible, |stage| {
        let body = staying(stage);
        plain(move || drop(Group::new().map([1, 2], body.clone())))
    }),
    row("pool::Group::apply", Infallible, |stage| {
        let body = staying(stage);
        plain(move || {
            let body = body.clone();
            Group::new().apply(move || body(0));
        })
    }),
    row("pool::Pool::spawn", Infallible, |stage| with_a_full_pool(stage, |pool| drop(pool.spawn(|| ())))),
    row("pool::Pool::wait_available", Infallible, |stage| {
        with_a_full_pool(stage, |pool| pool.wait_available())
    }),
    row("pool::Pool::join", Infallible, |stage| with_a_full_pool(stage, |pool| pool.join())),
    row("pool::Pool::join_timeout", Infallible, |stage| {
        with_a_full_pool(stage, |pool| {
            pool.join_timeout(LONG);
        })
    }),
    row("pool::Pool::map", Infallible, |stage| with_a_full_pool(stage, |pool| drop(pool.map([1], |n| n)))),
    row("pool::Pool::apply", Infallible, |stage| with_a_full_pool(stage, |pool| pool.apply(|| ()))),
    row("pool::Imap::next", Infallible, |stage| {
        let body = staying(stage);
        plain(move || drop(Group::new().imap([1], body.clone()).next()))
    }),
    row("pool::ImapUnordered::next", Infallible, |stage| {
        let body = staying(stage);
        plain(move || drop(Group::new().imap_unordered([1], body.clone()).next()))
    }),
];

/// What does not end before the stage is cleared; but at once in a caller that is unwinding, who makes the call itself.
fn staying(stage: &Rc<Stage>) -> impl Fn(u32) + Clone + 'static {
    let stage = stage.clone();
    move |_| {
        while !stage.over.get() && !std::thread::panicking() {
            sleep(ms(1));
        }
    }
}

fn with_a_group(stage: &Rc<Stage>, call: fn(&Group)) -> Call {
    let (group, body) = (Group::new(), staying(stage));
    group.spawn(move || body(0));
    plain(move || call(&group))
}

fn with_a_full_pool(stage: &Rc<Stage>, call: fn(&Pool)) -> Call {
    let (pool, body) = (Pool::new(1), staying(stage));
    pool.spawn(move || body(0));
    plain(move || call(&pool))
}
