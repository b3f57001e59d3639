//! The two worlds: who makes the calls of a script.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::log::Log;

/// Who the parties of a script are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum World {
    /// OS threads without a hub.
    Plain,
    /// Green threads of one hub.
    Green,
}

/// Long enough for what was sent on loopback to be there, and for another party to have begun its wait.
pub(super) const A_MOMENT: Duration = Duration::from_millis(15);

/// Lets a moment pass.
pub(super) fn a_moment() {
    std::thread::sleep(A_MOMENT);
}

/// Counts how far a party has come, for a script that goes on only then.
#[derive(Clone, Default)]
pub(super) struct Steps(Arc<AtomicUsize>);

impl Steps {
    pub(super) fn take(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// Until so many have been taken, and a moment more: then whoever took the last one waits again.
    pub(super) fn wait_for(&self, steps: usize) {
        while self.0.load(Ordering::SeqCst) < steps {
            a_moment();
        }
        a_moment();
    }
}

/// One that runs beside the script itself.
pub(super) enum Party {
    Plain(std::thread::JoinHandle<Log>),
    Green(greenroom::JoinHandle<Log>),
}

impl World {
    /// Starts a party, and lets it come to its first wait.
    pub(super) fn party(self, name: &'static str, f: impl FnOnce(&mut Log) + Send + 'static) -> Party {
        let begun = Steps::default();
        let begins = begun.clone();
        let play = move || {
            begins.take();
            let mut log = Log::of(name);
            f(&mut log);
            log
        };
        let party = match self {
            World::Plain => Party::Plain(std::thread::spawn(play)),
            World::Green => Party::Green(greenroom::spawn(play)),
        };
        begun.wait_for(1);
        party
    }
}

impl Party {
    /// Waits for its end; its lines stand in `log` from here on.
    pub(super) fn join(self, log: &mut Log) {
        log.add(match self {
            Party::Plain(thread) => thread.join().unwrap(),
            Party::Green(thread) => thread.join().unwrap(),
        });
    }
}
