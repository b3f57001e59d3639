//! `sync::Barrier`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenroom::sync::{Arc, Barrier};
use greenroom::{Runtime, sleep, spawn, timeout, yield_now};

use super::{join_os, parked, parked_each, settle};
use crate::support::{self, Log, OnDrop, error_of, ms};

#[test]
fn nobody_goes_on_before_the_last_has_come_and_the_last_leads() {
    support::hub(|| {
        let (barrier, log) = (Rc::new(Barrier::new(3)), Log::new());
        let shared = barrier.clone();
        let all = parked_each(&["a", "b"], &log, move |word, log| {
            let leads = shared.wait().is_leader();
            log.push(if leads { "leader" } else { word });
        });
        settle();
        log.push("last");
        assert!(barrier.wait().is_leader());
        greenroom::joinall(all);
        assert_eq!(log.words(), ["last", "a", "b"]);
    });
}

#[test]
fn it_is_as_new_after_each_meeting() {
    support::hub(|| {
        let (barrier, rounds) = (Rc::new(Barrier::new(4)), Rc::new(Cell::new(0)));
        let all: Vec<_> = (0..4)
            .map(|_| {
                let (barrier, rounds) = (barrier.clone(), rounds.clone());
                spawn(move || {
                    let mut led = 0;
                    for round in 0..50 {
                        assert_eq!(rounds.get(), round);
                        if barrier.wait().is_leader() {
                            led += 1;
                            rounds.set(rounds.get() + 1);
                        }
                        barrier.wait();
                    }
                    led
                })
            })
            .collect();
        let led: u32 = all.into_iter().map(|one| one.join().unwrap()).sum();
        assert_eq!((led, rounds.get()), (50, 50));
    });
}

#[test]
fn one_alone_and_nobody_never_wait() {
    support::hub(|| {
        for size in [0, 1] {
            let barrier = Barrier::new(size);
            assert!(barrier.wait().is_leader() && barrier.wait().is_leader(), "{size}");
        }
        static OF_TWO: Barrier = Barrier::new(2);
        let other = parked(|| OF_TWO.wait().is_leader());
        assert!(OF_TWO.wait().is_leader() && !other.join().unwrap());
    });
}

#[test]
fn a_member_that_is_killed_or_timed_out_withdraws() {
    support::hub(|| {
        let barrier = Rc::new(Barrier::new(2));
        let shared = barrier.clone();
        let killed = parked(move || shared.wait().is_leader());
        killed.kill();
        killed.wait();
        assert!(timeout(ms(1), || barrier.wait()).is_err());
        let shared = barrier.clone();
        let member = parked(move || shared.wait().is_leader());
        assert!(!member.is_finished(), "those who left do not count");
        assert!(barrier.wait().is_leader());
        assert!(!member.join().unwrap());
    });
}

#[test]
fn a_member_killed_in_the_turn_in_which_all_came_does_not_spoil_the_next_meeting() {
    support::hub(|| {
        let barrier = Rc::new(Barrier::new(2));
        for kill_first in [false, true] {
            let shared = barrier.clone();
            let victim = parked(move || {
                shared.wait();
                yield_now();
            });
            if kill_first {
                victim.kill();
            }
            assert!(barrier.wait().is_leader(), "it stood there when the last one came");
            victim.kill();
            assert!(error_of(victim).is_killed());
            let shared = barrier.clone();
            let member = parked(move || shared.wait().is_leader());
            assert!(!member.is_finished());
            assert!(barrier.wait().is_leader());
            assert!(!member.join().unwrap());
        }
    });
}

#[test]
fn who_unwinds_passes_at_once_and_is_not_counted() {
    support::hub(|| {
        let barrier = Rc::new(Barrier::new(2));
        let shared = barrier.clone();
        let member = parked(move || shared.wait().is_leader());
        let (shared, leads) = (barrier.clone(), Rc::new(Cell::new(true)));
        let note = leads.clone();
        let unwinds = spawn(move || {
            let _waits = OnDrop(|| note.set(shared.wait().is_leader()));
            panic!("on purpose");
        });
        assert!(error_of(unwinds).is_panic());
        settle();
        assert!(!leads.get() && !member.is_finished());
        assert!(barrier.wait().is_leader());
        assert!(!member.join().unwrap());
    });
}

#[test]
fn members_of_hubs_and_os_threads_meet() {
    support::hub(|| {
        let (barrier, leaders) = (Arc::new(Barrier::new(4)), Arc::new(AtomicUsize::new(0)));
        let member = || {
            let (barrier, leaders) = (barrier.clone(), leaders.clone());
            move || {
                for _ in 0..30 {
                    if barrier.wait().is_leader() {
                        leaders.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        };
        let (os, far, near) = (member(), member(), [member(), member()]);
        let os = std::thread::spawn(os);
        let far = std::thread::spawn(move || greenroom::run(|| spawn(far).join().unwrap()));
        greenroom::joinall(near.map(spawn));
        join_os(os);
        join_os(far);
        assert_eq!(leaders.load(Ordering::Relaxed), 30);
    });
}

#[test]
fn the_end_of_a_hub_takes_its_members_away() {
    support::watch(|| {
        let barrier = Arc::new(Barrier::new(2));
        let runtime = Runtime::new().unwrap();
        let shared = barrier.clone();
        let victim = runtime.spawn(move || shared.wait().is_leader());
        sleep(ms(1));
        drop(runtime);
        assert!(victim.is_finished());
        let shared = barrier.clone();
        let other = std::thread::spawn(move || shared.wait().is_leader());
        let leads = barrier.wait().is_leader();
        assert_ne!(leads, other.join().unwrap());
    });
}

#[test]
fn it_says_who_leads() {
    let barrier = Barrier::new(1);
    assert_eq!(
        format!("{barrier:?} {:?}", barrier.wait()),
        "Barrier { .. } BarrierWaitResult { is_leader: true }"
    );
}
