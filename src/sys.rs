//! Every call of the C library that this crate makes for itself, one small function each.
//!
//! What std, mio or another crate wraps already is called there. A function here turns the C answer into an
//! [`io::Result`] and decides nothing; it is `unsafe` where the kernel believes whatever address it is told.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::shim::sync::OnceLock;

/// Turns the 0 or -1 of a C call into a result.
fn check(status: c_int) -> io::Result<()> {
    if status == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

// ----- The processor's memory ------------------------------------------------------------------------------------

/// Asks for a line of memory that will be read or written soon. Any address will do: nothing is read here.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which never faults (Intel SDM, PREFETCHh).
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

// ----- Time: man 2 clock_gettime ---------------------------------------------------------------------------------

/// The clock of std's `Instant`, in nanoseconds since a moment that the system has chosen. As a number, because to subtract
/// two `Instant`s takes longer than to read the clock.
#[inline]
pub(crate) fn monotonic_clock() -> u64 {
    #[cfg(target_vendor = "apple")]
    const CLOCK: libc::clockid_t = libc::CLOCK_UPTIME_RAW;
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the kernel writes one timespec. It cannot fail: std panics if this clock does, and has read it before.
    let time = unsafe {
        libc::clock_gettime(CLOCK, time.as_mut_ptr());
        time.assume_init()
    };
    count(time)
}

/// The same clock as it was at the kernel's last tick, which takes a fifth of the time to read. None where there is no such.
#[inline]
pub(crate) fn coarse_clock() -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the kernel writes one timespec, if it returns 0.
        unsafe {
            let read = libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, time.as_mut_ptr()) == 0;
            read.then(|| count(time.assume_init()))
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}

/// The kernel's tick in nanoseconds, where there is a [`coarse_clock`].
pub(crate) fn tick() -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: as above.
        unsafe {
            let read = libc::clock_getres(libc::CLOCK_MONOTONIC_COARSE, time.as_mut_ptr()) == 0;
            read.then(|| count(time.assume_init()))
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}

#[inline]
fn count(time: libc::timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

// ----- Memory: man 2 mmap, madvise, mprotect ---------------------------------------------------------------------

/// Bytes in a page of memory.
pub(crate) fn page_size() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    // SAFETY: sysconf reads a number and touches nothing of ours.
    *BYTES.get_or_init(|| usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096))
}

/// Reserves `bytes` of zeroed memory that cost nothing until they are touched; returns where they begin.
///
/// The kernel gives pages one by one, and never huge ones: these would make a touched byte cost 2 MiB.
pub(crate) fn reserve(bytes: usize) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
    #[cfg(not(target_os = "linux"))]
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: without MAP_FIXED the kernel chooses addresses at which nothing is mapped.
    let start = unsafe { libc::mmap(ptr::null_mut(), bytes, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    #[cfg(target_os = "linux")]
    // SAFETY: the range was mapped just now. A kernel without huge pages refuses the advice, which is as well.
    unsafe {
        libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE);
    }
    Ok(start as usize)
}

/// As [`reserve`], at a multiple of `bytes`, which are a power of two and whole pages.
pub(crate) fn reserve_aligned(bytes: usize) -> io::Result<usize> {
    let lowest = reserve(2 * bytes)?;
    // The highest there is: so what is reserved next, below, lies beside it, and the kernel counts both as one mapping.
    let start = (lowest + bytes) & !(bytes - 1);
    for (from, to) in [(lowest, start), (start + bytes, lowest + 2 * bytes)] {
        if from != to {
            // SAFETY: mapped just now, unused. If it cannot be unmapped, addresses are lost and nothing else.
            let _ = unsafe { unmap(from, to - from) };
        }
    }
    Ok(start)
}

/// Lets the kernel give a reserved range in huge pages: it is going to be touched everywhere. Does nothing where there are no
/// such.
pub(crate) fn allow_huge_pages(start: usize, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: an advice, which changes nothing that is stored there; of an unmapped range the kernel says so.
    unsafe {
        libc::madvise(start as *mut _, bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// Unmaps memory, whole pages.
///
/// # Safety
///
/// The range was mapped by [`reserve`] and nobody uses it any more.
pub(crate) unsafe fn unmap(start: usize, bytes: usize) -> io::Result<()> {
    // SAFETY: the range is the caller's and unused (caller).
    check(unsafe { libc::munmap(start as *mut _, bytes) })
}

/// Gives the pages of a range back to the kernel; it stays mapped, reads as zeroes and keeps its guards.
///
/// # Safety
///
/// The range was mapped by [`reserve`] and holds nothing that anybody still needs.
pub(crate) unsafe fn discard(start: usize, bytes: usize) -> io::Result<()> {
    // SAFETY: the range is the caller's and what it holds is not needed (caller).
    check(unsafe { libc::madvise(start as *mut _, bytes, libc::MADV_DONTNEED) })
}

/// Makes every touch of a range a fault, at no cost in kernel mappings (Linux 6.13).
///
/// # Errors
///
/// `EINVAL` from an older kernel, and for memory that is locked (`mlockall`).
///
/// # Safety
///
/// As for [`discard`].
#[cfg(target_os = "linux")]
pub(crate) unsafe fn install_guard(start: usize, bytes: usize) -> io::Result<()> {
    // From the kernel's include/uapi/asm-generic/mman-common.h; the libc crate has no name for it yet.
    const MADV_GUARD_INSTALL: c_int = 102;
    // SAFETY: the range is the caller's and what it holds is not needed (caller).
    check(unsafe { libc::madvise(start as *mut _, bytes, MADV_GUARD_INSTALL) })
}

/// As on Linux before 6.13: there are no such guards.
///
/// # Safety
///
/// None.
#[cfg(not(target_os = "linux"))]
pub(crate) unsafe fn install_guard(_start: usize, _bytes: usize) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EINVAL))
}

/// Makes every touch of a range a fault, for which the kernel cuts the mapping into three.
///
/// # Safety
///
/// As for [`discard`].
pub(crate) unsafe fn forbid_access(start: usize, bytes: usize) -> io::Result<()> {
    // SAFETY: the range is the caller's and what it holds is not needed (caller).
    check(unsafe { libc::mprotect(start as *mut _, bytes, libc::PROT_NONE) })
}

/// How many bytes of addresses this process may use, if that is limited (`ulimit -v`).
#[cfg(target_os = "linux")]
pub(crate) fn address_space_limit() -> Option<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: getrlimit fills the struct it is given, or fails.
    check(unsafe { libc::getrlimit(libc::RLIMIT_AS, limit.as_mut_ptr()) }).ok()?;
    // SAFETY: getrlimit has succeeded, so the struct is filled.
    let limit = unsafe { limit.assume_init() };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Not asked: it serves to explain an error, together with what only Linux tells in `/proc`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn address_space_limit() -> Option<u64> {
    None
}

// ----- Threads: man 5 proc ---------------------------------------------------------------------------------------

/// How many OS threads this process has, where the system tells.
pub(crate) fn thread_count() -> Option<usize> {
    if cfg!(target_os = "linux") { Some(std::fs::read_dir("/proc/self/task").ok()?.count()) } else { None }
}

// ----- Signals: man 2 sigaction, sigaltstack ---------------------------------------------------------------------

/// What the kernel does on a signal.
pub(crate) type SignalAction = libc::sigaction;

/// A function that handles a signal: its number, what the kernel knows about it, the registers at that moment.
pub(crate) type SignalHandler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// The most bytes that the kernel may push when it delivers a signal (`AT_MINSIGSTKSZ`; 12 KiB with AMX).
pub(crate) fn least_signal_stack() -> usize {
    #[cfg(target_os = "linux")]
    // SAFETY: getauxval reads a table that the kernel wrote at the program's start; 0 for what is not in it.
    let told = usize::try_from(unsafe { libc::getauxval(51) }).unwrap_or(0); // AT_MINSIGSTKSZ
    #[cfg(not(target_os = "linux"))]
    let told = 0;
    told.max(libc::MINSIGSTKSZ)
}

/// What happens now on `signal`.
pub(crate) fn signal_action(signal: c_int) -> io::Result<SignalAction> {
    let mut action = MaybeUninit::<SignalAction>::uninit();
    // SAFETY: with no new action sigaction only fills the struct it is given, or fails.
    check(unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) })?;
    // SAFETY: sigaction has succeeded, so the struct is filled.
    Ok(unsafe { action.assume_init() })
}

/// Lets `handler` handle `signal`, on the alternate stack of the OS thread it comes to.
///
/// # Safety
///
/// `handler` does only what may be done at any point of any program (man 7 signal-safety).
pub(crate) unsafe fn handle_signal(signal: c_int, handler: SignalHandler) -> io::Result<()> {
    // SAFETY: all zeroes is a valid sigaction: the default action, an empty mask.
    let mut action: SignalAction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler may run at any point (caller).
    check(unsafe { libc::sigaction(signal, &action, ptr::null_mut()) })
}

/// Makes `signal` do again what it does in a program that never heard of it. May be called in a handler.
pub(crate) fn default_signal(signal: c_int) {
    // SAFETY: all zeroes is a valid sigaction: the default action, an empty mask; it runs nothing of ours.
    unsafe {
        let action: SignalAction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &action, ptr::null_mut());
    }
}

/// Sends `signal` to this OS thread. May be called in a handler.
pub(crate) fn raise_signal(signal: c_int) {
    // SAFETY: raise runs what the program has installed for that signal, as `kill` from outside would.
    unsafe {
        libc::raise(signal);
    }
}

/// Where this OS thread's signal handlers may run, if it was told: the lowest address of its alternate stack.
pub(crate) fn signal_stack() -> Option<usize> {
    let mut stack = MaybeUninit::<libc::stack_t>::uninit();
    // SAFETY: with no new stack sigaltstack only fills the struct it is given, or fails.
    check(unsafe { libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) }).ok()?;
    // SAFETY: sigaltstack has succeeded, so the struct is filled.
    let stack = unsafe { stack.assume_init() };
    (stack.ss_flags & libc::SS_DISABLE == 0).then_some(stack.ss_sp as usize)
}

/// Gives this OS thread an alternate stack for its signal handlers.
///
/// # Safety
///
/// The range is mapped, and nobody else uses it until [`remove_signal_stack`].
pub(crate) unsafe fn set_signal_stack(start: usize, bytes: usize) -> io::Result<()> {
    let stack = libc::stack_t { ss_sp: start as *mut _, ss_flags: 0, ss_size: bytes };
    // SAFETY: the range is mapped and nobody else's (caller).
    check(unsafe { libc::sigaltstack(&stack, ptr::null_mut()) })
}

/// Takes this OS thread's alternate stack away. Fails when a handler runs on it.
pub(crate) fn remove_signal_stack() -> io::Result<()> {
    let stack =
        libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: libc::MINSIGSTKSZ };
    // SAFETY: with SS_DISABLE the kernel uses no address.
    check(unsafe { libc::sigaltstack(&stack, ptr::null_mut()) })
}

/// The stack pointer that a signal handler's third argument tells of, on processors where we know how to look.
///
/// # Safety
///
/// `context` is the third argument of the handler that is running.
pub(crate) unsafe fn interrupted_stack_pointer(context: *mut libc::c_void) -> Option<usize> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    // SAFETY: with SA_SIGINFO the kernel hands over a ucontext_t (caller; man 2 sigaction).
    let pointer = unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RSP as usize] };
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    // SAFETY: as above.
    let pointer = unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.sp };
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    return usize::try_from(pointer).ok();
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    {
        let _ = context;
        None
    }
}

// ----- Output that may be made in a signal handler ---------------------------------------------------------------

/// Writes to the standard error, past all buffers and locks; what cannot be written is lost.
pub(crate) fn write_to_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the kernel reads as many bytes as the slice has.
        let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(0) => return,
            Ok(count) => bytes = &bytes[count..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

// ----- Descriptors: man 2 fcntl, dup, socket, poll, timerfd_create ------------------------------------------------

/// Sets or clears O_NONBLOCK of the open file behind `fd`.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let on = c_int::from(on);
    // SAFETY: the descriptor is open, and the kernel reads one int.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONBIO, &on) })
}

/// Puts an unconnected socket where `fd` is: what was there ends as by close(2), and the number stays taken.
pub(crate) fn replace_by_dead_socket(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: makes a new descriptor and touches nothing of ours.
    let dead = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) };
    if dead == -1 {
        // No descriptor to be had: what can be ended without one is ended.
        // SAFETY: the descriptor is open.
        return check(unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_RDWR) });
    }
    // SAFETY: just made, and nobody else's.
    let dead = unsafe { OwnedFd::from_raw_fd(dead) };
    // SAFETY: both are open. The number is still the owner's: only what it names changes, as its owner asked (S17).
    let status = unsafe { replace(dead.as_raw_fd(), fd.as_raw_fd()) };
    if status == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
unsafe fn replace(from: c_int, to: c_int) -> c_int {
    // SAFETY: as the caller's.
    unsafe { libc::dup3(from, to, libc::O_CLOEXEC) }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
unsafe fn replace(from: c_int, to: c_int) -> c_int {
    // SAFETY: as the caller's; the second call sets a flag of the same descriptor.
    unsafe { if libc::dup2(from, to) == -1 { -1 } else { libc::fcntl(to, libc::F_SETFD, libc::FD_CLOEXEC) } }
}

/// Would a read return at once: with bytes, at the end, or with an error? What cannot be polled would.
pub(crate) fn is_readable(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(poll_once(fd, libc::POLLIN)? != 0)
}

/// Would a write return at once: done, or with an error? What cannot be polled would.
pub(crate) fn is_writable(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(poll_once(fd, libc::POLLOUT)? != 0)
}

/// Was reading shut down, by either side?
pub(crate) fn has_ended(fd: BorrowedFd<'_>) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let end = libc::POLLRDHUP;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let end = libc::POLLHUP;
    poll_once(fd, end).is_ok_and(|told| told & end != 0)
}

/// Asks for events without waiting; hang-ups and errors come unasked (man 2 poll).
fn poll_once(fd: BorrowedFd<'_>, events: libc::c_short) -> io::Result<libc::c_short> {
    let mut asked = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    loop {
        // SAFETY: the kernel reads and writes the one pollfd it is given.
        if unsafe { libc::poll(&mut asked, 1, 0) } != -1 {
            return Ok(asked.revents);
        }
        // It looks for signals even when it is not to wait.
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Makes a timer that is a descriptor: readable once it has expired.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn new_alarm() -> io::Result<OwnedFd> {
    let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
    // SAFETY: makes a new descriptor and touches nothing of ours.
    let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets the alarm to expire once, `nanoseconds` from now (less than a second).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_alarm(alarm: BorrowedFd<'_>, nanoseconds: u64) -> io::Result<()> {
    let once = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds.clamp(1, 999_999_999) as libc::c_long };
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let setting = libc::itimerspec { it_interval: never, it_value: once };
    // SAFETY: the descriptor is a timer, the kernel reads one itimerspec and writes none.
    check(unsafe { libc::timerfd_settime(alarm.as_raw_fd(), 0, &setting, ptr::null_mut()) })
}

/// Elsewhere sleeps are as exact as the poller's timeouts: whole milliseconds.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn new_alarm() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn set_alarm(_alarm: BorrowedFd<'_>, _nanoseconds: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads what is there, at most `buffer.len()` bytes: read(2).
pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the descriptor is open, and the kernel writes at most as many bytes as the slice has.
    let got = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    usize::try_from(got).map_err(|_| io::Error::last_os_error())
}

/// Writes to a pipe; if nobody reads it any more that is `EPIPE` and never a SIGPIPE, whatever the program does with that
/// signal. For pipes there is no flag that says so, as MSG_NOSIGNAL does for sockets.
pub(crate) fn write_to_pipe(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let write = || {
        // SAFETY: the descriptor is open, and the kernel reads as many bytes as the slice has.
        let written = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        usize::try_from(written).map_err(|_| io::Error::last_os_error())
    };
    // Rust programs begin with the signal ignored.
    if ignores_sigpipe() { write() } else { without_sigpipe(write) }
}

fn ignores_sigpipe() -> bool {
    let mut now = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with no new action sigaction only fills the struct it is given, or fails.
    let asked = check(unsafe { libc::sigaction(libc::SIGPIPE, ptr::null(), now.as_mut_ptr()) });
    // SAFETY: if sigaction has succeeded, the struct is filled.
    asked.is_ok() && unsafe { now.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Makes a call with SIGPIPE blocked, and takes back the one that the call has raised. POSIX: it goes to the OS thread that
/// made the call, so nobody else's is taken.
fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    let (mut pipe, mut before) =
        (MaybeUninit::<libc::sigset_t>::uninit(), MaybeUninit::<libc::sigset_t>::uninit());
    // SAFETY: sigemptyset fills the set, sigaddset and pthread_sigmask use it after that; the old mask is filled, for the
    // calls cannot fail with these arguments.
    let (pipe, before) = unsafe {
        libc::sigemptyset(pipe.as_mut_ptr());
        libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, pipe.as_ptr(), before.as_mut_ptr());
        (pipe.assume_init(), before.assume_init())
    };
    let written = write();
    // SAFETY: both sets are filled, and the signal that is taken is pending.
    unsafe {
        if libc::sigismember(&before, libc::SIGPIPE) == 0 {
            if written.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EPIPE)) {
                let mut taken = 0;
                libc::sigwait(&pipe, &mut taken);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        }
    }
    written
}

// ----- Child processes: man 2 pidfd_open, waitid, kill; man 3 pthread_atfork ----------------------------------------

/// A descriptor that is readable once the process has ended (Linux 5.3).
///
/// # Errors
///
/// `ENOSYS` from an older kernel; `EMFILE` and its like.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn open_pidfd(process: u32) -> io::Result<OwnedFd> {
    let process = process as libc::pid_t;
    // SAFETY: makes a new descriptor, closed on exec, and touches nothing of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn open_pidfd(_process: u32) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Has this child process ended, or is there no such child? It stays to be waited for.
pub(crate) fn child_has_ended(child: u32) -> bool {
    let mut about = MaybeUninit::<libc::siginfo_t>::zeroed();
    let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: waitid fills the struct it is given, or leaves it.
    let asked = check(unsafe { libc::waitid(libc::P_PID, child, about.as_mut_ptr(), how) });
    // SAFETY: zeroes are a siginfo_t, and if the child has not ended they stay (POSIX, waitid).
    asked.is_err() || unsafe { about.assume_init().si_pid() } != 0
}

/// Asks a process to end: SIGTERM.
pub(crate) fn terminate(process: u32) -> io::Result<()> {
    // SAFETY: sends a signal and touches nothing of ours.
    check(unsafe { libc::kill(process as libc::pid_t, libc::SIGTERM) })
}

/// Has `f` called in each process that is made by fork(2) from now on, on the one OS thread it has. Not by `vfork` or
/// `posix_spawn`.
pub(crate) fn at_fork_in_child(f: unsafe extern "C" fn()) {
    // SAFETY: a function of ours, which stays. If there is no memory for the entry, nobody is told.
    unsafe { libc::pthread_atfork(None, None, Some(f)) };
}
