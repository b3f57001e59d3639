//! Many callers at once, and the proof that their calls overlap.

use std::io::Write;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many green threads call at once.
pub(crate) const CROWD: usize = 32;
/// How long each server takes over an answer.
pub(crate) const DELAY: Duration = Duration::from_millis(250);
/// How long a server waits for the whole crowd.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where requests meet: none is answered until as many have come as are expected, and none before [`DELAY`] is over.
///
/// A library that held its OS thread while it waits would never bring the second request.
pub(crate) struct Meeting {
    guests: Mutex<Guests>,
    changed: Condvar,
}

struct Guests {
    expected: usize,
    came: usize,
    /// Somebody has waited in vain: nobody shall do so again.
    failed: bool,
}

impl Meeting {
    /// One that a single guest makes complete.
    pub(crate) const fn new() -> Meeting {
        Meeting {
            guests: Mutex::new(Guests { expected: 1, came: 0, failed: false }),
            changed: Condvar::new(),
        }
    }

    /// From now on `size` are expected, again and again.
    pub(crate) fn expect(&self, size: usize) {
        *self.guests.lock().unwrap() = Guests { expected: size, came: 0, failed: false };
    }

    /// For the server's OS threads: waits for the others.
    pub(crate) fn attend(&self) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.came += 1;
        self.changed.notify_all();
        let complete = guests.came.next_multiple_of(guests.expected);
        let (mut guests, _) = self
            .changed
            .wait_timeout_while(guests, PATIENCE, |guests| guests.came < complete && !guests.failed)
            .unwrap_or_else(PoisonError::into_inner);
        guests.failed |= guests.came < complete;
        assert!(!guests.failed, "only {} of {complete} came: the others were kept waiting", guests.came);
        drop(guests);
        std::thread::sleep(DELAY);
    }
}

/// Has one green thread make its call, then [`CROWD`] at once, and demands that these take less than three times as long.
///
/// `prepare` hears how many calls follow. A call gets its number.
#[track_caller]
pub(crate) fn assert_overlap(what: &str, prepare: impl Fn(usize), call: impl Fn(usize)) {
    let home = std::thread::current().id();
    let timed = |size: usize| {
        prepare(size);
        let begin = Instant::now();
        let ended = at_once(size, |i| {
            assert_eq!(std::thread::current().id(), home, "all calls are on one OS thread");
            call(i);
        });
        assert_eq!(ended.len(), size);
        begin.elapsed()
    };
    // The meeting is strict each time. The clock may not be, on a machine that has other work: it has three chances.
    for _ in 0..3 {
        let (one, all) = (timed(1), timed(CROWD));
        say(&format!("{what}: one call {one:.0?}, {CROWD} at once {all:.0?}"));
        assert!(one >= DELAY, "{what}: the server is too fast to show anything: {one:?}");
        if all < 3 * one {
            return;
        }
    }
    panic!("{what}: {CROWD} calls take three times as long as one, or more");
}

/// Runs `f` in `size` green threads; returns what they return.
#[track_caller]
pub(crate) fn at_once<T>(size: usize, f: impl Fn(usize) -> T) -> Vec<T> {
    let f = &f;
    greenroom::scope(|scope| {
        let calls: Vec<_> = (0..size).map(|i| scope.spawn(move || f(i))).collect();
        calls.into_iter().map(|call| call.join().expect("a call")).collect()
    })
}

/// Has `call` wait for a server that does not answer, inside a timeout: it must end, with no harm to who runs beside it.
#[track_caller]
pub(crate) fn assert_a_timeout_ends<T>(call: impl FnOnce() -> T) -> T {
    // Not begun before the call parks; if it never does, it is killed without having run.
    let ran = std::cell::Cell::new(false);
    let begin = Instant::now();
    let mut last = None;
    greenroom::scope(|scope| {
        let beside = scope.spawn(|| {
            ran.set(true);
            greenroom::sleep(Duration::MAX);
        });
        let ended = greenroom::timeout(Duration::from_millis(100), || last = Some(call()));
        assert!(ended.is_err(), "the call ended by itself");
        beside.kill();
    });
    assert!(begin.elapsed() < Duration::from_secs(5), "it took {:?}", begin.elapsed());
    assert!(ran.get(), "no other green thread ran meanwhile");
    last.expect("the library saw an error, and returned")
}

/// Writes a line that the test harness does not swallow.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error");
}
