//! Rows of `sync`: semaphores, events, what is made once, results.

use std::rc::Rc;

use greenroom::spawn;
use greenroom::sync::{Arc, AsyncResult, BoundedSemaphore, Event, LazyLock, Once, OnceLock, Semaphore};

use super::super::Manner::Infallible;
use super::super::{Call, Row, Stage};
use super::{LONG, plain, row, stay};

pub(super) const ROWS: &[Row] = &[
    row("sync::Semaphore::acquire", Infallible, |_| unless_unwinding(|| drop(Semaphore::new(0).acquire()))),
    row("sync::Semaphore::acquire_owned", Infallible, |_| {
        unless_unwinding(|| drop(Arc::new(Semaphore::new(0)).acquire_owned()))
    }),
    row("sync::Semaphore::acquire_timeout", Infallible, |_| {
        unless_unwinding(|| drop(Semaphore::new(0).acquire_timeout(LONG)))
    }),
    row("sync::BoundedSemaphore::acquire", Infallible, |_| {
        unless_unwinding(|| drop(BoundedSemaphore::new(0).acquire()))
    }),
    row("sync::BoundedSemaphore::acquire_owned", Infallible, |_| {
        unless_unwinding(|| drop(Arc::new(BoundedSemaphore::new(0)).acquire_owned()))
    }),
    row("sync::BoundedSemaphore::acquire_timeout", Infallible, |_| {
        unless_unwinding(|| drop(BoundedSemaphore::new(0).acquire_timeout(LONG)))
    }),
    row("sync::Event::wait", Infallible, |_| plain(|| Event::new().wait())),
    row("sync::Event::wait_timeout", Infallible, |_| {
        plain(|| {
            Event::new().wait_timeout(LONG);
        })
    }),
    row("sync::Once::call_once", Infallible, |stage| {
        with_a_rival(stage, Once::new(), |once, make| once.call_once(make))
    }),
    row("sync::OnceLock::get_or_init", Infallible, |stage| {
        with_a_rival(stage, OnceLock::new(), |cell, make| *cell.get_or_init(make))
    }),
    row("sync::OnceLock::set", Infallible, |stage| {
        let cell = begun(stage, OnceLock::new(), |cell, make| *cell.get_or_init(make));
        unless_unwinding(move || drop(cell.set(())))
    }),
    row("sync::LazyLock::force", Infallible, |stage| {
        let make = stage.clone();
        let lazy = begun(stage, LazyLock::new(move || stay(&make)), |lazy, _| **lazy);
        unless_unwinding(move || *LazyLock::force(&lazy))
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

/// A call that waits even while its caller unwinds, as locks do: see the tests of `sync_events`. Here it is not made then.
fn unless_unwinding(mut call: impl FnMut() + 'static) -> Call {
    plain(move || {
        if !std::thread::panicking() {
            call();
        }
    })
}

/// A call that comes while another green thread makes what it asks for.
fn with_a_rival<T: 'static>(stage: &Rc<Stage>, once: T, call: fn(&T, Box<dyn FnOnce()>)) -> Call {
    let once = begun(stage, once, call);
    unless_unwinding(move || call(&once, Box::new(|| unreachable!("the rival makes it"))))
}

/// What another green thread has begun to make. That one does not end before the stage is cleared.
fn begun<T: 'static>(stage: &Rc<Stage>, once: T, call: fn(&T, Box<dyn FnOnce()>)) -> Rc<T> {
    let once = Rc::new(once);
    let (stage, rival) = (stage.clone(), once.clone());
    spawn(move || call(&rival, Box::new(move || stay(&stage))));
    greenroom::yield_now();
    once
}
