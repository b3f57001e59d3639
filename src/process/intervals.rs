//! In place of the news by SIGCHLD, in builds without the feature `signal`: a look every few milliseconds.

use std::io;
use std::thread;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(5);

/// Where one OS thread waits for the next look.
pub(super) struct News;

/// The next look comes soon enough.
pub(super) struct Knock;

impl News {
    pub(super) fn subscribe() -> io::Result<(News, Knock)> {
        Ok((News, Knock))
    }

    pub(super) fn wait(&mut self) {
        thread::sleep(INTERVAL);
    }
}

impl Knock {
    pub(super) fn knock(&mut self) {}
}
