//! Unmodified blocking code that cooperates; gevent's `monkey`.
//!
//! From [`patch_all`] on the blocking calls of the C library that `std::net`, `std::thread::sleep`, blocking crates and C libraries
//! make inside a green thread park that green thread, and the others run on. The calls are functions of this crate, which have taken
//! the names of the C library's when the program was linked. Feature `monkey`; Linux with glibc on x86-64 and aarch64.
//!
//! ```
//! # #[cfg(all(target_os = "linux", target_env = "gnu"))] {
//! use std::{thread, time::{Duration, Instant}};
//!
//! greenroom::monkey::patch_all();
//! let before = Instant::now();
//! greenroom::run(|| {
//!     greenroom::joinall((0..4).map(|_| greenroom::spawn(|| thread::sleep(Duration::from_secs(1)))));
//! });
//! assert!(before.elapsed() < Duration::from_secs(3));
//! # }
//! ```
//!
//! # What is patched
//!
//! | group | calls |
//! |---|---|
//! | [`patch_socket`] | read, readv, recv, recvfrom, recvmsg, write, writev, send, sendto, sendmsg, accept, accept4, connect, poll, ppoll, select, pselect; to know descriptors: socket, socketpair, pipe, pipe2, close, dup, dup2, dup3, fcntl, ioctl, setsockopt, shutdown |
//! | [`patch_time`] | nanosleep, clock_nanosleep, usleep, sleep |
//! | [`patch_dns`] | getaddrinfo, on an OS thread of the look-up pool |
//!
//! Not patched, and so blocking the OS thread: files on disk, epoll_wait, recvmmsg and sendmmsg, sendfile and splice, waitpid,
//! flock, gethostbyname, and the calls that the C library makes inside itself (`fread`, `getline`, `system`). Nor are crates that make
//! system calls without the C library.
//!
//! # What passes
//!
//! A call is decided where it is made. It does what it did before, to the letter of its errno,
//!
//! * before its group is patched, which is all that a program pays which never patches: one look at a word;
//! * on an OS thread without a hub: those of executors and of `std::thread::spawn`, and a `main` outside of [`run`](crate::run) that
//!   has spawned nothing. The root inside a hub parks, as everywhere;
//! * on the hub's own stack, and where nothing may switch (wakers, [`on_hub_stack`](crate::thread::on_hub_stack), hooks);
//! * for the descriptors 0 to 2, for files on disk, and for a descriptor that the program itself has made non-blocking: so the
//!   sockets of this crate, and of mio, pass;
//! * if it says itself that it does not wait: `MSG_DONTWAIT`, a poll of no time;
//! * in a process that was made by fork;
//! * in the handler of a signal that runs on a stack of its own (`SA_ONSTACK`). One that runs on the stack it interrupted cannot be
//!   told from the code it interrupted: its calls do not block the OS thread but may, if they would have to wait, park the green
//!   thread in the middle of the handler. A handler that does no more than handlers may, a byte into a pipe, never waits.
//!
//! Calls that wait under a hub are not interrupted by signals: the handler runs, the call goes on waiting. None of the calls is a
//! cancellation point of `pthread_cancel`.
//!
//! # What descriptors look like
//!
//! A descriptor that the program believes blocking stays so: to `fcntl`, to its duplicates, to other processes. Where the kernel has
//! no flag for a single call, in `accept` and `connect`, O_NONBLOCK is set for the microsecond of that call; within the process
//! nobody can see that.
//!
//! A close wakes who waits for the descriptor under the same hub, with `EBADF`. A close by another OS thread does not; as with
//! the kernel, whoever waits there is to be woken by a shutdown first.
//!
//! # Cancellation
//!
//! Nothing unwinds through the C library's name of a call. A time-out that is over makes a call that waits, or would have to, fail
//! with `ETIMEDOUT` (for std that is `TimedOut`); a cancel, a kill, and a call that would have to wait while its green thread unwinds:
//! with `ECANCELED`. getaddrinfo says `EAI_SYSTEM` and leaves that in errno. Never `EINTR`, which callers retry. What a call has
//! moved before it is interrupted it tells: the count comes first, the error with the next call. The green thread unwinds at its next
//! park outside of such calls, in a lock, a queue, a socket of this crate.
//!
//! A sleep that is ended early says that its time was over: few callers look for an error, and std's sleep panics with one. Whoever
//! goes on sleeping, more than 16 refused calls after a kill or an expiry, is told `ECANCELED` or `ETIMEDOUT`: so a killed
//! loop of nothing but std's sleeps ends, by that panic. After a cancel sleeps are never more than short.
//!
//! # Traps
//!
//! * A lock of std or of C that is held across such a call stays locked while others run: a green thread that waits for it hangs
//!   the OS thread. For most of std's there is [`patch_sync`].
//! * SO_RCVLOWAT has no effect on a call that waits.
//! * The patch is the process's, and for good.

#[expect(unsafe_code, reason = "makes system calls")]
mod asked;
#[expect(unsafe_code, reason = "is called by C")]
mod calls;
#[expect(unsafe_code, reason = "makes system calls")]
mod flip;
#[expect(unsafe_code, reason = "reads words that the kernel would read, and calls it")]
mod futex;
#[expect(unsafe_code, reason = "makes system calls")]
mod gate;
mod proof;
#[expect(unsafe_code, reason = "makes system calls, past the C library")]
mod raw;
#[expect(unsafe_code, reason = "asks the loader who has which name")]
mod report;
#[expect(unsafe_code, reason = "maps pages; makes system calls")]
mod table;
mod wait;
mod words;

pub use self::futex::patch_sync;
use self::gate::Group;
pub use self::report::Report;

/// Patches everything: [`patch_socket`], [`patch_time`], [`patch_dns`].
///
/// It may be called at any time and more than once; usually it is the first line of `main`. Descriptors that were made before
/// are known when they are first used.
///
/// # Switching
///
/// Never.
///
/// # Examples
///
/// ```
/// greenroom::monkey::patch_all();
/// ```
pub fn patch_all() {
    patch_socket();
    patch_time();
    patch_dns();
}

/// Patches the calls that wait for sockets, pipes and other descriptors that can be polled.
///
/// # Switching
///
/// Never.
pub fn patch_socket() {
    gate::patch(Group::Socket);
}

/// Patches the calls that sleep.
///
/// # Switching
///
/// Never.
pub fn patch_time() {
    gate::patch(Group::Time);
}

/// Patches the look-up of names.
///
/// # Switching
///
/// Never.
pub fn patch_dns() {
    gate::patch(Group::Dns);
}

/// Returns what became of each call: whether its name leads to this crate, and how often green threads have made it.
///
/// # Switching
///
/// Never.
pub fn report() -> Report {
    Report::new()
}

/// Proves on a connection of its own, within milliseconds, that calls of std park.
///
/// It runs on an OS thread of its own, for which the caller's waits.
///
/// # Switching
///
/// Never.
///
/// # Errors
///
/// The report, with what is wrong in its first line: nothing is patched, a call leads past this crate (a library that was loaded
/// into another program), or one blocked its OS thread.
///
/// # Examples
///
/// ```
/// # #[cfg(all(target_os = "linux", target_env = "gnu"))] {
/// greenroom::monkey::patch_all();
/// if let Err(report) = greenroom::monkey::self_test() {
///     panic!("{report}");
/// }
/// # }
/// ```
pub fn self_test() -> Result<(), Report> {
    proof::run()
}
