//! `signal`: signals reach those who wait for them, none is lost, and nothing else changes.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenroom::signal::{self, SIGHUP, SIGUSR1, SIGUSR2, Signals};
use greenroom::thread::Cancelled;
use greenroom::{Handle, JoinHandle, joinall, sleep, spawn, timeout, yield_now};
use signal_hook::low_level::raise;

use crate::support::{Log, OnDrop, error_of, guard, hub, ms};

#[test]
fn whoever_waits_gets_the_number_and_the_others_go_on() {
    hub(|| {
        let signals = Signals::new([SIGUSR1, SIGUSR2]).unwrap();
        let log = Log::new();
        let note = log.clone();
        let waiter = spawn(move || {
            note.push(format!("got {}", signals.wait()));
            note.push(format!("got {}", signals.wait()));
        });
        sleep(ms(2));
        log.push("nothing yet");
        raise(SIGUSR2).unwrap();
        sleep(ms(2));
        raise(SIGUSR1).unwrap();
        waiter.join().unwrap();
        assert_eq!(log.words(), ["nothing yet", &format!("got {SIGUSR2}"), &format!("got {SIGUSR1}")]);
    });
}

#[test]
fn a_signal_that_comes_while_nobody_waits_is_kept_once() {
    hub(|| {
        let mut signals = Signals::new([SIGUSR1, SIGUSR2]).unwrap();
        for _ in 0..1000 {
            raise(SIGUSR2).unwrap();
        }
        raise(SIGUSR1).unwrap();
        let mut got = [signals.wait(), signals.next().unwrap()];
        got.sort_unstable();
        assert_eq!(got, [SIGUSR1, SIGUSR2]);
        assert!(
            timeout(ms(2), || signals.wait()).is_err(),
            "the kernel counts nothing, and nothing is made up"
        );
    });
}

#[test]
fn each_of_several_signals_gets_each_signal() {
    hub(|| {
        let all: Vec<JoinHandle<i32>> = (0..10)
            .map(|_| {
                let signals = Signals::new(vec![SIGUSR1]).unwrap();
                spawn(move || signals.wait())
            })
            .collect();
        yield_now();
        raise(SIGUSR1).unwrap();
        assert!(joinall(all).into_iter().all(|got| got.unwrap() == SIGUSR1));
    });
}

#[test]
fn of_those_who_share_one_each_signal_goes_to_one() {
    hub(|| {
        let signals = Rc::new(Signals::new([SIGUSR1, SIGUSR2]).unwrap());
        let waiters: Vec<JoinHandle<i32>> = (0..2)
            .map(|_| {
                let signals = signals.clone();
                spawn(move || signals.wait())
            })
            .collect();
        sleep(ms(1));
        // Both before anybody has run.
        raise(SIGUSR1).unwrap();
        raise(SIGUSR2).unwrap();
        let mut got: Vec<i32> = joinall(waiters).into_iter().map(Result::unwrap).collect();
        got.sort_unstable();
        assert_eq!(got, [SIGUSR1, SIGUSR2]);
    });
}

#[test]
fn hubs_on_several_os_threads_get_it() {
    guard(|| {
        let ready = Arc::new(AtomicUsize::new(0));
        let hubs: Vec<_> = (0..4)
            .map(|_| {
                let ready = ready.clone();
                std::thread::spawn(move || {
                    greenroom::run(|| {
                        let signals = Signals::new([SIGUSR1]).unwrap();
                        ready.fetch_add(1, Ordering::SeqCst);
                        signals.wait()
                    })
                })
            })
            .collect();
        while ready.load(Ordering::SeqCst) < 4 {
            std::thread::yield_now();
        }
        raise(SIGUSR1).unwrap();
        assert!(hubs.into_iter().all(|hub| hub.join().unwrap() == SIGUSR1));
    });
}

#[test]
fn it_serves_under_a_hub_that_came_later() {
    guard(|| {
        let signals = Signals::new([SIGUSR1]).unwrap();
        for _ in 0..2 {
            let signals = &signals;
            greenroom::run(|| {
                spawn(|| {
                    sleep(ms(1));
                    raise(SIGUSR1).unwrap();
                });
                assert_eq!(signals.wait(), SIGUSR1);
            });
        }
    });
}

#[test]
fn signals_that_must_not_be_caught_are_an_error_and_leave_nothing_behind() {
    hub(|| {
        for number in [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, 0, -1, 12_345]
        {
            let error = Signals::new([SIGUSR1, number]).expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{number}: {error}");
        }
        let none: [i32; 0] = [];
        assert!(timeout(ms(1), || Signals::new(none).unwrap().wait()).is_err(), "none is none, and no spin");
    });
}

#[test]
fn a_kill_and_an_expiry_end_a_wait_and_lose_no_signal() {
    hub(|| {
        let signals = Rc::new(Signals::new([SIGUSR1]).unwrap());
        let shared = signals.clone();
        let victim = spawn(move || assert!(shared.wait() > 0));
        yield_now();
        // In the same turn: the kill comes first.
        victim.kill();
        raise(SIGUSR1).unwrap();
        assert!(error_of(victim).is_killed());
        assert_eq!(signals.wait(), SIGUSR1);
        assert!(timeout(ms(1), || signals.wait()).is_err());
        raise(SIGUSR1).unwrap();
        assert_eq!(signals.wait(), SIGUSR1);
    });
}

#[test]
fn a_kill_between_the_signal_and_the_waiters_turn_passes_it_on() {
    hub(|| {
        let signals = Rc::new(Signals::new([SIGUSR1, SIGUSR2]).unwrap());
        let wait = |signals: &Rc<Signals>| {
            let signals = signals.clone();
            spawn(move || assert!(signals.wait() > 0))
        };
        for _ in 0..50 {
            let (first, second) = (wait(&signals), wait(&signals));
            yield_now();
            raise(SIGUSR1).unwrap();
            // The look at the kernel wakes the first; whether it runs before the kill depends on the turn.
            yield_now();
            first.kill();
            first.wait();
            raise(SIGUSR2).unwrap();
            assert!(second.wait_timeout(Duration::from_secs(5)), "the second hears of one of them");
            second.join().unwrap();
            // What is left, if the first was too late.
            let _ = timeout(Duration::ZERO, || {
                loop {
                    signals.wait();
                }
            });
        }
    });
}

#[test]
fn a_cancel_ends_ctrl_c_and_no_other_wait() {
    hub(|| {
        let waits = spawn(|| signal::ctrl_c().unwrap_err());
        let signals = Signals::new([SIGUSR1]).unwrap();
        let goes_on = spawn(move || signals.wait());
        yield_now();
        waits.cancel();
        goes_on.cancel();
        let error = waits.join().unwrap();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()), "{error}");
        sleep(ms(1));
        assert!(!goes_on.is_finished());
        raise(SIGUSR1).unwrap();
        assert_eq!(goes_on.join().unwrap(), SIGUSR1);
    });
}

#[test]
fn ctrl_c_returns_when_the_key_is_pressed() {
    hub(|| {
        spawn(|| {
            sleep(ms(1));
            raise(signal::SIGINT).unwrap();
        });
        signal::ctrl_c().unwrap();
        assert!(timeout(ms(1), signal::ctrl_c).is_err(), "each call waits for one of its own");
        // From the first call on it no longer ends the process.
        raise(signal::SIGINT).unwrap();
    });
}

#[test]
fn after_the_drop_nobody_hears_of_it_and_the_process_lives() {
    hub(|| {
        drop(Signals::new([SIGUSR1, SIGHUP]).unwrap());
        raise(SIGUSR1).unwrap();
        raise(SIGHUP).unwrap();
        let signals = Signals::new([SIGUSR1]).unwrap();
        assert!(
            timeout(ms(1), || signals.wait()).is_err(),
            "what came before it was made is not its business"
        );
    });
}

#[test]
fn a_destructor_that_waits_while_unwinding_gets_no_signal() {
    hub(|| {
        let got = Rc::new(std::cell::Cell::new((-1, Some(-1))));
        let note = got.clone();
        let victim = spawn(move || {
            let _waits = OnDrop(move || {
                let mut signals = Signals::new([SIGUSR1]).unwrap();
                note.set((signals.wait(), signals.next()));
            });
            sleep(ms(10_000));
        });
        yield_now();
        victim.kill();
        assert!(error_of(victim).is_killed());
        assert_eq!(got.get(), (0, None));
    });
}

#[test]
fn a_storm_of_signals_changes_no_byte_and_no_deadline() {
    hub(|| {
        use greenroom::io::{Read, Write};
        let signals = Signals::new([SIGUSR1]).unwrap();
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let storm = {
            let over = over.clone();
            let process = std::process::id();
            std::thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    #[expect(unsafe_code, reason = "kill(2) is a plain system call")]
                    // SAFETY: to this process, which has a handler.
                    unsafe {
                        libc::kill(process as i32, SIGUSR1)
                    };
                    std::thread::sleep(Duration::from_micros(200));
                }
            })
        };
        let listener = greenroom::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sender = spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let bytes: Vec<u8> = (0..8_000_000u32).map(|n| n as u8).collect();
            stream.write_all(&bytes).unwrap();
        });
        let heard = spawn(move || {
            let mut heard = 0;
            while heard < 10 {
                assert_eq!(signals.wait(), SIGUSR1);
                heard += 1;
            }
        });
        let mut got = Vec::new();
        greenroom::net::TcpStream::connect(address).unwrap().read_to_end(&mut got).unwrap();
        assert!(got.len() == 8_000_000 && got.iter().enumerate().all(|(at, byte)| *byte == at as u8));
        let begun = Instant::now();
        sleep(ms(20));
        assert!(begun.elapsed() >= ms(20));
        sender.join().unwrap();
        heard.join().unwrap();
        over.store(true, Ordering::SeqCst);
        storm.join().unwrap();
    });
}

#[test]
fn who_waits_for_a_signal_is_no_deadlock() {
    hub(|| {
        let signals = Signals::new([SIGUSR1]).unwrap();
        std::thread::spawn(|| {
            std::thread::sleep(ms(200));
            signal_to_this_process();
        });
        assert_eq!(signals.wait(), SIGUSR1);
        assert!(Handle::current().metrics().alive == 0);
    });
}

fn signal_to_this_process() {
    #[expect(unsafe_code, reason = "kill(2) is a plain system call")]
    // SAFETY: to this process, which has a handler.
    unsafe {
        libc::kill(std::process::id() as i32, SIGUSR1)
    };
}
