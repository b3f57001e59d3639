//! Rows: waits for other OS threads, and for futures.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::task::Poll;

use greenroom::executor::{self, Future, ReturnWhen, ThreadPoolExecutor};
use greenroom::{block_on, unblock};

use super::super::Manner::Infallible;
use super::super::{Call, Row};
use super::{LONG, plain, row};

pub(super) const ROWS: &[Row] = &[
    row("executor::Future::result", Infallible, |_| with_a_job(|job, _| drop(job.result()))),
    row("executor::Future::wait", Infallible, |_| with_a_job(|job, _| job.wait())),
    row("executor::Future::wait_timeout", Infallible, |_| {
        with_a_job(|job, _| {
            job.wait_timeout(LONG);
        })
    }),
    row("executor::wait", Infallible, |_| {
        with_a_job(|job, _| drop(executor::wait(&[job], None, ReturnWhen::AllCompleted)))
    }),
    row("executor::as_completed", Infallible, |_| {
        with_a_job(|job, _| drop(executor::as_completed([job]).next()))
    }),
    row("executor::ThreadPoolExecutor::map", Infallible, |_| {
        with_a_job(|_, pool| drop(pool.map([1], |n| n).next()))
    }),
    row("executor::ThreadPoolExecutor::shutdown", Infallible, |_| with_a_job(|_, pool| pool.shutdown(true))),
    row("executor::unblock", Infallible, |_| {
        let held: RefCell<Vec<Sender<()>>> = RefCell::default();
        plain(move || {
            let (holds, held_up) = channel();
            held.borrow_mut().push(holds);
            // Whoever unwinds runs it in place.
            if std::thread::panicking() {
                held.borrow_mut().clear();
            }
            unblock(move || held_up.recv().is_err());
        })
    }),
    row("future::block_on", Infallible, |_| {
        plain(|| {
            // It is waited for while the caller unwinds, too.
            block_on(std::future::poll_fn(|_| match std::thread::panicking() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }))
        })
    }),
];

/// A call on a job that does not end before the call is dropped, and on its pool of one.
fn with_a_job(mut call: impl FnMut(Future<()>, &ThreadPoolExecutor) + 'static) -> Call {
    let (holds, held_up) = channel::<()>();
    let held_up = Rc::new(RefCell::new(Some(held_up)));
    let pool = ThreadPoolExecutor::new(1);
    plain(move || {
        let _holds = &holds;
        let held_up = held_up.borrow_mut().take();
        call(
            pool.submit(move || held_up.into_iter().for_each(|held_up| assert!(held_up.recv().is_err()))),
            &pool,
        );
    })
}
