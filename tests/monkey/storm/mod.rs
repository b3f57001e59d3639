//! Storms: kills, cancels and timeouts that strike inside patched calls, of every kind of call, from within frames of C.
//!
//! No abort, no descriptor left, the documented errno and never EINTR, and no byte lost that came at the same moment. What CI
//! runs is a tenth; the whole is
//!
//! ```sh
//! cargo test --release --features monkey --test monkey storm -- --ignored --nocapture
//! ```

mod waits;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::{sleep, spawn, timeout, yield_now};

use crate::libc_calls::{self as c, Errno, Outcome};
use crate::sockets::{FullListener, pair};
use crate::support::{self, OnDrop};
use waits::{Ends, KINDS, Kind, Prepared};

/// How many calls are struck at the same time.
const LANES: usize = 48;
const SHORT: usize = 10_000;
const WHOLE: usize = 100_000;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Strike {
    Timeout,
    Cancel,
    Kill,
}

impl Strike {
    /// What the documentation promises.
    fn errno(self) -> Errno {
        match self {
            Strike::Timeout => Errno(libc::ETIMEDOUT),
            Strike::Cancel | Strike::Kill => Errno(libc::ECANCELED),
        }
    }
}

/// Numbers that look random: xorshift, the same for the same seed.
struct Dice(Cell<u64>);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1))
    }

    fn below(&self, n: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        (x >> 11) % n
    }

    fn moment(&self) -> Duration {
        Duration::from_micros(self.below(1_500))
    }
}

/// What the lanes share.
struct Storm {
    dice: Dice,
    wanted: usize,
    /// By kind of call and strike: how many ended by it.
    struck: RefCell<BTreeMap<(&'static str, Strike), usize>>,
    /// Calls that what came at the same moment ended first.
    completed: Cell<usize>,
    full: FullListener,
}

/// What the lane knows of its victim.
#[derive(Default)]
struct Victim {
    /// From here to its end the victim switches only inside the call.
    inside: Cell<bool>,
    fed_by: Cell<Option<i32>>,
    fed: Cell<usize>,
    outcome: Cell<Option<Outcome<usize>>>,
    went_on: Cell<bool>,
    dropped: Cell<bool>,
}

/// A frame through which nothing may unwind.
extern "C" fn in_c(call: &mut Box<dyn FnMut() -> Outcome<usize>>) -> usize {
    match call() {
        Ok(value) => value,
        Err(Errno(number)) => FAILED + number as usize,
    }
}

const FAILED: usize = 1 << 40;

fn call_from_c(prepared: &mut Prepared) -> Outcome<usize> {
    let answer = in_c(&mut prepared.call);
    if answer < FAILED { Ok(answer) } else { Err(Errno((answer - FAILED) as i32)) }
}

impl Storm {
    fn struck_in_all(&self) -> usize {
        self.struck.borrow().values().sum()
    }

    /// The kind at this place; behind the last of the list come those that need the full listener.
    fn prepare(&self, at: usize) -> (&'static str, Ends, Prepared) {
        match KINDS.get(at) {
            Some(Kind { name, ends, prepare }) => (name, *ends, prepare()),
            None if at == KINDS.len() => ("connect", Ends::ByErrno, waits::connect_to(self.full.port)),
            None => ("TcpStream::connect_timeout", Ends::ByErrno, waits::std_connect_to(self.full.port)),
        }
    }

    fn lane(self: &Rc<Storm>) {
        while self.struck_in_all() < self.wanted {
            let at = self.dice.below(KINDS.len() as u64 + 2) as usize;
            let strike = [Strike::Timeout, Strike::Cancel, Strike::Kill][self.dice.below(3) as usize];
            self.strike(at, strike);
        }
    }

    /// One call, and what ends it.
    fn strike(self: &Rc<Storm>, at: usize, strike: Strike) {
        let limit = self.dice.moment();
        let again = self.dice.below(2) == 0;
        let victim = Rc::new(Victim::default());
        let name = Rc::new(Cell::new(""));
        let handle = {
            let (storm, victim, name) = (self.clone(), victim.clone(), name.clone());
            spawn(move || {
                let _gone = OnDrop(|| victim.dropped.set(true));
                let (what, ends, mut prepared) = storm.prepare(at);
                name.set(what);
                victim.fed_by.set(prepared.fed_by.map(|(far, _)| far));
                let mut call = || {
                    let outcome = call_from_c(&mut prepared);
                    victim.outcome.set(Some(outcome));
                    let mut taken = outcome.unwrap_or(0);
                    // A call that would wait is refused again. What came at the same moment it may have, or not know of yet.
                    if again && outcome == Err(strike.errno()) {
                        let second = call_from_c(&mut prepared);
                        let fed = victim.fed.get();
                        let known = second == outcome || fed > 0 && second == Ok(fed);
                        assert!(known, "{what} made again inside a {strike:?}: {second:?}");
                        taken += second.unwrap_or(0);
                    }
                    if let Some((_, near)) = prepared.fed_by {
                        assert_nothing_is_lost(what, near, victim.fed.get(), taken);
                    }
                };
                victim.inside.set(true);
                match strike {
                    Strike::Timeout => assert!(timeout(limit, call).is_err() || victim.fed.get() > 0),
                    Strike::Cancel | Strike::Kill => call(),
                }
                victim.fed_by.set(None);
                storm.judge(what, ends, strike, victim.outcome.get().expect("an outcome"));
                // It unwinds at its next wait outside of such calls.
                if strike == Strike::Kill {
                    yield_now();
                    victim.went_on.set(true);
                }
            })
        };
        while !victim.inside.get() {
            yield_now();
        }
        if strike != Strike::Timeout {
            sleep(limit);
        }
        if let Some(far) = victim.fed_by.get()
            && self.dice.below(3) == 0
        {
            victim.fed.set(3);
            assert_eq!(c::write(far, b"abc"), Ok(3));
        }
        match strike {
            Strike::Timeout => {}
            Strike::Cancel => handle.cancel(),
            Strike::Kill => handle.kill(),
        }
        let ended = handle.join();
        let name = name.get();
        match strike {
            Strike::Kill => {
                assert!(ended.as_ref().is_err_and(|error| error.is_killed()), "{name}: {ended:?}");
                assert!(!victim.went_on.get(), "{name}: a kill is not forgotten");
            }
            _ => ended.unwrap_or_else(|error| panic!("{name} under a {strike:?}: {error}")),
        }
        assert!(victim.dropped.get(), "{name}: its destructors have run");
    }

    fn judge(&self, name: &'static str, ends: Ends, strike: Strike, outcome: Outcome<usize>) {
        match (ends, outcome) {
            (Ends::ByErrno, Err(errno)) => assert_eq!(errno, strike.errno(), "{name} under a {strike:?}"),
            (Ends::Early, Ok(_)) => {}
            (Ends::ByErrno, Ok(_)) => return self.completed.set(self.completed.get() + 1),
            (Ends::Early, Err(errno)) => panic!("{name} under a {strike:?}: {errno:?}"),
        }
        *self.struck.borrow_mut().entry((name, strike)).or_default() += 1;
    }
}

/// What was sent is in what the call brought, or still there: taking it needs no wait, and so no request forbids it.
fn assert_nothing_is_lost(name: &str, near: i32, fed: usize, taken: usize) {
    c::set_nonblocking(near, true).unwrap();
    let left = c::read(near, &mut [0; 8]).unwrap_or(0);
    assert_eq!(taken + left, fed, "{name}: bytes that came when the strike did");
}

/// The root's part: strikes until `wanted` calls have been struck.
fn storm(wanted: usize, seed: u64) {
    let storm = Rc::new(Storm {
        dice: Dice::new(seed),
        wanted,
        struck: RefCell::default(),
        completed: Cell::new(0),
        full: FullListener::new(),
    });
    // Each kind by each strike at least once, one after the other: then a failure names its culprit.
    for at in 0..KINDS.len() + 2 {
        for strike in [Strike::Timeout, Strike::Cancel, Strike::Kill] {
            storm.strike(at, strike);
        }
    }
    let begin = Instant::now();
    let lanes = (0..LANES).map(|_| {
        let storm = storm.clone();
        spawn(move || storm.lane())
    });
    greenroom::joinall(lanes).into_iter().for_each(|lane| lane.unwrap());
    let (struck, completed) = (storm.struck_in_all(), storm.completed.get());
    println!("{struck} calls struck, {completed} completed first, in {:.1?}", begin.elapsed());
    let struck = storm.struck.borrow();
    assert!(struck.len() >= 3 * KINDS.len(), "{struck:#?}");
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// On one hub, with nothing left of it even before its end.
fn storm_on_one_hub(wanted: usize) {
    greenroom::monkey::patch_all();
    support::hub(|| {
        // The hub opens a timer of its own at its first short sleep.
        sleep(Duration::from_micros(100));
        let before = open_descriptors();
        storm(wanted, wanted as u64);
        assert!(open_descriptors() <= before, "{before} descriptors before, now {}", open_descriptors());
    });
}

/// On two hubs, which use the same numbers of descriptors in turn.
fn storm_on_two_hubs(wanted: usize) {
    greenroom::monkey::patch_all();
    support::watch(|| {
        let hubs = [1, 2].map(|seed| std::thread::spawn(move || greenroom::run(|| storm(wanted / 2, seed))));
        hubs.into_iter().for_each(|hub| hub.join().unwrap());
    });
}

#[test]
fn a_storm_of_strikes_inside_calls_leaves_nothing_behind() {
    storm_on_one_hub(SHORT);
}

#[test]
fn a_storm_on_two_os_threads_leaves_nothing_behind() {
    storm_on_two_hubs(SHORT);
}

#[test]
#[ignore = "12 seconds; see the head of this file"]
fn the_whole_storm() {
    storm_on_one_hub(WHOLE);
    storm_on_two_hubs(WHOLE);
}

#[test]
fn the_end_of_a_hub_reaches_into_every_call() {
    greenroom::monkey::patch_all();
    support::watch(|| {
        let unwound = Rc::new(Cell::new(0));
        greenroom::run(|| {
            for kind in KINDS {
                let unwound = unwound.clone();
                let in_a_call = move || {
                    let _counts = OnDrop(|| unwound.set(unwound.get() + 1));
                    let mut prepared = (kind.prepare)();
                    let outcome = call_from_c(&mut prepared);
                    if kind.ends == Ends::ByErrno {
                        assert_eq!(outcome, Err(Errno(libc::ECANCELED)), "{}", kind.name);
                    }
                };
                greenroom::thread::Builder::new().daemon(true).spawn(in_a_call).unwrap();
            }
            sleep(Duration::from_millis(30));
        });
        assert_eq!(unwound.get(), KINDS.len());
    });
}

/// Many read from one descriptor, a third of them are struck: every byte is read once.
#[test]
fn of_what_many_readers_share_nothing_is_lost_when_some_are_struck() {
    const BYTES: usize = 4_000;
    greenroom::monkey::patch_all();
    support::hub(|| {
        let (near, far) = pair();
        let (dice, taken, struck) = (Rc::new(Dice::new(7)), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let fd = near.raw();
        let readers: Vec<_> = (0..32)
            .map(|_| {
                let (dice, taken, struck) = (dice.clone(), taken.clone(), struck.clone());
                spawn(move || {
                    while taken.get() < BYTES {
                        let mut outcome = None;
                        let limit =
                            if dice.below(3) == 0 { dice.moment() / 4 } else { Duration::from_millis(20) };
                        let _ = timeout(limit, || outcome = Some(c::recv(fd, &mut [0; 1], 0)));
                        match outcome.expect("an outcome") {
                            Ok(got) => taken.set(taken.get() + got),
                            Err(errno) => {
                                assert_eq!(errno, Errno(libc::ETIMEDOUT));
                                struck.set(struck.get() + 1);
                            }
                        }
                    }
                })
            })
            .collect();
        for _ in 0..BYTES / 4 {
            assert_eq!(c::send(far.raw(), b"abcd", 0), Ok(4));
            match dice.below(4) {
                0 => sleep(dice.moment() / 4),
                _ => yield_now(),
            }
        }
        greenroom::joinall(readers).into_iter().for_each(|reader| reader.unwrap());
        assert_eq!(taken.get(), BYTES);
        assert!(struck.get() > 100, "{}", struck.get());
        assert_eq!(c::recv(fd, &mut [0; 1], libc::MSG_DONTWAIT), Err(Errno(libc::EAGAIN)));
    });
}

/// A look-up runs on an OS thread beside the hub: who is struck leaves it behind, and says so in getaddrinfo's own way.
#[test]
fn look_ups_that_are_struck_say_so_and_the_others_get_their_addresses() {
    greenroom::monkey::patch_all();
    support::hub(|| {
        let dice = Rc::new(Dice::new(11));
        let (answered, struck) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let callers = (0..16).map(|_| {
            let (dice, answered, struck) = (dice.clone(), answered.clone(), struck.clone());
            spawn(move || {
                for _ in 0..25 {
                    let mut found = None;
                    let limit = if dice.below(2) == 0 { dice.moment() / 4 } else { Duration::from_secs(30) };
                    let _ = timeout(limit, || {
                        let looked_up = c::getaddrinfo(Some("localhost"), Some("7"), 0);
                        found = Some((looked_up, Errno::last()));
                    });
                    match found.expect("an answer") {
                        (Ok(ports), _) => {
                            assert!(!ports.is_empty() && ports.iter().all(|port| *port == 7), "{ports:?}");
                            answered.set(answered.get() + 1);
                        }
                        refused => {
                            assert_eq!(refused, (Err(libc::EAI_SYSTEM), Errno(libc::ETIMEDOUT)));
                            struck.set(struck.get() + 1);
                        }
                    }
                }
            })
        });
        greenroom::joinall(callers).into_iter().for_each(|caller| caller.unwrap());
        assert!(answered.get() > 100 && struck.get() > 20, "{} and {}", answered.get(), struck.get());
    });
}
