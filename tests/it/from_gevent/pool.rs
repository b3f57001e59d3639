//! Cases of gevent, rewritten: `src/gevent/tests/test__pool.py`. Each names its source.
//!
//! Left out is what has no counterpart: pools without a bound (a group), pools of size 0, `add` and `discard` of green threads
//! that were made elsewhere, callbacks, `map_async`. Failures of a call are results of an iterator here, not exceptions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::pool::{Group, Pool};
use greenroom::sync::Event;
use greenroom::{JoinError, Runtime, sleep, spawn, spawn_later, timeout, yield_now};

use crate::support::{self, Log, ms, panic_of};

const SMALL: u64 = 10;
const LARGE: u64 = 1000;
/// `TestPool` is run for each of these.
const SIZES: [usize; 4] = [1, 2, 3, 10];

fn square(n: u64) -> u64 {
    n * n
}

/// `sqr`: gives way on its way.
fn slow_square(n: u64) -> u64 {
    sleep(Duration::ZERO);
    n * n
}

/// `sqr_random_sleep`, with times that look as if.
fn square_after_a_while(n: u64) -> u64 {
    sleep(Duration::from_micros(n * 7919 % 997));
    n * n
}

fn squares(n: u64) -> Vec<u64> {
    (0..n).map(square).collect()
}

fn sorted(results: impl Iterator<Item = Result<u64, JoinError>>) -> Vec<u64> {
    let mut values: Vec<u64> = results.map(Result::unwrap).collect();
    values.sort_unstable();
    values
}

fn in_order<T>(results: impl Iterator<Item = Result<T, JoinError>>) -> Vec<T> {
    results.map(Result::unwrap).collect()
}

/// A case of `TestPool`, for each size.
#[track_caller]
fn for_each_size(case: fn(&Pool)) {
    for_each_size_in(|body| support::hub(body), case);
}

#[track_caller]
fn for_each_size_in(hub: fn(&mut dyn FnMut()), case: fn(&Pool)) {
    for size in SIZES {
        hub(&mut || {
            let pool = Pool::new(size);
            case(&pool);
            pool.join();
            assert_eq!(pool.free_count(), size);
        });
    }
}

// ---- TestCoroutinePool ----

/// test_apply_async
#[test]
fn an_asynchronous_call_is_made() {
    support::hub(|| {
        let done = Rc::new(Event::new());
        let set = done.clone();
        drop(Pool::new(2).apply_async(move || set.set()));
        done.wait();
    });
}

/// test_apply
#[test]
fn apply_returns_what_the_call_does() {
    support::hub(|| assert_eq!(Pool::new(2).apply(|| "return value"), "return value"));
}

/// test_apply_raises
#[test]
fn apply_panics_as_the_call_does() {
    support::hub(|| {
        assert_eq!(panic_of(|| Pool::new(1).apply(|| panic!("expected"))), "expected");
    });
}

/// test_multiple_coros
#[test]
fn members_wait_for_each_other() {
    support::virtual_hub(|| {
        let (event, log, pool) = (Rc::new(Event::new()), Log::new(), Pool::new(2));
        let (waits, note) = (event.clone(), log.clone());
        let consumer = pool.spawn(move || {
            note.push("cons1");
            waits.wait();
            note.push("cons2");
        });
        let note = log.clone();
        drop(pool.apply_async(move || {
            sleep(ms(1));
            note.push("prod");
            event.set();
        }));
        consumer.join().unwrap();
        assert_eq!(log.words(), ["cons1", "prod", "cons2"]);
    });
}

/// test_reentrant
#[test]
fn a_member_may_apply_in_a_full_pool() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(1));
        let own = pool.clone();
        assert_eq!(pool.apply(move || own.apply(|| 5 + 1)), 6);
        let event = Rc::new(Event::new());
        let set = event.clone();
        drop(pool.apply_async(move || set.set()));
        event.wait();
    });
}

/// test_stderr_raising: what goes wrong while a panic is reported costs the pool no room.
#[test]
fn a_panic_in_the_report_of_a_panic_costs_no_room() {
    support::watch(|| {
        let runtime = Runtime::builder().on_panic(|_, _| panic!("writing failed")).build().unwrap();
        runtime.run(|| {
            let pool = Pool::new(1);
            let waiter = pool.spawn(|| panic!("crash"));
            assert!(timeout(ms(2_000), || waiter.join()).unwrap().unwrap_err().is_panic());
            assert_eq!(pool.free_count(), 1);
            timeout(ms(1_000), || pool.apply(|| sleep(Duration::ZERO))).unwrap();
            pool.join();
        });
    });
}

// ---- PoolBasicTests ----

/// test_execute_async
#[test]
fn calls_beyond_the_room_begin_when_there_is_some() {
    support::virtual_hub(|| {
        let (pool, seen) = (Pool::new(2), Rc::new(RefCell::new(Vec::new())));
        assert_eq!(pool.free_count(), 2);
        let note = |n: u32| {
            let seen = seen.clone();
            move || seen.borrow_mut().push(n)
        };
        let first = pool.spawn(note(1));
        assert_eq!(pool.free_count(), 1);
        first.join().unwrap();
        assert_eq!(*seen.borrow(), [1]);
        assert_eq!(pool.free_count(), 2);
        drop(pool.apply_async(note(2)));
        assert_eq!((pool.free_count(), seen.borrow().len()), (1, 1));
        drop(pool.apply_async(note(3)));
        assert_eq!((pool.free_count(), seen.borrow().len()), (0, 1));
        drop(pool.apply_async(note(4)));
        assert_eq!(seen.borrow().len(), 1);
        sleep(ms(2));
        assert_eq!(*seen.borrow(), [1, 2, 3, 4]);
    });
}

/// test_discard: with a kill, which is how a member leaves before its time.
#[test]
fn a_member_that_is_killed_leaves_its_room() {
    support::hub(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(|| sleep(ms(60_000)));
        first.kill();
        first.wait();
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

/// test_add_method: with a spawn, under a timeout.
#[test]
fn a_spawn_into_a_full_pool_can_be_timed_out() {
    support::virtual_hub(|| {
        let pool = Pool::new(1);
        assert_eq!((pool.free_count(), pool.len()), (1, 0));
        let first = pool.spawn(|| sleep(ms(60_000)));
        assert_eq!((pool.free_count(), pool.len()), (0, 1));
        assert!(timeout(ms(2), || drop(pool.spawn(|| sleep(ms(60_000))))).is_err());
        assert_eq!((pool.free_count(), pool.len()), (0, 1));
        first.kill();
    });
}

/// test_add_method_non_blocking
#[test]
fn try_spawn_into_a_full_pool_is_refused() {
    support::hub(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(|| sleep(ms(60_000)));
        assert!(pool.try_spawn(|| ()).is_err());
        first.kill();
    });
}

/// test_start_method_timeout: what was not let in never runs.
#[test]
fn a_spawn_that_is_timed_out_never_runs() {
    support::virtual_hub(|| {
        let pool = Pool::new(1);
        let first = pool.spawn(|| sleep(ms(60_000)));
        let second = || drop(pool.spawn(|| unreachable!("it was not let in")));
        assert!(timeout(ms(2), second).is_err());
        first.kill();
        pool.join();
        assert_eq!(pool.free_count(), 1);
    });
}

/// PoolBasicTests.test_apply: a pool without a bound is a group.
#[test]
fn a_group_applies() {
    support::hub(|| assert_eq!(Group::new().apply(|| ("foo", 1)), ("foo", 1)));
}

/// test_init_error, TestPool0.test_wait_full: a size that lets nobody in is refused.
#[test]
fn a_pool_of_size_0_is_refused() {
    assert!(panic_of(|| Pool::new(0)).contains("room"));
}

// ---- TestPool, and TestPool2, TestPool3, TestPool10 ----

/// test_apply
#[test]
fn apply_gives_the_value() {
    for_each_size(|pool| {
        assert_eq!(pool.apply(|| slow_square(5)), 25);
        assert_eq!(pool.apply(|| slow_square(3)), 9);
    });
}

/// test_map
#[test]
fn map_gives_the_values_in_order() {
    for_each_size(|pool| {
        assert_eq!(pool.map(0..SMALL, slow_square), squares(SMALL));
        assert_eq!(pool.map(0..100, slow_square), squares(100));
    });
}

/// test_async
#[test]
fn an_asynchronous_result_takes_as_long_as_the_call() {
    for_each_size(|pool| {
        let begun = Instant::now();
        let result = pool.apply_async(|| {
            sleep(ms(3));
            49
        });
        assert_eq!(result.get().unwrap(), 49);
        assert!(begun.elapsed() >= ms(3));
    });
}

/// test_async_callback: what follows a result is a green thread that waits for it.
#[test]
fn somebody_may_wait_for_an_asynchronous_result() {
    for_each_size(|pool| {
        let result = pool.apply_async(|| slow_square(7));
        let follower = {
            let result = result.clone();
            spawn(move || vec![result.get().unwrap()])
        };
        assert_eq!(result.get().unwrap(), 49);
        assert_eq!(follower.join().unwrap(), [49]);
    });
}

/// test_async_timeout
#[test]
fn a_wait_for_an_asynchronous_result_may_end_before_it() {
    for_each_size(|pool| {
        let result = pool.apply_async(|| {
            sleep(ms(10));
            36
        });
        let begun = Instant::now();
        assert!(result.get_timeout(ms(2)).is_none());
        assert!(begun.elapsed() >= ms(2));
        pool.join();
        assert_eq!(result.get().unwrap(), 36);
    });
}

/// test_imap_list_small
#[test]
fn imap_gives_the_values_in_order() {
    for_each_size(|pool| assert_eq!(in_order(pool.imap(0..SMALL, slow_square)), squares(SMALL)));
}

/// test_imap_it_small
#[test]
fn imap_is_read_one_by_one() {
    for_each_size(|pool| {
        let mut results = pool.imap(0..SMALL, slow_square);
        for n in 0..SMALL {
            assert_eq!(results.next().unwrap().unwrap(), n * n);
        }
        assert!(results.next().is_none());
    });
}

/// test_imap_it_large
#[test]
fn imap_of_many_is_read_one_by_one() {
    for_each_size(|pool| {
        let mut results = pool.imap(0..LARGE, slow_square);
        for n in 0..LARGE {
            assert_eq!(results.next().unwrap().unwrap(), n * n);
        }
        assert!(results.next().is_none());
    });
}

/// test_imap_random
#[test]
fn imap_keeps_the_order_whatever_the_calls_take() {
    for_each_size(|pool| assert_eq!(in_order(pool.imap(0..SMALL, square_after_a_while)), squares(SMALL)));
}

/// test_imap_unordered
#[test]
fn imap_unordered_gives_all_values_and_may_be_used_again() {
    for_each_size(|pool| {
        assert_eq!(sorted(pool.imap_unordered(0..LARGE, slow_square)), squares(LARGE));
        assert_eq!(sorted(pool.imap_unordered(0..LARGE, slow_square)), squares(LARGE));
    });
}

/// test_imap_unordered_random
#[test]
fn imap_unordered_gives_all_values_whatever_the_calls_take() {
    for_each_size(|pool| {
        assert_eq!(sorted(pool.imap_unordered(0..SMALL, square_after_a_while)), squares(SMALL));
    });
}

/// test_empty_imap_unordered
#[test]
fn imap_unordered_of_nothing_is_empty() {
    for_each_size(|pool| assert!(pool.imap_unordered([], slow_square).next().is_none()));
}

/// test_empty_imap
#[test]
fn imap_of_nothing_is_empty() {
    for_each_size(|pool| assert!(pool.imap([], slow_square).next().is_none()));
}

/// test_empty_map
#[test]
fn map_of_nothing_is_empty() {
    for_each_size(|pool| assert!(pool.map([], slow_square).is_empty()));
}

/// test_terminate: the calls that wait for room never begin.
#[test]
fn a_kill_ends_those_that_run_and_those_that_wait_for_room() {
    for_each_size(|pool| {
        let calls = (0..pool.size() * 2).map(|_| pool.apply_async(|| sleep(ms(60_000))));
        let results: Vec<_> = calls.collect();
        sleep(ms(1));
        let begun = Instant::now();
        pool.kill();
        pool.join();
        assert!(begun.elapsed() < ms(30_000), "nobody waited for the sleeps");
        assert!(results.iter().all(|result| result.get().unwrap_err().is_killed()));
    });
}

/// test_imap_unordered_sleep
#[test]
fn imap_unordered_gives_the_values_in_the_order_of_the_ends() {
    for_each_size_in(
        |body| support::virtual_hub(body),
        |pool| {
            let body = |n: u64| {
                sleep(ms(n));
                n.to_string()
            };
            let expected = match pool.size() {
                1 => ["10", "1", "4"],
                // The last begins when the second has ended.
                _ => ["1", "4", "10"],
            };
            assert_eq!(in_order(pool.imap_unordered([10, 1, 4], body)), expected);
        },
    );
}

/// An input that comes from elsewhere: one item at once, and its end a little later.
fn input_that_ends_late(only: u64) -> impl Iterator<Item = u64> {
    let over = Rc::new(Event::new());
    let set = over.clone();
    drop(spawn_later(ms(2), move || set.set()));
    let mut items = Some(only);
    std::iter::from_fn(move || {
        items.take().or_else(|| {
            over.wait();
            None
        })
    })
}

/// test_imap_no_stop
#[test]
fn imap_ends_with_an_input_that_ends_late() {
    for_each_size(|pool| assert_eq!(in_order(pool.imap(input_that_ends_late(123), |n| n)), [123]));
}

/// test_imap_unordered_no_stop
#[test]
fn imap_unordered_ends_with_an_input_that_ends_late() {
    for_each_size(|pool| {
        assert_eq!(in_order(pool.imap_unordered(input_that_ends_late(1234), |n| n)), [1234]);
    });
}

/// `final_sleep`
fn items_and_a_sleep() -> impl Iterator<Item = u64> {
    (0..4).take_while(|n| {
        if *n == 3 {
            sleep(ms(2));
        }
        *n < 3
    })
}

/// test_imap_final_sleep
#[test]
fn imap_of_an_input_that_sleeps_at_its_end_ends() {
    for_each_size(|pool| assert_eq!(in_order(pool.imap(items_and_a_sleep(), slow_square)), [0, 1, 4]));
}

/// test_imap_unordered_final_sleep
#[test]
fn imap_unordered_of_an_input_that_sleeps_at_its_end_ends() {
    for_each_size(|pool| {
        assert_eq!(in_order(pool.imap_unordered(items_and_a_sleep(), slow_square)), [0, 1, 4]);
    });
}

/// test_imap_unordered_bounded_queue
#[test]
fn a_bound_keeps_the_calls_close_to_a_slow_reader() {
    for_each_size(|pool| {
        for ordered in [true, false] {
            let running = Rc::new(Cell::new(0));
            let count = running.clone();
            let body = move |n: u64| {
                count.set(count.get() + 1);
                n
            };
            let results: Box<dyn Iterator<Item = _>> = match ordered {
                true => Box::new(pool.imap(0..30, body).bound(1)),
                false => Box::new(pool.imap_unordered(0..30, body).bound(1)),
            };
            let mut seen = Vec::new();
            for (read, result) in results.enumerate() {
                assert!(running.get() <= read + 2, "{} calls, {read} read", running.get());
                seen.push(result.unwrap());
                sleep(Duration::from_micros(100));
            }
            assert_eq!(seen, (0..30).collect::<Vec<_>>());
        }
    });
}

// ---- TestJoinSleep, TestJoinEmpty, TestSpawn ----

/// TestJoinSleep
#[test]
fn join_takes_no_longer_than_its_timeout() {
    support::hub(|| {
        let pool = Pool::new(1);
        let member = pool.spawn(|| sleep(ms(60_000)));
        let begun = Instant::now();
        assert!(!pool.join_timeout(ms(3)));
        assert!(begun.elapsed() >= ms(3) && begun.elapsed() < ms(30_000));
        member.kill();
    });
}

/// TestJoinEmpty.test
#[test]
fn an_empty_pool_is_joined_at_once() {
    support::hub(|| assert!(Pool::new(1).join_timeout(Duration::ZERO)));
}

/// TestSpawn.test
#[test]
fn the_second_spawn_waits_for_the_end_of_the_first() {
    support::hub(|| {
        let pool = Pool::new(1);
        assert_eq!(pool.len(), 0);
        let begun = Instant::now();
        let first = pool.spawn(|| sleep(ms(4)));
        assert_eq!(pool.len(), 1);
        let second = pool.spawn(|| sleep(ms(4)));
        assert!(begun.elapsed() >= ms(4) && first.is_finished());
        assert_eq!(pool.len(), 1);
        second.join().unwrap();
        assert_eq!(pool.len(), 0);
    });
}

/// TestSpawn.testSpawnAndWait
#[test]
fn join_says_whether_all_have_ended() {
    support::virtual_hub(|| {
        let pool = Pool::new(1);
        pool.spawn(|| sleep(ms(5)));
        assert!(!pool.join_timeout(ms(1)));
        assert!(pool.join_timeout(Duration::MAX));
        assert_eq!(pool.len(), 0);
    });
}

// ---- TestErrorInIterator, TestErrorInHandler ----

fn input_that_fails() -> impl Iterator<Item = u32> {
    (1..).inspect(|n| assert!(*n < 3, "expected"))
}

/// TestErrorInIterator.test
#[test]
fn map_panics_as_its_input_does() {
    support::virtual_hub(|| {
        let pool = Pool::new(3);
        assert_eq!(panic_of(|| pool.map(input_that_fails(), |_| ())), "expected");
        sleep(ms(1));
        assert_eq!(pool.free_count(), 3);
    });
}

/// TestErrorInIterator.test_unordered
#[test]
fn imap_unordered_ends_with_the_panic_of_its_input() {
    support::hub(|| {
        let pool = Pool::new(3);
        let results: Vec<_> = pool.imap_unordered(input_that_fails(), |_| ()).collect();
        assert_eq!(results.len(), 3);
        assert_eq!(results[2].as_ref().unwrap_err().message(), "expected");
        yield_now();
    });
}

/// `divide_by`, for numbers whose division by 0 is an error.
fn divide(n: u32) -> u32 {
    100 / n
}

/// TestErrorInHandler.test_map
#[test]
fn map_panics_as_a_call_does() {
    support::hub(|| assert!(panic_of(|| Pool::new(3).map([1, 0, 2], divide)).contains("divide by zero")));
}

/// TestErrorInHandler.test_imap
#[test]
fn imap_goes_on_after_a_failure() {
    support::hub(|| {
        let mut results = Pool::new(1).imap([1, 0, 2], divide);
        assert_eq!(results.next().unwrap().unwrap(), 100);
        assert!(results.next().unwrap().unwrap_err().is_panic());
        assert_eq!(results.next().unwrap().unwrap(), 50);
        assert!(results.next().is_none());
    });
}

/// TestErrorInHandler.test_imap_unordered
#[test]
fn imap_unordered_goes_on_after_a_failure() {
    support::hub(|| {
        let mut results = Pool::new(1).imap_unordered([1, 0, 2], divide);
        assert_eq!(results.next().unwrap().unwrap(), 100);
        assert!(results.next().unwrap().unwrap_err().is_panic());
        assert_eq!(results.next().unwrap().unwrap(), 50);
        assert!(results.next().is_none());
    });
}
