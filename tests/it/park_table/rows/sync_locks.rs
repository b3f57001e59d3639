//! Rows of the locks, the condition and the barrier.

use std::rc::Rc;
use std::time::Duration;

use greenroom::sync::{Barrier, Condvar, Mutex, ReentrantLock, RwLock};
use greenroom::{spawn, yield_now};

use super::super::Manner::{Infallible, Lock};
use super::super::{Call, Row, Stage};
use super::{LONG, plain, row, stay};

pub(super) const ROWS: &[Row] = &[
    row("sync::Mutex::lock", Lock, |stage| {
        while_held(stage, Mutex::new(()), |lock| drop(lock.lock()), |lock, stay| holding(lock.lock(), stay))
    }),
    row("sync::Mutex::lock_timeout", Lock, |stage| {
        let call = |lock: &Mutex<()>| assert!(lock.lock_timeout(LONG).is_some());
        while_held(stage, Mutex::new(()), call, |lock, stay| holding(lock.lock(), stay))
    }),
    row("sync::ReentrantLock::lock", Lock, |stage| {
        let hold = |lock: &ReentrantLock<()>, stay: &dyn Fn()| holding(lock.lock(), stay);
        while_held(stage, ReentrantLock::new(()), |lock| drop(lock.lock()), hold)
    }),
    row("sync::RwLock::read", Lock, |stage| {
        while_held(stage, RwLock::new(()), |lock| drop(lock.read()), |lock, stay| holding(lock.write(), stay))
    }),
    row("sync::RwLock::write", Lock, |stage| {
        while_held(stage, RwLock::new(()), |lock| drop(lock.write()), |lock, stay| holding(lock.read(), stay))
    }),
    row("sync::RwLock::read_timeout", Lock, |stage| {
        let call = |lock: &RwLock<()>| assert!(lock.read_timeout(Duration::MAX).is_some());
        while_held(stage, RwLock::new(()), call, |lock, stay| holding(lock.write(), stay))
    }),
    row("sync::RwLock::write_timeout", Lock, |stage| {
        let call = |lock: &RwLock<()>| assert!(lock.write_timeout(LONG).is_some());
        while_held(stage, RwLock::new(()), call, |lock, stay| holding(lock.write(), stay))
    }),
    row("sync::Condvar::wait", Infallible, |_| {
        let (lock, never) = (Mutex::new(()), Condvar::new());
        plain(move || drop(never.wait(lock.lock())))
    }),
    row("sync::Condvar::wait_while", Infallible, |_| {
        let (lock, never) = (Mutex::new(()), Condvar::new());
        plain(move || drop(never.wait_while(lock.lock(), |()| true)))
    }),
    row("sync::Condvar::wait_timeout", Infallible, |_| {
        let (lock, never) = (Mutex::new(()), Condvar::new());
        plain(move || drop(never.wait_timeout(lock.lock(), LONG)))
    }),
    row("sync::Condvar::wait_timeout_while", Infallible, |_| {
        let (lock, never) = (Mutex::new(()), Condvar::new());
        plain(move || drop(never.wait_timeout_while(lock.lock(), Duration::MAX, |()| true)))
    }),
    row("sync::Barrier::wait", Infallible, |_| {
        let barrier = Barrier::new(2);
        plain(move || assert!(!barrier.wait().is_leader()))
    }),
];

/// A call on a lock that another green thread has until the stage is cleared.
fn while_held<L: 'static>(
    stage: &Rc<Stage>,
    lock: L,
    call: fn(&L),
    hold: impl Fn(&L, &dyn Fn()) + 'static,
) -> Call {
    let (lock, stage) = (Rc::new(lock), stage.clone());
    let held = lock.clone();
    spawn(move || hold(&held, &|| stay(&stage)));
    yield_now();
    plain(move || call(&lock))
}

fn holding<G>(_guard: G, stay: &dyn Fn()) {
    stay();
}
