//! `sync::RwLock`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenroom::sync::{Arc, RwLock, RwLockReadGuard};
use greenroom::{Runtime, sleep, spawn, timeout, yield_now};

use super::{join_os, parked, parked_each, settle};
use crate::support::{self, Log, OnDrop, error_of, ms, panic_of};

/// Each word says what its green thread does: `r` reads, `w` writes. It logs itself once it has the lock, and keeps it
/// for one turn.
fn queue_up(lock: &Rc<RwLock<()>>, words: &[&'static str], log: &Log) -> Vec<greenroom::JoinHandle<()>> {
    let lock = lock.clone();
    parked_each(words, log, move |word, log| {
        if word.starts_with('r') {
            let _guard = lock.read();
            log.push(word);
            yield_now();
            log.push(format!("{word} ends"));
        } else {
            let _guard = lock.write();
            log.push(word);
            yield_now();
            log.push(format!("{word} ends"));
        }
    })
}

#[test]
fn readers_share_and_a_writer_is_alone() {
    support::hub(|| {
        let lock = RwLock::new(1);
        let (one, two) = (lock.read(), lock.try_read().expect("readers share"));
        assert_eq!(*one + *two, 2);
        assert!(lock.try_write().is_none());
        drop(one);
        assert!(lock.try_write().is_none());
        drop(two);
        let mut alone = lock.try_write().expect("nobody has it");
        *alone = 2;
        assert!(lock.try_read().is_none() && lock.try_write().is_none());
        drop(alone);
        assert_eq!(*lock.read(), 2);
    });
}

#[test]
fn the_lock_goes_to_the_first_and_to_all_readers_up_to_the_next_writer() {
    support::hub(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
        let guard = lock.write();
        let all = queue_up(&lock, &["r1", "r2", "w1", "w2", "r3"], &log);
        drop(guard);
        greenroom::joinall(all);
        let expected = ["r1", "r2", "r1 ends", "r2 ends", "w1", "w1 ends", "w2", "w2 ends", "r3", "r3 ends"];
        assert_eq!(log.words(), expected);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn a_reader_that_comes_while_a_writer_waits_queues_up_behind_it() {
    support::hub(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
        let guard = lock.read();
        let all = queue_up(&lock, &["w", "r"], &log);
        assert!(lock.try_read().is_none());
        settle();
        assert_eq!(log.words(), [""; 0]);
        drop(guard);
        assert!(lock.try_read().is_none() && lock.try_write().is_none(), "it was handed over");
        greenroom::joinall(all);
        assert_eq!(log.words(), ["w", "w ends", "r", "r ends"]);
    });
}

#[test]
fn the_last_of_several_readers_hands_it_to_the_writer() {
    support::hub(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
        let guards = [lock.read(), lock.read(), lock.read()];
        let all = queue_up(&lock, &["w"], &log);
        for guard in guards {
            settle();
            assert_eq!(log.words(), [""; 0]);
            drop(guard);
        }
        greenroom::joinall(all);
        assert_eq!(log.words(), ["w", "w ends"]);
    });
}

#[test]
fn a_writer_that_leaves_the_head_of_the_line_lets_the_readers_behind_it_in() {
    support::virtual_hub(|| {
        for leaves_by in ["kill", "scope", "limit"] {
            let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
            let _guard = lock.read();
            let shared = lock.clone();
            let writer = parked(move || match leaves_by {
                "scope" => assert!(timeout(ms(1), || drop(shared.write())).is_err()),
                "limit" => assert!(shared.write_timeout(ms(1)).is_none()),
                _ => drop(shared.write()),
            });
            let readers = queue_up(&lock, &["r1", "r2"], &log);
            if leaves_by == "kill" {
                writer.kill();
            }
            writer.wait();
            greenroom::joinall(readers);
            assert_eq!(log.words(), ["r1", "r2", "r1 ends", "r2 ends"], "{leaves_by}");
            assert!(lock.try_read().is_some(), "newcomers need not queue up any more");
        }
    });
}

#[test]
fn a_writer_that_leaves_lets_in_only_those_up_to_the_next_writer() {
    support::hub(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
        let guard = lock.read();
        let all = queue_up(&lock, &["w1", "r1", "w2", "r2"], &log);
        all[0].kill();
        settle();
        assert_eq!(log.words(), ["r1", "r1 ends"]);
        drop(guard);
        all.iter().for_each(|one| one.wait());
        assert_eq!(log.words(), ["r1", "r1 ends", "w2", "w2 ends", "r2", "r2 ends"]);
    });
}

#[test]
fn one_that_leaves_while_a_writer_has_it_lets_nobody_in() {
    support::hub(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
        let guard = lock.write();
        let all = queue_up(&lock, &["w1", "r1", "r2"], &log);
        all[0].kill();
        all[1].kill();
        settle();
        assert_eq!(log.words(), [""; 0]);
        drop(guard);
        all.iter().for_each(|one| one.wait());
        assert_eq!(log.words(), ["r2", "r2 ends"]);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn what_was_handed_to_one_that_is_killed_before_it_runs_goes_to_the_next() {
    support::hub(|| {
        for kill_first in [true, false] {
            for words in [["r1", "w2"], ["w1", "w2"], ["w1", "r2"], ["r1", "r2"]] {
                let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
                let guard = lock.write();
                let all = queue_up(&lock, &words, &log);
                if kill_first {
                    all[0].kill();
                    drop(guard);
                } else {
                    drop(guard);
                    all[0].kill();
                }
                all.iter().for_each(|one| one.wait());
                let last: Vec<_> = log.words().into_iter().filter(|word| word.contains("ends")).collect();
                assert_eq!(last, [format!("{} ends", words[1])], "{words:?}, kill first: {kill_first}");
                assert!(lock.try_write().is_some());
            }
        }
    });
}

#[test]
fn a_writer_is_not_starved_by_readers_nor_readers_by_writers() {
    support::virtual_hub(|| {
        let (lock, over) = (Rc::new(RwLock::new(())), Rc::new(Cell::new(false)));
        let looping = |write: bool| {
            let (lock, over) = (lock.clone(), over.clone());
            spawn(move || {
                while !over.get() {
                    if write {
                        let _guard = lock.write();
                        yield_now();
                    } else {
                        let _guard = lock.read();
                        yield_now();
                    }
                }
            })
        };
        let mut all: Vec<_> = (0..100).map(|_| looping(false)).collect();
        yield_now();
        assert!(lock.write_timeout(ms(5_000)).is_some());
        all.extend((0..100).map(|_| looping(true)));
        yield_now();
        assert!(lock.read_timeout(ms(5_000)).is_some());
        over.set(true);
        greenroom::joinall(all);
    });
}

#[test]
fn who_writes_and_locks_again_panics_and_the_first_place_is_named() {
    let claim = || {
        let lock = RwLock::new(());
        let (line, guard) = (line!(), lock.write());
        for text in [panic_of(|| lock.write()), panic_of(|| drop(lock.read()))] {
            assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
        }
        assert!(lock.write_timeout(ms(1)).is_none() && lock.read_timeout(ms(1)).is_none());
        drop(guard);
        assert!(lock.try_write().is_some());
    };
    support::virtual_hub(|| {
        claim();
        spawn(claim).join().unwrap();
    });
    support::watch(claim);
}

#[test]
fn waits_with_a_limit_end_in_time_and_not_before() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(()));
        let guard = lock.write();
        let (shared, in_vain) = (lock.clone(), Rc::new(Cell::new(false)));
        let all_in_vain = in_vain.clone();
        let other = spawn(move || {
            for limit in [Duration::ZERO, Duration::from_nanos(1), ms(2)] {
                let begun = Instant::now();
                assert!(shared.write_timeout(limit).is_none());
                assert!(begun.elapsed() >= limit);
                let begun = Instant::now();
                assert!(shared.read_timeout(limit).is_none());
                assert!(begun.elapsed() >= limit);
            }
            all_in_vain.set(true);
            drop(shared.write_timeout(Duration::MAX).expect("it comes"));
            drop(shared.read_timeout(Duration::ZERO).expect("it is free"));
            drop(shared.write_timeout(Duration::ZERO).expect("it is free"));
        });
        while !in_vain.get() {
            sleep(ms(1));
        }
        drop(guard);
        other.join().unwrap();
    });
}

#[test]
fn a_panic_or_a_kill_of_whoever_has_it_lets_go() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(0));
        let shared = lock.clone();
        let panics = spawn(move || {
            *shared.write() = 1;
            let _guard = shared.write();
            panic!("on purpose");
        });
        assert!(error_of(panics).is_panic());
        let shared = lock.clone();
        let reads = parked(move || {
            let _guard = shared.read();
            sleep(Duration::MAX);
        });
        assert!(lock.try_write().is_none());
        reads.kill();
        assert_eq!(*lock.write(), 1);
    });
}

#[test]
fn destructors_that_lock_while_they_unwind_get_it_in_turn() {
    support::hub(|| {
        let (lock, log) = (Rc::new(RwLock::new(())), Log::new());
        let guard = lock.write();
        let shared = lock.clone();
        let all = parked_each(&["reads", "writes", "reads too"], &log, move |word, log| {
            let lock = shared.clone();
            let _locks = OnDrop(move || {
                if word == "writes" {
                    drop(lock.write())
                } else {
                    drop(lock.read())
                }
                log.push(word);
            });
            sleep(Duration::MAX);
        });
        all.iter().for_each(|one| one.kill());
        settle();
        drop(guard);
        all.iter().for_each(|one| one.wait());
        assert_eq!(log.words(), ["reads", "writes", "reads too"]);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn no_reader_sees_a_writer_in_the_act_on_any_os_thread() {
    support::watch(|| {
        let pair = RwLock::new((0, 0));
        let (done, torn) = (AtomicBool::new(false), AtomicUsize::new(0));
        let write = || {
            for _ in 0..500 {
                let mut both = pair.write();
                both.0 += 1;
                std::hint::spin_loop();
                both.1 += 1;
            }
        };
        let look = || {
            let both = pair.read();
            torn.fetch_add(usize::from(both.0 != both.1), Ordering::Relaxed);
        };
        let impatient = || {
            while !done.load(Ordering::Relaxed) {
                if let Some(mut both) = pair.write_timeout(Duration::from_micros(20)) {
                    both.0 += 1;
                    both.1 += 1;
                }
                if let Some(both) = pair.read_timeout(Duration::from_micros(20)) {
                    torn.fetch_add(usize::from(both.0 != both.1), Ordering::Relaxed);
                }
            }
        };
        let green = || {
            greenroom::run(|| {
                greenroom::scope(|s| {
                    for _ in 0..5 {
                        s.spawn(|| {
                            (0..100).for_each(|_| {
                                look();
                                yield_now();
                            })
                        });
                    }
                    s.spawn(write);
                });
            });
        };
        std::thread::scope(|threads| {
            let quitter = threads.spawn(impatient);
            let all = [threads.spawn(write), threads.spawn(green), threads.spawn(green)];
            threads.spawn(|| (0..500).for_each(|_| look()));
            all.into_iter().for_each(|one| one.join().unwrap());
            done.store(true, Ordering::Relaxed);
            quitter.join().unwrap();
        });
        assert_eq!(torn.into_inner(), 0);
        let (one, two) = *pair.try_write().expect("nobody has it");
        assert!(one == two && one >= 1_500);
    });
}

#[test]
fn an_os_thread_and_a_green_thread_hand_it_to_each_other() {
    support::hub(|| {
        let lock = Arc::new(RwLock::new(0));
        let guard = lock.read();
        let shared = lock.clone();
        let writes = std::thread::spawn(move || {
            let mut value = shared.write();
            std::thread::sleep(ms(2));
            *value = 1;
        });
        while lock.try_read().is_some() {
            sleep(ms(1));
        }
        drop(guard);
        assert_eq!(*lock.read(), 1, "who comes later waits for the writer");
        join_os(writes);
    });
}

#[test]
fn the_end_of_a_hub_takes_its_waiters_out() {
    support::watch(|| {
        let lock = Arc::new(RwLock::new(()));
        let guard = lock.read();
        let runtime = Runtime::new().unwrap();
        let (writes, reads) = (lock.clone(), lock.clone());
        let all = [runtime.spawn(move || drop(writes.write())), runtime.spawn(move || drop(reads.read()))];
        sleep(ms(1));
        assert!(lock.try_read().is_none());
        drop(runtime);
        assert!(all.iter().all(|one| one.is_finished()));
        drop(lock.try_read().expect("nobody waits"));
        drop(guard);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn values_go_in_and_out() {
    let mut lock = RwLock::from(String::from("a"));
    lock.get_mut().push('b');
    lock.write().push('c');
    assert_eq!(format!("{} {:?}", lock.read(), lock.read()), "abc \"abc\"");
    assert_eq!(format!("{} {:?}", lock.write(), lock.try_read()), "abc None");
    assert_eq!(format!("{lock:?}"), "RwLock { data: \"abc\", .. }");
    let guard = lock.write();
    assert_eq!(format!("{lock:?} {guard:?}"), "RwLock { data: <locked>, .. } \"abc\"");
    drop(guard);
    assert_eq!(lock.into_inner(), "abc");
    assert_eq!(*RwLock::<u8>::default().read(), 0);
    let slice: &RwLock<[u8]> = &RwLock::new([1, 2]);
    slice.write()[0] = 3;
    assert_eq!(*slice.read(), [3, 2]);
    static LOCK: RwLock<u8> = RwLock::new(1);
    assert_eq!(*LOCK.read(), 1);
}

#[test]
fn a_reading_guard_of_what_lives_longer_is_one_of_what_lives_shorter() {
    fn shorter<'g>(guard: RwLockReadGuard<'g, &'static str>) -> RwLockReadGuard<'g, &'g str> {
        guard
    }
    let lock = RwLock::new("a");
    assert_eq!(*shorter(lock.read()), "a");
}
