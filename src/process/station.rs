//! The station: where those wait whose child has no descriptor, and the OS thread that looks for ends on their behalf.
//!
//! It looks at the children that somebody waits for, each by its own number, and leaves them to be reaped by whoever
//! waits. It is there while somebody waits.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;

use super::sigchld::{Knock, News};
use crate::park::bell::Bell;
use crate::shim::sync::Mutex;

static STATION: Mutex<Station> = Mutex::new(Station { watches: Vec::new(), knock: None });

struct Station {
    watches: Vec<Arc<Entry>>,
    /// None while no OS thread looks.
    knock: Option<Knock>,
}

/// One child that somebody waits for.
struct Entry {
    process: u32,
    bell: Bell,
}

/// The right to hear of the end of one child.
pub(super) struct Watch(Arc<Entry>);

impl Watch {
    /// From now on the end of this child rings the [bell](Self::bell), and whoever watches looks once before waiting.
    pub(super) fn begin(process: u32) -> io::Result<Watch> {
        let mut station = station();
        if station.knock.is_none() {
            let (news, knock) = News::subscribe()?;
            thread::Builder::new().name("greenroom-children".into()).spawn(move || look_for_ends(news))?;
            station.knock = Some(knock);
        }
        let entry = Arc::new(Entry { process, bell: Bell::new() });
        station.watches.push(entry.clone());
        Ok(Watch(entry))
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.0.bell
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut station = station();
        station.watches.retain(|entry| !Arc::ptr_eq(entry, &self.0));
        if station.watches.is_empty()
            && let Some(knock) = &mut station.knock
        {
            knock.knock();
        }
    }
}

/// The life of the OS thread.
fn look_for_ends(mut news: News) {
    loop {
        news.wait();
        let mut station = station();
        if station.watches.is_empty() {
            station.knock = None;
            // Under the lock: the next to come subscribes after this.
            drop(news);
            return;
        }
        for entry in station.watches.iter().filter(|entry| crate::sys::child_has_ended(entry.process)) {
            entry.bell.ring();
        }
    }
}

/// Nothing that panics runs under this lock, so poison means nothing.
fn station() -> MutexGuard<'static, Station> {
    STATION.lock().unwrap_or_else(PoisonError::into_inner)
}
