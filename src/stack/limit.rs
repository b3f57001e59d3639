//! Which limit was reached when the kernel gave no more memory for stacks.
//!
//! The kernel says "out of memory" whatever it ran out of. Here is looked at what it counts, once the error is there.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};

use super::chunk::{ADDRESSES_LEFT_TO_OTHERS, GUARDS_LEFT_TO_OTHERS};
use crate::sys;

/// A limit that stops us from reserving or guarding more stacks.
#[derive(Debug, PartialEq, Eq)]
enum Limit {
    Mappings(usize),
    AddressSpace(u64),
    Commit,
    /// None that we know; the kernel's own words stand in the error.
    Unknown,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Mappings(most) => {
                write!(f, "the kernel's limit of mappings (vm.max_map_count = {most}) is reached")
            }
            Limit::AddressSpace(most) => {
                write!(f, "the address space limit (RLIMIT_AS = {most} bytes) is reached")
            }
            Limit::Commit => write!(f, "the kernel's commit limit (vm.overcommit_memory = 2) is reached"),
            Limit::Unknown => write!(f, "the kernel gives no more memory"),
        }
    }
}

/// The error for a failed attempt to get `wanted` bytes of addresses while `users` have or were promised a stack.
pub(super) fn name(cause: &io::Error, users: usize, wanted: usize) -> io::Error {
    let limit = find(wanted);
    let text = format!("cannot reserve stacks: {users} are in use; {limit} ({cause})");
    io::Error::new(io::ErrorKind::OutOfMemory, text)
}

fn find(wanted: usize) -> Limit {
    let page = sys::page_size() as u64;
    if let (Some(most), Some(pages)) = (sys::address_space_limit(), first_number("/proc/self/statm")) {
        let wanted = wanted.saturating_add(ADDRESSES_LEFT_TO_OTHERS) as u64;
        if pages.saturating_mul(page).saturating_add(wanted) > most {
            return Limit::AddressSpace(most);
        }
    }
    if let (Some(most), Ok(mapped)) = (first_number("/proc/sys/vm/max_map_count"), count_mappings()) {
        // What was mapped when the attempt failed may be unmapped by now, as far as we leave room for others.
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if mapped + 2 * GUARDS_LEFT_TO_OTHERS + 16 >= most {
            return Limit::Mappings(most);
        }
    }
    if first_number("/proc/sys/vm/overcommit_memory") == Some(2) { Limit::Commit } else { Limit::Unknown }
}

/// The number that a file of the kernel begins with.
fn first_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// Mappings of this process. Read in small pieces: the text may have megabytes, and memory is what we lack.
fn count_mappings() -> io::Result<usize> {
    let mut file = File::open("/proc/self/maps")?;
    let mut lines = 0;
    let mut piece = [0; 4096];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(lines),
            length => lines += piece[..length].iter().filter(|byte| **byte == b'\n').count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_limit_and_its_setting() {
        let text = Limit::Mappings(65_530).to_string();
        assert_eq!(text, "the kernel's limit of mappings (vm.max_map_count = 65530) is reached");
        assert!(Limit::AddressSpace(1).to_string().contains("RLIMIT_AS"));
        assert!(Limit::Commit.to_string().contains("vm.overcommit_memory"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn mappings_are_counted_as_the_kernel_lists_them() {
        assert!(count_mappings().unwrap() > 5);
        assert!(first_number("/proc/sys/vm/max_map_count").unwrap() > 0);
    }
}
