//! Pipes: every byte comes through, in both directions at once; the end of one side is an error or an end of the other.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;

use greenroom::process::{Command, Stdio};
use greenroom::{JoinHandle, sleep, spawn, timeout, yield_now};

use super::{shell, zombies};
use crate::support::{hub, ms, until};

const MUCH: usize = 10_000_000;

#[test]
fn ten_million_bytes_on_each_of_both_pipes_are_read_at_once() {
    hub(|| {
        let script = format!("head -c {MUCH} /dev/zero >&2; head -c {MUCH} /dev/zero; exit 3");
        let output = shell(&script).output().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (MUCH, MUCH));
        assert!(output.stdout.iter().chain(&output.stderr).all(|byte| *byte == 0));
        assert_eq!(output.status.code(), Some(3));
        let script = format!("head -c {MUCH} /dev/zero; head -c {MUCH} /dev/zero >&2");
        let output = shell(&script).output().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (MUCH, MUCH));
    });
}

#[test]
fn much_goes_through_a_cat_while_somebody_else_reads() {
    hub(|| {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let bytes: Vec<u8> = (0..MUCH).map(|n| (n / 7) as u8).collect();
        let (mut stdin, wanted) = (cat.stdin.take().unwrap(), bytes.clone());
        let writer = spawn(move || stdin.write_all(&bytes));
        let output = cat.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success() && output.stdout == wanted);
    });
}

#[test]
fn a_pipe_that_nobody_reads_is_an_error_and_never_a_signal() {
    hub(|| {
        // Rust programs ignore it; this one does not.
        let before = set_sigpipe(libc::SIG_DFL);
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        // `wait` would close the pipe.
        while child.try_wait().unwrap().is_none() {
            sleep(ms(1));
        }
        let mut stdin = child.stdin.take().unwrap();
        for _ in 0..1000 {
            assert_eq!(stdin.write(b"is there anybody?").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
        assert!(!is_sigpipe_blocked());
        set_sigpipe(libc::SIG_IGN);
        assert_eq!(stdin.write(b"still not?").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        set_sigpipe(before);
    });
}

#[test]
fn a_writer_that_waits_hears_of_the_readers_end() {
    hub(|| {
        let mut child = shell("exec sleep 1000").stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = spawn(move || stdin.write_all(&vec![0; MUCH]).unwrap_err().kind());
        sleep(ms(5));
        assert!(!writer.is_finished());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(writer.join().unwrap(), io::ErrorKind::BrokenPipe);
    });
}

#[expect(unsafe_code, reason = "signal(2) is a plain system call")]
fn set_sigpipe(action: usize) -> usize {
    // SAFETY: either of the two actions that need no handler.
    unsafe { libc::signal(libc::SIGPIPE, action) }
}

#[expect(unsafe_code, reason = "pthread_sigmask(3) is a plain call")]
fn is_sigpipe_blocked() -> bool {
    // SAFETY: zeroes are a set, and the call fills it.
    unsafe {
        let mut now: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut now);
        libc::sigismember(&now, libc::SIGPIPE) == 1
    }
}

#[test]
fn a_child_killed_while_somebody_reads_its_output_ends_the_read() {
    hub(|| {
        let mut child = shell("echo begun; exec sleep 1000").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let begun = Rc::new(Cell::new(false));
        let reader: JoinHandle<String> = spawn({
            let begun = begun.clone();
            move || {
                let mut text = vec![0; 6];
                stdout.read_exact(&mut text).unwrap();
                begun.set(true);
                stdout.read_to_end(&mut text).unwrap();
                String::from_utf8(text).unwrap()
            }
        });
        until(|| begun.get());
        child.kill().unwrap();
        assert_eq!(reader.join().unwrap(), "begun\n");
        child.wait().unwrap();
    });
}

#[test]
fn a_pipe_can_be_the_stream_of_another_child_which_finds_it_blocking() {
    hub(|| {
        let mut left = shell("sleep 0.02; echo a b").stdout(Stdio::piped()).spawn().unwrap();
        let stdout = left.stdout.take().unwrap();
        assert!(is_nonblocking(&stdout));
        let right = Command::new("tr").args(["a", "b"]).stdin(stdout).output().unwrap();
        assert_eq!(right.stdout, b"b b\n");
        assert!(left.wait().unwrap().success());
        let mut child = shell("exit 0").stderr(Stdio::piped()).spawn().unwrap();
        let descriptor: OwnedFd = child.stderr.take().unwrap().into();
        assert!(!is_nonblocking(&descriptor));
        child.wait().unwrap();
    });
}

#[expect(unsafe_code, reason = "fcntl(2) is a plain system call")]
fn is_nonblocking(descriptor: &impl AsFd) -> bool {
    // SAFETY: the descriptor is open.
    unsafe { libc::fcntl(descriptor.as_fd().as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK != 0 }
}

#[test]
fn the_childs_ends_are_blocking() {
    hub(|| {
        // `flags` is in octal: 04000 is O_NONBLOCK.
        let script = "for n in 0 1 2; do grep flags /proc/self/fdinfo/$n; done; cat /proc/self/fdinfo/0 >&2";
        let mut child = shell(script);
        let child =
            child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().filter(|line| line.starts_with("flags")).count() >= 2, "{text}");
        for line in text.lines().filter(|line| line.starts_with("flags")) {
            let flags = u32::from_str_radix(line.split_whitespace().nth(1).unwrap(), 8).unwrap();
            assert_eq!(flags & libc::O_NONBLOCK as u32, 0, "{line}");
        }
    });
}

#[test]
fn what_comes_while_a_read_is_interrupted_is_there_for_the_next() {
    hub(|| {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
        let mut heard = Vec::new();
        for number in 0..200u8 {
            let mut byte = [0];
            // Now and then the byte and the expiry come in the same turn.
            let early = timeout(std::time::Duration::from_micros(20), || {
                stdin.write_all(&[number]).unwrap();
                stdout.read(&mut byte)
            });
            match early {
                Ok(Ok(1)) => heard.push(byte[0]),
                _ => {
                    stdout.read_exact(&mut byte).unwrap();
                    heard.push(byte[0]);
                }
            }
        }
        assert!(heard.into_iter().eq(0..200));
        drop(stdin);
        assert!(cat.wait().unwrap().success());
        assert_eq!(zombies(), [0; 0]);
    });
}

#[test]
fn a_grandchild_that_keeps_the_pipe_keeps_the_reader_and_not_the_waiter() {
    hub(|| {
        let mut child = shell("sleep 0.2 & exit 6").stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(6));
        let reader = spawn(move || child.wait_with_output().unwrap().status.code());
        yield_now();
        assert!(!reader.is_finished());
        assert_eq!(reader.join().unwrap(), Some(6));
    });
}
