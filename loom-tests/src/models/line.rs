//! Models of `src/park/line.rs`, together with the letters of a hub that waits.

use loom::sync::Arc;

use super::{beside, check};
use crate::park::line::{How, Line, Policy, Verdict, Waited, at_the_end_of, wait};
use crate::park::seat::{self, Limit, Manner, Seat, Victim, WaitingFor, unless_killed};

const HANDED: Verdict = 1;

/// Loom looks at each for leaks.
type Item = Arc<u8>;

/// Things that are handed from one to another; the smallest queue there is.
struct Shelf {
    line: Line<Vec<Item>, Option<Item>>,
}

impl Shelf {
    fn new() -> Arc<Shelf> {
        Arc::new(Shelf { line: Line::new(Vec::new()) })
    }

    fn put(&self, item: Item) {
        let mut guard = self.line.lock();
        let mut item = Some(item);
        if guard.tell_first(0, HANDED, |data| *data = item.take()).is_none() {
            guard.state.extend(item);
        }
    }

    fn put_number(&self, number: u8) {
        self.put(Arc::new(number));
    }

    fn get(&self, manner: Manner, limit: Option<Limit>) -> Option<Item> {
        let mut guard = self.line.lock();
        if let Some(item) = guard.state.pop() {
            return Some(item);
        }
        let how = How { manner, what: WaitingFor::AnItem, limit };
        match wait(self, guard, at_the_end_of(0), None, how) {
            Waited::Told(HANDED, item) => Some(item.expect("who is told is given something")),
            Waited::Told(..) => unreachable!("there is one verdict"),
            Waited::Deadline(none) | Waited::Interrupted(_, none) => {
                assert!(none.is_none());
                None
            }
        }
    }

    /// Gives up if nothing is there by the time it looks.
    fn get_soon(&self) -> Option<Item> {
        self.get(Manner::Fallible, Seat::here().limit(std::time::Duration::ZERO))
    }

    fn get_always(&self) -> Item {
        self.get(Manner::Infallible, None).expect("nothing ends this wait")
    }

    fn held(&self) -> usize {
        let guard = self.line.lock();
        assert!(guard.is_empty(0), "nobody stands in the line");
        guard.state.len()
    }
}

impl Policy for Shelf {
    type State = Vec<Item>;
    type Data = Option<Item>;

    fn line(&self) -> &Line<Vec<Item>, Option<Item>> {
        &self.line
    }

    fn pass_on(&self, _verdict: Verdict, item: Option<Item>) {
        self.put(item.expect("who was told was given something"));
    }
}

/// Preemptions: 3. Seen to fail with a wait that begins before its waiter has joined the line.
#[test]
fn an_item_is_handed_to_one_who_comes_to_wait_meanwhile() {
    check(3, || {
        let shelf = Shelf::new();
        let putter = beside(&shelf, |shelf| shelf.put_number(1));
        assert_eq!(*shelf.get_always(), 1);
        putter.join().unwrap();
        assert_eq!(shelf.held(), 0);
    });
}

/// The first teller rings late, in the second wait: that looks at a verdict which is just being written.
///
/// Preemptions: 3. Seen to fail with a relaxed store of the verdict, and with data that is filled after it.
#[test]
fn one_who_wakes_for_nothing_takes_no_item_before_it_is_there() {
    check(3, || {
        let shelf = Shelf::new();
        let putters = [1, 2].map(|number| beside(&shelf, move |shelf| shelf.put_number(number)));
        let soon = shelf.get_soon();
        let then = shelf.get_always();
        for putter in putters {
            putter.join().unwrap();
        }
        assert_ne!(soon.as_deref(), Some(&*then));
        assert_eq!(shelf.held(), usize::from(soon.is_none()));
    });
}

/// Preemptions: 2. Seen to fail with a `wait` that links its waiter after it has given the latch back.
#[test]
fn two_who_wait_get_one_item_each() {
    check(2, || {
        let shelf = Shelf::new();
        let getters = [0, 1].map(|_| beside(&shelf, |shelf| *shelf.get_always()));
        shelf.put_number(1);
        shelf.put_number(2);
        let mut got = getters.map(|getter| getter.join().unwrap());
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        assert_eq!(shelf.held(), 0);
    });
}

/// Preemptions: 3. Seen to fail with a `leave` that does not look at the verdict.
#[test]
fn an_item_handed_to_one_whose_time_is_over_is_got_or_kept() {
    check(3, || {
        let shelf = Shelf::new();
        let putter = beside(&shelf, |shelf| shelf.put_number(1));
        let got = shelf.get_soon();
        putter.join().unwrap();
        assert_eq!(shelf.held(), usize::from(got.is_none()));
    });
}

/// Preemptions: 3. Seen to fail with a `Stay` that passes nothing on when it is dropped.
#[test]
fn an_item_handed_to_one_who_is_killed_is_got_or_kept() {
    check(3, || {
        let shelf = Shelf::new();
        let victim = Victim::here();
        let others = beside(&shelf, move |shelf| {
            shelf.put_number(1);
            victim.kill();
        });
        let got = unless_killed(|| shelf.get_always());
        others.join().unwrap();
        assert_eq!(shelf.held(), usize::from(got.is_none()));
    });
}

/// Preemptions: 2. Seen to fail with a `Stay` that passes nothing on when it is dropped.
#[test]
fn an_item_handed_to_one_who_is_killed_goes_to_the_next() {
    check(2, || {
        let (shelf, victim) = (Shelf::new(), Victim::to_be());
        let killed = beside(&shelf, {
            let victim = victim.clone();
            move |shelf| {
                victim.take_place();
                unless_killed(|| *shelf.get_always())
            }
        });
        let other = beside(&shelf, |shelf| *shelf.get_always());
        shelf.put_number(1);
        victim.kill();
        if killed.join().unwrap().is_some() {
            shelf.put_number(2);
        }
        other.join().unwrap();
        assert_eq!(shelf.held(), 0);
    });
}

/// Preemptions: 2. Seen to fail with an `unlink` that leaves the neighbours as they are.
#[test]
fn one_who_leaves_the_line_leaves_the_others_in_it() {
    check(2, || {
        let shelf = Shelf::new();
        let hasty = beside(&shelf, |shelf| shelf.get_soon().is_some());
        let patient = beside(&shelf, |shelf| *shelf.get_always());
        shelf.put_number(1);
        if hasty.join().unwrap() {
            shelf.put_number(1);
        }
        assert_eq!(patient.join().unwrap(), 1);
        assert_eq!(shelf.held(), 0);
    });
}

/// Preemptions: 3. Seen to fail with a `leave` that withdraws no letter.
#[test]
fn no_letter_is_left_for_one_whose_time_is_over() {
    check(3, || {
        seat::become_green();
        let shelf = Shelf::new();
        let putter = beside(&shelf, |shelf| shelf.put_number(1));
        let got = shelf.get_soon();
        assert!(seat::has_no_mail());
        putter.join().unwrap();
        assert!(seat::has_no_mail());
        assert_eq!(shelf.held(), usize::from(got.is_none()));
    });
}

/// Preemptions: 2. Seen to fail with a `tell_far` that posts the letter before it tells: the ring for another letter, late,
/// has the hub read it too early.
#[test]
fn a_letter_that_is_read_at_the_ring_of_another_says_what_was_told() {
    check(2, || {
        seat::become_green();
        let shelf = Shelf::new();
        let putters = [1, 2].map(|number| beside(&shelf, move |shelf| shelf.put_number(number)));
        let got = shelf.get_soon();
        shelf.get_always();
        for putter in putters {
            putter.join().unwrap();
        }
        assert!(seat::has_no_mail());
        assert_eq!(shelf.held(), usize::from(got.is_none()));
    });
}

/// Preemptions: 2. Seen to fail with a `tell_first` that leaves the letter to be posted after the latch.
#[test]
fn no_letter_is_left_for_one_who_is_killed() {
    check(2, || {
        seat::become_green();
        let shelf = Shelf::new();
        let victim = Victim::here();
        let putter = beside(&shelf, |shelf| shelf.put_number(1));
        let killer = beside(&shelf, move |_| victim.kill());
        let got = unless_killed(|| shelf.get_always());
        assert!(seat::has_no_mail());
        putter.join().unwrap();
        killer.join().unwrap();
        assert!(seat::has_no_mail());
        assert_eq!(shelf.held(), usize::from(got.is_none()));
    });
}

/// Preemptions: 2. Seen to fail with a guard that rings for the first whom it told, and for nobody else.
#[test]
fn all_who_are_told_at_once_go_on() {
    struct Gate(Line<bool>);

    impl Policy for Gate {
        type State = bool;
        type Data = ();

        fn line(&self) -> &Line<bool> {
            &self.0
        }

        fn pass_on(&self, _verdict: Verdict, (): ()) {}
    }

    fn pass(gate: &Gate) {
        let guard = gate.0.lock();
        if !guard.state {
            let how = How { manner: Manner::Infallible, what: WaitingFor::Event, limit: None };
            assert!(matches!(wait(gate, guard, at_the_end_of(0), (), how), Waited::Told(HANDED, ())));
        }
    }

    check(2, || {
        let gate = Arc::new(Gate(Line::new(false)));
        let others = [0, 1].map(|_| beside(&gate, pass));
        let mut guard = gate.0.lock();
        guard.state = true;
        guard.tell_all(0, HANDED);
        drop(guard);
        for other in others {
            other.join().unwrap();
        }
    });
}
