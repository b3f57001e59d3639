//! `greenroom::thread`: birth, names, parking. Its other sides have a file each.

mod heirs;
mod join;
mod kill;
mod locals;
mod outcome;
mod parking;
mod scope;

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use greenroom::thread::{self, Builder};
use greenroom::{JoinHandle, Runtime, sleep, spawn, spawn_later, yield_now};

use crate::support::{self, Log, Tally, ms, panic_of};

#[test]
fn a_spawned_closure_needs_no_send_and_its_value_comes_back() {
    support::hub(|| {
        let shared = Rc::new(Cell::new(1));
        let child = spawn({
            let shared = shared.clone();
            move || {
                shared.set(shared.get() + 1);
                shared
            }
        });
        assert_eq!(shared.get(), 1, "spawn itself does not switch");
        assert_eq!(child.join().unwrap().get(), 2);
    });
}

#[test]
fn a_green_thread_may_spawn_and_whoever_has_the_handle_may_join() {
    support::hub(|| {
        let inner = spawn(|| spawn(|| 7)).join().unwrap();
        assert_eq!(inner.join().unwrap(), 7);
    });
}

#[test]
fn a_chain_of_10_000_joins_returns() {
    fn link(depth: u32) -> JoinHandle<u32> {
        spawn(move || if depth == 0 { 0 } else { link(depth - 1).join().unwrap() + 1 })
    }
    support::hub(|| assert_eq!(link(10_000).join().unwrap(), 10_000));
}

#[test]
fn dropping_the_handle_detaches_and_the_value_is_dropped_at_the_end() {
    support::virtual_hub(|| {
        let tally = Tally::new();
        let value = tally.one();
        drop(spawn(move || {
            yield_now();
            value
        }));
        assert_eq!(tally.alive(), 1);
        sleep(ms(1));
        assert_eq!((tally.alive(), tally.dropped()), (0, 1));
    });
}

#[test]
fn a_closure_that_never_ran_is_dropped_once_with_its_runtime() {
    support::watch(|| {
        let (tally, log) = (Tally::new(), Log::new());
        let runtime = Runtime::new().unwrap();
        let (value, words) = (tally.one(), log.clone());
        drop(runtime.spawn(move || {
            words.push("ran");
            drop(value);
        }));
        drop(runtime);
        assert_eq!((tally.dropped(), log.words()), (1, vec![]));
    });
}

#[test]
fn names_are_what_was_asked_for() {
    support::hub(|| {
        let named =
            Builder::new().name("clock").spawn(|| thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(named.thread().name(), Some("clock"));
        assert_eq!(named.join().unwrap().as_deref(), Some("clock"));
        let plain = spawn(|| thread::current().name().map(str::to_owned));
        assert_eq!(plain.join().unwrap(), None);
        let root = thread::current();
        assert_eq!(root.name(), std::thread::current().name());
    });
}

#[test]
fn no_two_that_live_have_one_id_and_current_is_whoever_asks() {
    support::hub(|| {
        let all: Vec<_> = (0..1_000).map(|_| spawn(|| thread::current().id())).collect();
        let given: Vec<_> = all.iter().map(|child| child.thread().id()).collect();
        let seen: Vec<_> = all.into_iter().map(|child| child.join().unwrap()).collect();
        assert_eq!(given, seen);
        let distinct: HashSet<_> = seen.into_iter().chain([thread::current().id()]).collect();
        assert_eq!(distinct.len(), 1_001);
    });
}

#[test]
fn the_id_of_the_root_is_the_same_before_during_and_after_a_hub() {
    support::watch(|| {
        let during = greenroom::run(|| thread::current().id());
        let again = greenroom::run(|| thread::current().id());
        assert_eq!(during, again);
        let other = std::thread::spawn(|| greenroom::run(|| thread::current().id())).join().unwrap();
        assert_ne!(during, other);
    });
}

#[test]
fn the_living_are_counted_and_listed_without_the_root() {
    support::virtual_hub(|| {
        assert_eq!((thread::active_count(), thread::enumerate().len()), (0, 0));
        let all = ["a", "b"].map(|name| Builder::new().name(name).spawn(|| sleep(ms(2))).unwrap());
        let later = spawn_later(ms(1), || ());
        assert_eq!(thread::active_count(), 3);
        let listed = thread::enumerate();
        let names: HashSet<_> = listed.iter().map(|thread| thread.name()).collect();
        assert_eq!(names, HashSet::from([Some("a"), Some("b"), None]));
        greenroom::joinall(all);
        later.join().unwrap();
        assert_eq!(thread::active_count(), 0);
    });
}

#[test]
fn run_waits_for_ordinary_green_threads_and_kills_the_daemons() {
    let (tally, log) = (Tally::new(), Log::new());
    support::virtual_hub(|| {
        let (value, words) = (tally.one(), log.clone());
        let endless = move || {
            let _value = value;
            loop {
                words.push("tick");
                sleep(ms(86_400_000));
            }
        };
        Builder::new().daemon(true).spawn(endless).unwrap();
        let words = log.clone();
        spawn(move || {
            sleep(ms(2));
            words.push("ordinary");
        });
    });
    assert_eq!(log.words(), ["tick", "ordinary"]);
    assert_eq!(tally.dropped(), 1);
}

#[test]
fn a_daemon_that_has_not_started_never_runs() {
    let log = Log::new();
    support::hub(|| {
        let words = log.clone();
        Builder::new().daemon(true).spawn(move || words.push("ran")).unwrap();
    });
    assert_eq!(log.words(), [""; 0]);
}

#[test]
fn spawn_later_begins_no_earlier_and_needs_no_stack_until_then() {
    support::hub(|| {
        let (asked, delay) = (std::time::Instant::now(), ms(5));
        let late = spawn_later(delay, std::time::Instant::now);
        yield_now();
        assert!(!late.is_finished());
        assert_eq!(greenroom::Handle::current().metrics().stacks, 0);
        assert!(late.join().unwrap() - asked >= delay);
    });
}

#[test]
fn run_waits_for_what_was_spawned_for_later() {
    let log = Log::new();
    support::hub(|| {
        let words = log.clone();
        spawn_later(ms(2), move || words.push("late"));
    });
    assert_eq!(log.words(), ["late"]);
}

#[test]
fn small_stacks_are_rounded_up_and_absurd_ones_are_an_error() {
    support::hub(|| {
        let small = Builder::new().stack_size(1).spawn(|| format!("{}", 1.5)).unwrap();
        assert_eq!(small.join().unwrap(), "1.5");
        for absurd in [usize::MAX, usize::MAX / 2, 1 << 60] {
            let error = Builder::new().name("huge").stack_size(absurd).spawn(|| ()).unwrap_err();
            assert!(!error.to_string().is_empty());
        }
        assert_eq!(thread::active_count(), 0);
        spawn(|| ()).join().unwrap();
    });
}

#[test]
fn a_large_stack_holds_a_large_frame() {
    support::hub(|| {
        let large = || {
            let frame = std::hint::black_box([7u8; 3 << 20]);
            frame.iter().map(|byte| u64::from(*byte)).sum::<u64>()
        };
        let child = Builder::new().stack_size(8 << 20).spawn(large).unwrap();
        assert_eq!(child.join().unwrap(), 7 * (3 << 20));
    });
}

#[test]
fn past_max_threads_the_builder_fails_and_spawn_panics_until_one_has_ended() {
    support::watch(|| {
        Runtime::builder().max_threads(2).build().unwrap().run(|| {
            let first = spawn(|| sleep(ms(1)));
            let second = spawn(|| sleep(ms(1)));
            let error = Builder::new().spawn(|| ()).unwrap_err();
            assert!(error.to_string().contains("max_threads"), "{error}");
            assert!(panic_of(|| spawn(|| ())).contains("max_threads"));
            first.join().unwrap();
            second.join().unwrap();
            spawn(|| ()).join().unwrap();
        });
    });
}

#[test]
fn on_hub_stack_has_room_that_a_green_thread_has_not() {
    fn deep(levels: u32) -> u32 {
        let frame = std::hint::black_box([levels; 256]);
        if levels == 0 { 0 } else { deep(levels - 1) + 1 + (frame[3] - frame[4]) }
    }
    support::hub(|| {
        // Some 800 KiB of frames, on a stack of 64 KiB.
        let child = Builder::new().stack_size(64 << 10).spawn(|| thread::on_hub_stack(|| deep(600))).unwrap();
        assert_eq!(child.join().unwrap(), 600);
        assert_eq!(thread::on_hub_stack(|| deep(600)), 600, "on the root it is a plain call");
    });
}

#[test]
fn on_hub_stack_hands_back_values_and_panics() {
    support::hub(|| {
        let child = spawn(|| {
            let text = String::from("carried");
            let back = thread::on_hub_stack(|| text.clone());
            (back, panic_of(|| thread::on_hub_stack(|| panic!("from below"))))
        });
        assert_eq!(child.join().unwrap(), ("carried".into(), "from below".into()));
    });
}

#[test]
fn on_hub_stack_inside_itself_is_a_plain_call() {
    support::hub(|| {
        let child = spawn(|| {
            thread::on_hub_stack(|| {
                let outer = std::hint::black_box([1_u64; 512]);
                let inner = thread::on_hub_stack(|| std::hint::black_box([2_u64; 2_048]).iter().sum::<u64>());
                outer.iter().sum::<u64>() + inner
            })
        });
        assert_eq!(child.join().unwrap(), 512 + 4_096);
    });
}

#[test]
fn on_hub_stack_refuses_to_park_and_hurts_nobody() {
    support::virtual_hub(|| {
        let neighbour = spawn(|| (0..10).for_each(|_| yield_now()));
        for on_root in [false, true] {
            let attempt = || {
                let refused = panic_of(|| thread::on_hub_stack(|| sleep(ms(1))));
                assert!(!refused.is_empty());
                panic_of(|| thread::on_hub_stack(yield_now));
                panic_of(|| thread::on_hub_stack(thread::park));
                sleep(ms(1));
            };
            if on_root { attempt() } else { spawn(attempt).join().unwrap() }
        }
        neighbour.join().unwrap();
    });
}

#[test]
fn cancel_is_seen_and_ends_sleeps_early_but_not_yields_or_joins() {
    support::virtual_hub(|| {
        let log = Log::new();
        let other = spawn(|| sleep(ms(6)));
        let words = log.clone();
        let victim = spawn(move || {
            assert!(!thread::is_cancelled());
            sleep(ms(3_600_000));
            words.push("woke");
            assert!(thread::is_cancelled());
            yield_now();
            other.wait();
            words.push("joined");
            sleep(ms(3_600_000));
            "ended by itself"
        });
        yield_now();
        victim.cancel();
        victim.cancel();
        assert!(!thread::is_cancelled(), "it is the victim's alone");
        sleep(ms(1));
        assert_eq!(log.words(), ["woke"]);
        assert_eq!(victim.join().unwrap(), "ended by itself");
        assert_eq!(log.words(), ["woke", "joined"]);
    });
}

#[test]
fn a_cancelled_loop_of_sleeps_gives_others_their_turn_and_can_be_killed() {
    support::hub(|| {
        let turns = Rc::new(Cell::new(0));
        let count = turns.clone();
        let stubborn = spawn(move || {
            loop {
                sleep(ms(1_000));
                count.set(count.get() + 1);
            }
        });
        yield_now();
        stubborn.cancel();
        // A cancelled sleep returns early each time.
        support::until(|| turns.get() > 1);
        stubborn.kill();
        assert!(stubborn.join().unwrap_err().is_killed());
    });
}

#[test]
fn a_green_thread_may_cancel_before_another_has_started() {
    support::hub(|| {
        let child = spawn(|| {
            let cancelled = thread::is_cancelled();
            sleep(ms(3_600_000));
            cancelled
        });
        child.cancel();
        assert!(child.join().unwrap());
    });
}

#[test]
fn what_std_has_and_we_do_not_change_is_there() {
    support::hub(|| {
        assert!(thread::available_parallelism().unwrap().get() >= 1);
        assert!(!thread::panicking());
        let child = spawn(|| {
            let seen = Rc::new(Cell::new(None));
            let write = seen.clone();
            let guard = support::OnDrop(move || write.set(Some(thread::panicking())));
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                let _guard = guard;
                panic!("on purpose");
            }));
            seen.get()
        });
        assert_eq!(child.join().unwrap(), Some(true));
    });
}
