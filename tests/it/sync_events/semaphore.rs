//! Semaphores: counting, the order of the line, what becomes of permits whose takers were interrupted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenroom::sync::{Arc, BoundedSemaphore, Semaphore};
use greenroom::{joinall, sleep, spawn, timeout, yield_now};

use super::waiting;
use crate::support::{self, Log, OnDrop, ms, panic_of};

#[test]
fn permits_are_counted() {
    let semaphore = Semaphore::new(2);
    let (one, two) = (semaphore.acquire(), semaphore.try_acquire());
    assert!(two.is_some() && semaphore.try_acquire().is_none());
    assert!(semaphore.acquire_timeout(Duration::ZERO).is_none());
    drop(one);
    assert_eq!(semaphore.available_permits(), 1);
    two.unwrap().forget();
    assert_eq!(semaphore.available_permits(), 1);
    semaphore.add_permits(3);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 4, .. }");
}

#[test]
fn who_waits_gets_a_permit_in_the_order_of_asking() {
    support::hub(|| {
        let (semaphore, log) = (Arc::new(Semaphore::new(0)), Log::new());
        let all: Vec<_> = ["one", "two", "three"]
            .map(|word| {
                let (semaphore, log) = (semaphore.clone(), log.clone());
                waiting(move || {
                    semaphore.acquire().forget();
                    log.push(word);
                })
            })
            .into();
        semaphore.add_permits(2);
        yield_now();
        assert_eq!(log.words(), ["one", "two"]);
        semaphore.add_permits(1);
        joinall(all);
        assert_eq!(log.words(), ["one", "two", "three"]);
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn newcomers_queue_up_behind_those_who_wait() {
    support::hub(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let held = semaphore.clone();
        let waiter = waiting(move || held.acquire().forget());
        semaphore.add_permits(1);
        assert!(semaphore.try_acquire().is_none(), "it is the other's already");
        waiter.join().unwrap();
        semaphore.add_permits(1);
        assert!(semaphore.try_acquire().is_some(), "the mark went with the line");
    });
}

#[test]
fn a_permit_handed_to_one_who_is_killed_goes_to_the_next_or_back() {
    support::hub(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let take = || {
            let semaphore = semaphore.clone();
            waiting(move || semaphore.acquire().forget())
        };
        let (first, second) = (take(), take());
        semaphore.add_permits(1);
        first.kill();
        // It was ready already, so the kill comes later than the permit: it has taken that.
        assert!(first.join().is_ok());
        second.kill();
        semaphore.add_permits(1);
        assert!(second.join().unwrap_err().is_killed());
        assert_eq!(semaphore.available_permits(), 1, "it came back");
        semaphore.acquire().forget();
        let (first, second) = (take(), take());
        first.kill();
        semaphore.add_permits(1);
        assert!(first.join().unwrap_err().is_killed());
        second.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

#[test]
fn those_who_leave_take_nothing_and_hold_up_nobody() {
    support::hub(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let take = || {
            let semaphore = semaphore.clone();
            waiting(move || semaphore.acquire().forget())
        };
        let (gone, stays) = (take(), take());
        gone.kill();
        gone.wait();
        assert!(timeout(ms(1), || semaphore.acquire()).is_err());
        assert!(semaphore.acquire_timeout(Duration::from_nanos(1)).is_none());
        semaphore.add_permits(1);
        stays.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
        semaphore.add_permits(1);
        drop(semaphore.try_acquire().expect("nobody waits any more"));
        assert!(semaphore.acquire_timeout(Duration::MAX).is_some());
    });
}

#[test]
fn a_cancel_does_not_end_the_wait() {
    support::virtual_hub(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let held = semaphore.clone();
        let waiter = waiting(move || drop(held.acquire()));
        waiter.cancel();
        sleep(ms(1));
        assert!(!waiter.is_finished());
        semaphore.add_permits(1);
        waiter.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn a_destructor_waits_for_its_permit_while_its_green_thread_unwinds() {
    support::hub(|| {
        let (semaphore, log) = (Arc::new(Semaphore::new(0)), Log::new());
        let (inner, words) = (semaphore.clone(), log.clone());
        let victim = waiting(move || {
            let _takes = OnDrop(move || {
                inner.acquire().forget();
                words.push("taken");
            });
            sleep(ms(60_000));
        });
        victim.kill();
        yield_now();
        log.push("killed");
        semaphore.add_permits(1);
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["killed", "taken"]);
    });
}

#[test]
fn taking_and_giving_back_gives_others_their_turns() {
    support::hub(|| {
        let semaphore = Semaphore::new(1);
        let other = spawn(|| ());
        let mut rounds = 0;
        while !other.is_finished() {
            drop(semaphore.acquire());
            rounds += 1;
            assert!(rounds < 1_000, "the budget is not spent");
        }
        let begun = Instant::now();
        let other = spawn(|| ());
        (0..1_000).for_each(|_| drop(semaphore.try_acquire()));
        assert!(!other.is_finished(), "try_acquire switched, after {:?}", begun.elapsed());
    });
}

#[test]
fn more_permits_than_can_be_counted_are_refused_and_nothing_is_changed() {
    let most = usize::MAX >> 1;
    let semaphore = Semaphore::new(most - 1);
    for too_many in [2, most, usize::MAX] {
        assert!(panic_of(|| semaphore.add_permits(too_many)).contains("counts to"));
    }
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), most);
    let out = semaphore.acquire();
    semaphore.add_permits(1);
    drop(out);
    assert_eq!(semaphore.available_permits(), most, "one too many vanishes");
    assert!(panic_of(|| Semaphore::new(most + 1)).contains("counts to"));
}

#[test]
fn a_bounded_one_never_has_more_than_at_the_beginning() {
    let semaphore = BoundedSemaphore::new(2);
    assert!(panic_of(|| semaphore.add_permits(1)).contains("bound"));
    assert!(panic_of(|| semaphore.add_permits(usize::MAX)).contains("bound"));
    semaphore.add_permits(0);
    assert_eq!(semaphore.available_permits(), 2);
    let out = semaphore.acquire();
    assert!(panic_of(|| semaphore.add_permits(2)).contains("bound"));
    assert_eq!(semaphore.available_permits(), 1);
    out.forget();
    semaphore.add_permits(1);
    let out = semaphore.try_acquire().unwrap();
    semaphore.add_permits(1);
    drop(out);
    assert_eq!(format!("{semaphore:?}"), "BoundedSemaphore { available: 2, .. }");
}

#[test]
fn an_owned_permit_keeps_its_semaphore_and_goes_anywhere() {
    support::hub(|| {
        let semaphore = Arc::new(Semaphore::new(2));
        let owned = semaphore.clone().acquire_owned();
        semaphore.clone().acquire_owned().forget();
        assert_eq!((semaphore.available_permits(), Arc::strong_count(&semaphore)), (0, 2));
        let held = semaphore.clone();
        let waiter = waiting(move || drop(held.acquire_owned()));
        std::thread::spawn(move || drop(owned)).join().unwrap();
        waiter.join().unwrap();
        assert_eq!((semaphore.available_permits(), Arc::strong_count(&semaphore)), (1, 1));
        let bounded = Arc::new(BoundedSemaphore::new(1));
        let owned = bounded.clone().acquire_owned();
        assert_eq!(format!("{owned:?}"), "OwnedPermit { available: 0, .. }");
        drop(owned);
        assert_eq!(bounded.available_permits(), 1);
    });
}

#[test]
fn hubs_and_os_threads_share_one_and_never_take_too_many() {
    support::watch(|| {
        let (semaphore, inside) = (Arc::new(Semaphore::new(3)), Arc::new(AtomicUsize::new(0)));
        let work = {
            let (semaphore, inside) = (semaphore.clone(), inside.clone());
            move |round: usize| {
                let permit = match round % 3 {
                    0 => Some(semaphore.acquire()),
                    1 => semaphore.acquire_timeout(ms(10_000)),
                    _ => semaphore.acquire_timeout(Duration::from_micros(20)),
                };
                let Some(_permit) = permit else { return };
                assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                std::hint::spin_loop();
                inside.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let work = work.clone();
                std::thread::spawn(move || {
                    if number % 2 == 0 {
                        return (0..500).for_each(work);
                    }
                    greenroom::run(|| {
                        let both = (0..2).map(|_| {
                            spawn({
                                let work = work.clone();
                                move || (0..300).for_each(work)
                            })
                        });
                        for ended in joinall(both) {
                            ended.unwrap();
                        }
                    });
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(semaphore.available_permits(), 3);
        assert!(semaphore.try_acquire().is_some());
    });
}
