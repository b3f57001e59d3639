//! Cases of gevent's `Event` and `AsyncResult`, rewritten: `src/gevent/tests/test__event.py`, and the events
//! of `src/gevent/tests/lock_tests.py`. Each names its source.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use greenroom::sync::{AsyncResult, Event};
use greenroom::{
    JoinError, JoinHandle, Waitable, joinall, sleep, spawn, spawn_later, timeout, wait, yield_now,
};

use crate::support::{Log, hub, ms, virtual_hub, watch};

const LIMIT: Duration = ms(4);

/// `wait` of the generic cases, which ends after the limit and not before.
#[track_caller]
fn assert_takes_the_limit(wait: impl FnOnce() -> bool) {
    let before = Instant::now();
    assert!(!wait(), "it came to something");
    assert!(before.elapsed() >= LIMIT, "it took {:?}", before.elapsed());
}

// ---- the generic waits

/// TestEventWait
#[test]
fn a_wait_for_an_event_ends_after_its_limit() {
    hub(|| assert_takes_the_limit(|| Event::new().wait_timeout(LIMIT)));
}

/// TestEventWait, in a scope
#[test]
fn a_wait_for_an_event_ends_with_its_scope() {
    hub(|| assert_takes_the_limit(|| timeout(LIMIT, || Event::new().wait()).is_ok()));
}

/// TestGeventWaitOnEvent
#[test]
fn waiting_among_several_for_an_event_ends_after_its_limit() {
    hub(|| assert_takes_the_limit(|| !wait(&[&Event::new()], Some(LIMIT), None).is_empty()));
}

/// TestAsyncResultWait
#[test]
fn a_wait_for_a_result_ends_after_its_limit() {
    hub(|| assert_takes_the_limit(|| AsyncResult::<u8>::new().wait_timeout(LIMIT)));
}

/// TestWaitAsyncResult
#[test]
fn waiting_among_several_for_a_result_ends_after_its_limit() {
    hub(|| assert_takes_the_limit(|| !wait(&[&AsyncResult::<u8>::new()], Some(LIMIT), None).is_empty()));
}

/// TestAsyncResultGet
#[test]
fn a_get_of_a_result_ends_after_its_limit() {
    hub(|| assert_takes_the_limit(|| AsyncResult::<u8>::new().get_timeout(LIMIT).is_some()));
}

// ---- TestGeventWaitOnEvent, TestEventBasics

/// test_set_during_wait
#[test]
fn an_event_cleared_by_the_one_it_woke_is_not_ready_for_a_new_wait() {
    hub(|| {
        let event = Arc::new(Event::new());
        let waiter = spawn({
            let event = event.clone();
            move || {
                let setter = spawn({
                    let event = event.clone();
                    move || event.set()
                });
                event.wait();
                assert!(event.is_set());
                setter.wait();
                event.clear();
                assert!(wait(&[&*event], Some(ms(2)), None).is_empty());
            }
        });
        waiter.join().unwrap();
    });
}

/// test_wait_while_notifying
#[test]
fn a_wait_for_a_set_event_needs_no_turn_of_those_before_it() {
    hub(|| {
        let (event, log) = (Arc::new(Event::new()), Log::new());
        let waiters = ["1", "2"].map(|name| {
            let (event, log) = (event.clone(), log.clone());
            spawn(move || {
                event.wait();
                log.push(name);
            })
        });
        yield_now();
        event.set();
        event.wait();
        log.push("3");
        joinall(waiters);
        assert_eq!(log.words(), ["3", "1", "2"]);
    });
}

/// test_gevent_wait_twice_when_already_set
#[test]
fn a_set_event_is_ready_again_and_again() {
    hub(|| {
        let event = Event::new();
        event.set();
        for _ in 0..2 {
            assert_eq!(wait(&[&event], None, None), [0]);
        }
    });
}

// ---- TestEvent_SetThenClear

fn set_then_clear(waiters: usize) {
    hub(|| {
        let event = Arc::new(Event::new());
        let waiters: Vec<_> = (0..waiters)
            .map(|_| {
                let event = event.clone();
                spawn(move || event.wait())
            })
            .collect();
        sleep(ms(1));
        event.set();
        event.clear();
        joinall(waiters).into_iter().for_each(|ended| ended.unwrap());
    });
}

/// TestEvent_SetThenClear
#[test]
fn one_waiter_goes_though_the_event_is_cleared_before_it_runs() {
    set_then_clear(1);
}

/// TestEvent_SetThenClear100
#[test]
fn a_hundred_waiters_go_though_the_event_is_cleared_before_they_run() {
    set_then_clear(100);
}

/// TestEvent_SetThenClear1000
#[test]
fn a_thousand_waiters_go_though_the_event_is_cleared_before_they_run() {
    set_then_clear(1000);
}

// ---- TestAsyncResult

/// test_set_exc
#[test]
fn a_result_that_failed_fails_for_whoever_gets_it() {
    hub(|| {
        let result = AsyncResult::<u8>::new();
        let waiter = spawn({
            let result = result.clone();
            move || result.get().unwrap_err().message().to_owned()
        });
        yield_now();
        let _ = result.fail(JoinError::new("expected"));
        assert_eq!(waiter.join().unwrap(), "expected");
    });
}

/// test_set
#[test]
fn a_get_that_was_interrupted_leaves_the_result_to_others() {
    virtual_hub(|| {
        let result = AsyncResult::new();
        let setter = spawn_later(ms(4), {
            let result = result.clone();
            move || result.set("hello").unwrap()
        });
        assert!(timeout(Duration::ZERO, || result.get()).is_err());
        assert_eq!(result.get().unwrap(), "hello");
        setter.join().unwrap();
    });
}

/// test_set_with_timeout
#[test]
fn a_get_in_a_scope_ends_with_the_scope() {
    hub(|| assert_takes_the_limit(|| timeout(LIMIT, || AsyncResult::<u8>::new().get().is_ok()).is_ok()));
}

/// test_nonblocking_get
#[test]
fn a_get_that_may_not_wait_finds_nothing() {
    hub(|| {
        let result = AsyncResult::<u8>::new();
        assert!(result.get_timeout(Duration::ZERO).is_none() && !result.is_ready());
    });
}

/// A second set; gevent's would overwrite
#[test]
fn a_second_value_is_given_back() {
    hub(|| {
        let result = AsyncResult::new();
        assert_eq!((result.set(1), result.set(2)), (Ok(()), Err(2)));
        assert_eq!(result.get().unwrap(), 1);
    });
}

// ---- TestAsyncResultCrossThread, TestEventCrossThread

/// What another OS thread waits for and this one sets.
trait Crossing: Clone + Send + 'static {
    fn fresh() -> Self;
    fn tell(&self);
    fn comes(&self, limit: Option<Duration>) -> bool;
}

impl Crossing for AsyncResult<&'static str> {
    fn fresh() -> Self {
        AsyncResult::new()
    }

    fn tell(&self) {
        self.set("from main").unwrap();
    }

    fn comes(&self, limit: Option<Duration>) -> bool {
        match limit {
            Some(limit) => self.get_timeout(limit).is_some_and(|word| word.unwrap() == "from main"),
            None => self.get().unwrap() == "from main",
        }
    }
}

impl Crossing for Arc<Event> {
    fn fresh() -> Self {
        Arc::new(Event::new())
    }

    fn tell(&self) {
        self.set();
    }

    fn comes(&self, limit: Option<Duration>) -> bool {
        match limit {
            Some(limit) => self.wait_timeout(limit),
            None => {
                self.wait();
                self.is_set()
            }
        }
    }
}

/// test_cross_thread_use: waits on another OS thread, whose hub has something else to do meanwhile.
fn waited_for_elsewhere<C: Crossing>(limit: Option<Duration>, in_a_green_thread: bool) {
    watch(|| {
        let crossing = C::fresh();
        let (running, is_running) = mpsc::channel();
        let there = thread::spawn({
            let crossing = crossing.clone();
            move || {
                greenroom::run(|| {
                    let busy: JoinHandle<()> = spawn(|| {
                        loop {
                            sleep(ms(1))
                        }
                    });
                    let work = move || {
                        running.send(()).unwrap();
                        crossing.comes(limit)
                    };
                    let came = if in_a_green_thread { spawn(work).join().unwrap() } else { work() };
                    busy.kill();
                    came
                })
            }
        });
        is_running.recv().unwrap();
        crossing.tell();
        assert!(there.join().unwrap());
    });
}

/// test_cross_thread_use_set_in_bg: waits here, while another OS thread sets.
fn set_elsewhere<C: Crossing>() {
    hub(|| {
        for _ in 0..2 {
            let crossing = C::fresh();
            let there = crossing.clone();
            let setter = thread::spawn(move || there.tell());
            assert!(crossing.comes(Some(Duration::from_secs(20))));
            setter.join().unwrap();
        }
    });
}

const LONG: Option<Duration> = Some(Duration::from_secs(20));

/// test_cross_thread_use
#[test]
fn a_result_set_here_ends_the_wait_of_another_hubs_root() {
    waited_for_elsewhere::<AsyncResult<&str>>(None, false);
}

/// test_cross_thread_use_bg
#[test]
fn a_result_set_here_ends_the_wait_of_another_hubs_green_thread() {
    waited_for_elsewhere::<AsyncResult<&str>>(None, true);
}

/// test_cross_thread_use_timed
#[test]
fn a_result_set_here_ends_the_limited_wait_of_another_hubs_root() {
    waited_for_elsewhere::<AsyncResult<&str>>(LONG, false);
}

/// test_cross_thread_use_timed_bg
#[test]
fn a_result_set_here_ends_the_limited_wait_of_another_hubs_green_thread() {
    waited_for_elsewhere::<AsyncResult<&str>>(LONG, true);
}

/// test_cross_thread_use_set_in_bg, test_cross_thread_use_set_in_bg2
#[test]
fn a_result_set_elsewhere_ends_a_wait_here() {
    set_elsewhere::<AsyncResult<&str>>();
}

/// TestEventCrossThread.test_cross_thread_use
#[test]
fn an_event_set_here_ends_the_wait_of_another_hubs_root() {
    waited_for_elsewhere::<Arc<Event>>(None, false);
}

/// TestEventCrossThread.test_cross_thread_use_bg
#[test]
fn an_event_set_here_ends_the_wait_of_another_hubs_green_thread() {
    waited_for_elsewhere::<Arc<Event>>(None, true);
}

/// TestEventCrossThread.test_cross_thread_use_timed
#[test]
fn an_event_set_here_ends_the_limited_wait_of_another_hubs_root() {
    waited_for_elsewhere::<Arc<Event>>(LONG, false);
}

/// TestEventCrossThread.test_cross_thread_use_timed_bg
#[test]
fn an_event_set_here_ends_the_limited_wait_of_another_hubs_green_thread() {
    waited_for_elsewhere::<Arc<Event>>(LONG, true);
}

/// TestEventCrossThread.test_cross_thread_use_set_in_bg
#[test]
fn an_event_set_elsewhere_ends_a_wait_here() {
    set_elsewhere::<Arc<Event>>();
}

// ---- TestWait

/// Sets events and results in turn, one each turn of the clock, the last of each list first.
fn wait_for_many(limit: Option<Duration>, count: Option<usize>) {
    hub(|| {
        let events: Vec<Arc<Event>> = (0..5).map(|_| Arc::new(Event::new())).collect();
        let results: Vec<AsyncResult<u8>> = (0..5).map(|_| AsyncResult::new()).collect();
        let sender = spawn({
            let (events, results) = (events.clone(), results.clone());
            move || {
                for (event, result) in events.iter().zip(&results).rev() {
                    sleep(ms(1));
                    event.set();
                    sleep(ms(1));
                    result.set(1).unwrap();
                }
            }
        });
        let both = events.iter().map(|event| &**event as &dyn Waitable);
        let all: Vec<&dyn Waitable> =
            both.chain(results.iter().map(|result| result as &dyn Waitable)).collect();
        let ready = wait(&all, limit, count);
        let wanted = [4, 9, 3, 8, 2, 7, 1, 6, 0, 5];
        assert_eq!(ready, wanted[..count.unwrap_or(10)]);
        match count {
            // The last result wakes us before its setter has returned.
            None => sender.join().unwrap(),
            Some(_) => {
                assert!(!sender.is_finished());
                sender.kill();
            }
        }
    });
}

/// TestWait
#[test]
fn waiting_for_all_gives_them_in_the_order_of_their_setting() {
    wait_for_many(Some(Duration::from_secs(20)), None);
}

/// TestWait_notimeout
#[test]
fn waiting_for_all_without_a_limit_gives_them_in_the_order_of_their_setting() {
    wait_for_many(None, None);
}

/// TestWait_count1
#[test]
fn waiting_for_one_returns_with_the_first() {
    wait_for_many(Some(Duration::from_secs(20)), Some(1));
}

/// TestWait_count2
#[test]
fn waiting_for_two_returns_with_the_second() {
    wait_for_many(Some(Duration::from_secs(20)), Some(2));
}

// ---- lock_tests.py, EventTests

/// test_is_set
#[test]
fn set_and_clear_may_come_twice() {
    let event = Event::new();
    assert!(!event.is_set());
    for _ in 0..2 {
        event.set();
        assert!(event.is_set());
    }
    for _ in 0..2 {
        event.clear();
        assert!(!event.is_set());
    }
}

/// test_notify
#[test]
fn all_go_when_the_event_is_set_and_do_not_stop_while_it_is() {
    hub(|| {
        let (event, log) = (Arc::new(Event::new()), Log::new());
        for _ in 0..2 {
            let waiters: Vec<_> = (0..5)
                .map(|_| {
                    let (event, log) = (event.clone(), log.clone());
                    spawn(move || {
                        event.wait();
                        event.wait();
                        log.push("gone");
                    })
                })
                .collect();
            yield_now();
            let before = log.words().len();
            event.set();
            joinall(waiters);
            assert_eq!(log.words().len(), before + 5);
            event.clear();
        }
    });
}

/// test_timeout
#[test]
fn a_wait_with_a_limit_says_whether_the_event_was_set() {
    hub(|| {
        let event = Event::new();
        assert!(!event.wait_timeout(Duration::ZERO));
        assert_takes_the_limit(|| event.wait_timeout(LIMIT));
        event.set();
        assert!(event.wait_timeout(Duration::ZERO) && event.wait_timeout(LIMIT));
    });
}
