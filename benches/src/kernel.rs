//! The kernel's calls that std has no face for. Linux only, as the figures are.

use std::{
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    sync::OnceLock,
    time::Duration,
};

/// Keeps the calling OS thread, and what it starts from now on, on one core: the one of that number among those that
/// this process may use, counted around. False if there is but one, and so no choice.
pub(crate) fn pin_to_core(number: usize) -> bool {
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    let allowed = ALLOWED.get_or_init(allowed_cores);
    if allowed.len() < 2 {
        return false;
    }
    let mut set = no_cores();
    // SAFETY: CPU_SET writes one bit of the set, after a check of the bounds.
    unsafe { libc::CPU_SET(allowed[number % allowed.len()], &mut set) };
    // SAFETY: the set lives through the call and its true size is given; 0 is the calling thread.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) == 0 }
}

fn no_cores() -> libc::cpu_set_t {
    // SAFETY: a cpu_set_t is an array of bits: all zero is the empty set.
    unsafe { mem::zeroed() }
}

fn allowed_cores() -> Vec<usize> {
    let mut set = no_cores();
    // SAFETY: the set lives through the call and its true size is given; 0 is the calling thread.
    unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) };
    // SAFETY: CPU_ISSET reads one bit of the set, after a check of the bounds.
    (0..libc::CPU_SETSIZE as usize).filter(|core| unsafe { libc::CPU_ISSET(*core, &set) }).collect()
}

/// Lets this process open as many descriptors as its hard limit allows; returns the number.
pub(crate) fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit fills the struct that it is given.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: setrlimit only reads the struct.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })?;
    Ok(limit.rlim_cur)
}

/// Has this process killed when the thread that started it ends, so that no server outlives its bench.
pub(crate) fn die_with_parent() -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a number and touches no memory of ours.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
}

/// Has the command's process killed when the thread that starts it ends, whatever program it is.
#[cfg(feature = "rivals")]
pub(crate) fn killed_with_parent(command: &mut std::process::Command) -> &mut std::process::Command {
    use std::os::unix::process::CommandExt;

    // SAFETY: between fork and exec the closure makes one system call; it neither allocates nor locks (signal-safety(7)).
    unsafe { command.pre_exec(die_with_parent) }
}

/// The CPU time that all threads of a process have used, user and system.
pub(crate) fn cpu_time(process: u32) -> io::Result<Duration> {
    let mut clock = 0;
    // SAFETY: clock_getcpuclockid writes the one id that it is given.
    let error = unsafe { libc::clock_getcpuclockid(process as libc::pid_t, &mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime fills the struct that it is given.
    check(unsafe { libc::clock_gettime(clock, &mut time) })?;
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// A level-triggered epoll instance that watches for input.
#[derive(Debug)]
pub(crate) struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: epoll_create1 touches no memory of ours.
        let descriptor = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor was made just now and nobody else owns it (S17).
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Epoll { descriptor, events: Vec::with_capacity(1024) })
    }

    /// Watches a descriptor until it is closed; `token` names it in what [`wait`](Epoll::wait) returns.
    pub(crate) fn add(&self, source: &impl AsRawFd, token: usize) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token as u64 };
        let (epoll, source) = (self.descriptor.as_raw_fd(), source.as_raw_fd());
        // SAFETY: epoll_ctl only reads the struct; a token is an index, never a pointer (S16).
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, source, &mut event) }).map(drop)
    }

    /// Waits for input and gives the tokens of those that have some: none after `limit`.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> io::Result<impl Iterator<Item = usize> + '_> {
        self.events.clear();
        let (room, limit) =
            (self.events.capacity() as i32, limit.map_or(-1, |limit| limit.as_millis() as i32));
        let (epoll, events) = (self.descriptor.as_raw_fd(), self.events.as_mut_ptr());
        let ready = loop {
            // SAFETY: the kernel writes at most `room` events, and the vector has room for as many.
            match check(unsafe { libc::epoll_wait(epoll, events, room, limit) }) {
                // A tracer that attaches, or a stop and a continuation, ends the wait: signal(7).
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ended => break ended?,
            }
        };
        // SAFETY: the kernel has written the first `ready` events.
        unsafe { self.events.set_len(ready as usize) };
        Ok(self.events.iter().map(|event| event.u64 as usize))
    }
}

fn check(returned: libc::c_int) -> io::Result<libc::c_int> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}
