//! The frame around every test that could hang or leak.
//!
//! A test calls [`hub`] (its body is then the root of a new hub) or [`watch`] (for tests that make their hubs
//! themselves), or [`guard`] where a leak is documented, as for implicit hubs. What is counted belongs to the
//! process, so framed tests run one at a time.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::panic::Location;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// How long one test may take before the process is ended: several minutes, for the machine may be busy elsewhere.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long what a test left behind may take to go: threads that are ending, descriptors on their way to be closed.
const AFTERMATH: Duration = Duration::from_secs(30);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static WATCHED: Mutex<Option<Watched>> = Mutex::new(None);

thread_local! {
    static FRAMED: Cell<bool> = const { Cell::new(false) };
}

struct Watched {
    test: String,
    place: &'static Location<'static>,
    since: Instant,
}

/// Runs `f` as the root of a new hub, under the watchdog, in a leak frame; nothing of the hub may be left.
#[track_caller]
pub(crate) fn hub<T>(f: impl FnOnce() -> T) -> T {
    watch(|| {
        let (value, handle) = greenroom::run(|| (f(), greenroom::Handle::current()));
        let left = handle.metrics();
        assert_eq!((left.alive, left.stacks), (0, 0), "green threads and stacks left after the hub's end");
        value
    })
}

/// As [`hub`], on a clock that stands still while anybody runs: for what is about the order of times only, which a machine
/// that stops us between two lines would change.
#[track_caller]
pub(crate) fn virtual_hub<T>(f: impl FnOnce() -> T) -> T {
    watch(|| greenroom::Runtime::builder().virtual_time(true).build().expect("a hub").run(f))
}

/// Runs `f` on the calling OS thread under the watchdog; descriptors and our OS threads are no more after than before.
#[track_caller]
pub(crate) fn watch<T>(f: impl FnOnce() -> T) -> T {
    guard(|| {
        let before = Belongings::count();
        let value = f();
        before.assert_no_more_after();
        value
    })
}

/// Runs `f` under the watchdog only.
#[track_caller]
pub(crate) fn guard<T>(f: impl FnOnce() -> T) -> T {
    let place = Location::caller();
    if FRAMED.get() {
        return f();
    }
    let _frame = Frame::enter(place);
    f()
}

struct Frame {
    _turn: MutexGuard<'static, ()>,
}

impl Frame {
    fn enter(place: &'static Location<'static>) -> Frame {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        start_watchdog();
        let test = std::thread::current().name().unwrap_or("unnamed").to_owned();
        *watched() = Some(Watched { test, place, since: Instant::now() });
        FRAMED.set(true);
        Frame { _turn: turn }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        FRAMED.set(false);
        *watched() = None;
    }
}

fn watched() -> MutexGuard<'static, Option<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One OS thread looks at the clock for all tests. It ends the process: a test that hangs cannot be unwound.
fn start_watchdog() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let look = || {
            loop {
                std::thread::sleep(Duration::from_millis(250));
                if let Some(test) = &*watched()
                    && test.since.elapsed() > PATIENCE
                {
                    // Not by `eprintln`: that goes where the output of the test goes that started this OS thread,
                    // which is shown to nobody.
                    let _ = writeln!(
                        std::io::stderr(),
                        "\nwatchdog: {} ({}) hangs for {PATIENCE:?}",
                        test.test,
                        test.place
                    );
                    std::process::abort();
                }
            }
        };
        std::thread::Builder::new().name("test-watchdog".into()).spawn(look).expect("a watchdog");
    });
}

/// What a process owns that a test may leak.
#[derive(Debug)]
struct Belongings {
    descriptors: usize,
    os_threads: usize,
}

impl Belongings {
    fn count() -> Belongings {
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("/proc").count();
        let os_threads = std::fs::read_dir("/proc/self/task")
            .expect("/proc")
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("comm")).ok())
            // The look-up threads outlive their jobs on purpose, by some seconds.
            .filter(|name| name.starts_with("greenroom") && !name.starts_with("greenroom-look"))
            .count();
        Belongings { descriptors, os_threads }
    }

    /// Fewer may be: look-ups that an earlier test gave up end when they like.
    #[track_caller]
    fn assert_no_more_after(&self) {
        let patience = Instant::now() + AFTERMATH;
        loop {
            let after = Belongings::count();
            if after.descriptors <= self.descriptors && after.os_threads <= self.os_threads {
                return;
            }
            assert!(Instant::now() < patience, "the test left something behind: {self:?}, now {after:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// What happened, in order, as words. Clones write into the same log.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn new() -> Log {
        Log::default()
    }

    pub(crate) fn push(&self, word: impl Into<String>) {
        self.0.borrow_mut().push(word.into());
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

/// Counts what is alive: every [`one`](Tally::one) until it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Tally(Rc<(Cell<usize>, Cell<usize>)>);

/// One of a [`Tally`].
pub(crate) struct Counted(Tally);

impl Tally {
    pub(crate) fn new() -> Tally {
        Tally::default()
    }

    pub(crate) fn one(&self) -> Counted {
        self.0.0.set(self.0.0.get() + 1);
        Counted(self.clone())
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.0.get()
    }

    pub(crate) fn dropped(&self) -> usize {
        self.0.1.get()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (alive, dropped) = &*self.0.0;
        alive.set(alive.get() - 1);
        dropped.set(dropped.get() + 1);
    }
}

/// Calls a closure when it is dropped, once.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Sleeps until it is so. For what comes from elsewhere, the kernel or another OS thread: no sleep is long enough for that
/// on a busy machine.
#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE / 4, "it does not come");
        greenroom::sleep(ms(1));
    }
}

/// One of twenty tries takes no longer than `most`: what else the machine does only ever makes a try longer.
#[track_caller]
pub(crate) fn assert_within(most: Duration, mut try_it: impl FnMut() -> Duration) {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        best = best.min(try_it());
        if best <= most {
            return;
        }
    }
    panic!("the best of twenty tries took {best:?}, not {most:?}");
}

/// How a green thread ended that did not end well.
#[track_caller]
pub(crate) fn error_of(child: greenroom::JoinHandle<()>) -> greenroom::JoinError {
    child.join().expect_err("a green thread that came to no good end")
}

/// Runs `f`; returns the text of its panic. Panics itself if `f` does not.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("no panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast::<&str>().map_or("(not a text)".into(), |text| text.to_string()),
        },
    }
}

/// Milliseconds, for tests that speak of many.
pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
