//! `green_local!`: one value for each green thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use greenroom::greenlet::Greenlet;
use greenroom::thread::AccessError;
use greenroom::{JoinHandle, sleep, spawn, yield_now};

use crate::support::{self, ms};

greenroom::green_local! {
    static NUMBER: Cell<u32> = Cell::new(1);
    static TRAIL: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static NOISY: Noisy = Noisy::new();
    static LAST: Cell<u32> = Cell::new(0);
    static PARKS_IN_ITS_BIRTH: Cell<u32> = born_slowly();
    static PANICS_IN_ITS_DEATH: PanicsInItsDeath = PanicsInItsDeath;
}

thread_local! {
    static BORN_AND_DEAD: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

struct Noisy;

impl Noisy {
    fn new() -> Noisy {
        let (born, dead) = BORN_AND_DEAD.get();
        BORN_AND_DEAD.set((born + 1, dead));
        Noisy
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        let (born, dead) = BORN_AND_DEAD.get();
        BORN_AND_DEAD.set((born, dead + 1));
        // Another key, first used while this one goes: it gets a value, and that goes too.
        let _ = LAST.try_with(|last| last.set(last.get() + 1));
    }
}

struct PanicsInItsDeath;

impl Drop for PanicsInItsDeath {
    fn drop(&mut self) {
        panic!("a local, on purpose");
    }
}

fn born_slowly() -> Cell<u32> {
    yield_now();
    Cell::new(5)
}

#[test]
fn each_green_thread_has_its_own_value_and_the_root_has_one() {
    support::hub(|| {
        NUMBER.set(10);
        let all = (0..3).map(|n| {
            spawn(move || {
                NUMBER.set(NUMBER.get() + n);
                yield_now();
                NUMBER.get()
            })
        });
        let values: Vec<_> = all.collect::<Vec<_>>().into_iter().map(|child| child.join().unwrap()).collect();
        assert_eq!(values, [1, 2, 3]);
        assert_eq!(NUMBER.get(), 10);
    });
}

#[test]
fn the_methods_are_those_of_std() {
    support::hub(|| {
        spawn(|| {
            assert_eq!(NUMBER.replace(4), 1);
            assert_eq!(NUMBER.take(), 4);
            NUMBER.with(|number| number.set(number.get() + 1));
            assert_eq!(NUMBER.try_with(Cell::get).unwrap(), 1);
            TRAIL.with_borrow_mut(|trail| trail.extend(["a", "b"]));
            assert_eq!(TRAIL.with_borrow(Vec::len), 2);
            assert_eq!(TRAIL.replace(vec!["c"]), ["a", "b"]);
            assert_eq!(TRAIL.take(), ["c"]);
            TRAIL.set(vec!["d"]);
            assert_eq!(TRAIL.take(), ["d"]);
        })
        .join()
        .unwrap();
    });
}

#[test]
fn values_are_made_late_and_dropped_at_the_end_of_their_green_thread_before_its_join_returns() {
    support::hub(|| {
        BORN_AND_DEAD.set((0, 0));
        let lives = spawn(|| {
            NOISY.with(|_| ());
            sleep(ms(60_000));
        });
        let ends = spawn(|| NOISY.with(|_| ()));
        let none = spawn(|| ());
        none.join().unwrap();
        ends.join().unwrap();
        assert_eq!(BORN_AND_DEAD.get(), (2, 1));
        lives.kill();
        lives.wait();
        assert_eq!(BORN_AND_DEAD.get(), (2, 2));
    });
}

#[test]
fn the_roots_values_stay_from_hub_to_hub_as_long_as_its_os_thread() {
    let seen = support::watch(|| {
        let two_hubs = || {
            greenroom::run(|| NOISY.with(|_| ()));
            greenroom::run(|| NOISY.with(|_| ()));
            BORN_AND_DEAD.get()
        };
        std::thread::spawn(two_hubs).join().unwrap()
    });
    assert_eq!(seen, (1, 0));
}

#[test]
fn a_value_may_park_in_its_birth() {
    support::hub(|| {
        let pair = [0, 1].map(|_| spawn(|| PARKS_IN_ITS_BIRTH.get()));
        let values: Vec<_> = greenroom::try_joinall(pair).unwrap();
        assert_eq!(values, [5, 5]);
    });
}

#[test]
fn a_value_whose_death_panics_hurts_nobody_else() {
    support::hub(|| {
        let child = spawn(|| PANICS_IN_ITS_DEATH.with(|_| "value"));
        child.wait();
        assert_eq!(spawn(|| 1).join().unwrap(), 1);
    });
}

#[test]
fn a_local_that_is_used_while_it_is_dropped_is_an_error_not_a_crash() {
    greenroom::green_local! { static SELFISH: Selfish = Selfish }
    struct Selfish;
    impl Drop for Selfish {
        fn drop(&mut self) {
            let again = catch_unwind(|| SELFISH.try_with(|_| ()).is_ok());
            assert!(again.is_ok(), "try_with does not panic");
        }
    }
    support::hub(|| spawn(|| SELFISH.with(|_| ())).join().unwrap());
}

greenroom::green_local! {
    static PARKS_IN_ITS_DEATH: ParksInItsDeath = ParksInItsDeath;
}

thread_local! {
    static PARKED_IN_DEATH: Cell<u32> = const { Cell::new(0) };
    static HANDLE: Cell<Option<JoinHandle<()>>> = const { Cell::new(None) };
    static ACCESS: Cell<Option<Result<(), AccessError>>> = const { Cell::new(None) };
}

/// Its destructor works only on the stack of a green thread that has not ended.
struct ParksInItsDeath;

impl Drop for ParksInItsDeath {
    fn drop(&mut self) {
        yield_now();
        PARKED_IN_DEATH.set(PARKED_IN_DEATH.get() + 1);
    }
}

#[test]
fn what_a_greenlet_makes_while_the_end_unwinds_it_is_destroyed_by_a_green_thread_that_still_runs() {
    struct Makes;
    impl Drop for Makes {
        fn drop(&mut self) {
            PARKS_IN_ITS_DEATH.with(|_| ());
        }
    }
    support::virtual_hub(|| {
        let greenlet = || {
            let suspended = Greenlet::new(|_: u32| {
                let _makes = Makes;
                Greenlet::<u32>::current().parent().expect("it was entered from its root").switch(1)
            });
            assert_eq!(suspended.switch(0), 1);
            std::mem::forget(suspended);
        };
        drop(spawn(greenlet));
        sleep(ms(1));
        assert!(PARKED_IN_DEATH.get() > 0);
    });
}

#[test]
fn a_waker_that_is_told_of_an_end_finds_no_values_of_the_one_that_ended() {
    struct UsesALocal;
    impl Wake for UsesALocal {
        fn wake(self: Arc<Self>) {
            ACCESS.set(Some(PARKS_IN_ITS_DEATH.try_with(|_| ())));
            // With the handle the last goes that would keep the record.
            drop(HANDLE.take());
        }
    }
    support::virtual_hub(|| {
        let mut ends = spawn(|| ());
        let waker = Waker::from(Arc::new(UsesALocal));
        assert!(Pin::new(&mut ends).poll(&mut Context::from_waker(&waker)).is_pending());
        HANDLE.set(Some(ends));
        sleep(ms(1));
        assert!(ACCESS.take().is_some_and(|access| access.is_err()));
    });
}
