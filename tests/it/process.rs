//! `process`: children end, are told, are reaped once; their pipes lose no byte. Each case about ends is run both by pidfd and by
//! SIGCHLD.

mod interruption;
mod pipes;

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use greenroom::process::{Child, Command, Stdio};
use greenroom::{joinall, sleep, spawn, yield_now};

use crate::support::{OnDrop, guard, hub, ms};

/// Makes a command of a shell's script.
type New<'a> = &'a dyn Fn(&str) -> Command;

/// Runs a case in a hub of its own for each of the ways in which ends are told.
fn both_ways(case: fn(New<'_>)) {
    hub(|| case(&|script| shell(script)));
    hub(|| {
        case(&|script| {
            let mut command = shell(script);
            command.without_pidfd();
            command
        })
    });
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// One that lasts until it is ended, and is one process, not a shell with a child.
fn sleeper(new: New<'_>) -> Child {
    new("exec sleep 1000").spawn().unwrap()
}

/// The letter that `/proc` has for the state of a child of ours; None if there is none.
fn state_of(process: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat[stat.rfind(')')? + 1..].trim_start().chars().next()
}

/// The numbers of all children of this process, with the letters of their states. Without those whose fate is the business of
/// the park table.
fn children() -> Vec<(u32, char)> {
    let mine = format!("PPid:\t{}", std::process::id());
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let number: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(format!("/proc/{number}/status")).ok()?;
        let is_ours = status.lines().any(|line| line == mine) && !status.starts_with("Name:\thead\n");
        is_ours.then_some((number, state_of(number)?))
    });
    processes.collect()
}

fn zombies() -> Vec<u32> {
    children().into_iter().filter(|(_, state)| *state == 'Z').map(|(number, _)| number).collect()
}

#[test]
fn who_waits_for_a_child_parks_and_gets_its_status() {
    both_ways(|new| {
        let mut child = new("read line; exit 7").stdin(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let ticks = spawn(|| (0..20).for_each(|_| sleep(ms(1))));
        let waiter = spawn(move || {
            let status = child.wait().unwrap();
            assert_eq!(child.wait().unwrap(), status, "asked again it says the same");
            assert_eq!(child.try_wait().unwrap(), Some(status));
            status
        });
        ticks.join().unwrap();
        assert!(!waiter.is_finished());
        drop(input);
        assert_eq!(waiter.join().unwrap().code(), Some(7));
        assert_eq!(new("exit 3").status().unwrap().code(), Some(3));
    });
}

#[test]
fn a_child_that_has_ended_before_anybody_waits_is_told_at_once() {
    both_ways(|new| {
        let mut child = new("exit 5").spawn().unwrap();
        while state_of(child.id()) != Some('Z') {
            sleep(ms(1));
        }
        assert_eq!(child.wait().unwrap().code(), Some(5));
        assert_eq!(state_of(child.id()), None);
    });
}

#[test]
fn a_wait_with_a_limit_ends_in_time_and_leaves_the_child_to_be_waited_for() {
    both_ways(|new| {
        let mut child = sleeper(new);
        assert_eq!(child.wait_timeout(Duration::ZERO).unwrap(), None);
        let begun = Instant::now();
        assert_eq!(child.wait_timeout(ms(20)).unwrap(), None);
        assert!(begun.elapsed() >= ms(20));
        assert_eq!(child.try_wait().unwrap(), None);
        child.terminate().unwrap();
        let status = child.wait_timeout(Duration::MAX).unwrap().expect("it ends");
        assert_eq!(status.signal(), Some(libc::SIGTERM));
        assert_eq!(child.wait_timeout(Duration::ZERO).unwrap(), Some(status));
    });
}

#[test]
fn a_child_that_does_not_heed_a_request_to_end_is_killed() {
    both_ways(|new| {
        let mut deaf = new("trap '' TERM; echo ready; while :; do sleep 0.05; done");
        let mut child = deaf.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        child.terminate().unwrap();
        assert_eq!(child.wait_timeout(ms(20)).unwrap(), None);
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    });
}

#[test]
fn a_child_that_was_waited_for_is_never_signalled() {
    both_ways(|new| {
        let mut child = new("exit 0").spawn().unwrap();
        child.wait().unwrap();
        // As std has it: there is nobody any more, and that is as well.
        child.kill().unwrap();
        child.terminate().unwrap();
        let mut unasked = new("exit 0").spawn().unwrap();
        while state_of(unasked.id()) != Some('Z') {
            sleep(ms(1));
        }
        unasked.terminate().unwrap();
        assert_eq!(unasked.wait().unwrap().code(), Some(0));
    });
}

#[test]
fn a_child_that_somebody_else_has_reaped_is_an_error_and_not_a_hang() {
    both_ways(|new| {
        let mut child = sleeper(new);
        let process = child.id();
        let waiter = spawn(move || child.wait().map_err(|error| error.raw_os_error()));
        sleep(ms(2));
        assert_eq!(reap_behind_everybodys_back(process), process as i32);
        assert_eq!(waiter.join().unwrap(), Err(Some(libc::ECHILD)));
    });
}

fn reap_behind_everybodys_back(process: u32) -> i32 {
    #[expect(unsafe_code, reason = "kill(2) and waitpid(2) are plain system calls")]
    // SAFETY: the child is ours, and the status is not asked for.
    unsafe {
        libc::kill(process as i32, libc::SIGKILL);
        libc::waitpid(process as i32, std::ptr::null_mut(), 0)
    }
}

#[test]
fn a_program_that_is_not_there_is_an_error_and_no_child() {
    hub(|| {
        let error = Command::new("/no/such/program").spawn().expect_err("not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(Command::new("/").status().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(
            Command::new("true").current_dir("/no/such").output().unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert_eq!(Command::new("a\0b").spawn().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(zombies(), [0; 0]);
    });
}

#[test]
fn a_thousand_children_at_once_leave_no_zombie() {
    both_ways(|new| {
        let _room = limit_descriptors(|most| most);
        let waiters: Vec<_> = (0..1000)
            .map(|number| {
                let mut child = new(&format!("read line; exit {}", number % 200));
                let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
                // All live until all are there: each ends with its input.
                let stdin = child.stdin.take();
                let waiter = spawn(move || (number, child.wait().unwrap().code()));
                (stdin, waiter)
            })
            .collect();
        let (inputs, waiters): (Vec<_>, Vec<_>) = waiters.into_iter().unzip();
        yield_now();
        assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
        drop(inputs);
        for ended in joinall(waiters) {
            let (number, code) = ended.unwrap();
            assert_eq!(code, Some(number % 200));
        }
        assert_eq!(zombies(), [0; 0]);
    });
}

#[test]
fn children_of_several_hubs_are_told_to_their_own() {
    guard(|| {
        let hubs: Vec<_> = (0..4)
            .map(|number| {
                std::thread::spawn(move || {
                    greenroom::run(|| {
                        let waiters = (0..20).map(|child| {
                            let mut command = shell(&format!("sleep 0.0{}; exit {number}", child % 5));
                            if child % 2 == 0 {
                                command.without_pidfd();
                            }
                            spawn(move || command.status().unwrap().code())
                        });
                        let waiters: Vec<_> = waiters.collect();
                        joinall(waiters).into_iter().all(|code| code.unwrap() == Some(number))
                    })
                })
            })
            .collect();
        assert!(hubs.into_iter().all(|hub| hub.join().unwrap()));
        assert_eq!(zombies(), [0; 0]);
    });
}

#[test]
fn without_a_descriptor_left_the_end_is_told_all_the_same() {
    hub(|| {
        let mut child = sleeper(&shell);
        // What the other way needs is there already.
        let mut other = shell("exec sleep 1000");
        let mut other = other.without_pidfd().spawn().unwrap();
        let process = other.id();
        let neighbour = spawn(move || other.wait().unwrap().signal());
        yield_now();
        let _all = exhaust_descriptors();
        let waiter = spawn(move || {
            assert_eq!(child.wait_timeout(ms(5)).unwrap(), None);
            child.terminate().unwrap();
            child.wait().unwrap().signal()
        });
        assert_eq!(waiter.join().unwrap(), Some(libc::SIGTERM));
        #[expect(unsafe_code, reason = "kill(2) is a plain system call")]
        // SAFETY: the child is ours and not reaped yet.
        unsafe {
            libc::kill(process as i32, libc::SIGKILL)
        };
        assert_eq!(neighbour.join().unwrap(), Some(libc::SIGKILL));
    });
}

#[test]
fn without_a_descriptor_left_nothing_is_started_and_nothing_is_lost() {
    hub(|| {
        let all = exhaust_descriptors();
        let error = shell("true").stdout(Stdio::piped()).spawn().expect_err("no pipe to be had");
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        drop(all);
        assert!(shell("true").output().unwrap().status.success());
        assert_eq!(zombies(), [0; 0]);
    });
}

/// Takes every descriptor there is, under a lowered limit, until it is dropped.
fn exhaust_descriptors() -> impl Sized {
    let limit = limit_descriptors(|now| now.min(256));
    let all: Vec<fs::File> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    // In this order: room first.
    (all, limit)
}

/// Sets the limit of descriptors to what `wish` makes of it and of the most there may be, until it is dropped.
fn limit_descriptors(wish: impl FnOnce(u64) -> u64) -> impl Sized {
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "getrlimit(2) is a plain system call")]
    // SAFETY: the kernel fills one struct.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut before), 0);
    }
    let set = |limit: &libc::rlimit| {
        #[expect(unsafe_code, reason = "setrlimit(2) is a plain system call")]
        // SAFETY: the kernel reads one struct.
        unsafe {
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, limit), 0);
        }
    };
    set(&libc::rlimit { rlim_cur: wish(before.rlim_max), ..before });
    OnDrop(move || set(&before))
}

#[test]
fn a_command_is_what_was_said_and_can_be_used_again() {
    hub(|| {
        let mut command = shell("echo $A $B $PWD; cat; echo oh >&2; exit 4");
        command.env("A", "1").envs([("B", "2"), ("C", "3")]).env_remove("C").current_dir("/");
        for _ in 0..2 {
            let output = command.output().unwrap();
            assert_eq!(output.stdout, b"1 2 /\n", "its input is nothing");
            assert_eq!((output.stderr.as_slice(), output.status.code()), (b"oh\n".as_slice(), Some(4)));
        }
        // What `output` did to the streams is undone: this child writes to those of the test.
        let mut child = shell("exit 0").spawn().unwrap();
        assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
        child.wait().unwrap();
        assert_eq!(command.get_program(), "sh");
        assert_eq!((command.get_args().count(), command.get_envs().count()), (2, 3));
        assert_eq!(command.get_current_dir(), Some(std::path::Path::new("/")));
        let std: std::process::Command = command.into();
        assert_eq!(Command::from(std).stderr(Stdio::null()).output().unwrap().stderr, b"");
        let cleared = Command::new("env").env_clear().env("ONLY", "this").output().unwrap();
        assert_eq!(cleared.stdout, b"ONLY=this\n");
    });
}

#[test]
fn a_childs_counter_leaves_the_parents_alone() {
    hub(|| {
        let mut counter = 0;
        let children: Vec<_> =
            (0..10).map(|n| spawn(move || shell(&format!("exit {n}")).status().unwrap())).collect();
        for status in joinall(children) {
            counter += status.unwrap().code().unwrap();
        }
        assert_eq!(counter, 45);
    });
}
