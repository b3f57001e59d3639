//! Rows of semaphores, events, what is made once, results.

use std::rc::Rc;

use greenroom::sync::{Arc, AsyncResult, BoundedSemaphore, Event, LazyLock, Once, OnceLock, Semaphore};
use greenroom::{spawn, yield_now};

use super::super::Manner::{Infallible, Lock};
use super::super::{Row, Stage};
use super::{LONG, plain, row, stay};

pub(super) const ROWS: &[Row] = &[
    row("sync::Semaphore::acquire", Lock, |stage| {
        let permits = all_out(stage, Arc::new(Semaphore::new(1)), |permits| permits.acquire_owned());
        plain(move || drop(permits.acquire()))
    }),
    row("sync::Semaphore::acquire_owned", Lock, |stage| {
        let permits = all_out(stage, Arc::new(Semaphore::new(1)), |permits| permits.acquire_owned());
        plain(move || drop(permits.clone().acquire_owned()))
    }),
    row("sync::Semaphore::acquire_timeout", Lock, |stage| {
        let permits = all_out(stage, Arc::new(Semaphore::new(1)), |permits| permits.acquire_owned());
        plain(move || assert!(permits.acquire_timeout(LONG).is_some()))
    }),
    row("sync::BoundedSemaphore::acquire", Lock, |stage| {
        let permits = all_out(stage, Arc::new(BoundedSemaphore::new(1)), |permits| permits.acquire_owned());
        plain(move || drop(permits.acquire()))
    }),
    row("sync::BoundedSemaphore::acquire_owned", Lock, |stage| {
        let permits = all_out(stage, Arc::new(BoundedSemaphore::new(1)), |permits| permits.acquire_owned());
        plain(move || drop(permits.clone().acquire_owned()))
    }),
    row("sync::BoundedSemaphore::acquire_timeout", Lock, |stage| {
        let permits = all_out(stage, Arc::new(BoundedSemaphore::new(1)), |permits| permits.acquire_owned());
        plain(move || assert!(permits.acquire_timeout(LONG).is_some()))
    }),
    row("sync::Event::wait", Infallible, |_| plain(|| Event::new().wait())),
    row("sync::Event::wait_timeout", Infallible, |_| {
        plain(|| {
            Event::new().wait_timeout(LONG);
        })
    }),
    row("sync::Once::call_once", Lock, |stage| {
        let once = begun(stage, Once::new(), |once, make| once.call_once(make));
        plain(move || once.call_once(|| unreachable!("the rival has")))
    }),
    row("sync::OnceLock::get_or_init", Lock, |stage| {
        let cell = begun(stage, OnceLock::new(), |cell, make| *cell.get_or_init(make));
        plain(move || *cell.get_or_init(|| unreachable!("the rival makes it")))
    }),
    row("sync::OnceLock::set", Lock, |stage| {
        let cell = begun(stage, OnceLock::new(), |cell, make| *cell.get_or_init(make));
        plain(move || assert!(cell.set(()).is_err()))
    }),
    row("sync::LazyLock::force", Lock, |stage| {
        let make = stage.clone();
        let lazy = begun(stage, LazyLock::new(move || stay(&make)), |lazy, _| **lazy);
        plain(move || *LazyLock::force(&lazy))
    }),
    row("sync::AsyncResult::wait", Infallible, |_| plain(|| AsyncResult::<()>::new().wait())),
    row("sync::AsyncResult::wait_timeout", Infallible, |_| {
        plain(|| {
            AsyncResult::<()>::new().wait_timeout(LONG);
        })
    }),
    row("sync::AsyncResult::get", Infallible, |_| plain(|| drop(AsyncResult::<()>::new().get()))),
    row("sync::AsyncResult::get_timeout", Infallible, |_| {
        plain(|| drop(AsyncResult::<()>::new().get_timeout(LONG)))
    }),
];

/// A semaphore whose only permit another green thread has, until the stage is cleared.
fn all_out<S: 'static, P: 'static>(stage: &Rc<Stage>, permits: Arc<S>, take: fn(Arc<S>) -> P) -> Arc<S> {
    let (stage, theirs) = (stage.clone(), permits.clone());
    spawn(move || {
        let _permit = take(theirs);
        stay(&stage);
    });
    yield_now();
    permits
}

/// What another green thread has begun to make. That one does not end before the stage is cleared.
fn begun<T: 'static>(stage: &Rc<Stage>, once: T, call: fn(&T, Box<dyn FnOnce()>)) -> Rc<T> {
    let once = Rc::new(once);
    let (stage, rival) = (stage.clone(), once.clone());
    spawn(move || call(&rival, Box::new(move || stay(&stage))));
    yield_now();
    once
}
