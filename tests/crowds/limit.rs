//! How many descriptors this process may open.
#![expect(unsafe_code, reason = "std has no getrlimit")]

/// Lets this process open so many, if the system does.
pub(crate) fn raise_to(count: u64) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: S18: the kernel writes one rlimit, into a variable that lives across the call.
    let asked = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    if asked != 0 || limit.rlim_max < count {
        return false;
    }
    limit.rlim_cur = limit.rlim_cur.max(count);
    // SAFETY: S18: the kernel reads one rlimit, which lives across the call.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) == 0 }
}
