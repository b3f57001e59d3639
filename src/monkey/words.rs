//! The words: green threads that wait until a word of memory changes, as the kernel's futex has OS threads wait.
//!
//! ```text
//!   who waits                                    who wakes
//!   waiting += 1                                 word = new            (std, before it asks for a wake-up)
//!   fence                                        fence
//!   latch; word == expected? join : leave        waiting == 0? nobody : latch; tell
//! ```
//!
//! *No wake-up is lost between the look at the word and the place in the line*: the look happens under the latch that who
//! wakes takes. *Nor by the look at the count*: both sides write, fence (SeqCst), then read what the other has written, so
//! that at least one sees the other: who waits the new word, or who wakes the count. The kernel's own futex does the same.
//!
//! *A wake-up for one goes to one of each hub*. That is more than was asked for, which futexes allow: whoever returns from a
//! wait looks again. But a hub may be busy, or its OS thread blocked: a single wake-up would be stuck with it, while others
//! could go on.

use std::ops::ControlFlow;

use crate::park::line::{Guard, How, Line, Policy, Turn, Verdict, Waited, wait};
use crate::park::seat::{Limit, Manner, Seat, WaitingFor};
use crate::shim::const_fn;
use crate::shim::own::business;
use crate::shim::sync::atomic::{AtomicUsize, Ordering, fence};

const WOKEN: Verdict = 1;

/// So many hubs a bucket tells apart. If there are more, too many are woken.
const MOST_HUBS: usize = 8;

/// Those who wait for words that share this bucket.
pub(crate) struct Bucket {
    /// How many stand in the line or are about to.
    waiting: AtomicUsize,
    line: Line<Census, Word>,
}

/// What one waits for.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    pub(crate) address: usize,
    /// It was woken for this word before, and somebody else was faster.
    pub(crate) lost: bool,
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// It did not begin: the word has changed.
    Changed,
    Woken,
    Deadline,
}

impl Bucket {
    const_fn! {
        pub(crate) const fn new() -> Bucket {
            Bucket { waiting: AtomicUsize::new(0), line: Line::new(Census::EMPTY) }
        }
    }

    /// Waits for a wake-up, if the word `is_still` what the caller has seen. Nothing else but the limit ends the wait.
    pub(crate) fn wait(&self, word: Word, is_still: impl FnOnce() -> bool, limit: Option<Limit>) -> Ended {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let mut guard = self.line.lock();
        if !is_still() {
            drop(guard);
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Ended::Changed;
        }
        guard.state.join(Seat::here().home());
        let how = How { manner: Manner::Deaf, what: WaitingFor::Futex, limit };
        match wait(self, guard, Turn { list: 0, first: word.lost }, word, how) {
            Waited::Deadline(_) => Ended::Deadline,
            Waited::Told(..) | Waited::Interrupted(..) => Ended::Woken,
        }
    }

    /// Does anybody wait here? The caller has changed its word before.
    #[inline]
    pub(crate) fn is_waited_at(&self) -> bool {
        fence(Ordering::SeqCst);
        self.waiting.load(Ordering::Relaxed) != 0
    }

    /// Wakes who waits for the word at `address`: all, or one of each hub. Says whether a neighbour is among them that has
    /// lost before.
    pub(crate) fn wake(&self, address: usize, all: bool) -> bool {
        // To tell another hub takes locks of std's: what becomes of those must not come back here.
        business(|| self.tell(address, all))
    }

    fn tell(&self, address: usize, all: bool) -> bool {
        let (mut count, mut has_lost) = (0, false);
        let mut guard = self.line.lock();
        let mut census = guard.state;
        let mut unserved = census;
        guard.tell_those(0, WOKEN, |seat, word| {
            if !all && unserved.is_empty() {
                return ControlFlow::Break(());
            }
            let home = seat.home();
            if word.address != address || !(all || unserved.has(home)) {
                return ControlFlow::Continue(false);
            }
            unserved.strike(home);
            census.leave(home);
            count += 1;
            has_lost |= word.lost && seat.is_neighbour();
            ControlFlow::Continue(true)
        });
        guard.state = census;
        drop(guard);
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        has_lost
    }
}

impl Policy for Bucket {
    type State = Census;
    type Data = Word;

    fn line(&self) -> &Line<Census, Word> {
        &self.line
    }

    fn left(&self, guard: &mut Guard<'_, Census, Word, 1>, _list: usize) {
        guard.state.leave(Seat::here().home());
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// It was woken and left standing at the end of its hub: the next goes on.
    fn pass_on(&self, _verdict: Verdict, word: Word) {
        self.wake(word.address, false);
    }
}

/// How many wait here of each hub: whoever wakes one of each looks no further than to the last.
#[derive(Clone, Copy)]
pub(crate) struct Census {
    /// Each hub with how many of it wait. A place is free if that is 0.
    hubs: [(usize, usize); MOST_HUBS],
    /// Those of further hubs; or of one that has got a place since.
    others: usize,
}

impl Census {
    const EMPTY: Census = Census { hubs: [(0, 0); MOST_HUBS], others: 0 };

    fn is_empty(&self) -> bool {
        self.others == 0 && self.hubs.iter().all(|&(_, waiting)| waiting == 0)
    }

    fn of(&mut self, home: usize) -> Option<&mut (usize, usize)> {
        self.hubs.iter_mut().find(|(hub, waiting)| *hub == home && *waiting != 0)
    }

    fn has(&mut self, home: usize) -> bool {
        self.others != 0 || self.of(home).is_some()
    }

    fn join(&mut self, home: usize) {
        if let Some((_, waiting)) = self.of(home) {
            *waiting += 1;
        } else if let Some(free) = self.hubs.iter_mut().find(|(_, waiting)| *waiting == 0) {
            *free = (home, 1);
        } else {
            self.others += 1;
        }
    }

    fn leave(&mut self, home: usize) {
        match self.of(home) {
            Some((_, waiting)) => *waiting -= 1,
            None => self.others -= 1,
        }
    }

    /// All of that hub leave.
    fn strike(&mut self, home: usize) {
        if let Some((_, waiting)) = self.of(home) {
            *waiting = 0;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Census, MOST_HUBS};

    #[test]
    fn a_census_is_empty_when_all_have_left_in_any_order() {
        let homes = (1..=2 * MOST_HUBS).chain(1..=2 * MOST_HUBS);
        for step in [1, 3, 5, 7] {
            let mut census = Census::EMPTY;
            homes.clone().for_each(|home| census.join(home));
            assert_eq!(census.others, 2 * MOST_HUBS);
            let mut left = homes.clone().collect::<Vec<_>>();
            while !left.is_empty() {
                assert!(left.iter().all(|&home| census.has(home)));
                census.leave(left.remove(step % left.len()));
            }
            assert!(census.is_empty());
        }
    }

    #[test]
    fn who_is_struck_has_been_served() {
        let mut census = Census::EMPTY;
        [1, 1, 2].into_iter().for_each(|home| census.join(home));
        census.strike(1);
        assert!(!census.has(1) && census.has(2) && !census.is_empty());
        census.strike(2);
        assert!(census.is_empty());
    }
}
