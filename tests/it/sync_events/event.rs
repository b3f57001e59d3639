//! Events: who is woken by which set.

use std::time::{Duration, Instant};

use greenroom::sync::{Arc, Event};
use greenroom::{joinall, sleep, spawn, timeout, yield_now};

use super::waiting;
use crate::support::{self, Log, OnDrop, ms};

#[test]
fn a_set_wakes_all_who_wait_at_that_moment_even_if_a_clear_follows() {
    support::hub(|| {
        let (event, log) = (Arc::new(Event::new()), Log::new());
        let all = ["one", "two", "three"].map(|word| {
            let (event, log) = (event.clone(), log.clone());
            waiting(move || {
                event.wait();
                log.push(word);
            })
        });
        event.set();
        event.clear();
        assert!(!event.is_set());
        let late = event.clone();
        let late = waiting(move || late.wait_timeout(ms(2)));
        joinall(all);
        assert_eq!(log.words(), ["one", "two", "three"]);
        assert!(!late.join().unwrap(), "it came after the set");
    });
}

#[test]
fn wait_timeout_is_true_if_it_was_set_at_any_moment_of_the_wait() {
    support::hub(|| {
        let event = Arc::new(Event::new());
        let inner = event.clone();
        let waiter = waiting(move || inner.wait_timeout(ms(1)));
        std::thread::sleep(ms(3));
        // The time is over too, but the hub has not looked.
        event.set();
        event.clear();
        assert!(waiter.join().unwrap());
        assert!(!event.wait_timeout(Duration::ZERO) && !event.wait_timeout(Duration::from_nanos(1)));
        event.set();
        assert!(event.wait_timeout(Duration::ZERO) && event.wait_timeout(Duration::MAX));
        event.set();
        event.wait();
        assert_eq!(format!("{event:?}"), "Event { set: true, .. }");
    });
}

#[test]
fn waits_on_a_set_event_give_others_their_turns() {
    support::hub(|| {
        let event = Event::new();
        event.set();
        let other = spawn(|| ());
        let mut rounds = 0;
        while !other.is_finished() {
            event.wait();
            rounds += 1;
            assert!(rounds < 1_000, "the budget is not spent");
        }
    });
}

#[test]
fn those_who_leave_are_not_missed() {
    support::hub(|| {
        let event = Arc::new(Event::new());
        let wait = || {
            let event = event.clone();
            waiting(move || event.wait())
        };
        let (killed, stays, cancelled) = (wait(), wait(), wait());
        killed.kill();
        cancelled.cancel();
        assert!(timeout(ms(1), || event.wait()).is_err());
        assert!(!stays.is_finished() && !cancelled.is_finished());
        event.set();
        assert!(killed.join().unwrap_err().is_killed());
        assert!(stays.join().is_ok() && cancelled.join().is_ok());
    });
}

#[test]
fn who_unwinds_does_not_wait_and_learns_what_is() {
    support::virtual_hub(|| {
        let (event, log) = (Arc::new(Event::new()), Log::new());
        let (inner, words) = (event.clone(), log.clone());
        let child = spawn(move || {
            let _waits = OnDrop(move || {
                inner.wait();
                words.push(format!("{}", inner.wait_timeout(ms(60_000))));
                inner.set();
                words.push(format!("{}", inner.wait_timeout(ms(60_000))));
            });
            panic!("on purpose");
        });
        assert!(child.join().unwrap_err().is_panic());
        assert_eq!(log.words(), ["false", "true"]);
    });
}

#[test]
fn hubs_and_os_threads_wait_for_one_set() {
    support::watch(|| {
        let event = Arc::new(Event::new());
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let event = event.clone();
                std::thread::spawn(move || match number % 2 {
                    0 => event.wait(),
                    _ => greenroom::run(|| {
                        let waiter = event.clone();
                        spawn(move || waiter.wait()).join().unwrap();
                        assert!(event.wait_timeout(ms(10_000)));
                    }),
                })
            })
            .collect();
        std::thread::sleep(ms(2));
        event.set();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn an_os_thread_gives_up_in_time() {
    support::watch(|| {
        let begun = Instant::now();
        assert!(!Event::new().wait_timeout(ms(2)));
        assert!(begun.elapsed() >= ms(2));
        assert!(greenroom::run(|| !Event::new().wait_timeout(ms(2))));
    });
}

#[test]
fn no_set_between_two_os_threads_is_lost() {
    support::watch(|| {
        let (ping, pong) = (Arc::new(Event::new()), Arc::new(Event::new()));
        let (his_ping, his_pong) = (ping.clone(), pong.clone());
        let other = std::thread::spawn(move || {
            greenroom::run(|| {
                for _ in 0..300 {
                    his_ping.wait();
                    his_ping.clear();
                    his_pong.set();
                }
            })
        });
        for _ in 0..300 {
            ping.set();
            pong.wait();
            pong.clear();
        }
        other.join().unwrap();
    });
}

#[test]
fn a_waiter_may_drop_the_last_handle_once_it_is_woken() {
    support::hub(|| {
        let event = Arc::new(Event::new());
        let inner = event.clone();
        let waiter = waiting(move || {
            inner.wait();
            drop(inner);
        });
        event.set();
        drop(event);
        yield_now();
        waiter.join().unwrap();
        sleep(Duration::ZERO);
    });
}
