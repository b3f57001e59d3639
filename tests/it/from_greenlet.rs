//! Cases of python-greenlet, rewritten: `src/greenlet/tests/test_greenlet.py` and `test_throw.py`. Each names its source.
//!
//! Where the meaning differs (a killed greenlet cannot go on elsewhere, and gives its parent nothing), the case says so.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;

use greenroom::greenlet::Greenlet;

use crate::support::{Log, OnDrop, panic_of};

type Word = &'static str;
type Slot<T> = Rc<RefCell<Option<Greenlet<T>>>>;

/// `greenlet.getcurrent().parent`, as most of the cases use it.
fn parent<T: 'static>() -> Greenlet<T> {
    Greenlet::current().parent().expect("it is called in a child")
}

/// `fmain` of the source: waits at its parent, notes what it is woken with, and panics of its own otherwise.
fn waiting_child(log: &Log) -> Greenlet<Word> {
    let log = log.clone();
    Greenlet::new(move |word: Word| {
        let wait = AssertUnwindSafe(|| parent().switch(word));
        if let Err(payload) = catch_unwind(wait) {
            log.push(payload.downcast_ref::<Word>().copied().unwrap_or("unwound"));
            resume_unwind(payload);
        }
        panic_any("some error")
    })
}

/// Raises in `target`, by way of a child that dies of it: `send_exception` of the source.
fn send_panic(target: &Greenlet<Word>, word: Word) -> Word {
    let crasher = Greenlet::new(|word: Word| panic_any(word));
    crasher.set_parent(target);
    crasher.switch(word)
}

// ---- test_greenlet.py ----

/// test_simple
#[test]
fn a_child_and_its_parent_take_turns() {
    let log = Log::new();
    let child = Greenlet::new({
        let log = log.clone();
        move |()| {
            log.push("1");
            parent().switch(());
            log.push("3");
        }
    });
    log.push("0");
    child.switch(());
    log.push("2");
    child.switch(());
    log.push("4");
    assert_eq!(log.words(), ["0", "1", "2", "3", "4"]);
}

/// test_two_children
#[test]
fn two_children_each_keep_their_place() {
    let count = Rc::new(Cell::new(0));
    let child = || {
        let count = count.clone();
        Greenlet::new(move |()| {
            count.set(count.get() + 1);
            parent().switch(());
            count.set(count.get() + 2);
        })
    };
    let (g, h) = (child(), child());
    g.switch(());
    assert_eq!(count.get(), 1);
    h.switch(());
    assert_eq!(count.get(), 2);
    h.switch(());
    assert_eq!((count.get(), h.is_dead(), g.is_dead()), (4, true, false));
    g.switch(());
    assert_eq!((count.get(), g.is_dead()), (6, true));
}

/// test_two_recursive_children
#[test]
fn a_grandchild_that_only_its_parent_names_is_unwound_when_the_parent_ends() {
    let log = Log::new();
    let outer = Greenlet::new({
        let log = log.clone();
        move |()| {
            log.push("a");
            let inner = Greenlet::new({
                let log = log.clone();
                move |()| {
                    let _word = OnDrop(|| log.push("unwound"));
                    log.push("b");
                    parent().switch(());
                }
            });
            inner.switch(());
            log.push("c");
        }
    });
    outer.switch(());
    assert_eq!(log.words(), ["a", "b", "c", "unwound"]);
}

/// test_threads
#[test]
fn os_threads_have_greenlets_of_their_own() {
    let script = || {
        let root = Greenlet::<u32>::current();
        let child = Greenlet::new(move |n| root.switch(n + 1) + 2);
        child.switch(1) + child.switch(10)
    };
    let threads: Vec<_> = (0..10).map(|_| std::thread::spawn(script)).collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 14));
}

/// test_exception
#[test]
fn a_panic_goes_to_the_parent_it_has_by_then_and_on_to_the_grandparent() {
    let log = Log::new();
    let (g1, g2) = (waiting_child(&log), waiting_child(&log));
    g1.switch("one");
    g2.switch("two");
    g2.set_parent(&g1);
    assert_eq!(panic_of(|| g2.switch("go on")), "some error");
    assert_eq!(log.words(), ["some error"], "g1 has seen it pass");
    assert!(g1.is_dead() && g2.is_dead());
    assert_eq!(g2.switch("25"), "25", "a switch to the dead is one to the living ancestor: oneself");
    assert_eq!(log.words(), ["some error"]);
}

/// test_send_exception
#[test]
fn a_child_that_dies_of_a_panic_raises_it_in_the_parent_it_was_given() {
    let log = Log::new();
    let g1 = waiting_child(&log);
    g1.switch("one");
    assert_eq!(panic_of(|| send_panic(&g1, "key error")), "key error");
    assert_eq!(log.words(), ["key error"]);
}

/// test_dealloc
#[test]
fn dropping_the_only_handle_unwinds_each_in_its_turn() {
    let log = Log::new();
    let (g1, g2) = (waiting_child(&log), waiting_child(&log));
    g1.switch("one");
    g2.switch("two");
    assert!(log.words().is_empty());
    drop(g1);
    assert_eq!(log.words(), ["unwound"]);
    drop(g2);
    assert_eq!(log.words(), ["unwound", "unwound"]);
}

/// test_dealloc_catches_GreenletExit_throws_other. There the second exception is printed, here it is dropped.
#[test]
fn a_panic_of_its_own_while_it_is_dropped_reaches_nobody() {
    let child = Greenlet::new(|()| {
        let wait = AssertUnwindSafe(|| parent().switch(()));
        if catch_unwind(wait).is_err() {
            panic_any("some error");
        }
    });
    child.switch(());
    drop(child);
}

/// test_exc_state
#[test]
fn a_greenlet_that_starts_in_a_handler_of_a_panic_is_not_panicking() {
    let outer = Greenlet::new(|()| {
        let text = panic_of(|| panic_any("fun"));
        Greenlet::new(|()| assert!(!std::thread::panicking())).switch(());
        assert_eq!(text, "fun");
    });
    outer.switch(());
}

/// test_parent_restored_on_kill. There the dropped greenlet comes back to life and goes to its parent; here it is unwound
/// again, and still sees who its parent is.
#[test]
fn a_greenlet_that_is_dropped_keeps_its_parent_to_the_end() {
    let log = Log::new();
    let main = Greenlet::<Word>::current();
    let hub = Greenlet::new(|word: Word| word);
    let worker = Greenlet::new({
        let (log, hub, main) = (log.clone(), hub.clone(), main.clone());
        move |word| {
            let wait = AssertUnwindSafe(|| main.switch(word));
            if catch_unwind(wait).is_err() {
                let own = Greenlet::<Word>::current();
                log.push(format!("{}", own.parent().is_some_and(|parent| !parent.is_started())));
                hub.switch("never gets there");
            }
            log.push("never gets here");
            word
        }
    });
    worker.set_parent(&hub);
    worker.switch("start");
    drop(worker);
    assert_eq!(log.words(), ["true"]);
    assert!(!hub.is_started());
}

/// test_throw_to_dead_thread_doesnt_crash, with a green thread's place taken by a generator that has ended.
#[test]
fn a_throw_into_a_family_whose_frames_are_over_comes_back() {
    use greenroom::generator::{Generator, Yielder};
    let kept: Slot<Word> = Rc::default();
    let mut place = Generator::new({
        let kept = kept.clone();
        move |_: &Yielder<()>, ()| {
            let root = Greenlet::<Word>::current();
            let worker = Greenlet::new(move |word| root.switch(word));
            worker.switch("in");
            *kept.borrow_mut() = Some(worker);
        }
    });
    place.send(());
    let worker = kept.take().expect("it was kept");
    assert!(worker.is_dead());
    assert_eq!(panic_of(|| worker.throw(Box::new("late"))), "late");
}

/// test_dealloc_switch_args_not_lost
#[test]
fn a_value_survives_the_end_of_the_greenlet_that_passes_it_on() {
    let log = Log::new();
    let initiator: Slot<u32> = Rc::default();
    let worker: Slot<u32> = Rc::default();
    *worker.borrow_mut() = Some(Greenlet::new({
        let (log, initiator, worker) = (log.clone(), initiator.clone(), worker.clone());
        move |n| {
            let _word = OnDrop(|| log.push("worker unwound"));
            let value = parent().switch(n);
            drop(worker.take());
            let main = parent::<u32>();
            initiator.borrow().as_ref().expect("it is there").set_parent(&main);
            main.switch(value)
        }
    }));
    let first = worker.borrow().clone().expect("it is there");
    first.switch(1);
    let child = Greenlet::new(|_| 42);
    child.set_parent(&first);
    drop(first);
    *initiator.borrow_mut() = Some(child.clone());
    assert_eq!(child.switch(0), 42);
    assert_eq!(log.words(), ["worker unwound"]);
}

/// test_falling_off_end_switches_to_unstarted_parent_works
#[test]
fn a_parent_that_never_started_starts_with_what_its_child_returned() {
    let unstarted = Greenlet::new(|n: u32| n * 100 + 24);
    let child = Greenlet::new(|_| 42);
    child.set_parent(&unstarted);
    assert_eq!(child.switch(0), 4224);
    assert!(unstarted.is_dead());
}

/// test_falling_off_end_switches_to_unstarted_parent_raises_error: there for want of an argument.
#[test]
fn a_parent_that_never_started_dies_of_what_its_child_panicked_with() {
    let unstarted = Greenlet::new(|_: u32| unreachable!("it is not run"));
    let child = Greenlet::new(|_| panic_any("from the leaf"));
    child.set_parent(&unstarted);
    assert_eq!(panic_of(|| child.switch(0)), "from the leaf");
    assert!(unstarted.is_dead() && !unstarted.is_started());
}

/// test_switch_to_dead_greenlet_with_unstarted_perverse_parent
#[test]
fn a_parent_that_panics_as_it_starts_does_so_once() {
    let log = Log::new();
    let perverse = Greenlet::new(|()| panic_any("perverse"));
    let child = Greenlet::new({
        let log = log.clone();
        move |()| log.push("42")
    });
    child.set_parent(&perverse);
    assert_eq!(panic_of(|| child.switch(())), "perverse");
    child.switch(());
    assert_eq!(log.words(), ["42"]);
}

/// test_switch_to_dead_greenlet_reparent
#[test]
fn a_switch_to_a_dead_greenlet_goes_to_the_parent_it_was_given_since() {
    let log = Log::new();
    let note = |word: Word| {
        let log = log.clone();
        Greenlet::new(move |()| log.push(word))
    };
    let (unstarted, child) = (note("24"), note("42"));
    child.switch(());
    assert_eq!(log.words(), ["42"]);
    child.set_parent(&unstarted);
    child.switch(());
    assert_eq!(log.words(), ["42", "24"]);
}

/// test_issue_245_reference_counting_subclass_no_threads
#[test]
fn handles_taken_while_they_are_unwound_do_not_keep_them_from_dying() {
    let kept: Rc<RefCell<Vec<Greenlet>>> = Rc::default();
    for _ in 0..10 {
        let kept = kept.clone();
        Greenlet::new(move |()| {
            let wait = AssertUnwindSafe(|| parent().switch(()));
            if catch_unwind(wait).is_err() {
                kept.borrow_mut().push(Greenlet::current());
            }
        })
        .switch(());
    }
    assert_eq!(kept.borrow().len(), 10);
    assert!(kept.borrow().iter().all(Greenlet::is_dead));
}

/// test_main_greenlet_parent_is_none, test_trivial_cycle, test_trivial_cycle_main, test_deeper_cycle
#[test]
fn nobody_is_its_own_ancestor() {
    let main = Greenlet::<()>::current();
    assert!(main.parent().is_none());
    let [g1, g2, g3] = std::array::from_fn(|_| Greenlet::new(|()| ()));
    assert!(panic_of(|| g1.set_parent(&g1)).contains("cyclic"));
    assert!(panic_of(|| main.set_parent(&g1)).contains("root"));
    g1.set_parent(&g2);
    g2.set_parent(&g3);
    assert!(panic_of(|| g3.set_parent(&g1)).contains("cyclic"));
    g3.switch(());
    assert!(
        g2.parent().is_some_and(|parent| parent.parent().is_none()),
        "g3 died: its children are its parent's"
    );
}

/// test_dead, test_initial, test_main_while_running
#[test]
fn the_debug_text_tells_the_state() {
    let child = Greenlet::new(|()| ());
    let text = |greenlet: &Greenlet| format!("{greenlet:?}");
    assert!(text(&child).contains("New"));
    child.switch(());
    assert!(text(&child).contains("Dead"));
    assert!(text(&Greenlet::current()).contains("Root"));
}

/// test_reentrant_switch_two_greenlets and its kin: a switch in code that a switch runs.
#[test]
fn a_switch_in_a_destructor_that_a_switch_runs_keeps_all_values_apart() {
    let log = Log::new();
    let main = Greenlet::<u32>::current();
    let other = Greenlet::new({
        let (log, main) = (log.clone(), main.clone());
        move |mut n| {
            loop {
                log.push(format!("other {n}"));
                n = main.switch(n + 1);
            }
        }
    });
    // The last handle of `victim` goes with the switch below; its destructor then runs a family of its own.
    let victim = Greenlet::new({
        let log = log.clone();
        move |n| {
            let _word = OnDrop(|| {
                let nested = Greenlet::<String>::new(|text| text + " within");
                log.push(nested.switch("nested".into()));
            });
            main.switch(n)
        }
    });
    victim.switch(0);
    let slot = RefCell::new(Some(victim));
    let dropper = Greenlet::new({
        let other = other.clone();
        move |n| {
            drop(slot.take());
            other.switch(n + 1)
        }
    });
    assert_eq!(dropper.switch(10), 12);
    assert_eq!(log.words(), ["nested within", "other 11"]);
}

/// fail_clearing_run_switches.py: the function itself is dropped while its greenlet starts or ends, and switches then.
#[test]
fn captures_that_switch_when_they_are_dropped_switch_as_their_greenlet() {
    let log = Log::new();
    let main = Greenlet::<u32>::current();
    let capture = OnDrop({
        let (log, main) = (log.clone(), main.clone());
        move || log.push(format!("drop {}", main.switch(1)))
    });
    let child = Greenlet::<u32>::new({
        let log = log.clone();
        move |n| {
            log.push(format!("enter {n}"));
            drop(capture);
            7
        }
    });
    assert_eq!(child.switch(0), 1);
    assert!(!child.is_dead());
    assert_eq!(child.switch(5), 7);
    assert_eq!(log.words(), ["enter 0", "drop 5"]);
}

// ---- test_throw.py ----

/// test_class, test_val
#[test]
fn what_is_thrown_is_raised_at_the_pending_switch_and_can_be_caught() {
    let child = Greenlet::new(|_: Word| {
        let text = panic_of(|| parent().switch("ok"));
        if text == "ciao" { parent().switch("caught") } else { "fail" }
    });
    assert_eq!(child.switch(""), "ok");
    assert_eq!(child.throw(Box::new("ciao")), "caught");
    assert_eq!(child.switch("end"), "end");
}

/// test_kill. There the exit is a value for the parent; here `kill` says nothing to it.
#[test]
fn a_killed_greenlet_is_dead_and_killing_it_again_does_nothing() {
    let child = Greenlet::new(|_: Word| {
        parent().switch("ok");
        parent().switch("fail")
    });
    assert_eq!(child.switch(""), "ok");
    child.kill();
    assert!(child.is_dead());
    child.kill();
    assert_eq!(panic_of(|| child.throw(Box::new("eaten by nobody"))), "eaten by nobody");
}

/// test_throw_goes_to_original_parent
#[test]
fn a_throw_into_one_that_never_ran_goes_to_its_parent() {
    let main = Greenlet::<Word>::current();
    let family = || {
        let (main1, main2) = (main.clone(), main.clone());
        let g1 = Greenlet::new(move |_: Word| {
            let wait = AssertUnwindSafe(|| main1.switch("ready to catch"));
            if catch_unwind(wait).is_err() { "caught" } else { "normal exit" }
        });
        let g2 = Greenlet::new(move |_: Word| main2.switch("from f2"));
        g2.set_parent(&g1);
        (g1, g2)
    };

    let (g1, g2) = family();
    assert_eq!(panic_of(|| g2.throw(Box::new("index error"))), "index error");
    assert!(g1.is_dead() && g2.is_dead(), "neither had started");

    let (g1, g2) = family();
    assert_eq!(g1.switch(""), "ready to catch");
    assert_eq!(g2.throw(Box::new("index error")), "caught");
    assert!(g1.is_dead() && g2.is_dead());

    let (g1, g2) = family();
    assert_eq!(g1.switch(""), "ready to catch");
    assert_eq!(g2.switch(""), "from f2");
    assert_eq!(g2.throw(Box::new("index error")), "caught");
    assert!(g1.is_dead() && g2.is_dead());
}

/// test_not_throwable and others throw at the current greenlet: it raises at once.
#[test]
fn a_throw_at_oneself_raises_here() {
    let main = Greenlet::<Word>::current();
    assert_eq!(panic_of(|| main.throw(Box::new("at the root"))), "at the root");
    let child = Greenlet::new(|_: Word| {
        let text = panic_of(|| Greenlet::<Word>::current().throw(Box::new("at oneself")));
        if text == "at oneself" { "raised here" } else { "raised elsewhere" }
    });
    assert_eq!(child.switch(""), "raised here");
}

/// The rule of the manual, "Greenlets and Parents": what is thrown may pass through many generations.
#[test]
fn a_panic_passes_all_ancestors_up_to_the_one_that_catches_it() {
    let log = Log::new();
    let family: Vec<Greenlet<Word>> = (0..5).map(|_| waiting_child(&log)).collect();
    for greenlet in &family {
        assert_eq!(greenlet.switch("start"), "start");
    }
    for pair in family.windows(2) {
        pair[1].set_parent(&pair[0]);
    }
    assert_eq!(panic_of(|| family[4].throw(Box::new("index error"))), "index error");
    assert_eq!(log.words(), ["index error"; 5]);
    assert!(family.iter().all(Greenlet::is_dead));
}
