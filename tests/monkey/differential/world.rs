//! The two worlds: who makes the calls of a script.

use super::log::Log;
use std::time::Duration;

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

/// One that runs beside the script itself.
pub(super) enum Party {
    Plain(std::thread::JoinHandle<Log>),
    Green(greenroom::JoinHandle<Log>),
}

impl World {
    /// Starts a party, and lets it come to its first wait.
    pub(super) fn party(self, name: &'static str, f: impl FnOnce(&mut Log) + Send + 'static) -> Party {
        let play = move || {
            let mut log = Log::of(name);
            f(&mut log);
            log
        };
        let party = match self {
            World::Plain => Party::Plain(std::thread::spawn(play)),
            World::Green => Party::Green(greenroom::spawn(play)),
        };
        a_moment();
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
