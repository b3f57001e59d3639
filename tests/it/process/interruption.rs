//! Whoever waits for a child may be interrupted; the child knows nothing of it, and somebody reaps it.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;

use greenroom::process::{Child, Command, Stdio};
use greenroom::thread::Cancelled;
use greenroom::{Elapsed, JoinHandle, sleep, spawn, timeout, yield_now};

use super::{both_ways, children, shell, sleeper, state_of, zombies};
use crate::support::{OnDrop, error_of, hub, ms};

/// A child that several green threads may wait for, one after the other.
fn shared(child: Child) -> Rc<RefCell<Child>> {
    Rc::new(RefCell::new(child))
}

fn waits(child: &Rc<RefCell<Child>>) -> JoinHandle<io::Result<()>> {
    let child = child.clone();
    spawn(move || child.borrow_mut().wait().map(drop))
}

#[test]
fn a_wait_that_was_interrupted_can_be_made_again() {
    both_ways(|new| {
        let child = shared(sleeper(new));
        let killed = waits(&child);
        yield_now();
        killed.kill();
        assert!(killed.join().unwrap_err().is_killed());

        let cancelled = waits(&child);
        yield_now();
        cancelled.cancel();
        let error = cancelled.join().unwrap().unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()), "{error}");

        let expired = timeout(ms(2), || child.borrow_mut().wait());
        assert!(expired.is_err());
        let _ = timeout(ms(2), || {
            let error = child.borrow_mut().wait().unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Elapsed>()), "{error}");
        });
        child.borrow_mut().kill().unwrap();
        assert_eq!(child.borrow_mut().wait().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(zombies(), [0; 0]);
    });
}

#[test]
fn an_end_and_a_kill_in_the_same_turn_lose_no_status() {
    both_ways(|new| {
        for _ in 0..20 {
            let child = shared(new("read line; exit 9").stdin(Stdio::piped()).spawn().unwrap());
            let stdin = child.borrow_mut().stdin.take();
            let victim = waits(&child);
            yield_now();
            drop(stdin);
            let process = child.try_borrow().map_or(0, |child| child.id());
            assert_eq!(process, 0, "the victim has it");
            std::thread::sleep(ms(2));
            victim.kill();
            let _ = victim.join();
            assert_eq!(child.borrow_mut().wait().unwrap().code(), Some(9));
        }
    });
}

#[test]
fn output_that_is_interrupted_leaves_its_child_to_a_reaper() {
    both_ways(|new| {
        for streams in ["exec 2>&-;", "exec 1>&-;", ""] {
            let mut command = new(&format!("{streams} echo $$ >/dev/null; exec sleep 1000"));
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let process = child.id();
            child.stdin = None;
            let victim = spawn(move || child.wait_with_output().map(drop));
            sleep(ms(5));
            match streams {
                "" => victim.kill(),
                _ => victim.cancel(),
            }
            victim.wait();
            assert!(matches!(victim.join(), Err(_) | Ok(Err(_))));
            assert!(matches!(state_of(process), Some('S' | 'R' | 'D')), "it runs on");
            end(process);
            // The reaper is a daemon of this hub.
            for _ in 0..1000 {
                if state_of(process).is_none() {
                    break;
                }
                sleep(ms(1));
            }
            assert_eq!(state_of(process), None);
        }
    });
}

#[test]
fn an_expired_output_fails_with_the_reason() {
    hub(|| {
        let expired = timeout(ms(5), || {
            let error = shell("exec sleep 0.05").output().unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Elapsed>()), "{error}");
        });
        assert!(expired.is_err());
        // Its reaper is a daemon of this hub.
        while !children().is_empty() {
            sleep(ms(1));
        }
    });
}

#[expect(unsafe_code, reason = "kill(2) is a plain system call")]
fn end(process: u32) {
    // SAFETY: a child of ours that nobody has reaped.
    unsafe { libc::kill(process as i32, libc::SIGKILL) };
}

#[test]
fn pipes_fail_when_their_user_is_asked_to_stop() {
    hub(|| {
        let mut child = Command::new("sleep");
        let mut child = child.arg("1000").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let reads = spawn(move || stdout.read(&mut [0; 8]).unwrap_err());
        let writes = spawn(move || stdin.write_all(&[0; 1 << 20]).unwrap_err());
        yield_now();
        for victim in [reads, writes] {
            victim.cancel();
            let error = victim.join().unwrap();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()), "{error}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

#[test]
fn a_destructor_may_end_its_child_while_it_unwinds() {
    both_ways(|new| {
        let child = shared(sleeper(new));
        let (held, process) = (child.clone(), child.borrow().id());
        let victim = spawn(move || {
            let _ends = OnDrop(move || {
                let mut child = held.borrow_mut();
                assert!(child.wait().is_err(), "who unwinds does not wait");
                child.kill().unwrap();
            });
            sleep(ms(10_000));
        });
        yield_now();
        victim.kill();
        assert!(error_of(victim).is_killed());
        assert_eq!(child.borrow_mut().wait().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(state_of(process), None);
    });
}
