//! Cases of gevent's `Greenlet`, rewritten: `src/gevent/tests/test__greenlet.py`. Each names its source.
//!
//! A handle is linked once, for it owns the result; a kill is an error to whoever joins, and its payload is
//! not the killer's to choose. Reference counts, subclasses and `rawlink` have no counterpart.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use greenroom::queue::{self, Queue};
use greenroom::sync::AsyncResult;
use greenroom::thread::{Builder, active_count};
use greenroom::{
    JoinError, JoinHandle, joinall, killall, sleep, spawn, spawn_later, timeout, try_joinall, wait, yield_now,
};

use crate::support::{Log, Tally, hub, ms, panic_of, virtual_hub};

/// An end in panic that the hook does not report.
fn fail(word: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(word))
}

fn link_to_result<T: Clone + 'static>(handle: JoinHandle<T>) -> AsyncResult<T> {
    let result = AsyncResult::new();
    let linked = result.clone();
    handle.link(move |ended| match ended {
        Ok(value) => drop(linked.set(value)),
        Err(error) => drop(linked.fail(error)),
    });
    result
}

// ---- TestLink

/// test_link_to_asyncresult
#[test]
fn a_link_passes_the_value_to_a_result_that_many_can_read() {
    hub(|| {
        let result = link_to_result(spawn(|| 100));
        for _ in 0..3 {
            assert_eq!(result.get().unwrap(), 100);
        }
    });
}

/// test_link_to_asyncresult: linked after its end
#[test]
fn a_link_to_a_finished_green_thread_is_called_too() {
    hub(|| {
        let finished = spawn(|| 100);
        finished.wait();
        assert_eq!(link_to_result(finished).get().unwrap(), 100);
    });
}

/// test_link_to_asyncresult_exception
#[test]
fn a_link_passes_the_panic_to_a_result_that_many_can_read() {
    hub(|| {
        let result = link_to_result(spawn(|| -> u8 { fail("expected") }));
        for _ in 0..3 {
            let error = result.get().unwrap_err();
            assert!(error.is_panic());
            assert_eq!(error.message(), "expected");
        }
    });
}

/// test_link_to_queue
#[test]
fn a_link_puts_into_a_queue() {
    hub(|| {
        let queue = Queue::unbounded();
        for number in 0..3 {
            let end = queue.clone();
            spawn(move || number).link(move |ended| end.put(ended.unwrap()).unwrap());
            assert_eq!(queue.get(), Ok(number));
        }
    });
}

/// test_link_to_channel
#[test]
fn three_links_may_wait_at_one_channel() {
    hub(|| {
        let channel = queue::channel();
        for number in [101, 102, 103] {
            let end = channel.clone();
            spawn(move || number).link(move |ended| end.put(ended.unwrap()).unwrap());
        }
        let mut all: Vec<i32> = (0..3).map(|_| channel.get().unwrap()).collect();
        all.sort();
        assert_eq!(all, [101, 102, 103]);
    });
}

// ---- TestReturn_link, TestRaise_link

/// TestReturn_link.test_kill
#[test]
fn a_link_of_a_killed_one_hears_of_the_kill() {
    hub(|| {
        let sleeper = spawn(|| sleep(ms(10_000)));
        yield_now();
        sleeper.kill();
        assert!(link_to_result(sleeper).get().unwrap_err().is_killed());
    });
}

/// TestReturn_link: each kind of link once, none of the others
#[test]
fn a_link_is_called_once_however_its_green_thread_ends() {
    virtual_hub(|| {
        let calls = Rc::new(Cell::new(0));
        let count = || {
            let calls = calls.clone();
            move |_: Result<(), JoinError>| calls.set(calls.get() + 1)
        };
        spawn(|| ()).link(count());
        spawn(|| fail("expected")).link(count());
        let victim = spawn(|| sleep(ms(10_000)));
        victim.kill();
        victim.link(count());
        sleep(ms(2));
        assert_eq!(calls.get(), 3);
    });
}

// ---- TestStuff

/// test_wait_noerrors
#[test]
fn joining_all_gives_all_values() {
    hub(|| {
        let all = (1..=3).map(|number| spawn(move || number));
        assert_eq!(try_joinall(all).unwrap(), [1, 2, 3]);
    });
}

/// test_wait_error
#[test]
fn a_failure_ends_the_wait_while_the_others_run_on() {
    virtual_hub(|| {
        let ended = Rc::new(Cell::new(false));
        let slow = spawn({
            let ended = ended.clone();
            move || {
                sleep(ms(4));
                ended.set(true);
            }
        });
        let failed = try_joinall([slow, spawn(|| fail("expected"))]);
        assert_eq!(failed.unwrap_err().message(), "expected");
        assert!(!ended.get());
        sleep(ms(8));
        assert!(ended.get());
    });
}

/// test_joinall_exception_order
#[test]
fn the_earliest_failure_is_the_one_reported() {
    virtual_hub(|| {
        let first = spawn(|| {
            sleep(ms(4));
            fail("first")
        });
        let error = try_joinall::<()>([first, spawn(|| fail("second"))]).unwrap_err();
        assert_eq!(error.message(), "second");
        sleep(ms(6));
    });
}

/// test_joinall_count_raise_error
#[test]
fn a_wait_for_one_of_two_counts_a_failure() {
    virtual_hub(|| {
        let sleeper = spawn(|| {
            loop {
                sleep(ms(1))
            }
        });
        let failing = spawn(|| fail("expected"));
        assert_eq!(wait(&[&sleeper, &failing], None, Some(1)), [1]);
        assert!(failing.is_finished() && !sleeper.is_finished());
        killall(&[sleeper]);
    });
}

/// test_multiple_listeners_error
#[test]
fn a_link_that_panics_keeps_no_other_from_being_called() {
    virtual_hub(|| {
        let log = Log::new();
        for word in ["10", "20", "30"] {
            let log = log.clone();
            spawn(|| 5).link(move |_| {
                log.push(word);
                fail("in a link")
            });
        }
        // To panic takes longer than any sleep on a slow machine.
        while log.words().len() < 3 {
            sleep(ms(1));
        }
        assert_eq!(log.words(), ["10", "20", "30"]);
    });
}

/// TestStr.test_function, test_method
#[test]
fn a_handle_shows_its_name_and_whether_it_has_ended() {
    hub(|| {
        let named = Builder::new().name("Foo").spawn(|| ()).unwrap();
        let shown = format!("{named:?}");
        assert!(shown.contains("Foo") && shown.contains("finished: false"), "{shown}");
        named.wait();
        assert!(format!("{named:?}").contains("finished: true"));
    });
}

// ---- TestJoin, TestGet, TestJoinAll

/// One that is not done when its test is, and that the end of the hub unwinds.
fn sleeper() -> JoinHandle<()> {
    Builder::new().daemon(true).spawn(|| sleep(ms(10_000))).unwrap()
}

/// TestJoin
#[test]
fn a_wait_with_a_limit_ends_after_it() {
    hub(|| {
        let sleeper = spawn(|| sleep(ms(10_000)));
        let before = Instant::now();
        assert!(!sleeper.wait_timeout(ms(4)));
        assert!(before.elapsed() >= ms(4));
        sleeper.kill();
    });
}

/// TestGet
#[test]
fn a_join_in_a_scope_ends_with_the_scope() {
    hub(|| {
        let sleeper = sleeper();
        let victim = sleeper.thread().clone();
        assert!(timeout(ms(4), || sleeper.join()).is_err());
        assert!(
            greenroom::thread::enumerate().iter().any(|one| one.id() == victim.id()),
            "it is detached, not ended"
        );
    });
}

/// TestJoinAll
#[test]
fn a_joinall_in_a_scope_ends_with_the_scope() {
    hub(|| {
        let sleepers = [sleeper(), sleeper()];
        assert!(timeout(ms(4), || joinall(sleepers)).is_err());
    });
}

/// TestJoinAll0
#[test]
fn a_joinall_of_nothing_returns_at_once() {
    hub(|| assert!(joinall::<()>([]).is_empty()));
}

// ---- TestBasic

/// test_simple_exit
#[test]
fn a_green_thread_is_unfinished_until_it_has_returned() {
    virtual_hub(|| {
        let child = spawn(|| {
            sleep(ms(4));
            5
        });
        assert!(!child.is_finished());
        yield_now();
        assert!(!child.is_finished());
        sleep(ms(10));
        assert!(child.is_finished());
        assert_eq!(child.join().unwrap(), 5);
    });
}

/// test_error_exit
#[test]
fn an_error_keeps_what_was_thrown() {
    virtual_hub(|| {
        let child = spawn(|| {
            sleep(ms(1));
            std::panic::resume_unwind(Box::new(5_u64))
        });
        let error: JoinError = JoinHandle::<()>::join(child).unwrap_err();
        assert!(error.is_panic() && !error.is_killed());
        assert_eq!(*error.into_panic().downcast::<u64>().unwrap(), 5);
    });
}

/// test_recursion_error: a green thread that waits for one that fails
#[test]
fn the_failure_of_one_that_is_joined_by_a_green_thread_stays_its_own() {
    hub(|| {
        let failing = spawn(|| fail("deep down"));
        let waiting = spawn(move || joinall::<()>([failing]).remove(0).is_err());
        assert!(waiting.join().unwrap());
    });
}

/// test_spawn_raw_kwargs: what a closure owns
#[test]
fn a_green_thread_has_what_its_closure_took() {
    hub(|| {
        let (number, name) = (1, String::from("value"));
        assert_eq!(spawn(move || (number, name)).join().unwrap(), (1, "value".into()));
    });
}

// ---- TestKill: each state, each way

/// Who is killed, and what was to happen had it not been.
struct Victim {
    handle: JoinHandle<()>,
    ran: Rc<Cell<bool>>,
    captures: Tally,
}

impl Victim {
    fn new(start: impl FnOnce(Box<dyn FnOnce()>) -> JoinHandle<()>, before: Duration) -> Victim {
        let (ran, captures) = (Rc::new(Cell::new(false)), Tally::new());
        let run = {
            let (ran, capture) = (ran.clone(), captures.one());
            move || {
                let _capture = capture;
                if !before.is_zero() {
                    sleep(before);
                }
                ran.set(true);
            }
        };
        Victim { handle: start(Box::new(run)), ran, captures }
    }

    /// It has ended, has not run, and holds nothing; killing it again does nothing.
    #[track_caller]
    fn assert_killed(self) {
        assert!(self.handle.is_finished());
        self.handle.kill();
        killall(std::slice::from_ref(&self.handle));
        sleep(ms(2));
        assert!(!self.ran.get());
        assert_eq!((self.captures.alive(), self.captures.dropped()), (0, 1));
        let error = self.handle.join().unwrap_err();
        assert!(error.is_killed() && !error.is_panic());
    }
}

macro_rules! kills {
    ($($state:ident: $victim:expr;)+) => { $(
        mod $state {
            use super::*;

            /// test_block
            #[test]
            fn a_kill_that_is_waited_for() {
                hub(|| {
                    let victim = $victim;
                    victim.handle.kill();
                    victim.handle.wait();
                    victim.assert_killed();
                });
            }

            /// test_non_block
            #[test]
            fn a_kill_that_is_not_waited_for() {
                virtual_hub(|| {
                    let victim = $victim;
                    victim.handle.kill();
                    sleep(ms(2));
                    victim.assert_killed();
                });
            }

            /// test_block_killall
            #[test]
            fn a_killall() {
                hub(|| {
                    let victim = $victim;
                    killall(std::slice::from_ref(&victim.handle));
                    victim.assert_killed();
                });
            }

            /// test_non_block_killal
            #[test]
            fn a_second_kill_before_the_first_has_taken_effect() {
                virtual_hub(|| {
                    let victim = $victim;
                    victim.handle.kill();
                    victim.handle.kill();
                    sleep(ms(2));
                    victim.assert_killed();
                });
            }
        }
    )+ };
}

kills! {
    before_it_has_begun: Victim::new(spawn, Duration::ZERO);
    before_its_time_has_come: Victim::new(|run| spawn_later(ms(3_000), run), Duration::ZERO);
    while_it_sleeps: {
        let victim = Victim::new(spawn, ms(10_000));
        yield_now();
        victim
    };
}

// ---- TestContextManager, whose counterpart is `scope`

/// test_simple
#[test]
fn a_child_has_ended_behind_its_scope() {
    virtual_hub(|| {
        let mut done = false;
        greenroom::scope(|scope| {
            scope.spawn(|| {
                sleep(ms(1));
                done = true;
            });
        });
        assert!(done);
    });
}

/// test_wait_in_suite, test_greenlet_raises
#[test]
fn a_failure_that_was_joined_in_the_scope_is_not_reported_again() {
    hub(|| {
        greenroom::scope(|scope| assert!(scope.spawn(|| fail("expected")).join().is_err()));
    });
}

/// test_suite_body_raises; ours waits for the child, as std's scope does
#[test]
fn a_scope_whose_body_panics_still_waits_for_its_child() {
    virtual_hub(|| {
        let done = Cell::new(false);
        let text = panic_of(|| {
            greenroom::scope(|scope| {
                scope.spawn(|| {
                    sleep(ms(1));
                    done.set(true);
                });
                fail("the body")
            })
        });
        assert_eq!((text.as_str(), done.get()), ("the body", true));
    });
}

// ---- TestRef

/// test_kill_scheduled, test_kill_started
#[test]
fn nothing_is_left_of_those_killed_before_and_after_they_began() {
    virtual_hub(|| {
        let before = active_count();
        spawn(|| sleep(ms(10_000))).kill();
        let started = spawn(|| sleep(ms(10_000)));
        yield_now();
        started.kill();
        sleep(ms(1));
        assert_eq!(active_count(), before);
    });
}
