//! The module `monkey` where it has no calls: on systems other than Linux with glibc, on x86-64 and aarch64. A program that
//! patches there goes on as it is, and is told so.

use std::fmt;

/// What became of each call: none is this crate's on this system.
pub struct Report(());

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("monkey: no call is this crate's on this system: blocking code blocks its OS thread")
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

/// Patches nothing on this system.
///
/// # Switching
///
/// Never.
pub fn patch_all() {}

/// Patches nothing on this system.
///
/// # Switching
///
/// Never.
pub fn patch_socket() {}

/// Patches nothing on this system.
///
/// # Switching
///
/// Never.
pub fn patch_time() {}

/// Patches nothing on this system.
///
/// # Switching
///
/// Never.
pub fn patch_dns() {}

/// Patches nothing on this system.
///
/// # Switching
///
/// Never.
pub fn patch_sync() {}

/// Returns a report that says so.
///
/// # Switching
///
/// Never.
pub fn report() -> Report {
    Report(())
}

/// Fails.
///
/// # Switching
///
/// Never.
///
/// # Errors
///
/// Always, with a report that says why.
pub fn self_test() -> Result<(), Report> {
    Err(report())
}
