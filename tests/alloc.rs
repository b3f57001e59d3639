//! In steady state nothing allocates: counted by a global allocator of this test binary's own.
//!
//! Each OS thread counts for itself, so tests do not disturb one another. What a program does for the first time may
//! allocate (a stack, the books of a socket, room in a queue), so every test warms up with what it then counts.

#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::sync::{Barrier, Condvar, Mutex, RwLock};
use greenroom::{sleep, spawn, thread, timeout, yield_now};

const ROUNDS: u32 = 100_000;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that were allocated and not given back yet, but for what was reallocated.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn count_one() {
    // An OS thread that is ending still allocates; nobody counts that.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

fn count_live(bytes: isize) {
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: every call goes to the system's allocator as it came; counting touches one const thread-local and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        count_live(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count_live(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs `work` for a warm-up, then for all rounds; the second may not allocate.
#[track_caller]
fn assert_allocates_nothing(mut work: impl FnMut(u32)) {
    work(ROUNDS / 20);
    let before = ALLOCATIONS.get();
    work(ROUNDS);
    let allocations = ALLOCATIONS.get() - before;
    assert_eq!(allocations, 0, "allocations in {ROUNDS} rounds");
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        stream.write_all(&buffer[..length]).unwrap();
    }
}

#[test]
fn who_is_parked_on_a_stack_that_another_left_keeps_no_large_body_of_that_one() {
    const BODY: usize = 16 << 10;
    greenroom::run(|| {
        let before = LIVE.get();
        let parked: Vec<_> = (0..100)
            .map(|_| {
                let body = std::hint::black_box([1_u8; BODY]);
                drop(spawn(move || {
                    std::hint::black_box(&body);
                }));
                spawn(thread::park)
            })
            .collect();
        yield_now();
        let kept = LIVE.get() - before;
        assert!(kept < 10 * BODY as isize, "{kept} bytes are kept");
        parked.iter().for_each(|handle| handle.thread().unpark());
        parked.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

#[test]
fn echo_round_trips_allocate_nothing() {
    greenroom::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || echo(listener.accept().unwrap().0));
        let mut client = TcpStream::connect(address).unwrap();
        client.set_nodelay(true).unwrap();
        let mut answer = [0; 16];
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds {
                client.write_all(b"sixteen letters!").unwrap();
                client.read_exact(&mut answer).unwrap();
            }
        });
        assert_eq!(&answer, b"sixteen letters!");
        drop(client);
        server.join().unwrap();
    });
}

#[test]
fn reads_with_a_socket_timeout_allocate_nothing() {
    greenroom::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || echo(listener.accept().unwrap().0));
        let mut client = TcpStream::connect(address).unwrap();
        client.set_nodelay(true).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = [0; 1];
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds / 5 {
                client.write_all(b"x").unwrap();
                client.read_exact(&mut answer).unwrap();
            }
        });
        drop(client);
        server.join().unwrap();
    });
}

#[test]
fn yields_allocate_nothing() {
    greenroom::run(|| {
        let stop = Rc::new(Cell::new(false));
        let others: Vec<_> = (0..3)
            .map(|_| {
                let stop = stop.clone();
                spawn(move || {
                    while !stop.get() {
                        yield_now();
                    }
                })
            })
            .collect();
        assert_allocates_nothing(|rounds| (0..rounds).for_each(|_| yield_now()));
        stop.set(true);
        greenroom::joinall(others);
    });
}

#[test]
fn sleeps_allocate_nothing() {
    greenroom::run(|| {
        let stop = Rc::new(Cell::new(false));
        let others: Vec<_> = (0..100_u64)
            .map(|n| {
                let stop = stop.clone();
                spawn(move || {
                    while !stop.get() {
                        sleep(Duration::from_micros(n));
                    }
                })
            })
            .collect();
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds {
                sleep(Duration::from_nanos(1));
            }
            // A busy machine may keep this OS thread for so long that all are due at once: there is room for that from now on.
            std::thread::sleep(Duration::from_millis(1));
            sleep(Duration::from_nanos(1));
        });
        stop.set(true);
        greenroom::joinall(others);
    });
}

#[test]
fn timeouts_that_do_not_expire_allocate_nothing() {
    greenroom::run(|| {
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds {
                let inner = || timeout(Duration::from_secs(60), yield_now);
                assert!(timeout(Duration::from_secs(3_600), inner).is_ok_and(|ended| ended.is_ok()));
            }
        });
    });
}

#[test]
fn parks_and_unparks_allocate_nothing() {
    greenroom::run(|| {
        let root = thread::current();
        let stop = Rc::new(Cell::new(false));
        let over = stop.clone();
        let other = spawn(move || {
            while !over.get() {
                thread::park();
                root.unpark();
            }
        });
        assert_allocates_nothing(|rounds| {
            for round in 0..rounds {
                other.thread().unpark();
                if round % 2 == 0 { thread::park() } else { thread::park_timeout(Duration::from_secs(60)) }
            }
        });
        stop.set(true);
        other.thread().unpark();
        other.join().unwrap();
    });
}

#[test]
fn waits_with_a_timeout_for_the_end_of_another_allocate_nothing() {
    greenroom::run(|| {
        let other = spawn(thread::park);
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds {
                assert!(!other.wait_timeout(Duration::from_nanos(1)));
            }
        });
        other.kill();
        other.wait();
    });
}

#[test]
fn locks_that_are_waited_for_allocate_nothing() {
    greenroom::run(|| {
        let (mutex, lock) = (Rc::new(Mutex::new(())), Rc::new(RwLock::new(())));
        let stop = Rc::new(Cell::new(false));
        let (theirs, shared, over) = (mutex.clone(), lock.clone(), stop.clone());
        let other = spawn(move || {
            while !over.get() {
                let _guards = (theirs.lock(), shared.read());
                yield_now();
            }
        });
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds {
                drop(mutex.lock());
                drop(lock.write());
                let _guard = lock.read();
                drop(mutex.lock_timeout(Duration::from_secs(60)));
                yield_now();
            }
        });
        stop.set(true);
        other.join().unwrap();
    });
}

#[test]
fn conditions_and_barriers_allocate_nothing() {
    greenroom::run(|| {
        let (shared, barrier) = (Rc::new((Mutex::new(0), Condvar::new())), Rc::new(Barrier::new(2)));
        let (theirs, meets) = (shared.clone(), barrier.clone());
        let other = spawn(move || {
            loop {
                let mut ball = theirs.1.wait_while(theirs.0.lock(), |ball| *ball == 0);
                if *ball == 2 {
                    return;
                }
                *ball = 0;
                theirs.1.notify_one();
                drop(ball);
                meets.wait();
            }
        });
        assert_allocates_nothing(|rounds| {
            for _ in 0..rounds {
                *shared.0.lock() = 1;
                shared.1.notify_all();
                drop(shared.1.wait_while(shared.0.lock(), |ball| *ball == 1));
                barrier.wait();
            }
        });
        *shared.0.lock() = 2;
        shared.1.notify_one();
        other.join().unwrap();
    });
}
