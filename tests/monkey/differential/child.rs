//! What another process sees of a descriptor that it inherits.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::process::{Child, Command, Stdio};

/// Flags of an open file, as `/proc/self/fdinfo` shows them.
fn flags(text: &str) -> i32 {
    let octal = text.lines().find_map(|line| line.strip_prefix("flags:")).expect("a line of flags");
    i32::from_str_radix(octal.trim(), 8).expect("an octal number")
}

#[expect(unsafe_code, reason = "copies a descriptor that a script holds open")]
fn copy(fd: RawFd) -> OwnedFd {
    // SAFETY: the script keeps it open for the length of the call.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().expect("a copy")
}

/// What a child sees that has it as its standard input.
pub(super) fn flags_seen(fd: RawFd) -> i32 {
    let output =
        Command::new("cat").arg("/proc/self/fdinfo/0").stdin(Stdio::from(copy(fd))).output().unwrap();
    flags(&String::from_utf8(output.stdout).unwrap())
}

/// What the kernel says of it in this process.
pub(super) fn flags_in_proc(fd: RawFd) -> i32 {
    flags(&std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap())
}

/// A child that reads until the end.
pub(super) struct Cat(Child);

impl Cat {
    pub(super) fn start(fd: RawFd) -> Cat {
        let mut command = Command::new("cat");
        Cat(command.stdin(Stdio::from(copy(fd))).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub(super) fn wait(mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}
