//! `sync::ReentrantLock`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use greenroom::sync::{Arc, ReentrantLock};
use greenroom::{sleep, spawn, timeout, yield_now};

use super::{join_os, parked, parked_each};
use crate::support::{self, Log, OnDrop, error_of, ms};

#[test]
fn its_owner_may_lock_again_and_it_is_free_when_the_last_guard_goes() {
    support::hub(|| {
        let lock = Rc::new(ReentrantLock::new(Cell::new(0)));
        let (first, second) = (lock.lock(), lock.lock());
        let third = lock.try_lock().expect("its owner may always");
        third.set(first.get() + second.get() + 1);
        let shared = lock.clone();
        let is_free = move || {
            let lock = shared.clone();
            spawn(move || lock.try_lock().is_some()).join().unwrap()
        };
        drop(first);
        assert!(!is_free());
        drop(third);
        assert!(!is_free());
        drop(second);
        assert!(is_free());
        assert_eq!(lock.lock().get(), 1);
    });
}

#[test]
fn another_green_thread_of_the_same_os_thread_waits() {
    support::virtual_hub(|| {
        let (lock, log) = (Rc::new(ReentrantLock::new(())), Log::new());
        let guard = lock.lock();
        let (shared, words) = (lock.clone(), log.clone());
        let other = parked(move || {
            let _guards = (shared.lock(), shared.lock());
            words.push("other");
        });
        sleep(ms(1));
        log.push("root");
        drop(guard);
        other.join().unwrap();
        assert_eq!(log.words(), ["root", "other"]);
    });
}

#[test]
fn waiters_get_it_in_order_and_the_killed_are_passed_over() {
    support::hub(|| {
        let (lock, log) = (Rc::new(ReentrantLock::new(())), Log::new());
        let guard = lock.lock();
        let shared = lock.clone();
        let all = parked_each(&["a", "b", "c", "d"], &log, move |word, log| {
            let _one = shared.lock();
            yield_now();
            let _two = shared.lock();
            log.push(word);
        });
        all[0].kill();
        drop(guard);
        all[2].kill();
        all.iter().for_each(|one| one.wait());
        assert_eq!(log.words(), ["b", "d"]);
        assert!(lock.try_lock().is_some());
    });
}

#[test]
fn a_kill_of_its_owner_drops_all_guards() {
    support::hub(|| {
        let lock = Rc::new(ReentrantLock::new(()));
        let shared = lock.clone();
        let owner = parked(move || {
            let _guards = (shared.lock(), shared.lock(), shared.lock());
            sleep(Duration::MAX);
        });
        assert!(lock.try_lock().is_none());
        owner.kill();
        drop(lock.lock());
        assert!(error_of(owner).is_killed());
    });
}

#[test]
fn a_wait_for_it_is_limited_by_a_scope() {
    support::hub(|| {
        let lock = Rc::new(ReentrantLock::new(()));
        let _guard = lock.lock();
        let shared = lock.clone();
        let other = spawn(move || timeout(ms(1), || drop(shared.lock())).is_err());
        assert!(other.join().unwrap());
        drop(lock.lock());
    });
}

#[test]
fn a_destructor_may_take_it_while_its_owner_unwinds() {
    support::hub(|| {
        let lock = Rc::new(ReentrantLock::new(Cell::new(0)));
        let shared = lock.clone();
        let victim = spawn(move || {
            let again = shared.clone();
            let _guard = shared.lock();
            let _counts = OnDrop(move || again.lock().set(1));
            panic!("on purpose");
        });
        assert!(error_of(victim).is_panic());
        assert_eq!(lock.lock().get(), 1);
    });
}

#[test]
fn the_root_is_the_same_owner_before_during_and_after_its_hub() {
    support::watch(|| {
        let lock = Rc::new(ReentrantLock::new(()));
        let before = lock.lock();
        let during = greenroom::run(|| {
            let shared = lock.clone();
            assert!(!spawn(move || shared.try_lock().is_some()).join().unwrap());
            lock.lock()
        });
        drop(before);
        drop(lock.lock());
        drop(during);
        assert!(std::ptr::eq(&*lock.lock(), &*lock.lock()));
    });
}

#[test]
fn os_threads_and_a_hub_count_right_together() {
    support::hub(|| {
        let lock = Arc::new(ReentrantLock::new(Cell::new(0)));
        let work = |lock: Arc<ReentrantLock<Cell<u32>>>| {
            move || {
                for _ in 0..500 {
                    let outer = lock.lock();
                    let seen = outer.get();
                    lock.lock().set(seen + 1);
                }
            }
        };
        let os = [std::thread::spawn(work(lock.clone())), std::thread::spawn(work(lock.clone()))];
        let green: Vec<_> = (0..3).map(|_| spawn(work(lock.clone()))).collect();
        greenroom::joinall(green);
        os.into_iter().for_each(join_os);
        assert_eq!(lock.lock().get(), 2_500);
    });
}

#[test]
fn it_shows_its_value_to_its_owner_only() {
    support::hub(|| {
        static LOCK: ReentrantLock<Cell<u8>> = ReentrantLock::new(Cell::new(1));
        let guard = LOCK.lock();
        let shown = "ReentrantLock { data: Cell { value: 1 }, .. }";
        assert_eq!((format!("{LOCK:?}"), format!("{guard:?}")), (shown.into(), "Cell { value: 1 }".into()));
        let other = spawn(|| format!("{LOCK:?}")).join().unwrap();
        assert_eq!(other, "ReentrantLock { data: <locked>, .. }");
    });
    let mut lock = ReentrantLock::from(1);
    *lock.get_mut() += 1;
    assert_eq!(lock.lock().to_string() + &lock.lock().to_string(), "22");
    assert_eq!(lock.into_inner() + ReentrantLock::<i32>::default().into_inner(), 2);
}
