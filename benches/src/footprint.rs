//! The memory of this process, as the kernel counts it: proc_pid_status(5).

use std::fs;

/// Bytes in memory, and bytes of the tables that map them.
#[derive(Clone, Copy)]
pub(crate) struct Footprint {
    pub(crate) resident: u64,
    pub(crate) page_tables: u64,
}

impl Footprint {
    pub(crate) fn now() -> Footprint {
        let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
        Footprint { resident: field(&status, "VmRSS:"), page_tables: field(&status, "VmPTE:") }
    }

    /// What has been added since.
    pub(crate) fn growth(self) -> Footprint {
        let now = Footprint::now();
        Footprint {
            resident: now.resident.saturating_sub(self.resident),
            page_tables: now.page_tables.saturating_sub(self.page_tables),
        }
    }
}

/// A line such as `VmRSS:      1234 kB`, in bytes; 0 if there is none.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes.and_then(|number| number.parse().ok()).unwrap_or(0) * 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_in_bytes() {
        let status = "Name:\tx\nVmPTE:\t      48 kB\nVmRSS:\t     100 kB\n";
        assert_eq!(
            (field(status, "VmRSS:"), field(status, "VmPTE:"), field(status, "VmSwap:")),
            (102_400, 49_152, 0)
        );
    }
}
