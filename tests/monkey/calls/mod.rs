//! The calls of std and of libc, in green threads.

mod closing;
mod connections;
mod messages;
mod modes;
mod names;
mod passing;
mod pipes;
mod polling;
mod proof;
mod requests;
mod signals;
mod sleeps;
mod streams;

use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::support::{self, ms};

/// Runs `f` as the root of a new hub with everything patched, under the watchdog, in a leak frame.
#[track_caller]
fn patched<T>(f: impl FnOnce() -> T) -> T {
    greenroom::monkey::patch_all();
    support::hub(f)
}

/// The answer of a C call: what it returned, or its errno.
fn c(answer: impl TryInto<i64>) -> Result<i64, i32> {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap();
    match answer.try_into().ok().unwrap() {
        -1 => Err(errno),
        value => Ok(value),
    }
}

/// A TCP connection with itself.
fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

fn read(file: &impl AsRawFd, buffer: &mut [u8]) -> Result<i64, i32> {
    // SAFETY: a buffer of that length.
    c(unsafe { libc::read(file.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) } as i64)
}

fn write(file: &impl AsRawFd, bytes: &[u8]) -> Result<i64, i32> {
    // SAFETY: as many bytes.
    c(unsafe { libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) } as i64)
}

fn recv(file: &impl AsRawFd, buffer: &mut [u8], flags: i32) -> Result<i64, i32> {
    // SAFETY: a buffer of that length.
    c(unsafe { libc::recv(file.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags) } as i64)
}

fn send(file: &impl AsRawFd, bytes: &[u8], flags: i32) -> Result<i64, i32> {
    // SAFETY: as many bytes.
    c(unsafe { libc::send(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) } as i64)
}

/// The flags of the open file, as the program sees them and as the kernel has them.
fn flags(number: RawFd) -> (i32, i32) {
    // SAFETY: no addresses.
    let seen = unsafe { libc::fcntl(number, libc::F_GETFL) };
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
    let had = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    (seen, i32::from_str_radix(had, 8).unwrap())
}

fn is_nonblocking(number: RawFd) -> bool {
    let (seen, had) = flags(number);
    assert_eq!(seen & libc::O_NONBLOCK, had & libc::O_NONBLOCK);
    seen & libc::O_NONBLOCK != 0
}

/// Milliseconds that `f` took.
fn timed<T>(f: impl FnOnce() -> T) -> (T, u128) {
    let before = Instant::now();
    let value = f();
    (value, before.elapsed().as_millis())
}

/// Runs `f` while another green thread ticks each millisecond; how often that one did before `f` returned: never, if `f` keeps
/// the OS thread.
fn ticks_during<T>(f: impl FnOnce() -> T) -> (T, usize) {
    use std::cell::Cell;
    use std::rc::Rc;
    let (ticks, going) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
    let ticker = {
        let (ticks, going) = (ticks.clone(), going.clone());
        greenroom::spawn(move || {
            while going.get() {
                greenroom::sleep(Duration::from_millis(1));
                ticks.set(ticks.get() + 1);
            }
        })
    };
    // It is due before any wait of `f` is, however long the machine stops us.
    greenroom::yield_now();
    let value = f();
    let during = ticks.get();
    going.set(false);
    ticker.join().unwrap();
    (value, during)
}

/// Does something a little later.
fn later(f: impl FnOnce() + 'static) -> greenroom::JoinHandle<()> {
    greenroom::spawn(|| {
        greenroom::sleep(ms(20));
        f();
    })
}

/// Makes a system call without any function of the C library: nobody can have seen it.
///
/// # Safety
///
/// That of the call.
unsafe fn unseen<const N: usize>(number: libc::c_long, arguments: [usize; N]) -> Result<i64, i64> {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    let answer: i64;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's.
    unsafe {
        std::arch::asm!("syscall", inlateout("rax") number => answer, in("rdi") at(0), in("rsi") at(1),
            in("rdx") at(2), in("r10") at(3), lateout("rcx") _, lateout("r11") _);
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the caller's.
    unsafe {
        std::arch::asm!("svc 0", in("x8") number, inlateout("x0") at(0) => answer, in("x1") at(1),
            in("x2") at(2), in("x3") at(3));
    }
    if answer < 0 { Err(-answer) } else { Ok(answer) }
}

/// A pair of local sockets that nobody has seen made.
fn unseen_pair() -> (OwnedFd, OwnedFd) {
    let mut pair = [0i32; 2];
    // SAFETY: two new numbers.
    unsafe {
        let arguments = [libc::AF_UNIX as usize, libc::SOCK_STREAM as usize, 0, pair.as_mut_ptr().addr()];
        unseen(libc::SYS_socketpair, arguments).unwrap();
        (OwnedFd::from_raw_fd(pair[0]), OwnedFd::from_raw_fd(pair[1]))
    }
}
