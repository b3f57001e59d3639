//! `greenroom::greenlet`.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;

use greenroom::generator::{Generator, Resumed, Yielder};
use greenroom::greenlet::Greenlet;

use crate::support::{Log, OnDrop, Tally, hub, panic_of};

// ---- values ----

#[test]
fn values_go_to_and_fro_and_the_last_one_is_the_result() {
    let root = Greenlet::<u32>::current();
    let pong = Greenlet::new(move |n| {
        let m = root.switch(n + 1);
        m * 2
    });
    let first = pong.switch(1);
    assert_eq!(first, 2);
    assert_eq!(pong.switch(first), 4);
    assert!(pong.is_dead());
}

#[test]
fn two_greenlets_switch_to_each_other_by_name() {
    let log = Log::new();
    let play: Rc<RefCell<Option<Greenlet>>> = Rc::default();
    let eat = Greenlet::new({
        let (play, log) = (play.clone(), log.clone());
        move |()| {
            log.push("eat");
            let other = play.take().expect("play is there");
            other.switch(());
            log.push("eat done");
            other.switch(());
        }
    });
    *play.borrow_mut() = Some(Greenlet::new({
        let (eat, log) = (eat.clone(), log.clone());
        move |()| {
            log.push("play");
            eat.switch(());
            log.push("play done");
        }
    }));
    eat.switch(());
    assert_eq!(log.words(), ["eat", "play", "eat done", "play done"]);
}

#[test]
fn a_ring_of_a_hundred_passes_a_value_round_many_times() {
    let ring: Rc<RefCell<Vec<Greenlet<u64>>>> = Rc::default();
    let root = Greenlet::<u64>::current();
    for place in 0..100 {
        let (ring, root) = (ring.clone(), root.clone());
        let member = Greenlet::new({
            let ring = ring.clone();
            move |mut n| {
                loop {
                    let next =
                        if n >= 10_000 { root.clone() } else { ring.borrow()[(place + 1) % 100].clone() };
                    n = next.switch(n + 1);
                }
            }
        });
        ring.borrow_mut().push(member);
    }
    let first = ring.borrow()[0].clone();
    assert_eq!(first.switch(0), 10_001);
    ring.take().iter().for_each(Greenlet::kill);
}

#[test]
fn values_that_need_dropping_are_dropped_once() {
    let tally = Tally::new();
    let root = Greenlet::<Option<crate::support::Counted>>::current();
    let member = Greenlet::new(move |mut one| {
        for _ in 0..3 {
            one = root.switch(one);
        }
        one
    });
    for _ in 0..4 {
        drop(member.switch(Some(tally.one())));
    }
    assert!(member.is_dead());
    assert_eq!((tally.alive(), tally.dropped()), (0, 4));
}

#[test]
fn values_of_any_size_arrive_whole() {
    let root = Greenlet::<[u64; 128]>::current();
    let member = Greenlet::new(move |mut value: [u64; 128]| {
        loop {
            value[127] += 1;
            value = root.switch(value);
        }
    });
    for n in 0..10 {
        let mut expected = [n; 128];
        expected[127] += 1;
        assert_eq!(member.switch([n; 128]), expected);
    }
}

#[test]
fn locals_keep_value_and_alignment_across_switches() {
    #[repr(align(128))]
    struct Aligned([u8; 128]);
    let root = Greenlet::<usize>::current();
    let member = Greenlet::new(move |mut n| {
        let local = Aligned(std::array::from_fn(|i| i as u8));
        loop {
            assert_eq!(&raw const local as usize % 128, 0);
            n = root.switch(usize::from(local.0[n]));
        }
    });
    for n in 0..128 {
        assert_eq!(member.switch(n), n);
    }
}

#[test]
fn floats_survive_in_every_register_that_must_be_kept() {
    let root = Greenlet::<f64>::current();
    let member = Greenlet::new(move |mut x| {
        let (a, b, c, d) = (x + 1.0, x + 2.0, x + 3.0, x + 4.0);
        for _ in 0..100 {
            x = root.switch(a * b * c * d + x);
        }
        x
    });
    assert_eq!(member.switch(0.0), 24.0);
    for n in 1..100 {
        let (a, b) = (f64::from(n), f64::from(n) * 0.5);
        assert_eq!(member.switch(a * b), 24.0 + a * b);
    }
}

// ---- who is who ----

#[test]
fn current_is_the_root_outside_and_the_greenlet_inside() {
    let root = Greenlet::<u8>::current();
    assert!(root.is_started() && !root.is_dead());
    assert!(root.parent().is_none());
    let seen = Rc::new(RefCell::new(None));
    let member = Greenlet::new({
        let (seen, root) = (seen.clone(), root.clone());
        move |n| {
            *seen.borrow_mut() = Some(Greenlet::<u8>::current());
            root.switch(n)
        }
    });
    assert_eq!(member.switch(1), 1);
    let seen = seen.take().expect("it ran");
    assert_eq!(seen.switch(2), 2, "it was the member, which returns now");
    assert!(member.is_dead());
}

#[test]
fn a_switch_to_oneself_gives_the_value_back() {
    let root = Greenlet::<u8>::current();
    assert_eq!(root.switch(3), 3);
    let member = Greenlet::new(|n| Greenlet::current().switch(n) + 1);
    assert_eq!(member.switch(3), 4);
}

#[test]
fn states_follow_the_life_of_a_greenlet() {
    let root = Greenlet::<()>::current();
    let member = Greenlet::new(move |()| root.switch(()));
    let states = || (member.is_started(), member.is_dead());
    assert_eq!(states(), (false, false));
    assert!(format!("{member:?}").contains("New"));
    member.switch(());
    assert_eq!(states(), (true, false));
    let text = format!("{member:?}");
    assert!(text.contains("Suspended") && text.contains("greenlet.rs:"), "{text}");
    member.switch(());
    assert_eq!(states(), (true, true));
}

#[test]
fn families_of_different_types_nest() {
    let words = Greenlet::<String>::current();
    let speller = Greenlet::<String>::new(move |first| {
        // A family of numbers, rooted in the frames of a greenlet of words.
        let numbers = Greenlet::<u32>::current();
        let counter = Greenlet::new(move |n| {
            let said = words.switch(format!("{first}{n}"));
            numbers.switch(said.len() as u32)
        });
        let length = counter.switch(7);
        format!("length {length}")
    });
    assert_eq!(speller.switch("n=".into()), "n=7");
    assert_eq!(speller.switch("four".into()), "length 4");
}

#[test]
fn an_inner_family_is_put_aside_with_the_greenlet_it_stands_on() {
    let log = Log::new();
    let outer_root = Greenlet::<u8>::current();
    let inner: Rc<RefCell<Option<Greenlet<char>>>> = Rc::default();
    let outer = Greenlet::new({
        let (log, inner) = (log.clone(), inner.clone());
        move |n| {
            let member = Greenlet::<char>::new({
                let log = log.clone();
                move |c| {
                    log.push(format!("inner {c}"));
                    outer_root.switch(n);
                    log.push("inner again");
                    c
                }
            });
            *inner.borrow_mut() = Some(member.clone());
            log.push(format!("inner gave {}", member.switch('x')));
            n + 1
        }
    });
    assert_eq!(outer.switch(1), 1);
    let member = inner.take().expect("it was made");
    let text = panic_of(|| member.switch('y'));
    assert!(text.contains("do not stand here"), "{text}");
    assert!(panic_of(|| member.kill()).contains("do not stand here"));
    // At this place a new family of that type can live meanwhile.
    assert_eq!(Greenlet::new(|c: char| c).switch('z'), 'z');
    assert_eq!(outer.switch(0), 2);
    assert_eq!(log.words(), ["inner x", "inner again", "inner gave x"]);
}

#[test]
fn a_root_that_is_idle_serves_the_frames_above_it() {
    // The root is made here; the switch is made deeper, in a generator, whose frame is then the trampoline.
    let root = Greenlet::<u32>::current();
    let member = Greenlet::new(move |mut n| {
        loop {
            n = root.switch(n * 2);
        }
    });
    let twice = {
        let member = member.clone();
        Generator::new(move |y, ()| (1..4).for_each(|n| y.yield_(member.switch(n))))
    };
    assert_eq!(twice.collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!(member.switch(21), 42);
}

#[test]
fn a_switch_into_a_family_of_another_green_thread_panics_and_names_both() {
    hub(|| {
        let member: Rc<RefCell<Option<Greenlet<u8>>>> = Rc::default();
        let owner = greenroom::spawn({
            let member = member.clone();
            move || {
                let root = Greenlet::<u8>::current();
                let greenlet = Greenlet::new(move |n| root.switch(n));
                greenlet.switch(1);
                *member.borrow_mut() = Some(greenlet.clone());
                greenroom::thread::park();
                greenlet.switch(2)
            }
        });
        let other = greenroom::spawn(move || {
            let _mine = Greenlet::<u8>::current();
            let member = member.borrow().clone().expect("the owner ran first");
            [panic_of(|| member.switch(3)), panic_of(|| member.kill())]
        });
        for text in other.join().unwrap() {
            assert!(
                text.contains("do not stand here") && text.matches("greenlet.rs:").count() == 3,
                "{text}"
            );
        }
        owner.thread().unpark();
        assert_eq!(owner.join().unwrap(), 2);
    });
}

#[test]
fn a_greenlet_that_never_ran_starts_in_the_green_thread_that_first_switches_to_it() {
    hub(|| {
        let member = Greenlet::<u8>::new(|n| n + 1);
        let other = greenroom::spawn(move || member.switch(1));
        assert_eq!(other.join().unwrap(), 2);
    });
}

#[test]
fn a_greenlet_parks_with_the_green_thread_in_which_it_runs() {
    let log = Log::new();
    hub(|| {
        let threads = ["a", "b"].map(|name| {
            let log = log.clone();
            greenroom::spawn(move || {
                let root = Greenlet::<u8>::current();
                let inside = log.clone();
                let member = Greenlet::new(move |mut n| {
                    for _ in 0..2 {
                        inside.push(format!("{name}{n}"));
                        greenroom::yield_now();
                        n = root.switch(n);
                    }
                    n
                });
                (0..3).map(|n| member.switch(n)).sum::<u8>()
            })
        });
        for ended in greenroom::joinall(threads) {
            assert_eq!(ended.unwrap(), 3);
        }
    });
    assert_eq!(log.words(), ["a0", "b0", "a1", "b1"]);
}

#[test]
fn the_root_itself_may_switch_and_its_greenlets_may_park() {
    let log = Log::new();
    hub(|| {
        let thread = greenroom::spawn({
            let log = log.clone();
            move || log.push("green thread")
        });
        let member = Greenlet::<u8>::new({
            let log = log.clone();
            move |n| {
                log.push("greenlet");
                thread.join().unwrap();
                log.push("greenlet again");
                n
            }
        });
        member.switch(1);
    });
    assert_eq!(log.words(), ["greenlet", "green thread", "greenlet again"]);
}

#[test]
fn a_green_thread_that_ends_unwinds_its_suspended_greenlets_first() {
    let log = Log::new();
    hub(|| {
        let thread = greenroom::spawn({
            let log = log.clone();
            move || {
                let root = Greenlet::<u8>::current();
                // A circle: without the thread's end nothing would ever drop it.
                let own: Rc<RefCell<Option<Greenlet<u8>>>> = Rc::default();
                let member = Greenlet::new({
                    let (log, own) = (log.clone(), own.clone());
                    move |n| {
                        let _word = OnDrop(|| log.push("unwound"));
                        let _own = own;
                        root.switch(n)
                    }
                });
                *own.borrow_mut() = Some(member.clone());
                member.switch(1);
                log.push("body over");
            }
        });
        thread.join().unwrap();
        log.push("joined");
    });
    assert_eq!(log.words(), ["body over", "unwound", "joined"]);
}

#[test]
fn a_kill_of_the_green_thread_unwinds_the_greenlet_that_runs_then_the_thread() {
    let log = Log::new();
    hub(|| {
        let victim = greenroom::spawn({
            let log = log.clone();
            move || {
                let _thread = OnDrop(|| log.push("thread"));
                let inside = log.clone();
                let member = Greenlet::<u8>::new(move |n| {
                    let _member = OnDrop(|| inside.push("greenlet"));
                    greenroom::thread::park();
                    n
                });
                member.switch(1);
            }
        });
        greenroom::yield_now();
        victim.kill();
        assert!(victim.join().unwrap_err().is_killed());
    });
    assert_eq!(log.words(), ["greenlet", "thread"]);
}

// ---- dropping and killing ----

#[test]
fn dropping_the_last_handle_unwinds_a_suspended_greenlet_where_that_happens() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let log = log.clone();
        move |n| {
            let _word = OnDrop(|| log.push("unwound"));
            root.switch(n)
        }
    });
    member.switch(1);
    let second = member.clone();
    drop(member);
    log.push("one handle left");
    drop(second);
    log.push("dropped");
    assert_eq!(log.words(), ["one handle left", "unwound", "dropped"]);
}

#[test]
fn a_greenlet_that_nobody_can_name_any_more_is_unwound_as_control_leaves_it() {
    let log = Log::new();
    let slot: Rc<RefCell<Option<Greenlet<u8>>>> = Rc::default();
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let (log, slot) = (log.clone(), slot.clone());
        move |n| {
            let _word = OnDrop(|| log.push("unwound"));
            let from_child = root.switch(n);
            drop(slot.take());
            root.switch(from_child)
        }
    });
    member.switch(1);
    // Control comes to it by what its child returns: nobody's frame holds a handle of it.
    let child = Greenlet::new(|n| n + 1);
    child.set_parent(&member);
    *slot.borrow_mut() = Some(member);
    log.push(format!("got {}", child.switch(4)));
    assert_eq!(log.words(), ["unwound", "got 5"]);
}

#[test]
fn dropping_one_that_never_ran_drops_its_captures_only() {
    let tally = Tally::new();
    let one = tally.one();
    let member = Greenlet::<u8>::new(move |n| {
        drop(one);
        n
    });
    drop(member);
    assert_eq!(tally.dropped(), 1);
}

#[test]
fn captures_that_panic_in_drop_are_contained() {
    let bomb = OnDrop(|| panic!("a bomb in the captures"));
    drop(Greenlet::<u8>::new(move |n| {
        drop(bomb);
        n
    }));
    let bomb = OnDrop(|| panic!("another one"));
    let killed = Greenlet::<u8>::new(move |n| {
        drop(bomb);
        n
    });
    killed.kill();
    assert!(killed.is_dead() && !killed.is_started());
}

#[test]
fn kill_unwinds_it_silently_and_comes_back() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let log = log.clone();
        move |n| {
            let _word = OnDrop(|| log.push("unwound"));
            root.switch(n)
        }
    });
    member.switch(1);
    member.kill();
    log.push("back");
    member.kill();
    assert!(member.is_dead());
    assert_eq!(log.words(), ["unwound", "back"]);
    assert_eq!(member.switch(9), 9, "a dead one passes on to its parent, which is who calls");
}

#[test]
fn kill_may_come_from_a_sibling_which_then_goes_on() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let victim = Greenlet::new({
        let (log, root) = (log.clone(), root.clone());
        move |n| {
            let _word = OnDrop(|| log.push("victim unwound"));
            root.switch(n)
        }
    });
    victim.switch(1);
    let killer = Greenlet::new({
        let log = log.clone();
        move |n| {
            victim.kill();
            log.push("killer goes on");
            n
        }
    });
    assert_eq!(killer.switch(2), 2);
    assert_eq!(log.words(), ["victim unwound", "killer goes on"]);
}

#[test]
fn one_that_catches_the_kill_is_killed_again_at_its_next_switch() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let log = log.clone();
        move |n| {
            for word in ["first", "second"] {
                if catch_unwind(AssertUnwindSafe(|| root.switch(n))).is_err() {
                    log.push(word);
                }
            }
            n
        }
    });
    member.switch(1);
    member.kill();
    assert!(member.is_dead());
    assert_eq!(log.words(), ["first", "second"]);
}

#[test]
fn one_that_never_gives_up_is_left_as_it_stands() {
    let rounds = Rc::new(Cell::new(0));
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let rounds = rounds.clone();
        move |n| {
            loop {
                let _ = catch_unwind(AssertUnwindSafe(|| root.switch(n)));
                rounds.set(rounds.get() + 1);
            }
        }
    });
    member.switch(1);
    member.kill();
    assert!(member.is_dead());
    assert_eq!(rounds.get(), 64);
    assert_eq!(Greenlet::new(|n: u8| n).switch(3), 3, "others are untouched");
}

#[test]
fn a_destructor_that_switches_while_it_is_unwound_does_not_end_the_process() {
    let script = || {
        let root = Greenlet::<u8>::current();
        let member = Greenlet::new(move |n| {
            let _last = OnDrop(|| assert_eq!(root.switch(7), 7));
            root.switch(n)
        });
        member.switch(1);
        drop(member);
        assert_eq!(Greenlet::new(|n: u8| n).switch(3), 3, "others are untouched");
    };
    // The panic it was left in counts for its OS thread for ever.
    std::thread::spawn(script).join().expect("no panic came out");
}

#[test]
fn what_destructors_throw_while_it_is_killed_is_contained() {
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new(move |n| {
        if catch_unwind(AssertUnwindSafe(|| root.switch(n))).is_err() {
            panic!("instead of ending");
        }
        n
    });
    member.switch(1);
    member.kill();
    assert!(member.is_dead());
}

#[test]
fn a_greenlet_that_kills_itself_leaves_no_value_for_its_parent() {
    let log = Log::new();
    let member = Greenlet::<u8>::new({
        let log = log.clone();
        move |n| {
            let _word = OnDrop(|| log.push("unwound"));
            Greenlet::<u8>::current().kill();
            log.push("went on");
            n
        }
    });
    let text = panic_of(|| member.switch(1));
    assert!(text.contains("killed itself"), "{text}");
    assert!(member.is_dead());
    assert_eq!(log.words(), ["unwound"]);
}

#[test]
fn an_outer_greenlet_that_is_killed_from_an_inner_one_is_the_one_that_killed_itself() {
    let outer = Greenlet::<u8>::new(|n| {
        let inner = Greenlet::<char>::new(|c| {
            Greenlet::<u8>::current().kill();
            c
        });
        inner.switch('a');
        n
    });
    let text = panic_of(|| outer.switch(1));
    let place =
        text.split_whitespace().find(|word| word.contains("greenlet.rs:")).expect("a place").to_owned();
    assert!(format!("{outer:?}").contains(&place), "{text}");
    assert!(outer.is_dead());
}

#[test]
fn a_root_cannot_be_killed() {
    let root = Greenlet::<u8>::current();
    assert!(panic_of(|| root.kill()).contains("root"));
    assert!(!root.is_dead());
}

#[test]
fn a_kill_unwinds_what_stands_on_the_greenlet_inner_frames_first() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let word = |word: &'static str| {
        let log = log.clone();
        OnDrop(move || log.push(word))
    };
    let (outer, body, inner) = (word("greenlet"), word("generator"), word("inner greenlet"));
    let member = Greenlet::new(move |n| {
        let _outer = outer;
        let mut generator = Generator::new(move |_: &Yielder<()>, ()| {
            let _body = body;
            let nested = Greenlet::<char>::new(move |c| {
                let _inner = inner;
                root.switch(n);
                c
            });
            nested.switch('a');
        });
        generator.send(());
        n
    });
    member.switch(1);
    member.kill();
    assert!(member.is_dead());
    assert_eq!(log.words(), ["inner greenlet", "generator", "greenlet"]);
}

#[test]
fn a_handle_made_while_it_is_unwound_names_a_dead_greenlet() {
    let kept: Rc<RefCell<Option<Greenlet<u8>>>> = Rc::default();
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let kept = kept.clone();
        move |n| {
            let _keeps = OnDrop(|| *kept.borrow_mut() = Some(Greenlet::current()));
            root.switch(n)
        }
    });
    member.switch(1);
    drop(member);
    let kept = kept.take().expect("the destructor ran");
    assert!(kept.is_dead());
    assert_eq!(kept.switch(4), 4);
}

#[test]
fn a_destructor_may_run_greenlets_of_another_type_while_it_is_unwound() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let member = Greenlet::new({
        let log = log.clone();
        move |n| {
            let _word =
                OnDrop(|| log.push(Greenlet::<String>::new(|text| text + "!").switch("nested".into())));
            root.switch(n)
        }
    });
    member.switch(1);
    member.kill();
    assert_eq!(log.words(), ["nested!"]);
}

#[test]
fn a_suspended_one_is_unwound_while_its_owner_unwinds() {
    let log = Log::new();
    let text = panic_of(|| {
        let root = Greenlet::<u8>::current();
        let member = Greenlet::new({
            let log = log.clone();
            move |n| {
                let _word = OnDrop(|| log.push("unwound"));
                root.switch(n)
            }
        });
        member.switch(1);
        panic_any("the owner's");
    });
    assert_eq!((text.as_str(), log.words()), ("the owner's", vec!["unwound".to_owned()]));
    assert!(!std::thread::panicking());
}

#[test]
fn who_waits_in_a_switch_keeps_only_whom_it_named() {
    let log = Log::new();
    let root = Greenlet::<u8>::current();
    let heir = Greenlet::new({
        let log = log.clone();
        move |mut n| {
            let _word = OnDrop(|| log.push("unwound"));
            loop {
                n = root.switch(n);
            }
        }
    });
    heir.switch(1);
    let dead = Greenlet::new(|n| n);
    dead.set_parent(&heir);
    dead.kill();
    // It names the dead one, and waits for the heir.
    let waiter = Greenlet::new(move |n| dead.switch(n));
    assert_eq!(waiter.switch(2), 2);
    drop(heir);
    assert_eq!(log.words(), ["unwound"]);
    waiter.kill();
}

#[test]
fn a_value_on_its_way_is_safe_from_switches_in_the_destructors_of_who_sent_it() {
    let log = Log::new();
    let other: Rc<RefCell<Option<Greenlet<u32>>>> = Rc::default();
    // A root of its own, founded while there was no other: what the generator does later, it does as that root.
    let mut stranger = Generator::new({
        let (log, other) = (log.clone(), other.clone());
        move |y: &Yielder<()>, ()| {
            let _root = Greenlet::<u32>::current();
            y.yield_(());
            let other = other.borrow().clone().expect("it is there");
            log.push(format!("stranger got {}", other.switch(50)));
        }
    });
    stranger.send(());

    let root = Greenlet::<u32>::current();
    let slot: Rc<RefCell<Option<Greenlet<u32>>>> = Rc::default();
    let sender = Greenlet::new({
        let (slot, root) = (slot.clone(), root.clone());
        move |n| {
            let _word = OnDrop(move || assert!(!stranger.is_finished() && stranger.next().is_none()));
            let value = root.switch(n);
            drop(slot.take());
            root.switch(value)
        }
    });
    let echo = Greenlet::new(move |mut n| {
        loop {
            n = root.switch(n + 1);
        }
    });
    assert_eq!(echo.switch(0), 1);
    *other.borrow_mut() = Some(echo);
    sender.switch(1);
    let child = Greenlet::new(|n| n);
    child.set_parent(&sender);
    *slot.borrow_mut() = Some(sender);
    log.push(format!("root got {}", child.switch(7)));
    assert_eq!(log.words(), ["stranger got 51", "root got 7"]);
}

// ---- stacks ----

#[test]
fn greenlets_and_generators_in_a_thread_local_are_left_when_the_os_thread_ends() {
    thread_local! {
        static KEPT: RefCell<Option<(Greenlet<u8>, Generator<u8>)>> = const { RefCell::new(None) };
    }
    let script = || {
        KEPT.with_borrow(|kept| assert!(kept.is_none()));
        let root = Greenlet::<u8>::current();
        let greenlet = Greenlet::new(move |n| {
            let _never = OnDrop(|| unreachable!("the OS thread's other thread-locals may be gone"));
            root.switch(n)
        });
        greenlet.switch(1);
        let mut generator = Generator::new(|y, ()| {
            let _never = OnDrop(|| unreachable!("as above"));
            y.yield_(2)
        });
        assert_eq!(generator.next(), Some(2));
        KEPT.set(Some((greenlet, generator)));
    };
    std::thread::spawn(script).join().expect("it ends in order");
}

#[test]
fn a_stack_of_the_size_asked_for_can_be_used() {
    fn depth(n: usize) -> usize {
        let frame = std::hint::black_box([n; 512]);
        if n == 0 { 0 } else { depth(n - 1) + (frame[0] - n) + 1 }
    }
    let member = Greenlet::with_stack_size(8 << 20, depth).expect("8 MiB");
    assert_eq!(member.switch(1000), 1000);
}

#[test]
fn a_stack_that_cannot_be_is_an_error() {
    let error = Greenlet::<u8>::with_stack_size(usize::MAX / 2, |n| n).unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn a_stack_is_given_back_as_soon_as_its_greenlet_has_ended() {
    fn address(_: usize) -> usize {
        let local = 0_u8;
        &raw const local as usize
    }
    let first = Greenlet::new(address);
    let place = first.switch(0);
    let second = Greenlet::new(address);
    assert_eq!(second.switch(0), place, "the dead one still has its stack");
}

#[test]
fn a_family_forgets_those_of_its_members_that_died() {
    let before = Greenlet::<u64>::current();
    for n in 0..10_000 {
        assert_eq!(Greenlet::new(move |m: u64| m + n).switch(1), n + 1);
    }
    assert!(!before.is_dead());
}

#[test]
fn thousands_of_dead_generations_are_forgotten_without_recursion() {
    let root = Greenlet::<Option<Greenlet<()>>>::current();
    let mut youngest = root.clone();
    for _ in 0..20_000 {
        let child = Greenlet::new(|value| value);
        child.set_parent(&youngest);
        child.kill();
        youngest = child;
    }
    assert_eq!(format!("{:?}", youngest.parent().expect("the root")), format!("{root:?}"));
}

// ---- at random ----

/// A generator of random numbers that is the same everywhere: Steele and Vigna's splitmix64.
fn random(seed: &Cell<u64>, below: usize) -> usize {
    seed.set(seed.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
    let mut z = seed.get();
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) % below as u64) as usize
}

/// What the greenlets of the walk below share.
struct Walk {
    seed: Cell<u64>,
    steps: Cell<u32>,
    members: RefCell<Vec<Option<Greenlet<Box<u64>>>>>,
    root: Greenlet<Box<u64>>,
    tally: Tally,
}

impl Walk {
    /// One random deed of whoever calls; the value that went round comes back, and is one more each time.
    fn step(self: &Rc<Self>, mut value: Box<u64>) -> Box<u64> {
        self.steps.set(self.steps.get() + 1);
        let place = random(&self.seed, self.members.borrow().len());
        let other = self.members.borrow()[place].clone();
        match (random(&self.seed, 12), other) {
            (0, Some(other)) if !is_current(&other) => other.kill(),
            (1, _) => drop(self.members.borrow_mut()[place].take()),
            (2, Some(other)) => return caught(|| other.throw(Box::new("thrown"))).unwrap_or(value),
            (3 | 4, None) => self.found(place),
            (5, _) => {
                let n = *value;
                *value = Generator::new(move |y, ()| y.yield_(n)).sum();
            }
            (6, _) => value = self.root.switch(value),
            (7, Some(other)) => other.set_parent(&self.root),
            (_, Some(other)) => value = other.switch(value),
            _ => {}
        }
        value
    }

    fn found(self: &Rc<Self>, place: usize) {
        let walk = self.clone();
        let member = Greenlet::new(move |mut value| {
            let _one = walk.tally.one();
            for _ in 0..random(&walk.seed, 20) {
                value = walk.step(value);
            }
            value
        });
        self.members.borrow_mut()[place] = Some(member);
    }
}

fn is_current(greenlet: &Greenlet<Box<u64>>) -> bool {
    format!("{greenlet:?}").contains("Running")
}

/// What `f` returns, unless it is hit by what the walk throws. Other panics go on.
fn caught<R>(f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<&'static str>() => None,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

#[test]
fn random_walks_of_switches_kills_throws_and_drops_leave_nothing_behind() {
    for seed in 0..200 {
        let tally = Tally::new();
        // Greenlets that have switched to each other keep each other. The end of the place of their root ends them all.
        let mut place = Generator::new({
            let tally = tally.clone();
            move |_: &Yielder<()>, ()| {
                let walk = Rc::new(Walk {
                    seed: Cell::new(seed),
                    steps: Cell::new(0),
                    members: RefCell::new(vec![None; 8]),
                    root: Greenlet::current(),
                    tally,
                });
                while walk.steps.get() < 500 {
                    caught(|| walk.step(Box::new(7)));
                }
                walk
            }
        });
        let Resumed::Returned(walk) = place.send(()) else { unreachable!("it does not yield") };
        assert_eq!(tally.alive(), 0, "seed {seed}");
        walk.members.take();
        assert_eq!(Rc::strong_count(&walk), 1, "seed {seed}: somebody still holds a greenlet");
        assert!(tally.dropped() > 10, "seed {seed}: the walk was none");
    }
}
