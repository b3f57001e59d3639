//! Locks of std's in green threads, after `patch_sync`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, mpsc};
use std::time::{Duration, Instant};

use greenroom::monkey::patch_sync;
use greenroom::{JoinHandle, sleep, spawn, timeout, yield_now};

use crate::support::{Log, hub, watch};

const SHORT: Duration = Duration::from_millis(20);

fn patched<T>(f: impl FnOnce() -> T) -> T {
    patch_sync();
    hub(f)
}

/// Runs others as long as `f` has not come true.
fn until(f: impl Fn() -> bool) {
    while !f() {
        yield_now();
    }
}

fn join_all(handles: impl IntoIterator<Item = JoinHandle<()>>) {
    for handle in handles {
        handle.join().unwrap();
    }
}

#[test]
fn a_mutex_held_across_a_sleep_makes_only_those_wait_who_want_it() {
    patched(|| {
        let log = Log::new();
        let lock = Arc::new(Mutex::new(0));
        let holder = spawn({
            let (log, lock) = (log.clone(), lock.clone());
            move || {
                let mut held = lock.lock().unwrap();
                log.push("held");
                sleep(SHORT);
                *held += 1;
                log.push("given back");
            }
        });
        let waiter = spawn({
            let (log, lock) = (log.clone(), lock.clone());
            move || {
                log.push("wanted");
                *lock.lock().unwrap() += 1;
                log.push("had");
            }
        });
        let bystander = spawn({
            let log = log.clone();
            move || log.push("bystander")
        });
        join_all([holder, waiter, bystander]);
        assert_eq!(log.words(), ["held", "wanted", "bystander", "given back", "had"]);
        assert_eq!(*lock.lock().unwrap(), 2);
    });
}

#[test]
fn the_root_waits_for_a_mutex_that_a_green_thread_has() {
    patched(|| {
        let lock = Arc::new(Mutex::new(false));
        spawn({
            let lock = lock.clone();
            move || {
                let mut done = lock.lock().unwrap();
                sleep(SHORT);
                *done = true;
            }
        });
        yield_now();
        assert!(*lock.lock().unwrap());
    });
}

#[test]
fn readers_and_writers_of_an_rwlock_wait_for_each_other() {
    patched(|| {
        let lock = Arc::new(RwLock::new(0));
        let writing = spawn({
            let lock = lock.clone();
            move || {
                let mut number = lock.write().unwrap();
                sleep(SHORT);
                *number += 1;
            }
        });
        yield_now();
        // Write-locked, with readers and writers waiting, its word is u32::MAX, as that of a `thread::park` is.
        let writers = [(); 3].map(|()| {
            let lock = lock.clone();
            spawn(move || {
                let mut number = lock.write().unwrap();
                yield_now();
                *number += 1;
            })
        });
        let readers = [(); 3].map(|()| {
            let lock = lock.clone();
            spawn(move || {
                let number = lock.read().unwrap();
                sleep(SHORT);
                assert!(*number >= 1);
            })
        });
        join_all([writing].into_iter().chain(writers).chain(readers));
        assert_eq!(*lock.read().unwrap(), 4);
    });
}

#[test]
fn a_condition_is_waited_for_and_notified_among_green_threads() {
    patched(|| {
        let pair = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let takers = [(); 4].map(|()| {
            let pair = pair.clone();
            spawn(move || {
                let (items, arrival) = &*pair;
                let mut items = arrival.wait_while(items.lock().unwrap(), |items| items.is_empty()).unwrap();
                items.pop();
            })
        });
        yield_now();
        for number in 0..4 {
            pair.0.lock().unwrap().push(number);
            pair.1.notify_one();
        }
        join_all(takers);

        let (open, waiting) = (Arc::new((Mutex::new(false), Condvar::new())), Rc::new(Cell::new(0)));
        let many = [(); 10].map(|()| {
            let (open, waiting) = (open.clone(), waiting.clone());
            spawn(move || {
                waiting.set(waiting.get() + 1);
                drop(open.1.wait_while(open.0.lock().unwrap(), |open| !*open));
            })
        });
        until(|| waiting.get() == 10);
        *open.0.lock().unwrap() = true;
        open.1.notify_all();
        join_all(many);
    });
}

#[test]
fn a_wait_with_a_limit_ends_when_it_says() {
    patched(|| {
        let (lock, never) = (Mutex::new(()), Condvar::new());
        let others = Rc::new(Cell::new(0));
        let busy = spawn({
            let others = others.clone();
            move || {
                for _ in 0..3 {
                    sleep(Duration::from_millis(5));
                    others.set(others.get() + 1);
                }
            }
        });
        let begun = Instant::now();
        let (_guard, answer) = never.wait_timeout(lock.lock().unwrap(), SHORT).unwrap();
        assert!(answer.timed_out());
        assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
        assert!(begun.elapsed() < SHORT * 2_000, "{:?}", begun.elapsed());
        assert!(others.get() > 0, "the others ran meanwhile");
        drop(_guard);
        for limit in [Duration::ZERO, Duration::from_nanos(1)] {
            assert!(never.wait_timeout(lock.lock().unwrap(), limit).unwrap().1.timed_out());
        }
        busy.join().unwrap();
    });
}

#[test]
fn a_wait_with_a_huge_limit_ends_when_notified() {
    patched(|| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 4), Duration::from_secs(1 << 40)] {
            *pair.0.lock().unwrap() = false;
            let notifier = spawn({
                let pair = pair.clone();
                move || {
                    *pair.0.lock().unwrap() = true;
                    pair.1.notify_one();
                }
            });
            let (done, answer) =
                pair.1.wait_timeout_while(pair.0.lock().unwrap(), limit, |done| !*done).unwrap();
            assert!(*done && !answer.timed_out());
            drop(done);
            notifier.join().unwrap();
        }
    });
}

#[test]
fn an_initialiser_that_sleeps_is_waited_for() {
    static LAZY: LazyLock<u8> = LazyLock::new(|| {
        sleep(SHORT);
        7
    });
    patched(|| {
        let (once, cell, runs) = (Arc::new(Once::new()), Arc::new(OnceLock::new()), Rc::new(Cell::new(0)));
        let all = [(); 4].map(|()| {
            let (once, cell, runs) = (once.clone(), cell.clone(), runs.clone());
            spawn(move || {
                assert_eq!(*LAZY, 7);
                once.call_once(|| {
                    sleep(SHORT);
                    runs.set(runs.get() + 1);
                });
                assert_eq!(runs.get(), 1);
                let init = || {
                    sleep(SHORT);
                    runs.get()
                };
                assert_eq!(*cell.get_or_init(init), 1);
            })
        });
        join_all(all);
    });
}

#[test]
fn green_threads_meet_at_a_std_barrier() {
    patched(|| {
        let (barrier, leaders) = (Arc::new(Barrier::new(5)), Rc::new(Cell::new(0)));
        let all = [(); 5].map(|()| {
            let (barrier, leaders) = (barrier.clone(), leaders.clone());
            spawn(move || {
                for _ in 0..10 {
                    let leads = barrier.wait().is_leader();
                    leaders.set(leaders.get() + u32::from(leads));
                }
            })
        });
        join_all(all);
        assert_eq!(leaders.get(), 10);
    });
}

#[test]
fn a_mutex_that_an_os_thread_has_stops_nobody_else() {
    patched(|| {
        let lock = Arc::new(Mutex::new(()));
        let (held, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let os_thread = std::thread::spawn({
            let (lock, held, go) = (lock.clone(), held.clone(), go.clone());
            move || {
                let _guard = lock.lock().unwrap();
                held.store(true, Ordering::Release);
                while !go.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
            }
        });
        until(|| held.load(Ordering::Acquire));
        let waiters = [(); 3].map(|()| {
            let lock = lock.clone();
            spawn(move || drop(lock.lock().unwrap()))
        });
        // Only if the waiters leave it the OS thread does this run, and nobody has the lock before.
        sleep(SHORT);
        assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
        go.store(true, Ordering::Release);
        join_all(waiters);
        os_thread.join().unwrap();
    });
}

#[test]
fn an_os_thread_waits_for_a_mutex_that_a_green_thread_has() {
    patched(|| {
        let lock = Arc::new(Mutex::new(0));
        let mut guard = lock.lock().unwrap();
        let os_threads = [(); 3].map(|()| {
            let lock = lock.clone();
            std::thread::spawn(move || *lock.lock().unwrap() += 1)
        });
        sleep(SHORT);
        *guard += 1;
        drop(guard);
        until(|| os_threads.iter().all(|os_thread| os_thread.is_finished()));
        assert_eq!(*lock.lock().unwrap(), 4);
    });
}

#[test]
fn a_killed_green_thread_gets_the_lock_first_and_ends_at_its_next_wait() {
    patched(|| {
        let lock = Arc::new(Mutex::new(()));
        let log = Log::new();
        let guard = lock.lock().unwrap();
        let victim = spawn({
            let (lock, log) = (lock.clone(), log.clone());
            move || {
                let _guard = lock.lock().unwrap();
                log.push("has the lock");
                sleep(SHORT);
                log.push("not reached");
            }
        });
        yield_now();
        victim.kill();
        sleep(SHORT);
        assert!(!victim.is_finished(), "no kill strikes in a wait for a lock of std's");
        drop(guard);
        assert!(victim.join().unwrap_err().is_killed());
        assert_eq!(log.words(), ["has the lock"]);
        assert!(lock.is_poisoned(), "it unwound with the lock in its hands");
    });
}

#[test]
fn a_timeout_that_expires_in_a_wait_for_a_lock_is_met_at_the_next() {
    patched(|| {
        let lock = Arc::new(Mutex::new(()));
        let holder = spawn({
            let lock = lock.clone();
            move || {
                let _guard = lock.lock().unwrap();
                sleep(SHORT * 2);
            }
        });
        yield_now();
        let begun = Instant::now();
        let ended = timeout(Duration::from_millis(1), || {
            drop(lock.lock().unwrap());
            let waited = begun.elapsed();
            sleep(SHORT);
            waited
        });
        assert!(ended.is_err(), "the sleep unwound");
        assert!(begun.elapsed() >= SHORT * 2, "and the lock did not");
        holder.join().unwrap();
    });
}

#[test]
fn a_destructor_waits_for_a_lock_while_its_green_thread_unwinds() {
    struct Locks(Arc<Mutex<u32>>);
    impl Drop for Locks {
        fn drop(&mut self) {
            // Poisoned, because its owner gave it back while somebody of its OS thread was unwinding.
            *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        }
    }
    patched(|| {
        let lock = Arc::new(Mutex::new(0));
        let mut guard = lock.lock().unwrap();
        let victims = [0, 1].map(|panics| {
            let locks = Locks(lock.clone());
            spawn(move || {
                let _locks = locks;
                if panics == 1 {
                    std::panic::resume_unwind(Box::new("a panic"));
                }
                sleep(SHORT * 100);
            })
        });
        yield_now();
        victims[0].kill();
        sleep(SHORT);
        *guard += 1;
        drop(guard);
        for victim in victims {
            victim.join().unwrap_err();
        }
        assert_eq!(*lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner()), 3);
    });
}

#[test]
fn who_takes_the_lock_again_and_again_starves_nobody() {
    patched(|| {
        let lock = Arc::new(Mutex::new(()));
        let done = Rc::new(Cell::new(false));
        let greedy = spawn({
            let (lock, done) = (lock.clone(), done.clone());
            move || {
                let mut rounds = 0;
                while !done.get() {
                    let _guard = lock.lock().unwrap();
                    sleep(Duration::from_micros(200));
                    rounds += 1;
                    assert!(rounds < 1000, "the others never get the lock");
                }
            }
        });
        yield_now();
        let others = [(); 5].map(|()| {
            let lock = lock.clone();
            spawn(move || {
                for _ in 0..5 {
                    let _guard = lock.lock().unwrap();
                    sleep(Duration::from_micros(200));
                }
            })
        });
        join_all(others);
        done.set(true);
        greedy.join().unwrap();
    });
}

#[test]
fn where_nothing_may_switch_the_os_thread_waits() {
    patched(|| {
        let lock = Arc::new(Mutex::new(()));
        let ran = Rc::new(Cell::new(false));
        let (held, taken) = mpsc::channel();
        let os_thread = std::thread::spawn({
            let lock = lock.clone();
            move || {
                let _guard = lock.lock().unwrap();
                held.send(()).unwrap();
                std::thread::sleep(SHORT);
            }
        });
        taken.recv().unwrap();
        let waits = spawn({
            let (lock, ran) = (lock.clone(), ran.clone());
            move || {
                greenroom::thread::on_hub_stack(|| drop(lock.lock().unwrap()));
                assert!(!ran.get());
            }
        });
        let bystander = spawn(move || ran.set(true));
        join_all([waits, bystander]);
        os_thread.join().unwrap();
    });
}

#[test]
fn a_park_of_std_and_its_channels_block_the_os_thread_as_before() {
    patched(|| {
        let me = std::thread::current();
        let other = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            me.unpark();
        });
        let flag = Rc::new(Cell::new(false));
        let bystander = spawn({
            let flag = flag.clone();
            move || flag.set(true)
        });
        let parks = spawn(move || {
            let begun = Instant::now();
            // It may return early, once.
            while begun.elapsed() < SHORT / 2 {
                std::thread::park();
            }
        });
        join_all([parks, bystander]);
        other.join().unwrap();

        // Two at once would share one word, and one of them would never be woken.
        let (me, done) = (std::thread::current(), Arc::new(AtomicBool::new(false)));
        let other = std::thread::spawn({
            let done = done.clone();
            move || {
                while !done.load(Ordering::Relaxed) {
                    me.unpark();
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        join_all([(); 2].map(|()| spawn(std::thread::park)));
        done.store(true, Ordering::Relaxed);
        other.join().unwrap();

        let (sender, receiver) = mpsc::sync_channel(1);
        let other = std::thread::spawn(move || (0..1000).for_each(|number| sender.send(number).unwrap()));
        let sum = spawn(move || receiver.iter().sum::<i32>());
        assert_eq!(sum.join().unwrap(), 499_500);
        other.join().unwrap();
        assert!(flag.get());
    });
}

#[test]
fn another_hub_is_woken() {
    watch(|| {
        patch_sync();
        let pair = Arc::new((Mutex::new(0), Condvar::new()));
        let hubs = [(); 3].map(|()| {
            let pair = pair.clone();
            std::thread::spawn(move || {
                greenroom::run(|| {
                    let waits = spawn(move || {
                        let mut number = pair.0.lock().unwrap();
                        *number += 1;
                        drop(pair.1.wait_while(number, |number| *number < 10));
                    });
                    waits.join().unwrap();
                });
            })
        });
        while *pair.0.lock().unwrap() < hubs.len() {
            std::thread::yield_now();
        }
        *pair.0.lock().unwrap() = 10;
        // One of each hub.
        pair.1.notify_one();
        hubs.into_iter().for_each(|hub| hub.join().unwrap());
    });
}

#[test]
#[ignore = "takes the five seconds that a hub waits at its end"]
fn one_who_is_left_standing_at_the_end_of_its_hub_stands_in_nobodys_way() {
    watch(|| {
        patch_sync();
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let wait = |pair: Arc<(Mutex<bool>, Condvar)>| {
            drop(pair.1.wait_while(pair.0.lock().unwrap(), |go| !*go).unwrap());
        };
        let ended = pair.clone();
        std::thread::spawn(move || {
            let main = || {
                spawn(move || wait(ended));
                yield_now();
                panic!("the root ends without waiting for it");
            };
            assert!(std::panic::catch_unwind(|| greenroom::run(main)).is_err());
        })
        .join()
        .unwrap();
        hub(|| {
            let waits = spawn({
                let pair = pair.clone();
                move || wait(pair)
            });
            yield_now();
            *pair.0.lock().unwrap() = true;
            pair.1.notify_one();
            waits.join().unwrap();
        });
    });
}

/// In a process of its own: there is one hook.
#[test]
fn inside_the_panic_hook_nobody_gives_the_os_thread_away() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sync::child_waits_inside_the_panic_hook", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("nobody ran meanwhile"), "{said}");
}

#[test]
#[ignore = "what the child does"]
fn child_waits_inside_the_panic_hook() {
    static LOCK: Mutex<()> = Mutex::new(());
    static OTHERS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|_| {
        let (held, taken) = mpsc::channel();
        let holder = std::thread::spawn(move || {
            let _guard = LOCK.lock().unwrap();
            held.send(()).unwrap();
            std::thread::sleep(SHORT);
        });
        taken.recv().unwrap();
        drop(LOCK.lock());
        println!("{} ran meanwhile", if OTHERS.load(Ordering::Relaxed) == 0 { "nobody" } else { "somebody" });
        holder.join().unwrap();
    }));
    patch_sync();
    greenroom::run(|| {
        let panics = spawn(|| panic!("a panic"));
        let others = spawn(|| OTHERS.fetch_add(1, Ordering::Relaxed));
        assert!(panics.join().is_err());
        others.join().unwrap();
    });
}

#[test]
fn a_green_thread_that_panics_in_the_midst_of_others_leaves_their_locks_alone() {
    patched(|| {
        let lock = Arc::new(Mutex::new(RefCell::new(0)));
        let all = (0..20).map(|number| {
            let lock = lock.clone();
            spawn(move || {
                for _ in 0..10 {
                    let guard = lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    *guard.borrow_mut() += 1;
                    yield_now();
                    if number == 7 {
                        drop(guard);
                        std::panic::resume_unwind(Box::new("a panic"));
                    }
                }
            })
        });
        let failed = all.collect::<Vec<_>>().into_iter().filter(|_| true).map(JoinHandle::join);
        assert_eq!(failed.filter(Result::is_err).count(), 1);
        assert_eq!(*lock.lock().unwrap().borrow(), 191);
        assert!(!lock.is_poisoned());
    });
}
