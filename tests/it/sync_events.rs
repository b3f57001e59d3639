//! `greenroom::sync`: semaphores, events, what is made once, results.

mod async_result;
mod event;
mod once;
mod semaphore;

use std::cell::Cell;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use greenroom::sync::{
    AsyncResult, BoundedSemaphore, Event, LazyLock, Once, OnceLock, OwnedPermit, Permit, Semaphore,
};
use greenroom::{JoinHandle, spawn, yield_now};

/// Not even `Debug`.
struct Plain;

fn crosses<T: Send + Sync>() {}
fn shows<T: Debug>() {}
fn survives<T: UnwindSafe + RefUnwindSafe>() {}

/// Claims that a type has not the trait: the call is ambiguous if it has.
macro_rules! lacks {
    ($($type:ty: $bound:ident),+ $(,)?) => { $({
        trait Ambiguous<Which> { fn call() {} }
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + $bound> Ambiguous<u8> for T {}
        <$type as Ambiguous<_>>::call();
    })+ };
}

#[test]
fn what_crosses_os_threads_and_what_does_not() {
    crosses::<(Semaphore, BoundedSemaphore, Permit<'static>, OwnedPermit, Event, Once)>();
    crosses::<(OnceLock<String>, LazyLock<String>, AsyncResult<String>)>();
    shows::<(Semaphore, BoundedSemaphore, Permit<'static>, OwnedPermit, Event, Once)>();
    shows::<(OnceLock<u8>, LazyLock<u8>, AsyncResult<Plain>)>();
    survives::<(Semaphore, BoundedSemaphore, Permit<'static>, Event, Once)>();
    survives::<(OnceLock<String>, LazyLock<String>, AsyncResult<String>)>();
    lacks!(OnceLock<Cell<u8>>: Sync, OnceLock<Rc<u8>>: Send, OnceLock<Rc<u8>>: Sync);
    lacks!(LazyLock<Cell<u8>>: Sync, LazyLock<u8, Rc<u8>>: Sync, LazyLock<u8, Rc<u8>>: Send);
    lacks!(AsyncResult<Rc<u8>>: Send, AsyncResult<Rc<u8>>: Sync, AsyncResult<Cell<u8>>: Send);
}

/// A green thread that has come to its first wait.
fn waiting<T: 'static>(f: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    let made = spawn(f);
    yield_now();
    assert!(!made.is_finished(), "it does not wait");
    made
}
