//! The limit on open descriptors, one of which every connection takes.

use std::io;

/// Raises this process's soft limit to the hard one, and returns it.
#[expect(unsafe_code, reason = "std has no call for resource limits")]
pub(crate) fn raise() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit, only within the call, to a place that is ours (S18).
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: setrlimit reads one rlimit, only within the call, from the place that getrlimit has filled
    // (S18).
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}
