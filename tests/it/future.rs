//! The bridge to `async`: `block_on`, with others' futures and with our own.

mod hyper;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, join_all, select};
use greenroom::executor::ThreadPoolExecutor;
use greenroom::sync::AsyncResult;
use greenroom::{block_on, joinall, sleep, spawn, spawn_later, timeout, yield_now};

use crate::support::{self, Log, OnDrop, Tally, ms, panic_of};

/// Pending until its flag is set; counts its polls, and keeps the last waker.
#[derive(Clone, Default)]
struct Manual(Arc<Seen>);

#[derive(Default)]
struct Seen {
    is_set: AtomicBool,
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
}

impl Manual {
    fn set(&self) {
        self.0.is_set.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        let waker = self.0.waker.lock().unwrap().clone();
        waker.into_iter().for_each(Waker::wake);
    }

    fn polls(&self) -> usize {
        self.0.polls.load(Ordering::SeqCst)
    }

    async fn wait(self) {
        poll_fn(|context| {
            self.0.polls.fetch_add(1, Ordering::SeqCst);
            *self.0.waker.lock().unwrap() = Some(context.waker().clone());
            if self.0.is_set.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Wakes itself and gives way, once.
async fn come_back() {
    let mut came = false;
    poll_fn(|context| {
        if std::mem::replace(&mut came, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn what_is_ready_is_returned_without_a_switch_and_may_borrow() {
    support::hub(|| {
        let words = [String::from("one"), String::from("two")];
        let before = greenroom::Handle::current().metrics().switches;
        let longest = block_on(async { words.iter().map(String::len).max() });
        assert_eq!(longest, Some(3));
        assert_eq!(*block_on(async { Rc::new(7) }), 7);
        assert_eq!(greenroom::Handle::current().metrics().switches, before);
    });
}

#[test]
fn others_run_while_it_waits_and_wake_it() {
    support::virtual_hub(|| {
        let log = Log::new();
        let (tell, told) = oneshot::channel();
        let words = log.clone();
        let teller = spawn(move || {
            words.push("running");
            sleep(ms(1));
            tell.send("told").unwrap();
        });
        log.push(block_on(told).unwrap());
        teller.join().unwrap();
        assert_eq!(log.words(), ["running", "told"]);
    });
}

#[test]
fn it_is_woken_from_any_os_thread() {
    support::hub(|| {
        for n in 0..200 {
            let (tell, told) = oneshot::channel();
            let far = std::thread::spawn(move || tell.send(n).unwrap());
            assert_eq!(block_on(told), Ok(n));
            far.join().unwrap();
        }
    });
}

#[test]
fn on_an_os_thread_without_a_hub_it_starts_one() {
    support::guard(|| {
        std::thread::spawn(|| {
            assert_eq!(block_on(async { 6 * 7 }), 42);
            assert_eq!(block_on(async { spawn(|| 1).await.unwrap() + 1 }), 2);
        })
        .join()
        .unwrap();
    });
}

#[test]
fn wakes_that_mean_nothing_are_polls_and_a_wake_in_the_middle_of_a_poll_is_not_lost() {
    support::hub(|| {
        let manual = Manual::default();
        let waiter = spawn({
            let manual = manual.clone();
            move || block_on(manual.wait())
        });
        yield_now();
        assert_eq!(manual.polls(), 1);
        for polls in 2..5 {
            // Two wakes are one poll.
            manual.wake();
            manual.wake();
            yield_now();
            yield_now();
            assert!(manual.polls() >= polls && !waiter.is_finished());
        }
        manual.set();
        waiter.join().unwrap();
        let switches = (0..100).map(|_| come_back());
        block_on(join_all(switches));
    });
}

#[test]
fn one_that_wakes_itself_lets_the_others_run_and_can_be_killed() {
    support::hub(|| {
        let flag = Rc::new(Cell::new(false));
        let seen = flag.clone();
        let busy = spawn(move || {
            block_on(async {
                while !seen.get() {
                    come_back().await;
                }
            })
        });
        yield_now();
        let neighbour = spawn(move || flag.set(true));
        busy.join().unwrap();
        neighbour.join().unwrap();
        let for_ever = spawn(|| {
            block_on(async {
                loop {
                    come_back().await
                }
            })
        });
        yield_now();
        for_ever.kill();
        assert!(for_ever.join().unwrap_err().is_killed());
    });
}

#[test]
fn it_nests_and_what_parks_may_be_called_inside() {
    support::virtual_hub(|| {
        let sum = block_on(async {
            sleep(ms(1));
            let inner = block_on(async { spawn(|| 1).await.unwrap() });
            inner + spawn(|| 2).join().unwrap() + spawn(|| 3).await.unwrap()
        });
        assert_eq!(sum, 6);
    });
}

#[test]
fn handles_and_futures_join_and_race() {
    support::hub(|| {
        let pool = ThreadPoolExecutor::new(2);
        let all = block_on(join_all((0..20).map(|n| spawn_later(ms(n % 3), move || n))));
        assert!(all.into_iter().map(Result::unwrap).eq(0..20));
        let all = block_on(join_all((0..20).map(|n| pool.submit(move || n))));
        assert!(all.into_iter().map(Result::unwrap).eq(0..20));
        let (never, slow) = (spawn(|| sleep(Duration::MAX)), pool.submit(|| "pool"));
        match block_on(select(never, slow)) {
            Either::Right((value, never)) => {
                assert_eq!(value.unwrap(), "pool");
                never.kill();
            }
            Either::Left(_) => panic!("a sleep without end has ended"),
        }
        let (sender, receiver) = async_channel::bounded(1);
        let fast = spawn_later(ms(1), move || sender.send_blocking("channel"));
        match block_on(select(pin!(receiver.recv()), spawn(|| sleep(ms(500))))) {
            Either::Left((value, late)) => {
                assert_eq!(value.unwrap(), "channel");
                late.kill();
            }
            Either::Right(_) => panic!("it was late"),
        }
        fast.join().unwrap().unwrap();
        let result = AsyncResult::new();
        let setter = result.clone();
        let far = pool.submit(move || setter.set("set").is_ok());
        match block_on(select(result, spawn(|| sleep(ms(500))))) {
            Either::Left((value, late)) => {
                assert_eq!(value.unwrap(), "set");
                late.kill();
            }
            Either::Right(_) => panic!("it was late"),
        }
        assert!(far.result().unwrap());
    });
}

#[test]
fn a_kill_and_an_expiry_drop_the_future_and_a_cancel_does_nothing() {
    support::virtual_hub(|| {
        let tally = Tally::new();
        let pending = || {
            let one = tally.one();
            async move {
                let _one = one;
                std::future::pending::<()>().await;
            }
        };
        let (future, neighbour) = (pending(), spawn(|| sleep(ms(2))));
        assert!(timeout(ms(1), || block_on(future)).is_err());
        assert_eq!((tally.alive(), tally.dropped()), (0, 1));
        let future = pending();
        let victim = spawn(move || block_on(future));
        yield_now();
        victim.cancel();
        sleep(ms(1));
        assert!(!victim.is_finished());
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!((tally.alive(), tally.dropped()), (0, 2));
        neighbour.join().unwrap();
    });
}

#[test]
fn a_panic_of_the_future_is_the_callers() {
    support::hub(|| {
        assert_eq!(panic_of(|| block_on(async { panic!("in a poll") })), "in a poll");
        let manual = Manual::default();
        let waiter = spawn({
            let manual = manual.clone();
            move || {
                block_on(async {
                    manual.wait().await;
                    panic!("later");
                })
            }
        });
        yield_now();
        manual.set();
        assert_eq!(waiter.join().unwrap_err().message(), "later");
    });
}

#[test]
fn a_destructor_waits_for_its_future_while_its_caller_unwinds() {
    support::hub(|| {
        let log = Log::new();
        let (tell, told) = oneshot::channel();
        let words = log.clone();
        let victim = spawn(move || {
            let mut told = Some(told);
            let _waits = OnDrop(move || words.push(block_on(told.take().unwrap()).unwrap()));
            sleep(Duration::MAX);
        });
        yield_now();
        victim.kill();
        yield_now();
        assert!(!victim.is_finished());
        let neighbour = spawn(move || {
            assert!(!std::thread::panicking() || greenroom::thread::active_count() > 1);
            tell.send("told").unwrap();
        });
        assert!(victim.join().unwrap_err().is_killed());
        neighbour.join().unwrap();
        assert_eq!(log.words(), ["told"]);
    });
}

#[test]
fn a_future_that_wakes_itself_lets_others_run_while_its_caller_unwinds() {
    support::hub(|| {
        let (told, polls) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        let (seen, count) = (told.clone(), polls.clone());
        let victim = spawn(move || {
            let _polls = OnDrop(move || {
                block_on(poll_fn(|context| {
                    count.set(count.get() + 1);
                    context.waker().wake_by_ref();
                    if seen.get() || count.get() == 1_000 { Poll::Ready(()) } else { Poll::Pending }
                }));
            });
            panic!("on purpose");
        });
        let tells = spawn(move || told.set(true));
        assert!(victim.join().unwrap_err().is_panic());
        tells.join().unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_waker_does_nothing_once_its_wait_or_its_hub_is_over() {
    let manual = Manual::default();
    support::hub(|| {
        let wait = manual.clone();
        let waiter = spawn(move || {
            let mut wait = pin!(wait.wait());
            block_on(poll_fn(|context| {
                let _ = wait.as_mut().poll(context);
                Poll::Ready(())
            }));
            sleep(ms(2));
        });
        yield_now();
        manual.wake();
        manual.wake();
        yield_now();
        assert!(!waiter.is_finished(), "its sleep is not disturbed");
        waiter.join().unwrap();
        let parked = manual.clone();
        greenroom::thread::Builder::new().daemon(true).spawn(move || block_on(parked.wait())).unwrap();
        yield_now();
    });
    manual.wake();
    std::thread::spawn(move || manual.set()).join().unwrap();
}

#[test]
fn polled_by_hand_a_future_of_ours_needs_no_hub() {
    support::watch(|| {
        let pool = ThreadPoolExecutor::new(1);
        let mut job = pin!(pool.submit(|| 3));
        let mut context = Context::from_waker(Waker::noop());
        let value = loop {
            match job.as_mut().poll(&mut context) {
                Poll::Ready(value) => break value,
                Poll::Pending => std::thread::sleep(ms(1)),
            }
        };
        assert_eq!(value.unwrap(), 3);
    });
}

#[test]
fn a_storm_of_messages_between_two_hubs_loses_none() {
    support::hub(|| {
        let (sender, receiver) = async_channel::bounded(4);
        let far = std::thread::spawn(move || {
            greenroom::run(|| {
                let senders = (0..4).map(|_| {
                    let sender = sender.clone();
                    spawn(move || {
                        for n in 0..500_u64 {
                            block_on(sender.send(n)).unwrap();
                        }
                    })
                });
                joinall(senders).into_iter().for_each(|ended| ended.unwrap());
                drop(sender);
            })
        });
        let receivers = (0..4).map(|_| {
            let receiver = receiver.clone();
            spawn(move || {
                let mut sum = 0;
                while let Ok(n) = block_on(receiver.recv()) {
                    sum += n;
                }
                sum
            })
        });
        let sum: u64 = joinall(receivers).into_iter().map(Result::unwrap).sum();
        assert_eq!(sum, 4 * 499 * 500 / 2);
        greenroom::unblock(move || far.join().unwrap());
    });
}
