//! Which addresses of the process are stacks: written when a chunk comes or goes, read in the signal handler.
//!
//! A handler may interrupt anything, so its reader waits for nobody and allocates nothing. It walks a list that only
//! grows; an entry whose chunk is unmapped is used again for another. Each entry is a sequence lock: its version is
//! odd while it is being changed, and a reader that saw two versions drops what it read. It never has to try again:
//! the entry of the stack that it stands on does not change while it stands there.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::layout::Layout;
use crate::shim::sync::{Mutex, OnceLock};

/// A chunk as the handler sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) layout: Layout,
}

/// One element of the list.
#[derive(Debug)]
pub(super) struct Entry {
    version: AtomicUsize,
    start: AtomicUsize,
    /// Equal to `start` in an entry that is free.
    end: AtomicUsize,
    /// The size from which the layout follows.
    size: AtomicUsize,
    next: OnceLock<&'static Entry>,
}

static FIRST: Entry = Entry::new();

/// The entries that may be used again. Whoever holds the lock is the only writer.
static FREE: Mutex<Vec<&'static Entry>> = Mutex::new(Vec::new());

/// Makes a chunk known.
pub(super) fn add(range: Range) -> &'static Entry {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = free.pop().unwrap_or_else(append);
    entry.write(range.start, range.end, range.layout.size());
    entry
}

/// Makes a chunk unknown again, before it is unmapped.
pub(super) fn remove(entry: &'static Entry) {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    entry.write(0, 0, 0);
    free.push(entry);
}

/// The chunk in which `address` lies. May be called in a signal handler.
pub(super) fn find(address: usize) -> Option<Range> {
    let mut next = Some(&FIRST);
    while let Some(entry) = next {
        if let Some(range) = entry.read().filter(|range| (range.start..range.end).contains(&address)) {
            return Some(range);
        }
        next = entry.next.get().copied();
    }
    None
}

/// A new entry at the end of the list. The caller holds the lock.
fn append() -> &'static Entry {
    let mut last = &FIRST;
    while let Some(next) = last.next.get() {
        last = next;
    }
    last.next.get_or_init(|| Box::leak(Box::new(Entry::new())))
}

impl Entry {
    const fn new() -> Entry {
        Entry {
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            size: AtomicUsize::new(0),
            next: OnceLock::new(),
        }
    }

    fn write(&self, start: usize, end: usize, size: usize) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        // Pairs with the reader's fence: who reads one of the values below also reads that odd version, or a later.
        fence(Ordering::Release);
        self.start.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        self.size.store(size, Ordering::Relaxed);
        self.version.store(version + 2, Ordering::Release);
    }

    fn read(&self) -> Option<Range> {
        let version = self.version.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Relaxed);
        let end = self.end.load(Ordering::Relaxed);
        let size = self.size.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let unchanged = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        (unchanged && start < end).then(|| Range { start, end, layout: Layout::of_size(size) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: usize, slots: usize) -> Range {
        let layout = Layout::new(64 << 10).unwrap();
        Range { start, end: start + slots * layout.slot(), layout }
    }

    #[test]
    fn a_chunk_is_found_from_add_to_remove() {
        let mine = range(1 << 50, 16);
        assert!(find(mine.start).is_none());
        let entry = add(mine);
        assert_eq!(find(mine.start).unwrap().end, mine.end);
        assert_eq!(find(mine.end - 1).unwrap().layout, mine.layout);
        assert!(find(mine.start - 1).is_none());
        assert!(find(mine.end).is_none());
        remove(entry);
        assert!(find(mine.start).is_none());
    }

    #[test]
    fn a_reader_never_sees_half_of_a_change() {
        let places = [range(2 << 50, 16), range(3 << 50, 32)];
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for round in 0..20_000 {
                    remove(add(places[round % 2]));
                }
            });
            while !writer.is_finished() {
                for place in places {
                    if let Some(found) = find(place.start) {
                        assert_eq!((found.start, found.end), (place.start, place.end));
                    }
                }
            }
        });
    }
}
