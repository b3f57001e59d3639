//! How a green thread ends: values, panics of every kind, and destructors that panic where nobody expects it.

use std::panic::{panic_any, resume_unwind};
use std::rc::Rc;

use greenroom::thread::{Builder, JoinError};
use greenroom::{JoinHandle, sleep, spawn, yield_now};

use crate::support::{self, OnDrop, error_of, ms};

struct Unit;
struct Huge([u8; 100_000]);
struct DropPanics;

impl Drop for DropPanics {
    fn drop(&mut self) {
        panic!("a destructor, on purpose");
    }
}

/// reliability.md, P20: eight kinds of payload.
fn throw(kind: usize) {
    match kind {
        0 => panic!("a text"),
        1 => panic!("a {}", std::hint::black_box("string")),
        2 => panic_any(Unit),
        3 => panic_any(DropPanics),
        4 => panic_any(Huge([7; 100_000])),
        5 => panic_any([(); 0]),
        6 => resume_unwind(std::panic::catch_unwind(|| panic!("nested")).unwrap_err()),
        _ => drop(DropPanics),
    }
}

/// Throws in a green thread with room for the huge one, which is copied on its way.
fn thrower(kind: usize) -> JoinHandle<()> {
    Builder::new().stack_size(2 << 20).spawn(move || throw(kind)).unwrap()
}

#[test]
fn a_panic_of_any_kind_ends_its_own_green_thread_only() {
    support::hub(|| {
        let neighbour = spawn(|| {
            (0..50).for_each(|_| yield_now());
            "unharmed"
        });
        let all: Vec<_> = (0..8).map(thrower).collect();
        let errors: Vec<_> = all.into_iter().map(|child| child.join().unwrap_err()).collect();
        assert!(errors.iter().all(|error| error.is_panic() && !error.is_killed() && !error.is_refused()));
        let messages: Vec<_> = errors.iter().map(JoinError::message).collect();
        let box_any = "Box<dyn Any>";
        let texts =
            ["a text", "a string", box_any, box_any, box_any, box_any, "nested", "a destructor, on purpose"];
        assert_eq!(messages, texts);
        let [_, _, unit, _, huge, ..] = &errors[..] else { unreachable!() };
        assert!(unit.clone().into_panic().is::<Unit>());
        assert_eq!(huge.clone().into_panic().downcast::<Huge>().map(|huge| huge.0[99_999]).ok(), Some(7));
        drop(errors);
        assert_eq!(neighbour.join().unwrap(), "unharmed");
        assert!(!std::thread::panicking());
    });
}

#[test]
fn the_panic_of_a_detached_one_and_its_payload_hurt_nobody() {
    support::virtual_hub(|| {
        (0..8).for_each(|kind| drop(thrower(kind)));
        sleep(ms(1));
        assert_eq!(spawn(|| 1).join().unwrap(), 1);
    });
}

#[test]
fn a_payload_goes_to_the_first_who_asks_and_its_message_to_the_others() {
    support::hub(|| {
        let error = error_of(spawn(|| panic_any(41_u32)));
        let clones = [error.clone(), error.clone()].map(JoinError::into_panic);
        assert_eq!(clones[0].downcast_ref::<u32>(), Some(&41));
        assert_eq!(clones[1].downcast_ref::<String>().map(String::as_str), Some("Box<dyn Any>"));
        let text = error_of(spawn(|| panic!("why {}", std::hint::black_box("not"))));
        assert_eq!(text.clone().into_panic().downcast_ref::<String>().unwrap(), "why not");
        assert_eq!(text.into_panic().downcast_ref::<String>().unwrap(), "why not");
    });
}

#[test]
fn errors_made_by_hand_say_what_they_were_told() {
    support::hub(|| {
        let plain = JoinError::new("no such thing");
        assert_eq!((plain.is_panic(), plain.is_killed(), plain.is_refused()), (false, false, false));
        assert_eq!(plain.message(), "no such thing");
        assert!(plain.to_string().contains("no such thing"));
        assert_eq!(plain.into_panic().downcast_ref::<String>().unwrap(), "no such thing");
        let panic = JoinError::from_panic(Box::new("text"));
        assert!(panic.is_panic());
        assert_eq!(panic.message(), "text");
        assert_eq!(panic.into_panic().downcast_ref::<&str>(), Some(&"text"));
    });
}

#[test]
fn an_error_and_its_payload_may_go_to_another_os_thread() {
    support::hub(|| {
        let error = error_of(spawn(|| panic_any(String::from("carried"))));
        let carried = std::thread::spawn(move || error.into_panic().downcast::<String>().unwrap());
        assert_eq!(*carried.join().unwrap(), "carried");
    });
}

/// reliability.md, M9: a payload's destructor is user code, and whoever drops the error is innocent.
#[test]
fn dropping_an_error_whose_payload_panics_is_contained() {
    support::hub(|| {
        let error = error_of(spawn(|| panic_any(DropPanics)));
        let second = error.clone();
        drop(error);
        drop(second);
    });
}

#[test]
fn a_result_whose_destructor_panics_is_contained_when_nobody_takes_it() {
    support::virtual_hub(|| {
        drop(spawn(|| DropPanics));
        let unread = spawn(|| DropPanics);
        sleep(ms(1));
        drop(unread);
        let taken = spawn(|| DropPanics).join();
        std::mem::forget(taken);
        assert_eq!(spawn(|| 1).join().unwrap(), 1);
    });
}

/// reliability.md, M10.
#[test]
fn a_capture_whose_destructor_panics_is_contained_when_its_owner_never_ran() {
    support::hub(|| {
        let capture = DropPanics;
        let victim = spawn(move || std::mem::forget(capture));
        victim.kill();
        let error = victim.join().unwrap_err();
        assert!(error.is_panic() || error.is_killed());
        assert_eq!(spawn(|| 1).join().unwrap(), 1);
    });
}

#[test]
fn a_runtime_dropped_with_such_captures_and_results_is_contained() {
    support::watch(|| {
        let runtime = greenroom::Runtime::new().unwrap();
        let capture = DropPanics;
        let never_ran = runtime.spawn(move || std::mem::forget(capture));
        drop(runtime);
        let error = never_ran.join().unwrap_err();
        assert!(error.is_panic() || error.is_killed());
    });
}

/// reliability.md, H10.
#[test]
fn a_destructor_that_panics_in_peace_ends_its_green_thread_with_that_panic() {
    support::hub(|| {
        let child = spawn(|| {
            let _value = DropPanics;
        });
        assert_eq!(child.join().unwrap_err().message(), "a destructor, on purpose");
    });
}

#[test]
fn a_panic_after_a_caught_kill_is_a_panic() {
    support::hub(|| {
        let victim = spawn(|| {
            let _ = std::panic::catch_unwind(|| sleep(ms(60_000)));
            panic!("instead");
        });
        yield_now();
        victim.kill();
        let error = error_of(victim);
        assert!(error.is_panic());
        assert_eq!(error.message(), "instead");
    });
}

#[test]
fn results_are_dropped_on_the_hubs_os_thread_before_the_hub_ends() {
    let here = std::thread::current().id();
    let dropped_on = Rc::new(std::cell::Cell::new(None));
    support::hub(|| {
        let note = dropped_on.clone();
        let value = OnDrop(move || note.set(Some(std::thread::current().id())));
        drop(Builder::new().name("gives").spawn(move || value).unwrap());
    });
    assert_eq!(dropped_on.get(), Some(here));
}

#[test]
fn a_storm_of_panics_leaves_the_hub_as_it_was() {
    support::hub(|| {
        let neighbour = spawn(|| {
            (0..100).for_each(|_| yield_now());
            "unharmed"
        });
        for round in 0..5_000 {
            let panics = round % 10 == 0;
            let child = if panics { thrower(round / 10 % 8) } else { spawn(yield_now) };
            assert_eq!(child.join().is_err(), panics);
        }
        assert_eq!(neighbour.join().unwrap(), "unharmed");
    });
}
