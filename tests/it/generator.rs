//! `greenroom::generator`.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use greenroom::generator::{Generator, Resumed, Yielder};
use greenroom::greenlet::Greenlet;

use crate::support::{Log, OnDrop, Tally, hub, panic_of};

/// Yields for ever what it was sent.
fn echo<T: 'static>() -> Generator<T, T> {
    Generator::new(|y, mut value| {
        loop {
            value = y.yield_(value);
        }
    })
}

// ---- values ----

#[test]
fn values_go_both_ways_and_the_result_comes_last() {
    let mut sum = Generator::new(|y: &Yielder<i32, i32>, first: i32| {
        let mut all = first;
        while all < 9 {
            all += y.yield_(all);
        }
        format!("{all}")
    });
    assert_eq!(sum.send(4), Resumed::Yielded(4));
    assert_eq!(sum.send(3), Resumed::Yielded(7));
    assert!(!sum.is_finished());
    assert_eq!(sum.send(3), Resumed::Returned("10".to_owned()));
    assert!(sum.is_finished());
}

#[test]
fn a_generator_does_nothing_until_the_first_send() {
    let log = Log::new();
    let mut generator = Generator::new({
        let log = log.clone();
        move |_: &Yielder<()>, ()| log.push("ran")
    });
    log.push("made");
    generator.send(());
    assert_eq!(log.words(), ["made", "ran"]);
}

#[test]
fn it_is_an_iterator_that_stays_at_its_end() {
    let words = vec![1, 2, 3];
    let mut odd = Generator::new(move |y, ()| {
        for n in words {
            y.yield_(n);
        }
    })
    .filter(|n| n % 2 == 1);
    assert_eq!((odd.next(), odd.next(), odd.next(), odd.next()), (Some(1), Some(3), None, None));
}

#[test]
fn it_yields_from_any_depth_of_calls() {
    fn walk(y: &Yielder<u32>, depth: u32) {
        if depth > 0 {
            walk(y, depth - 1);
            y.yield_(depth);
            walk(y, depth - 1);
        }
    }
    let all: Vec<u32> = Generator::new(|y, ()| walk(y, 4)).collect();
    assert_eq!(all, [1, 2, 1, 3, 1, 2, 1, 4, 1, 2, 1, 3, 1, 2, 1]);
}

#[test]
fn values_of_any_size_and_alignment_arrive_whole() {
    #[repr(align(128))]
    #[derive(Clone, PartialEq, Debug)]
    struct Wide([u64; 64]);
    let mut generator = echo::<Wide>();
    for n in 0..100 {
        let wide = Wide([n; 64]);
        assert_eq!(generator.send(wide.clone()), Resumed::Yielded(wide));
    }
    let mut nothing = echo::<()>();
    assert_eq!(nothing.send(()), Resumed::Yielded(()));
}

#[test]
fn locals_of_the_body_keep_value_and_alignment_across_yields() {
    #[repr(align(128))]
    struct Aligned([u8; 256]);
    let mut generator = Generator::new(|y, ()| {
        let local = Aligned(std::array::from_fn(|i| i as u8));
        for _ in 0..100 {
            y.yield_((&raw const local as usize, local.0.iter().map(|&byte| u64::from(byte)).sum::<u64>()));
        }
    });
    for (address, sum) in &mut generator {
        assert_eq!((address % 128, sum), (0, 255 * 128));
    }
    assert!(generator.is_finished());
}

#[test]
fn values_are_dropped_once_wherever_they_end() {
    let tally = Tally::new();
    let mut generator = Generator::new({
        let tally = tally.clone();
        move |y, first| {
            drop(first);
            for _ in 0..3 {
                drop(y.yield_(tally.one()));
            }
            tally.one()
        }
    });
    for _ in 0..4 {
        drop(generator.send(tally.one()));
    }
    assert_eq!((tally.alive(), tally.dropped()), (0, 8));
}

#[test]
fn it_can_be_moved_between_two_sends() {
    let mut boxed = Box::new(echo());
    assert_eq!(boxed.send(1), Resumed::Yielded(1));
    let mut moved = [*boxed];
    assert_eq!(moved[0].send(2), Resumed::Yielded(2));
}

#[test]
fn a_body_that_captures_much_is_no_trouble() {
    let captured = [7_u8; 100_000];
    let mut generator =
        Generator::new(move |_: &Yielder<()>, ()| captured.iter().map(|&n| u32::from(n)).sum());
    assert_eq!(generator.send(()), Resumed::Returned(700_000));
}

// ---- nesting ----

#[test]
fn a_generator_resumes_another_in_its_body() {
    fn count(n: u32) -> Generator<u32> {
        Generator::new(move |y, ()| (0..n).for_each(|i| y.yield_(i)))
    }
    let nested = Generator::new(|y, ()| {
        for n in count(4) {
            for m in count(n) {
                y.yield_((n, m));
            }
        }
    });
    assert_eq!(nested.collect::<Vec<_>>(), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]);
}

#[test]
fn a_hundred_deep_pipeline_keeps_its_order() {
    let source = Generator::new(|y, ()| (0..50_u32).for_each(|n| y.yield_(n)));
    let stage = |input: Generator<u32>| -> Generator<u32> {
        Generator::new(move |y, ()| input.for_each(|n| y.yield_(n + 1)))
    };
    let last = (0..100).fold(source, |input, _| stage(input));
    assert!(last.eq(100..150));
}

#[test]
fn a_generator_can_be_made_in_one_and_resumed_in_another() {
    let made = Rc::new(RefCell::new(None));
    let mut maker = Generator::new({
        let made = made.clone();
        move |y: &Yielder<()>, ()| {
            let mut inner = echo();
            assert_eq!(inner.send(1), Resumed::Yielded(1));
            *made.borrow_mut() = Some(inner);
            y.yield_(());
        }
    });
    maker.send(());
    let mut inner = made.borrow_mut().take().expect("it was made");
    let mut user = Generator::new(move |_: &Yielder<()>, ()| inner.send(2));
    assert_eq!(user.send(()), Resumed::Returned(Resumed::Yielded(2)));
}

// ---- panics ----

#[test]
fn a_panic_of_the_body_comes_out_of_send_and_finishes_it() {
    let mut generator = Generator::new(|y: &Yielder<u8>, ()| {
        y.yield_(1);
        panic_any("no more");
    });
    assert_eq!(generator.send(()), Resumed::Yielded(1));
    assert_eq!(panic_of(|| generator.send(())), "no more");
    assert!(generator.is_finished());
    assert_eq!(generator.next(), None);
}

#[test]
fn send_after_the_end_panics() {
    let mut generator = Generator::new(|_: &Yielder<()>, ()| 1);
    assert_eq!(generator.send(()), Resumed::Returned(1));
    assert_eq!(panic_of(|| generator.send(())), "send on a finished generator");
}

#[test]
fn the_body_may_catch_its_own_panics_between_yields() {
    let mut generator = Generator::new(|y: &Yielder<String>, ()| {
        for n in 0..3 {
            let text = panic_of(|| panic!("no. {n}"));
            y.yield_(text);
        }
    });
    assert_eq!(generator.next().as_deref(), Some("no. 0"));
    assert_eq!(generator.next().as_deref(), Some("no. 1"));
}

#[test]
fn a_payload_of_any_type_comes_through_unchanged() {
    struct Odd(Arc<AtomicU8>);
    let cell = Arc::new(AtomicU8::new(0));
    let mut generator = Generator::new({
        let odd = Odd(cell.clone());
        move |_: &Yielder<()>, ()| -> () { resume_unwind(Box::new(odd)) }
    });
    let payload = catch_unwind(AssertUnwindSafe(|| generator.send(()))).unwrap_err();
    let Ok(odd) = payload.downcast::<Odd>() else { panic!("another payload") };
    odd.0.store(5, Ordering::Relaxed);
    assert_eq!(cell.load(Ordering::Relaxed), 5);
}

// ---- dropping ----

#[test]
fn dropping_a_suspended_one_unwinds_its_body_innermost_first() {
    let log = Log::new();
    let mut generator = Generator::new({
        let log = log.clone();
        move |y: &Yielder<()>, ()| {
            let _outer = OnDrop(|| log.push("outer"));
            let inner = || {
                let _inner = OnDrop(|| log.push("inner"));
                y.yield_(());
                log.push("went on");
            };
            inner();
        }
    });
    generator.send(());
    drop(generator);
    assert_eq!(log.words(), ["inner", "outer"]);
}

#[test]
fn dropping_one_that_never_started_drops_its_captures_only() {
    let tally = Tally::new();
    let one = tally.one();
    drop(Generator::new(move |_: &Yielder<()>, ()| drop(one)));
    assert_eq!(tally.dropped(), 1);
}

#[test]
fn dropping_a_finished_one_does_nothing_more() {
    let tally = Tally::new();
    let one = tally.one();
    let mut generator = Generator::new(move |_: &Yielder<()>, ()| drop(one));
    generator.send(());
    assert_eq!(tally.dropped(), 1);
    drop(generator);
    assert_eq!(tally.dropped(), 1);
}

#[test]
fn a_body_that_catches_the_unwinding_is_unwound_again_at_its_next_yield() {
    let (log, tally) = (Log::new(), Tally::new());
    let mut generator = Generator::new({
        let (log, tally) = (log.clone(), tally.clone());
        move |y, ()| {
            for word in ["first", "second", "third"] {
                if catch_unwind(AssertUnwindSafe(|| y.yield_(tally.one()))).is_err() {
                    log.push(word);
                }
            }
            log.push("end");
        }
    });
    drop(generator.next());
    drop(generator);
    assert_eq!(log.words(), ["first", "second", "third", "end"]);
    assert_eq!(tally.alive(), 0);
}

#[test]
fn a_body_that_never_gives_up_is_left_as_it_stands() {
    let tally = Tally::new();
    let rounds = Rc::new(Cell::new(0));
    let mut generator = Generator::new({
        let (one, rounds) = (tally.one(), rounds.clone());
        move |y: &Yielder<()>, ()| {
            let _one = one;
            loop {
                let _ = catch_unwind(AssertUnwindSafe(|| y.yield_(())));
                rounds.set(rounds.get() + 1);
            }
        }
    });
    generator.send(());
    drop(generator);
    assert_eq!((tally.alive(), rounds.get()), (1, 64));
    assert_eq!(echo().send(3), Resumed::Yielded(3), "others are untouched");
}

#[test]
fn a_destructor_that_yields_while_it_is_unwound_does_not_end_the_process() {
    let script = || {
        let mut generator = Generator::new(|y: &Yielder<u8>, ()| {
            let _at_the_end = OnDrop(|| y.yield_(2));
            y.yield_(1);
        });
        assert_eq!(generator.next(), Some(1));
        drop(generator);
        assert_eq!(echo().send(3), Resumed::Yielded(3), "others are untouched");
    };
    // The panic it was left in counts for its OS thread for ever.
    std::thread::spawn(script).join().expect("no panic came out");
}

#[test]
fn what_destructors_throw_while_it_is_dropped_is_contained() {
    let log = Log::new();
    let mut generator = Generator::new({
        let log = log.clone();
        move |y: &Yielder<()>, ()| {
            let _last = OnDrop(|| log.push("last"));
            if catch_unwind(AssertUnwindSafe(|| y.yield_(()))).is_err() {
                panic_any(OnDrop(|| resume_unwind(Box::new("from the payload's drop"))));
            }
        }
    });
    generator.send(());
    drop(generator);
    assert_eq!(log.words(), ["last"]);
}

#[test]
fn captures_that_panic_in_drop_are_contained_if_it_never_started() {
    let bomb = OnDrop(|| panic!("a bomb in the captures"));
    drop(Generator::new(move |_: &Yielder<()>, ()| drop(bomb)));
}

#[test]
fn a_suspended_one_is_unwound_while_its_owner_unwinds() {
    let log = Log::new();
    let text = panic_of(|| {
        let mut generator = Generator::new({
            let log = log.clone();
            move |y: &Yielder<()>, ()| {
                let _word = OnDrop(|| log.push("unwound"));
                y.yield_(());
            }
        });
        generator.send(());
        panic!("the owner's");
    });
    assert_eq!((text.as_str(), log.words()), ("the owner's", vec!["unwound".to_owned()]));
    assert!(!std::thread::panicking());
}

#[test]
fn dropping_unwinds_the_generators_that_the_body_holds_too() {
    let log = Log::new();
    let word = |word: &'static str| {
        let log = log.clone();
        OnDrop(move || log.push(word))
    };
    let (inner, outer) = (word("inner"), word("outer"));
    let mut generator = Generator::new(move |y: &Yielder<()>, ()| {
        let _outer = outer;
        let mut nested = Generator::new(move |y: &Yielder<()>, ()| {
            let _inner = inner;
            y.yield_(());
        });
        nested.send(());
        y.yield_(());
    });
    generator.send(());
    drop(generator);
    assert_eq!(log.words(), ["inner", "outer"]);
}

#[test]
fn a_body_can_use_generators_in_its_destructors() {
    let log = Log::new();
    let mut generator = Generator::new({
        let log = log.clone();
        move |y: &Yielder<()>, ()| {
            let _word = OnDrop(|| {
                let sum: u32 = Generator::new(|y, ()| (1..4).for_each(|n| y.yield_(n))).sum();
                log.push(format!("sum {sum}"));
            });
            y.yield_(());
        }
    });
    generator.send(());
    drop(generator);
    assert_eq!(log.words(), ["sum 6"]);
}

#[test]
fn a_forgotten_one_leaks_and_hurts_nobody() {
    let mut generator = echo();
    generator.send(1);
    std::mem::forget(generator);
    assert_eq!(echo().send(2), Resumed::Yielded(2));
}

#[test]
fn a_stack_is_given_back_as_soon_as_the_body_has_ended() {
    let address = |y: &Yielder<usize>, ()| {
        let local = 0_u8;
        y.yield_(&raw const local as usize);
    };
    let mut first = Generator::new(address);
    let place = first.next();
    assert_eq!(first.next(), None);
    let mut second = Generator::new(address);
    assert_eq!(second.next(), place, "the finished one still has its stack");
}

#[test]
fn debug_names_state_and_birthplace() {
    let generator = echo::<u8>();
    let text = format!("{generator:?}");
    assert!(text.contains("New") && text.contains("generator.rs:"), "{text}");
}

// ---- with greenlets and green threads ----

#[test]
fn a_family_rooted_in_a_generator_ends_with_it() {
    let (log, kept) = (Log::new(), Rc::new(RefCell::new(None)));
    let mut generator = Generator::new({
        let (log, kept) = (log.clone(), kept.clone());
        move |y: &Yielder<()>, ()| {
            let root = Greenlet::<u8>::current();
            let member = Greenlet::new({
                let log = log.clone();
                move |n| {
                    let _word = OnDrop(|| log.push("member unwound"));
                    root.switch(n)
                }
            });
            member.switch(1);
            *kept.borrow_mut() = Some(member);
            y.yield_(());
            log.push("body over");
        }
    });
    generator.send(());
    let member = kept.borrow().clone().expect("it was kept");
    let text = panic_of(|| member.switch(2));
    assert!(text.contains("do not stand here"), "{text}");
    generator.send(());
    assert_eq!(log.words(), ["body over", "member unwound"]);
    assert!(member.is_dead());
}

#[test]
fn a_greenlet_switches_from_inside_a_generator_and_the_generator_waits_for_it() {
    let root = Greenlet::<u32>::current();
    let member = Greenlet::new({
        let root = root.clone();
        move |first| {
            let numbers = Generator::new(move |y, ()| {
                y.yield_(first);
                y.yield_(root.switch(first + 1));
            });
            numbers.sum()
        }
    });
    assert_eq!(member.switch(10), 11);
    // Here nothing stands in that generator; there it goes on where it was.
    assert_eq!(echo().send(0), Resumed::Yielded(0));
    assert_eq!(member.switch(20), 30);
    assert!(member.is_dead());
}

#[test]
fn a_green_thread_parks_inside_a_generator_and_others_run_meanwhile() {
    let log = Log::new();
    hub(|| {
        let worker = greenroom::spawn({
            let log = log.clone();
            move || {
                let words = Generator::new(|y, ()| {
                    y.yield_("one");
                    greenroom::yield_now();
                    y.yield_("two");
                });
                words.for_each(|word| log.push(word));
            }
        });
        let other = greenroom::spawn({
            let log = log.clone();
            move || log.push("other")
        });
        worker.join().unwrap();
        other.join().unwrap();
    });
    assert_eq!(log.words(), ["one", "other", "two"]);
}

#[test]
fn a_suspended_generator_goes_on_in_another_green_thread() {
    hub(|| {
        let mut numbers = Generator::new(|y, ()| {
            for n in 0_u32.. {
                greenroom::yield_now();
                y.yield_(n);
            }
        });
        for expected in 0..4 {
            let step = greenroom::spawn(move || (numbers.next(), numbers));
            let (value, back) = step.join().unwrap();
            assert_eq!(value, Some(expected));
            numbers = back;
        }
    });
}

#[test]
fn a_yield_from_a_green_thread_that_borrows_the_yielder_panics() {
    hub(|| {
        let mut generator = Generator::new(|y: &Yielder<u8>, ()| {
            greenroom::scope(|scope| scope.spawn(|| panic_of(|| y.yield_(1))).join().unwrap())
        });
        let Resumed::Returned(text) = generator.send(()) else { panic!("it yielded") };
        assert!(text.contains("generator's own body"), "{text}");
    });
}

#[test]
fn a_kill_unwinds_the_generator_in_which_its_victim_is_parked() {
    let log = Log::new();
    hub(|| {
        let victim = greenroom::spawn({
            let log = log.clone();
            move || {
                let _thread = OnDrop(|| log.push("thread"));
                let inner = log.clone();
                let mut generator = Generator::new(move |_: &Yielder<()>, ()| {
                    let _body = OnDrop(|| inner.push("body"));
                    greenroom::thread::park();
                });
                generator.send(());
            }
        });
        greenroom::yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
    });
    assert_eq!(log.words(), ["body", "thread"]);
}
