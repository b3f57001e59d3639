//! The watchdog: an OS thread that looks whether one green thread keeps the hub's OS thread for too long.

use std::io::{self, Write};
use std::panic::Location;
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::hub::bystanders::Idle;
use crate::hub::task::Task;
use crate::shim::sync::Mutex;

/// Watches one hub until it is dropped.
pub(crate) struct Watchdog {
    watched: Arc<Watched>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Watched {
    state: Mutex<Option<Leash>>,
    over: Mutex<bool>,
    ended: Condvar,
}

/// Who has the OS thread, since when.
struct Leash {
    since: Instant,
    name: Option<Box<str>>,
    id: u64,
    site: &'static Location<'static>,
    reported: bool,
}

impl Watchdog {
    pub(crate) fn start(limit: Duration) -> io::Result<Watchdog> {
        let watched = Arc::new(Watched::default());
        let thread = thread::Builder::new().name("greenroom-watchdog".into()).spawn({
            let watched = watched.clone();
            move || {
                let _idle = Idle::new();
                watched.watch(limit);
            }
        })?;
        Ok(Watchdog { watched, thread: Some(thread) })
    }

    pub(crate) fn begins(&self, task: &Task) {
        let label = &task.label;
        *self.watched.leash() = Some(Leash {
            since: Instant::now(),
            name: label.name().map(Box::from),
            id: task.id,
            site: label.site,
            reported: false,
        });
    }

    pub(crate) fn ends(&self) {
        *self.watched.leash() = None;
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.watched.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.watched.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Watched {
    fn leash(&self) -> MutexGuard<'_, Option<Leash>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks twice in each limit, and reports each overlong stay once.
    fn watch(&self, limit: Duration) {
        let pause = (limit / 2).max(Duration::from_millis(1));
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            over = self.ended.wait_timeout(over, pause).unwrap_or_else(PoisonError::into_inner).0;
            if let Some(leash) = &mut *self.leash()
                && !leash.reported
                && leash.since.elapsed() > limit
            {
                leash.reported = true;
                leash.report(limit);
            }
        }
    }
}

impl Leash {
    fn report(&self, limit: Duration) {
        let name = match &self.name {
            Some(name) => format!("\"{name}\""),
            None => self.id.to_string(),
        };
        let _ = writeln!(
            io::stderr(),
            "greenroom: green thread {name}, spawned at {}, has kept its OS thread for {:?} (the limit is {limit:?})",
            self.site,
            self.since.elapsed(),
        );
    }
}
