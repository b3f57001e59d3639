//! `greenroom::pool`: groups, pools, and the maps they run.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::pool::{Group, Pool};
use greenroom::sync::AsyncResult;
use greenroom::{JoinHandle, sleep, spawn, thread, timeout, yield_now};

use crate::support::{self, Log, OnDrop, Tally, error_of, ms, panic_of};

const LONG: Duration = Duration::from_secs(86_400);

/// One that is killed sooner or later.
fn sleeper() {
    sleep(LONG);
}

fn full(size: usize) -> Rc<Pool> {
    let pool = Rc::new(Pool::new(size));
    (0..size).for_each(|_| drop(pool.spawn(sleeper)));
    yield_now();
    pool
}

// ---- the group ----

#[test]
fn a_member_is_on_the_roll_until_it_has_ended_and_no_longer() {
    support::virtual_hub(|| {
        let group = Group::new();
        assert!(group.is_empty());
        let handles = [1, 60].map(|n| group.spawn(move || sleep(ms(n))));
        assert_eq!((group.len(), group.is_empty()), (2, false));
        handles[0].wait();
        assert_eq!(group.len(), 1, "the joiner finds it gone");
        drop(handles);
        group.join();
        assert_eq!(group.len(), 0);
    });
}

#[test]
fn a_member_counts_while_its_result_and_its_locals_are_dropped() {
    type Last = OnDrop<Box<dyn FnMut()>>;
    greenroom::green_local! { static LAST: RefCell<Option<Last>> = RefCell::new(None); }
    support::virtual_hub(|| {
        let (pool, log) = (Rc::new(Pool::new(1)), Log::new());
        let note = |word: &'static str| {
            let (pool, log) = (pool.clone(), log.clone());
            OnDrop(Box::new(move || {
                sleep(ms(1));
                log.push(format!("{word} {}", pool.len()));
            }) as Box<dyn FnMut()>)
        };
        let (result, local) = (note("result"), note("local"));
        drop(pool.spawn(move || {
            LAST.with(|last| *last.borrow_mut() = Some(local));
            result
        }));
        let next = log.clone();
        pool.spawn(move || next.push("next"));
        pool.join();
        assert_eq!(log.words(), ["result 1", "local 1", "next"]);
    });
}

#[test]
fn join_waits_for_those_that_come_meanwhile() {
    support::virtual_hub(|| {
        let (group, log) = (Rc::new(Group::new()), Log::new());
        let (again, note) = (group.clone(), log.clone());
        group.spawn(move || {
            sleep(ms(1));
            let inner = note.clone();
            again.spawn(move || {
                sleep(ms(1));
                inner.push("second");
            });
            note.push("first");
        });
        group.join();
        log.push("joined");
        assert_eq!(log.words(), ["first", "second", "joined"]);
    });
}

#[test]
fn several_join_the_same_group() {
    support::virtual_hub(|| {
        let group = Rc::new(Group::new());
        group.spawn(|| sleep(ms(2)));
        let joiners = [0; 3].map(|_| {
            let group = group.clone();
            spawn(move || group.join())
        });
        greenroom::joinall(joiners);
        assert!(group.is_empty());
    });
}

#[test]
fn join_timeout_takes_any_duration_and_says_whether_all_have_ended() {
    support::hub(|| {
        let group = Group::new();
        assert!(group.join_timeout(Duration::ZERO), "there is nobody");
        let member = group.spawn(thread::park);
        assert!(!group.join_timeout(Duration::ZERO));
        assert!(!group.join_timeout(Duration::from_nanos(1)));
        member.thread().unpark();
        assert!(group.join_timeout(Duration::MAX));
        assert!(group.join_timeout(Duration::ZERO));
    });
}

#[test]
fn a_member_cannot_wait_for_its_own_group() {
    support::hub(|| {
        let group = Rc::new(Group::new());
        let own = group.clone();
        let text = group.spawn(move || panic_of(|| own.join())).join().unwrap();
        assert!(text.contains("cannot wait for the end of a group that it belongs to"), "{text}");
    });
}

#[test]
fn a_joiner_that_is_killed_or_timed_out_leaves_the_members_alone() {
    support::virtual_hub(|| {
        let group = Rc::new(Group::new());
        let member = group.spawn(|| sleep(ms(60)));
        let joined = group.clone();
        let joiner = spawn(move || joined.join());
        yield_now();
        joiner.kill();
        assert!(error_of(joiner).is_killed());
        assert!(timeout(ms(1), || group.join()).is_err());
        assert_eq!(group.len(), 1);
        member.join().unwrap();
    });
}

#[test]
fn kill_ends_those_that_have_begun_and_the_others_never_run() {
    support::hub(|| {
        let (group, tally) = (Group::new(), Tally::new());
        let one = tally.one();
        let begun = group.spawn(move || {
            let _one = one;
            sleeper();
        });
        yield_now();
        let one = tally.one();
        let fresh = group.spawn(move || {
            drop(one);
            unreachable!("it was killed before");
        });
        group.kill();
        assert_eq!(group.len(), 2, "kill asks; it does not wait");
        group.kill();
        group.join();
        assert_eq!((tally.alive(), tally.dropped()), (0, 2));
        assert!(error_of(begun).is_killed());
        assert!(fresh.join().unwrap_err().is_killed());
        group.kill();
    });
}

#[test]
fn kill_asks_the_oldest_first_and_the_caller_last() {
    support::hub(|| {
        let (group, log) = (Rc::new(Group::new()), Log::new());
        let (own, note) = (group.clone(), log.clone());
        let killer = group.spawn(move || {
            yield_now();
            own.kill();
            note.push("went on");
        });
        for word in ["a", "b"] {
            let note = log.clone();
            group.spawn(move || {
                let _note = OnDrop(move || note.push(word));
                sleeper();
            });
        }
        group.join();
        assert!(error_of(killer).is_killed());
        assert_eq!(log.words(), ["a", "b"]);
    });
}

#[test]
fn cancel_ends_sleeps() {
    support::hub(|| {
        let group = Group::new();
        let member = group.spawn(|| {
            sleeper();
            thread::is_cancelled()
        });
        yield_now();
        group.cancel();
        group.join();
        assert!(member.join().unwrap());
    });
}

#[test]
fn a_group_that_is_dropped_leaves_its_members_running() {
    support::virtual_hub(|| {
        let log = Log::new();
        let group = Group::new();
        let note = log.clone();
        let member = group.spawn(move || {
            sleep(ms(1));
            note.push("done");
        });
        yield_now();
        drop(group);
        member.join().unwrap();
        assert_eq!(log.words(), ["done"]);
    });
}

#[test]
fn a_group_outlives_its_hub() {
    let group = support::watch(|| {
        let group = greenroom::run(|| {
            let group = Rc::new(Group::new());
            let own = group.clone();
            thread::Builder::new().daemon(true).spawn(move || own.apply(sleeper)).unwrap();
            yield_now();
            yield_now();
            assert_eq!(group.len(), 1);
            group.kill();
            group
        });
        assert!(group.is_empty());
        greenroom::run(|| assert_eq!(group.map([1], |n| n), [1]));
        group
    });
    drop(group);
}

#[test]
fn panics_of_members_stay_with_them() {
    support::hub(|| {
        let group = Group::new();
        let bad = group.spawn(|| panic!("on purpose"));
        let good = group.spawn(|| 7);
        group.join();
        assert!(error_of(bad).is_panic());
        assert_eq!(good.join().unwrap(), 7);
    });
}

// ---- map and apply ----

#[test]
fn map_gives_the_results_in_the_order_of_the_items() {
    support::hub(|| {
        let delays = [5, 1, 3];
        let begun = Instant::now();
        let seen = Group::new().map(delays, |n| {
            sleep(ms(n));
            n
        });
        assert_eq!(seen, delays);
        assert!(begun.elapsed() >= ms(5));
        assert!(Group::new().map(Vec::<u8>::new(), |n| n).is_empty());
    });
}

#[test]
fn a_panic_of_a_mapped_call_goes_on_in_the_caller_with_its_payload() {
    support::hub(|| {
        let group = Group::new();
        let map = || group.map([1, 0, 2], |n| if n == 0 { std::panic::panic_any(77_u8) } else { n });
        let payload = catch_unwind(AssertUnwindSafe(map)).unwrap_err();
        assert_eq!(*payload.downcast::<u8>().unwrap(), 77);
        let text = panic_of(|| group.apply(|| panic!("on purpose")));
        assert_eq!(text, "on purpose");
        group.join();
    });
}

#[test]
fn a_mapped_call_that_is_killed_makes_the_caller_panic() {
    support::hub(|| {
        let group = Rc::new(Group::new());
        let own = group.clone();
        let caller = spawn(move || drop(own.map([1], |_| sleeper())));
        yield_now();
        yield_now();
        group.kill();
        let error = error_of(caller);
        assert!(error.is_panic() && error.message().contains("was killed"), "{error}");
    });
}

#[test]
fn a_caller_of_map_that_is_killed_spawns_no_more() {
    support::virtual_hub(|| {
        let (pool, log) = (Rc::new(Pool::new(1)), Log::new());
        let (own, note) = (pool.clone(), log.clone());
        let caller = spawn(move || {
            own.map(["a", "b"], move |word| {
                sleep(ms(1));
                note.push(word);
            })
        });
        yield_now();
        caller.kill();
        pool.join();
        assert!(caller.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["a"]);
    });
}

#[test]
fn a_caller_that_unwinds_makes_the_calls_itself() {
    support::hub(|| {
        let (pool, log) = (full(1), Log::new());
        let (own, note) = (pool.clone(), log.clone());
        let victim = spawn(move || {
            let _last = OnDrop(move || {
                let mapped = own.map([1, 2], |n| n + 1);
                note.push(format!("{mapped:?} {}", own.apply(|| 4)));
                note.push(format!("{}", own.spawn(|| ()).join().unwrap_err()));
                own.wait_available();
                own.join();
            });
            sleeper();
        });
        yield_now();
        victim.kill();
        victim.wait();
        assert_eq!(log.words()[0], "[2, 3] 4");
        assert!(log.words()[1].starts_with("refused"), "{:?}", log.words());
        pool.kill();
    });
}

#[test]
fn a_member_applies_in_its_own_place() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(1));
        let own = pool.clone();
        let ids = pool.apply(move || (thread::current().id(), own.apply(|| thread::current().id())));
        assert_eq!(ids.0, ids.1);
        assert_ne!(ids.0, thread::current().id());
    });
}

// ---- results for later ----

#[test]
fn apply_async_returns_at_once_and_its_result_is_there_before_join_returns() {
    support::virtual_hub(|| {
        let pool = Pool::new(1);
        let results: Vec<AsyncResult<u32>> = (0..3)
            .map(|n| {
                pool.apply_async(move || {
                    sleep(ms(1));
                    n * n
                })
            })
            .collect();
        assert_eq!((pool.len(), pool.free_count()), (1, 0));
        pool.join();
        assert!(results.iter().all(AsyncResult::is_ready));
        assert_eq!(results.iter().map(|result| result.get().unwrap()).collect::<Vec<_>>(), [0, 1, 4]);
    });
}

#[test]
fn a_result_fails_when_its_call_panics_or_is_killed_begun_or_not() {
    support::hub(|| {
        let pool = Pool::new(1);
        let bad = pool.apply_async(|| panic!("on purpose"));
        pool.join();
        let error = bad.get().unwrap_err();
        assert!(error.is_panic() && error.message() == "on purpose");
        let begun = pool.apply_async(sleeper);
        yield_now();
        let waits = pool.apply_async(|| unreachable!("it never runs"));
        pool.kill();
        pool.join();
        assert!(begun.get().unwrap_err().is_killed());
        assert!(waits.get().unwrap_err().is_killed());
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

#[test]
fn a_panic_of_an_asynchronous_call_is_reported() {
    support::watch(|| {
        let log = Rc::new(Cell::new(0));
        let count = log.clone();
        let builder = greenroom::Runtime::builder().on_panic(move |_, _| count.set(count.get() + 1));
        let runtime = builder.build().unwrap();
        runtime.run(|| {
            let group = Group::new();
            drop(group.apply_async(|| panic!("on purpose")));
            group.join();
        });
        assert_eq!(log.get(), 1);
    });
}

#[test]
fn calls_that_wait_for_room_and_those_who_spawn_have_one_line() {
    support::virtual_hub(|| {
        let (pool, log) = (Rc::new(Pool::new(1)), Log::new());
        let first = pool.spawn(|| sleep(ms(1)));
        let (own, note) = (pool.clone(), log.clone());
        let spawner = spawn(move || {
            let word = note.clone();
            own.spawn(move || word.push("b"));
        });
        let note = log.clone();
        drop(pool.apply_async(move || note.push("a")));
        yield_now();
        let note = log.clone();
        drop(pool.apply_async(move || note.push("c")));
        first.join().unwrap();
        spawner.join().unwrap();
        pool.join();
        assert_eq!(log.words(), ["a", "b", "c"]);
    });
}

#[test]
fn a_call_that_is_killed_while_it_waits_for_room_takes_none() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(1));
        let first = pool.spawn(sleeper);
        yield_now();
        let tally = Tally::new();
        let one = tally.one();
        let waits = pool.apply_async(move || drop(one));
        pool.kill();
        yield_now();
        assert_eq!((tally.alive(), waits.is_ready()), (0, true));
        assert!(error_of(first).is_killed());
        assert_eq!(pool.free_count(), 1);
        assert!(pool.try_spawn(|| ()).is_ok());
        pool.join();
    });
}

#[test]
fn the_end_of_the_hub_fails_what_waits_for_room() {
    support::watch(|| {
        let runtime = greenroom::Runtime::new().unwrap();
        let pool = Pool::new(1);
        let results = [pool.apply_async(sleeper), pool.apply_async(sleeper)];
        runtime.turn(Some(Duration::ZERO)).unwrap();
        drop(runtime);
        assert!(results.iter().all(|result| result.get().unwrap_err().is_killed()));
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}

// ---- the pool ----

#[test]
#[should_panic(expected = "room for at least one")]
fn a_pool_without_room_panics() {
    drop(Pool::new(0));
}

#[test]
fn spawn_waits_while_the_pool_is_full_and_never_are_more_alive() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(3));
        let (alive, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        for n in 0..20 {
            let (alive, most) = (alive.clone(), most.clone());
            pool.spawn(move || {
                alive.set(alive.get() + 1);
                most.set(most.get().max(alive.get()));
                sleep(Duration::from_micros(100 * (n % 3)));
                alive.set(alive.get() - 1);
            });
            assert!(pool.len() <= 3 && pool.len() + pool.free_count() == 3);
        }
        pool.join();
        assert_eq!((most.get(), pool.len(), pool.free_count(), pool.size()), (3, 0, 3, 3));
    });
}

#[test]
fn room_goes_to_those_who_wait_in_the_order_of_asking() {
    support::hub(|| {
        let (pool, log) = (full(1), Log::new());
        let spawners: Vec<JoinHandle<()>> = ["a", "b", "c"]
            .map(|word| {
                let (pool, log) = (pool.clone(), log.clone());
                spawn(move || drop(pool.spawn(move || log.push(word))))
            })
            .into();
        yield_now();
        assert!(pool.try_spawn(|| ()).is_err());
        pool.kill();
        greenroom::joinall(spawners);
        pool.join();
        assert_eq!(log.words(), ["a", "b", "c"]);
    });
}

#[test]
fn a_newcomer_does_not_overtake_a_waiter_that_was_promised_the_room() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(1));
        drop(pool.spawn(yield_now));
        let own = pool.clone();
        let waiter = spawn(move || own.spawn(|| sleep(ms(2))).join().unwrap());
        let own = pool.clone();
        let newcomer = spawn(move || {
            // Its turn comes between the end of the member and that of the waiter.
            yield_now();
            assert_eq!((own.len(), own.free_count()), (0, 0), "it is promised");
            assert!(own.try_spawn(|| ()).is_err());
            assert!(!own.join_timeout(Duration::ZERO), "there is one to come");
        });
        newcomer.join().unwrap();
        waiter.join().unwrap();
    });
}

#[test]
fn room_that_was_promised_to_a_victim_goes_to_the_next() {
    support::hub(|| {
        for told_first in [true, false] {
            let pool = Rc::new(Pool::new(1));
            let first = pool.spawn(sleeper);
            yield_now();
            let own = pool.clone();
            let victim = spawn(move || drop(own.spawn(|| unreachable!("it is killed"))));
            let own = pool.clone();
            let next = spawn(move || own.spawn(|| 5).join().unwrap());
            yield_now();
            if told_first {
                // The member ends, and hands its room on, while the victim is about to unwind.
                first.kill();
                victim.kill();
            } else {
                victim.kill();
                first.kill();
            }
            assert!(error_of(victim).is_killed());
            assert_eq!(next.join().unwrap(), 5);
            assert_eq!((pool.len(), pool.free_count()), (0, 1));
        }
    });
}

#[test]
fn who_was_promised_room_before_the_kill_spawns_and_meets_the_kill_later() {
    support::hub(|| {
        let (pool, log) = (Rc::new(Pool::new(1)), Log::new());
        drop(pool.spawn(yield_now));
        let (own, note) = (pool.clone(), log.clone());
        let spawner = spawn(move || {
            let word = note.clone();
            let member = own.spawn(move || word.push("ran"));
            note.push("spawned");
            member.join().unwrap();
            note.push("went on");
        });
        let killer = spawn(move || {
            yield_now();
            spawner.kill();
            error_of(spawner)
        });
        assert!(killer.join().unwrap().is_killed());
        pool.join();
        assert_eq!(log.words(), ["spawned", "ran"]);
        assert_eq!(pool.free_count(), 1);
    });
}

#[test]
fn a_spawner_whose_timeout_was_over_before_it_began_to_wait_loses_no_room() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(1));
        let first = pool.spawn(yield_now);
        let own = pool.clone();
        let late = spawn(move || {
            timeout(ms(1), || {
                std::thread::sleep(ms(3));
                // The expiry is seen at this turn, and the wait that follows gives way to those who are ready.
                let _ = catch_unwind(AssertUnwindSafe(yield_now));
                drop(own.spawn(|| ()));
            })
            .is_err()
        });
        late.wait();
        first.wait();
        pool.join();
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
        assert!(pool.try_spawn(|| ()).is_ok());
    });
}

#[test]
fn room_is_kept_for_nobody_when_there_is_no_stack() {
    support::watch(|| {
        let runtime = greenroom::Runtime::builder().max_threads(1).build().unwrap();
        runtime.run(|| {
            let pool = Pool::new(2);
            let first = pool.spawn(sleeper);
            let text = panic_of(|| pool.spawn(|| ()));
            assert!(text.contains("max_threads"), "{text}");
            assert_eq!((pool.len(), pool.free_count()), (1, 1));
            first.kill();
        });
    });
}

#[test]
fn try_spawn_gives_the_closure_back() {
    support::hub(|| {
        let pool = full(1);
        let tally = Tally::new();
        let one = tally.one();
        let Err(job) = pool.try_spawn(move || drop(one)) else { panic!("there is no room") };
        assert_eq!(tally.alive(), 1);
        job();
        assert_eq!(tally.dropped(), 1);
        pool.kill();
        pool.join();
        assert_eq!(pool.try_spawn(|| 3).ok().unwrap().join().unwrap(), 3);
    });
}

#[test]
fn wait_available_takes_nothing_and_lets_those_who_spawn_go_first() {
    support::hub(|| {
        let (pool, log) = (full(1), Log::new());
        pool.size();
        let (own, note) = (pool.clone(), log.clone());
        let looker = spawn(move || {
            own.wait_available();
            note.push(format!("room {}", own.free_count()));
        });
        yield_now();
        let (own, note) = (pool.clone(), log.clone());
        let spawner = spawn(move || drop(own.spawn(move || note.push("ran"))));
        yield_now();
        pool.kill();
        greenroom::joinall([looker, spawner]);
        assert_eq!(log.words(), ["ran", "room 1"]);
        pool.wait_available();
    });
}

#[test]
fn of_two_who_look_for_room_the_second_waits_on_if_the_first_takes_it() {
    support::hub(|| {
        let (pool, log) = (full(1), Log::new());
        let lookers = ["a", "b"].map(|word| {
            let (pool, log) = (pool.clone(), log.clone());
            spawn(move || {
                pool.wait_available();
                let job = move || {
                    sleep(ms(1));
                    log.push(word);
                };
                assert!(pool.try_spawn(job).is_ok(), "{word}");
            })
        });
        yield_now();
        pool.kill();
        for looker in lookers {
            looker.join().unwrap();
        }
        pool.join();
        assert_eq!(log.words(), ["a", "b"]);
    });
}

#[test]
fn members_that_all_wait_for_room_in_their_own_pool_panic_with_its_size() {
    support::hub(|| {
        for size in [1, 3] {
            let pool = Rc::new(Pool::new(size));
            let members: Vec<_> = (0..size)
                .map(|n| {
                    let pool = pool.clone();
                    pool.clone().spawn(move || match n {
                        0 => drop(pool.spawn(|| ())),
                        1 => drop(pool.map([1], |n| n)),
                        _ => pool.wait_available(),
                    })
                })
                .collect();
            let ended = greenroom::joinall(members);
            let failed: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
            assert_eq!(failed.len(), 1, "the last of them; then there is room for the others");
            assert!(failed[0].message().contains(&format!("pool of size {size}")), "{}", failed[0]);
            pool.join();
            assert_eq!(pool.free_count(), size);
        }
    });
}

#[test]
fn members_wait_for_room_as_long_as_one_of_them_may_end() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(2));
        let own = pool.clone();
        let waits = pool.spawn(move || own.spawn(|| 1).join().unwrap());
        pool.spawn(|| sleep(ms(1)));
        assert_eq!(waits.join().unwrap(), 1);
        // A timeout ends a wait too.
        let pool = Rc::new(Pool::new(1));
        let own = pool.clone();
        let gives_up = pool.spawn(move || timeout(ms(1), || drop(own.spawn(|| ()))).is_err());
        assert!(gives_up.join().unwrap());
        // So does a kill that is on its way.
        let pool = Rc::new(Pool::new(2));
        let own = pool.clone();
        let victim = pool.spawn(move || drop(own.spawn(|| ())));
        yield_now();
        let own = pool.clone();
        let second = pool.spawn(move || {
            victim.kill();
            own.spawn(|| 2).join().unwrap()
        });
        assert_eq!(second.join().unwrap(), 2);
    });
}

#[test]
fn two_pools_may_nest() {
    support::hub(|| {
        let (outer, inner) = (Pool::new(2), Rc::new(Pool::new(1)));
        let sums = outer.map(0..6_u32, move |n| inner.map(0..n, |k| k).into_iter().sum::<u32>());
        assert_eq!(sums, [0, 0, 1, 3, 6, 10]);
    });
}

#[test]
fn an_os_thread_without_a_hub_may_have_a_pool() {
    support::guard(|| {
        let sum = std::thread::spawn(|| Pool::new(2).map(0..5, |n| n).into_iter().sum::<i32>());
        assert_eq!(sum.join().unwrap(), 10);
    });
}

#[test]
fn an_os_thread_that_unwinds_before_it_has_a_hub_makes_the_calls_itself() {
    support::guard(|| {
        let unwinds = std::thread::spawn(|| {
            let _last = OnDrop(|| assert_eq!(Group::new().map([1, 2], |n| n + 1), [2, 3]));
            panic!("on purpose");
        });
        assert_eq!(*unwinds.join().unwrap_err().downcast::<&str>().unwrap(), "on purpose");
    });
}

// ---- imap ----

#[test]
fn imap_keeps_the_order_of_the_items_and_its_twin_that_of_the_ends() {
    support::hub(|| {
        let body = |n: u64| {
            sleep(ms(n));
            n
        };
        let group = Group::new();
        assert_eq!(group.imap([5, 1, 3], body).map(Result::unwrap).collect::<Vec<_>>(), [5, 1, 3]);
        assert_eq!(group.imap_unordered([5, 1, 3], body).map(Result::unwrap).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!((group.imap([0; 0], body).count(), group.imap_unordered([0; 0], body).count()), (0, 0));
    });
}

#[test]
fn an_endless_input_is_read_as_the_bound_says() {
    support::hub(|| {
        for (bound, in_order) in [(0, true), (1, true), (4, true), (0, false), (1, false), (4, false)] {
            let (group, taken) = (Group::new(), Rc::new(Cell::new(0)));
            let count = taken.clone();
            let items = (0_u64..).inspect(move |_| count.set(count.get() + 1));
            let mut results: Box<dyn Iterator<Item = _>> = match in_order {
                true => Box::new(group.imap(items, |n| n).bound(bound)),
                false => Box::new(group.imap_unordered(items, |n| n).bound(bound)),
            };
            (0..4).for_each(|_| yield_now());
            assert_eq!(taken.get(), bound, "nobody has read anything");
            for n in 0..10 {
                assert_eq!(results.next().unwrap().unwrap(), n);
                (0..4).for_each(|_| yield_now());
                assert_eq!(taken.get() - n as usize - 1, bound);
            }
        }
    });
}

#[test]
fn without_a_bound_an_endless_input_still_lets_the_reader_read() {
    support::hub(|| {
        let first: Vec<u64> = Group::new().imap(0_u64.., |n| n).take(3).map(Result::unwrap).collect();
        assert_eq!(first, [0, 1, 2]);
        assert_eq!(Group::new().imap_unordered(0_u64.., |n| n).take(300).count(), 300);
    });
}

#[test]
fn imap_in_a_pool_has_no_more_members_than_there_is_room_for() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(2));
        let own = pool.clone();
        let most = pool.imap_unordered(0..10, move |_| {
            sleep(ms(1));
            own.len()
        });
        assert!(most.map(Result::unwrap).all(|n| n <= 2));
    });
}

#[test]
fn failures_are_results_in_their_place() {
    support::hub(|| {
        let pool = Pool::new(1);
        let body = |n: i32| if n == 0 { panic!("on purpose") } else { n };
        let seen: Vec<_> = pool.imap([1, 0, 2], body).collect();
        assert!(matches!(&seen[..], [Ok(1), Err(error), Ok(2)] if error.message() == "on purpose"));
        let seen: Vec<_> = pool.imap_unordered([1, 0, 2], body).collect();
        assert!(matches!(&seen[..], [Ok(1), Err(error), Ok(2)] if error.is_panic()));
        let mut killed = pool.imap([1], |_| sleeper());
        yield_now();
        yield_now();
        pool.kill();
        assert!(killed.next().unwrap().unwrap_err().is_killed());
        assert!(killed.next().is_none());
    });
}

#[test]
fn a_panic_of_the_input_is_the_last_result() {
    support::hub(|| {
        let items = || (1..).inspect(|n| assert!(*n < 3, "no more"));
        let group = Group::new();
        let mut ordered = group.imap(items(), |n| n);
        let mut unordered = group.imap_unordered(items(), |n| n);
        for results in [&mut ordered as &mut dyn Iterator<Item = Result<i32, _>>, &mut unordered] {
            assert_eq!(results.next().unwrap().unwrap(), 1);
            assert_eq!(results.next().unwrap().unwrap(), 2);
            assert!(results.next().unwrap().unwrap_err().message().starts_with("no more"));
            assert!(results.next().is_none() && results.next().is_none());
        }
    });
}

#[test]
fn a_reader_that_goes_away_stops_the_feeding_and_leaves_those_that_run() {
    support::hub(|| {
        for in_order in [true, false] {
            let (pool, log, tally) = (Pool::new(1), Log::new(), Tally::new());
            let (note, one) = (log.clone(), tally.one());
            let items = ["a", "b", "c"].into_iter().inspect(move |_| assert_eq!(one_alive(&one), ()));
            let body = move |word| {
                sleep(ms(1));
                note.push(word);
            };
            let results: Box<dyn Iterator<Item = _>> = match in_order {
                true => Box::new(pool.imap(items, body)),
                false => Box::new(pool.imap_unordered(items, body)),
            };
            yield_now();
            yield_now();
            drop(results);
            pool.join();
            assert_eq!(log.words(), ["a"]);
            assert_eq!((tally.alive(), pool.free_count()), (0, 1), "the input is dropped");
        }
    });
}

fn one_alive<T>(_: &T) {}

#[test]
fn a_reader_that_is_dropped_at_once_reads_nothing() {
    support::hub(|| {
        let log = Log::new();
        let note = log.clone();
        drop(Group::new().imap([1], move |_| note.push("ran")));
        drop(Group::new().imap_unordered([1], |_| ()));
        yield_now();
        assert!(log.words().is_empty());
        assert_eq!(thread::active_count(), 0);
    });
}

#[test]
fn an_input_that_waits_is_unwound_when_the_reader_goes() {
    support::hub(|| {
        let group = Group::new();
        let mut results = group.imap(
            (0..).inspect(|n| {
                if *n == 1 {
                    sleeper();
                }
            }),
            |n| n,
        );
        assert_eq!(results.next().unwrap().unwrap(), 0);
        yield_now();
        drop(results);
        yield_now();
        assert_eq!(thread::active_count(), 0);
    });
}

#[test]
fn a_wait_for_a_result_that_is_cut_short_loses_none() {
    support::hub(|| {
        let slow = |n: u32| {
            sleep(ms(4));
            n
        };
        for in_order in [true, false] {
            let mut results: Box<dyn Iterator<Item = Result<u32, _>>> = match in_order {
                true => Box::new(Group::new().imap([1, 2], slow)),
                false => Box::new(Group::new().imap_unordered([1, 2], slow)),
            };
            assert!(timeout(ms(1), || results.next().is_some()).is_err());
            assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), [1, 2]);
        }
    });
}

#[test]
fn a_value_whose_drop_parks_and_spawns_is_dropped_with_nothing_borrowed() {
    support::hub(|| {
        let group = Rc::new(Group::new());
        let own = group.clone();
        let results = group.imap(0..3, move |_| {
            let own = own.clone();
            OnDrop(move || {
                yield_now();
                own.spawn(|| ());
            })
        });
        (0..3).for_each(|_| yield_now());
        drop(results);
        group.join();
        assert_eq!(thread::active_count(), 0);
    });
}

#[test]
fn an_iterator_that_outlives_its_hub_is_at_its_end() {
    support::watch(|| {
        let mut results = greenroom::run(|| {
            let mut results = Pool::new(1).imap(0.., |n| n).bound(2);
            assert_eq!(results.next().unwrap().unwrap(), 0);
            results
        });
        let left = greenroom::run(|| results.by_ref().take(5).count());
        assert!(left <= 3, "what had begun, and why there is no more: {left}");
    });
}

#[test]
fn who_waits_for_the_end_is_told_though_the_last_promise_of_room_comes_back_unused() {
    support::hub(|| {
        let pool = Rc::new(Pool::new(1));
        let (inside, victim) = (pool.clone(), Rc::new(RefCell::new(None::<JoinHandle<()>>)));
        let theirs = victim.clone();
        // Its end promises room to the one that waits to spawn, which was killed before, in the same turn.
        drop(pool.spawn(move || {
            yield_now();
            if let Some(victim) = &*theirs.borrow() {
                victim.kill();
            }
        }));
        *victim.borrow_mut() = Some(spawn(move || drop(inside.spawn(|| ()))));
        yield_now();
        let joiner = pool.clone();
        let joins = spawn(move || joiner.join());
        assert!(joins.wait_timeout(ms(1_000)), "all have ended");
        assert_eq!((pool.len(), pool.free_count()), (0, 1));
    });
}
