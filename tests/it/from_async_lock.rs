//! What smol's locks promise, asked of ours: the cases of async-lock (`tests/{mutex,rwlock,barrier}.rs`) and of
//! event-listener (`tests/notify.rs`, its notified-then-dropped cases, asked of [`Condvar`]), rewritten.
//!
//! Where a future of theirs is dropped, a green thread of ours is killed, runs out of time, or ends with its hub.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use greenroom::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use greenroom::{JoinHandle, Runtime, sleep, spawn, timeout, yield_now};

use crate::support::{self, Log, ms};

/// Counts how often it is dropped.
struct Counter(Arc<AtomicUsize>);

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether `call` waits: it is made by a green thread of its own, which is killed then.
#[track_caller]
fn waits(call: impl FnOnce() + 'static) -> bool {
    let caller = spawn(call);
    sleep(ms(1));
    let waits = !caller.is_finished();
    caller.kill();
    caller.wait();
    waits
}

// ---- async-lock, tests/mutex.rs ----

#[test]
fn mutex_smoke() {
    support::hub(|| {
        let lock = Mutex::new(());
        drop(lock.lock());
        drop(lock.lock());
    });
}

#[test]
fn mutex_smoke_blocking() {
    support::watch(|| {
        let lock = Mutex::new(());
        drop(lock.lock());
        drop(lock.lock());
    });
}

#[test]
fn mutex_try_lock() {
    let lock = Mutex::new(0);
    *lock.try_lock().unwrap() = 1;
    assert_eq!(*lock.try_lock().unwrap(), 1);
}

#[test]
fn mutex_try_lock_fails_while_it_is_locked() {
    let lock = Mutex::new(());
    let guard = lock.lock();
    assert!(lock.try_lock().is_none());
    drop(guard);
    assert!(lock.try_lock().is_some());
}

#[test]
fn mutex_into_inner() {
    assert_eq!(Mutex::new(10).into_inner(), 10);
}

#[test]
fn mutex_into_inner_and_drop() {
    let count = Arc::new(AtomicUsize::new(0));
    let inner = Mutex::new(Counter(count.clone())).into_inner();
    assert_eq!(count.load(Ordering::SeqCst), 0);
    drop(inner);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn mutex_get_mut() {
    let mut lock = Mutex::new(10);
    *lock.get_mut() = 20;
    assert_eq!(lock.into_inner(), 20);
}

#[test]
fn mutex_contention_of_os_threads() {
    support::watch(|| {
        let lock = Arc::new(Mutex::new(0));
        let (told, tell) = (mpsc::channel(), 50);
        let all: Vec<_> = (0..tell)
            .map(|_| {
                let (lock, tell) = (lock.clone(), told.0.clone());
                std::thread::spawn(move || {
                    let mut guard = lock.lock();
                    *guard += 1;
                    tell.send(()).unwrap();
                    drop(guard);
                })
            })
            .collect();
        (0..tell).for_each(|_| told.1.recv().unwrap());
        assert_eq!(*lock.lock(), tell);
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

#[test]
fn mutex_contention_of_green_threads() {
    support::hub(|| {
        let lock = Rc::new(Mutex::new(0));
        let add = |lock: Rc<Mutex<u32>>| {
            move || {
                let mut guard = lock.lock();
                let seen = *guard;
                yield_now();
                *guard = seen + 1;
            }
        };
        let all: Vec<_> = (0..100).map(|_| spawn(add(lock.clone()))).collect();
        greenroom::joinall(all);
        assert_eq!(*lock.lock(), 100);
    });
}

#[test]
fn mutex_lifetime() {
    // The wait keeps the lock alive, whoever else lets go of it.
    support::hub(|| {
        let lock = Arc::new(Mutex::new(1));
        let guard = lock.lock();
        let waiter = spawn({
            let lock = lock.clone();
            move || *lock.lock()
        });
        yield_now();
        drop(guard);
        drop(lock);
        assert_eq!(waiter.join().unwrap(), 1);
    });
}

// ---- async-lock, tests/rwlock.rs ----

#[test]
fn rwlock_smoke() {
    support::hub(|| {
        let lock = RwLock::new(());
        drop(lock.read());
        drop(lock.write());
        drop((lock.read(), lock.read()));
        drop(lock.write());
    });
}

#[test]
fn rwlock_smoke_blocking() {
    support::watch(|| {
        let lock = RwLock::new(());
        drop(lock.read());
        drop(lock.write());
        drop((lock.read(), lock.read()));
        drop(lock.write());
    });
}

#[test]
fn rwlock_try_write() {
    let lock = RwLock::new(0);
    let reading = lock.read();
    assert!(lock.try_write().is_none());
    drop(reading);
    assert!(lock.try_write().is_some());
}

#[test]
fn rwlock_into_inner() {
    assert_eq!(RwLock::new(10).into_inner(), 10);
}

#[test]
fn rwlock_into_inner_and_drop() {
    let count = Arc::new(AtomicUsize::new(0));
    let lock = RwLock::new(Counter(count.clone()));
    assert_eq!(count.load(Ordering::SeqCst), 0);
    let inner = lock.into_inner();
    assert_eq!(count.load(Ordering::SeqCst), 0);
    drop(inner);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn rwlock_get_mut() {
    let mut lock = RwLock::new(10);
    *lock.get_mut() = 20;
    assert_eq!(lock.into_inner(), 20);
}

/// Whether the one numbered so writes in this round: about one in ten does.
fn writes(number: u32, round: u32) -> bool {
    (number * 31 + round * 17).is_multiple_of(10)
}

#[test]
fn rwlock_contention_of_os_threads() {
    support::watch(|| {
        let lock = RwLock::new(());
        std::thread::scope(|threads| {
            for number in 0..6 {
                let lock = &lock;
                threads.spawn(move || {
                    for round in 0..300 {
                        if writes(number, round) { drop(lock.write()) } else { drop(lock.read()) }
                    }
                });
            }
        });
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn rwlock_contention_of_green_threads() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(0));
        let work = |number: u32| {
            let lock = lock.clone();
            move || {
                for round in 0..100 {
                    if writes(number, round) {
                        let mut guard = lock.write();
                        yield_now();
                        *guard += 1;
                    } else {
                        let guard = lock.read();
                        let seen = *guard;
                        yield_now();
                        assert_eq!(*guard, seen);
                    }
                }
            }
        };
        let all: Vec<_> = (0..10).map(|number| spawn(work(number))).collect();
        greenroom::try_joinall(all).unwrap();
        assert_eq!(*lock.read(), 100);
    });
}

#[test]
fn rwlock_writer_and_readers_of_green_threads() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(0));
        let shared = lock.clone();
        let writer = spawn(move || {
            let mut value = shared.write();
            for _ in 0..200 {
                let before = *value;
                *value = -1;
                yield_now();
                *value = before + 1;
            }
        });
        let read = |lock: Rc<RwLock<i32>>| move || (0..200).for_each(|_| assert!(*lock.read() >= 0));
        let readers: Vec<_> = (0..5).map(|_| spawn(read(lock.clone()))).collect();
        greenroom::try_joinall(readers).unwrap();
        writer.join().unwrap();
        assert_eq!(*lock.read(), 200);
    });
}

#[test]
fn rwlock_writer_and_readers_of_several_os_threads() {
    support::watch(|| {
        let lock = RwLock::new(0);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                greenroom::run(|| {
                    let mut value = lock.write();
                    for _ in 0..200 {
                        let before = *value;
                        *value = -1;
                        yield_now();
                        *value = before + 1;
                    }
                });
            });
            for _ in 0..4 {
                threads.spawn(|| (0..200).for_each(|_| assert!(*lock.read() >= 0)));
            }
        });
        assert_eq!(*lock.read(), 200);
    });
}

#[test]
fn rwlock_a_read_waits_for_a_writer() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(()));
        let (_guard, shared) = (lock.try_write().unwrap(), lock.clone());
        assert!(waits(move || drop(shared.read())));
    });
}

#[test]
fn rwlock_a_write_waits_for_a_writer() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(()));
        let (_guard, shared) = (lock.try_write().unwrap(), lock.clone());
        assert!(waits(move || drop(shared.write())));
    });
}

#[test]
fn rwlock_a_write_waits_for_a_reader() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(()));
        let (_guard, shared) = (lock.try_read().unwrap(), lock.clone());
        assert!(waits(move || drop(shared.write())));
    });
}

#[test]
fn rwlock_a_read_does_not_wait_for_a_reader() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(()));
        let (_guard, shared) = (lock.try_read().unwrap(), lock.clone());
        assert!(!waits(move || drop(shared.read())));
    });
}

#[test]
fn rwlock_a_write_that_was_given_up_leaves_it_open_to_readers() {
    support::hub(|| {
        let lock = Rc::new(RwLock::new(()));
        let (guard, shared) = (lock.read(), lock.clone());
        assert!(waits(move || drop(shared.write())));
        assert!(lock.try_read().is_some());
        drop(guard);
        assert!(lock.try_write().is_some());
    });
}

// ---- async-lock, tests/barrier.rs ----

const MEMBERS: usize = 10;

#[test]
fn barrier_smoke_of_green_threads() {
    support::hub(|| {
        let barrier = Rc::new(Barrier::new(MEMBERS));
        for _ in 0..10 {
            let wait = |barrier: Rc<Barrier>| move || barrier.wait().is_leader();
            let others: Vec<_> = (1..MEMBERS).map(|_| spawn(wait(barrier.clone()))).collect();
            yield_now();
            assert!(others.iter().all(|one| !one.is_finished()));
            assert!(barrier.wait().is_leader());
            assert!(others.into_iter().all(|one| !one.join().unwrap()));
        }
    });
}

#[test]
fn barrier_smoke_of_os_threads() {
    support::watch(|| {
        let barrier = Barrier::new(MEMBERS);
        for _ in 0..10 {
            std::thread::scope(|threads| {
                let wait = || barrier.wait().is_leader();
                let others: Vec<_> = (1..MEMBERS).map(|_| threads.spawn(wait)).collect();
                assert!(others.iter().all(|one| !one.is_finished()));
                let mut leaders = usize::from(barrier.wait().is_leader());
                for one in others {
                    leaders += usize::from(one.join().unwrap());
                }
                assert_eq!(leaders, 1);
            });
        }
    });
}

// ---- event-listener, tests/notify.rs ----

/// A condition with a line of those who wait for it.
struct Listeners {
    shared: Rc<(Mutex<()>, Condvar)>,
    all: Vec<JoinHandle<()>>,
    log: Log,
}

impl Listeners {
    fn new(words: &[&'static str]) -> Listeners {
        let shared = Rc::new((Mutex::new(()), Condvar::new()));
        let mut listeners = Listeners { shared, all: Vec::new(), log: Log::new() };
        words.iter().for_each(|word| listeners.join(word, Duration::MAX));
        listeners
    }

    fn join(&mut self, word: &'static str, limit: Duration) {
        let (shared, log) = (self.shared.clone(), self.log.clone());
        self.all.push(spawn(move || {
            let _late = timeout(limit, || {
                let _guard = shared.1.wait(shared.0.lock());
                log.push(word);
            });
        }));
        yield_now();
    }

    fn notify(&self, n: usize) {
        self.shared.1.notify_n(n);
    }

    fn drop(&self, at: usize) {
        self.all[at].kill();
    }

    /// Who was notified; ends the others.
    fn notified(self) -> Vec<String> {
        sleep(ms(1));
        self.all.iter().for_each(|one| one.kill());
        greenroom::joinall(self.all);
        assert!(self.shared.0.try_lock().is_some());
        self.log.words()
    }
}

#[test]
fn notify_as_many_as_were_asked_for() {
    support::hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        three.notify(2);
        assert_eq!(three.notified(), ["1", "2"]);
    });
}

#[test]
fn notify_twice_is_additional() {
    support::hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        three.notify(1);
        three.notify(1);
        assert_eq!(three.notified(), ["1", "2"]);
    });
}

#[test]
fn notify_zero_of_them() {
    support::hub(|| {
        let one = Listeners::new(&["1"]);
        one.notify(0);
        assert_eq!(one.notified(), [""; 0]);
    });
}

#[test]
fn notify_before_anybody_listens_is_nothing() {
    support::hub(|| {
        let mut none = Listeners::new(&[]);
        none.notify(1);
        none.join("1", Duration::MAX);
        assert_eq!(none.notified(), [""; 0]);
    });
}

#[test]
fn notify_one_after_the_other() {
    support::virtual_hub(|| {
        let two = Listeners::new(&["1", "2"]);
        two.notify(1);
        sleep(ms(1));
        assert_eq!(two.log.words(), ["1"]);
        two.notify(1);
        assert_eq!(two.notified(), ["1", "2"]);
    });
}

#[test]
fn notify_all_of_them() {
    support::hub(|| {
        let two = Listeners::new(&["1", "2"]);
        two.notify(usize::MAX);
        assert_eq!(two.notified(), ["1", "2"]);
    });
}

#[test]
fn notify_all_is_fair() {
    support::hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        three.shared.1.notify_all();
        assert_eq!(three.notified(), ["1", "2", "3"]);
    });
}

#[test]
fn drop_notified() {
    support::virtual_hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        let guard = three.shared.0.lock();
        three.notify(1);
        three.drop(0);
        sleep(ms(1));
        drop(guard);
        assert_eq!(three.notified(), ["2"]);
    });
}

#[test]
fn drop_notified_with_others() {
    support::virtual_hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        let guard = three.shared.0.lock();
        three.notify(2);
        three.drop(0);
        sleep(ms(1));
        drop(guard);
        // The second was notified itself; the first's goes to the third.
        assert_eq!(three.notified(), ["2", "3"]);
    });
}

#[test]
fn drop_two_notified() {
    support::virtual_hub(|| {
        let four = Listeners::new(&["1", "2", "3", "4"]);
        let guard = four.shared.0.lock();
        four.notify(2);
        four.drop(0);
        four.drop(1);
        sleep(ms(1));
        drop(guard);
        assert_eq!(four.notified(), ["3", "4"]);
    });
}

#[test]
fn drop_notified_while_the_next_is_dropped_too() {
    support::virtual_hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        let guard = three.shared.0.lock();
        three.notify(1);
        three.drop(0);
        three.drop(1);
        sleep(ms(1));
        drop(guard);
        assert_eq!(three.notified(), ["3"]);
    });
}

#[test]
fn drop_notified_with_nobody_behind_it() {
    support::virtual_hub(|| {
        let mut one = Listeners::new(&["1"]);
        let guard = one.shared.0.lock();
        one.notify(1);
        one.drop(0);
        sleep(ms(1));
        drop(guard);
        one.join("2", Duration::MAX);
        assert_eq!(one.notified(), [""; 0]);
    });
}

#[test]
fn drop_before_it_is_notified() {
    support::hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        three.drop(0);
        three.notify(1);
        assert_eq!(three.notified(), ["2"]);
    });
}

#[test]
fn drop_non_notified() {
    support::hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        three.notify(1);
        three.drop(2);
        assert_eq!(three.notified(), ["1"]);
    });
}

#[test]
fn drop_in_the_middle_keeps_the_order() {
    support::virtual_hub(|| {
        let four = Listeners::new(&["1", "2", "3", "4"]);
        four.drop(1);
        four.drop(2);
        sleep(ms(1));
        four.notify(2);
        assert_eq!(four.notified(), ["1", "4"]);
    });
}

#[test]
fn drop_all_but_the_last() {
    support::hub(|| {
        let three = Listeners::new(&["1", "2", "3"]);
        three.drop(0);
        three.drop(1);
        three.notify(1);
        assert_eq!(three.notified(), ["3"]);
    });
}

#[test]
fn a_notified_one_that_runs_out_of_time_passes_it_on() {
    support::hub(|| {
        let mut two = Listeners::new(&[]);
        two.join("1", ms(2));
        two.join("2", Duration::MAX);
        let guard = two.shared.0.lock();
        two.notify(1);
        two.all[0].wait();
        drop(guard);
        assert_eq!(two.notified(), ["2"]);
    });
}

#[test]
fn one_that_runs_out_of_time_takes_no_notification_with_it() {
    support::hub(|| {
        let mut two = Listeners::new(&[]);
        two.join("1", ms(1));
        two.join("2", Duration::MAX);
        two.all[0].wait();
        two.notify(1);
        assert_eq!(two.notified(), ["2"]);
    });
}

#[test]
fn a_notified_one_whose_hub_ends_passes_it_on_to_another_os_thread() {
    support::watch(|| {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let runtime = Runtime::new().unwrap();
        let first = shared.clone();
        let dropped = runtime.spawn(move || drop(first.1.wait(first.0.lock())));
        yield_now();
        let second = shared.clone();
        let other = std::thread::spawn(move || {
            let mut guard = second.0.lock();
            *guard = true;
            second.1.wait_timeout(guard, ms(30_000)).1.timed_out()
        });
        // Once this can be seen, it waits.
        while !*shared.0.lock() {
            std::thread::yield_now();
        }
        let guard = shared.0.lock();
        shared.1.notify_one();
        drop(runtime);
        assert!(dropped.is_finished());
        drop(guard);
        assert!(!other.join().unwrap());
    });
}

#[test]
fn two_conditions_of_one_mutex_have_lines_of_their_own() {
    support::hub(|| {
        let one = Listeners::new(&["1"]);
        let other = Condvar::new();
        other.notify_all();
        let (guard, result) = other.wait_timeout(one.shared.0.lock(), ms(1));
        assert!(result.timed_out());
        drop(guard);
        one.notify(1);
        assert_eq!(one.notified(), ["1"]);
    });
}
