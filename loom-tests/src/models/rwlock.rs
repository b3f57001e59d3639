//! Models of `src/sync/rwlock/raw.rs`.

use std::panic::Location;
use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use super::{beside, check};
use crate::park::seat::{Victim, unless_killed};
use crate::sync::rwlock::{RawRwLock, Writing};

/// Something behind the lock. Loom sees one who writes beside others, or one who does not see what others wrote.
struct Locked {
    raw: RawRwLock,
    cell: UnsafeCell<()>,
}

impl Locked {
    fn new() -> Arc<Locked> {
        Arc::new(Locked { raw: RawRwLock::new(), cell: UnsafeCell::new(()) })
    }

    fn lock_to_write(&self) -> Writing {
        self.raw.write(None, Location::caller()).expect("a lock without a limit is taken")
    }

    fn lock_to_read(&self) {
        assert!(self.raw.read(None));
    }

    fn write(&self) {
        let writing = self.lock_to_write();
        self.cell.with_mut(|_| ());
        self.raw.unlock_write(writing);
    }

    fn write_soon(&self) {
        if let Some(writing) = self.raw.write(Some(Duration::ZERO), Location::caller()) {
            self.cell.with_mut(|_| ());
            self.raw.unlock_write(writing);
        }
    }

    fn read(&self) {
        self.lock_to_read();
        self.cell.with(|_| ());
        self.raw.unlock_read();
    }

    fn is_free(&self) -> bool {
        self.raw.try_write(Location::caller()).is_some()
    }
}

/// Preemptions: 3. Seen to fail with a relaxed exchange in `unlock_read`.
#[test]
fn one_who_reads_and_one_who_writes_exclude_each_other() {
    check(3, || {
        let locked = Locked::new();
        let reader = beside(&locked, |locked| {
            locked.read();
            locked.read();
        });
        locked.write();
        reader.join().unwrap();
        assert!(locked.is_free());
    });
}

/// Preemptions: 2. Seen to fail with a hand-over that clears the mark though others stand in the line.
#[test]
fn all_who_read_or_write_get_it() {
    check(2, || {
        let locked = Locked::new();
        let writers = [0, 1].map(|_| beside(&locked, Locked::write));
        locked.read();
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(locked.is_free());
    });
}

/// Preemptions: 2. Seen to fail with a `next` whose changes of the word are all relaxed.
#[test]
fn one_who_joins_the_readers_without_the_latch_sees_what_was_written() {
    check(2, || {
        let locked = Locked::new();
        let writing = locked.lock_to_write();
        let waiting = beside(&locked, Locked::read);
        let joining = beside(&locked, |locked| {
            if locked.raw.try_read() {
                locked.cell.with(|_| ());
                locked.raw.unlock_read();
            }
        });
        locked.cell.with_mut(|_| ());
        locked.raw.unlock_write(writing);
        waiting.join().unwrap();
        joining.join().unwrap();
        assert!(locked.is_free());
    });
}

/// Preemptions: 2. Seen to fail with a `left` that lets no readers in.
#[test]
fn a_writer_whose_time_is_over_no_longer_holds_up_the_readers_behind_it() {
    check(2, || {
        let locked = Locked::new();
        locked.lock_to_read();
        let writer = beside(&locked, Locked::write_soon);
        let reader = beside(&locked, Locked::read);
        reader.join().unwrap();
        writer.join().unwrap();
        locked.raw.unlock_read();
        assert!(locked.is_free());
    });
}

/// One waits and is killed, another waits; who writes kills the first, then lets go.
fn a_kill_leaves_the_lock_to_the_others(use_it: fn(&Locked)) {
    let (locked, victim) = (Locked::new(), Victim::to_be());
    let writing = locked.lock_to_write();
    let killed = beside(&locked, {
        let victim = victim.clone();
        move |locked| {
            victim.take_place();
            unless_killed(|| use_it(locked));
        }
    });
    let other = beside(&locked, Locked::write);
    victim.kill();
    locked.cell.with_mut(|_| ());
    locked.raw.unlock_write(writing);
    killed.join().unwrap();
    other.join().unwrap();
    assert!(locked.is_free());
}

/// Preemptions: 2. Seen to fail with a `pass_on` that forgets writers.
#[test]
fn a_writer_who_is_handed_the_lock_and_killed_leaves_it_to_the_others() {
    check(2, || a_kill_leaves_the_lock_to_the_others(Locked::write));
}

/// Preemptions: 2. Seen to fail with a `pass_on` that forgets readers.
#[test]
fn a_reader_who_is_handed_the_lock_and_killed_leaves_it_to_the_others() {
    check(2, || a_kill_leaves_the_lock_to_the_others(Locked::read));
}
