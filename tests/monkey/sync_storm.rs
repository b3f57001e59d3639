//! A storm on locks of std's: green threads of two hubs and OS threads want the same, and kills and timeouts strike.
//!
//! What CI runs is a twentieth. The whole, a million operations, is
//!
//! ```sh
//! cargo test --release --features monkey --test monkey_sync -- --ignored
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::time::{Duration, Instant};

use greenroom::monkey::patch_sync;
use greenroom::{JoinHandle, sleep, spawn, timeout, yield_now};

use crate::support::watch;

const HUBS: usize = 2;
const OS_THREADS: usize = 2;
/// Green threads of one hub that are alive at a time.
const CROWD: usize = 24;
/// Room in the queue.
const ROOM: usize = 4;

/// What all want.
struct Field {
    /// Two numbers that only ever change together.
    pair: Mutex<(u64, u64)>,
    shared: RwLock<(u64, u64)>,
    queue: Mutex<VecDeque<u64>>,
    came: Condvar,
    went: Condvar,
    put: AtomicU64,
    got: AtomicU64,
    /// How many operations are left.
    left: AtomicU64,
    /// Waits for a condition that ended with their limit.
    expired: AtomicU64,
    /// Whole turns that a timeout or a kill did not end.
    whole: AtomicU64,
    struck: AtomicU64,
}

/// A source of numbers that look random: xorshift.
#[derive(Clone)]
struct Dice(Rc<Cell<u64>>);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(Rc::new(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)))
    }

    fn below(&self, n: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        x % n
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Field {
    fn new(operations: u64) -> Arc<Field> {
        Arc::new(Field {
            pair: Mutex::default(),
            shared: RwLock::default(),
            queue: Mutex::default(),
            came: Condvar::new(),
            went: Condvar::new(),
            put: AtomicU64::new(0),
            got: AtomicU64::new(0),
            left: AtomicU64::new(operations),
            expired: AtomicU64::new(0),
            whole: AtomicU64::new(0),
            struck: AtomicU64::new(0),
        })
    }

    /// One operation; false if none is left. `pause` is what the caller does with a lock in its hands.
    fn turn(&self, dice: &Dice, pause: &dyn Fn()) -> bool {
        let count = |left: u64| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_err() {
            return false;
        }
        match dice.below(5) {
            0 => {
                let mut pair = lock(&self.pair);
                assert_eq!(pair.0, pair.1, "two at once");
                pair.0 += 1;
                // Whoever is struck here leaves the pair as it found it.
                let mut back = Back(Some(&mut pair));
                pause();
                back.0.take().unwrap().1 += 1;
            }
            1 => {
                let mut pair = self.shared.write().unwrap_or_else(PoisonError::into_inner);
                assert_eq!(pair.0, pair.1, "two at once");
                pair.0 += 1;
                pair.1 += 1;
                drop(pair);
                pause();
            }
            2 => {
                let pair = self.shared.read().unwrap_or_else(PoisonError::into_inner);
                let before = *pair;
                pause();
                assert_eq!(*pair, before, "a writer among readers");
            }
            3 => {
                let full = |queue: &mut VecDeque<u64>| queue.len() >= ROOM;
                let (queue, _) = self
                    .went
                    .wait_timeout_while(lock(&self.queue), Duration::from_millis(2), full)
                    .unwrap_or_else(PoisonError::into_inner);
                self.after_wait(queue, |queue| {
                    if queue.len() < ROOM {
                        queue.push_back(1);
                        self.put.fetch_add(1, Ordering::Relaxed);
                        self.came.notify_one();
                    } else {
                        self.expired.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            _ => {
                let empty = |queue: &mut VecDeque<u64>| queue.is_empty();
                let (queue, _) = self
                    .came
                    .wait_timeout_while(lock(&self.queue), Duration::from_millis(2), empty)
                    .unwrap_or_else(PoisonError::into_inner);
                self.after_wait(queue, |queue| match queue.pop_front() {
                    Some(number) => {
                        self.got.fetch_add(number, Ordering::Relaxed);
                        self.went.notify_one();
                    }
                    None => drop(self.expired.fetch_add(1, Ordering::Relaxed)),
                });
            }
        }
        true
    }

    fn after_wait(&self, mut queue: MutexGuard<'_, VecDeque<u64>>, act: impl FnOnce(&mut VecDeque<u64>)) {
        act(&mut queue);
    }
}

struct Back<'a>(Option<&'a mut (u64, u64)>);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        if let Some(pair) = &mut self.0 {
            pair.0 -= 1;
        }
    }
}

fn green_pause(dice: &Dice) {
    match dice.below(8) {
        0 => sleep(Duration::from_micros(dice.below(50))),
        1 | 2 => yield_now(),
        _ => {}
    }
}

fn one_of_the_crowd(field: Arc<Field>, dice: Dice) {
    let pause = || green_pause(&dice);
    loop {
        let more = match dice.below(16) {
            0 => {
                let limit = Duration::from_micros(dice.below(100));
                let ended = timeout(limit, || field.turn(&dice, &pause));
                if ended.is_err() {
                    field.struck.fetch_add(1, Ordering::Relaxed);
                }
                ended.unwrap_or(true)
            }
            _ => field.turn(&dice, &pause),
        };
        if !more {
            return;
        }
        field.whole.fetch_add(1, Ordering::Relaxed);
        if dice.below(4) == 0 {
            yield_now();
        }
    }
}

fn hub_in_the_storm(field: &Arc<Field>, seed: u64) {
    greenroom::run(|| {
        let dice = Dice::new(seed);
        let begin = || {
            spawn({
                let (field, dice) = (field.clone(), dice.clone());
                move || one_of_the_crowd(field, dice)
            })
        };
        let mut crowd: Vec<JoinHandle<()>> = (0..CROWD).map(|_| begin()).collect();
        while field.left.load(Ordering::Relaxed) != 0 {
            sleep(Duration::from_micros(100));
            let victim = dice.below(CROWD as u64) as usize;
            crowd[victim].kill();
            if let Err(why) = std::mem::replace(&mut crowd[victim], begin()).join() {
                assert!(why.is_killed(), "{why:?}");
                field.struck.fetch_add(1, Ordering::Relaxed);
            }
        }
        for one in crowd {
            one.join().unwrap();
        }
    });
}

fn storm(operations: u64) {
    patch_sync();
    watch(|| {
        let begun = Instant::now();
        let field = Field::new(operations);
        let (done, hears) = mpsc::channel();
        let hubs = (0..HUBS as u64).map(|number| {
            let (field, done) = (field.clone(), done.clone());
            std::thread::spawn(move || {
                hub_in_the_storm(&field, number + 1);
                done.send(()).unwrap();
            })
        });
        let plain = (0..OS_THREADS as u64).map(|number| {
            let (field, done) = (field.clone(), done.clone());
            std::thread::spawn(move || {
                let dice = Dice::new(number + 100);
                while field.turn(&dice, &|| ()) {}
                done.send(()).unwrap();
            })
        });
        let all: Vec<_> = hubs.chain(plain).collect();
        for _ in 0..HUBS + OS_THREADS {
            hears.recv().unwrap();
        }
        for one in all {
            one.join().unwrap();
        }
        let pair = *lock(&field.pair);
        assert_eq!(pair.0, pair.1);
        let (put, got) = (field.put.load(Ordering::Relaxed), field.got.load(Ordering::Relaxed));
        assert_eq!(put, got + lock(&field.queue).len() as u64, "no item is lost");
        println!(
            "{operations} operations, {} strikes, {} limits passed, {:?}",
            field.struck.load(Ordering::Relaxed),
            field.expired.load(Ordering::Relaxed),
            begun.elapsed()
        );
    });
}

/// Nobody here has a limit: one wake-up that is lost is one who waits for ever.
fn relay(rounds: u64) {
    const PAIRS: u64 = 8;
    patch_sync();
    watch(|| {
        let (stock, came) = (Arc::new(Mutex::new(VecDeque::new())), Arc::new(Condvar::new()));
        let put = {
            let (stock, came) = (stock.clone(), came.clone());
            move |number: u64| {
                stock.lock().unwrap().push_back(number);
                came.notify_one();
            }
        };
        let take = {
            let (stock, came) = (stock.clone(), came.clone());
            move || {
                let empty = |stock: &mut VecDeque<u64>| stock.is_empty();
                came.wait_while(stock.lock().unwrap(), empty).unwrap().pop_front().unwrap()
            }
        };
        let hubs = (0..HUBS).map(|_| {
            let (put, take) = (put.clone(), take.clone());
            std::thread::spawn(move || {
                greenroom::run(|| {
                    let pairs = (0..PAIRS).flat_map(|_| {
                        let (put, take) = (put.clone(), take.clone());
                        let puts = spawn(move || (0..rounds).for_each(put));
                        [
                            puts,
                            spawn(move || {
                                (0..rounds).map(|_| take()).for_each(|number| assert!(number < rounds))
                            }),
                        ]
                    });
                    pairs.collect::<Vec<_>>().into_iter().for_each(|one| one.join().unwrap());
                });
            })
        });
        let hubs: Vec<_> = hubs.collect();
        let taker = std::thread::spawn({
            let take = take.clone();
            move || (0..rounds).map(|_| take()).for_each(|number| assert!(number < rounds))
        });
        (0..rounds).for_each(put);
        taker.join().unwrap();
        hubs.into_iter().for_each(|one| one.join().unwrap());
        assert!(stock.lock().unwrap().is_empty());
    });
}

#[test]
fn no_wake_up_is_lost_where_nobody_has_a_limit() {
    relay(2_000);
}

#[test]
#[ignore = "the whole storm"]
fn no_wake_up_is_lost_where_nobody_has_a_limit_for_a_while() {
    relay(60_000);
}

#[test]
fn a_storm_of_kills_and_timeouts_loses_no_wake_up_and_no_item() {
    storm(50_000);
}

#[test]
#[ignore = "the whole storm"]
fn the_whole_storm_loses_no_wake_up_and_no_item() {
    storm(1_000_000);
}
