//! The machine that this runs on, in a line for the report.

use std::{fs, thread};

/// Such as `Linux 6.18.1, 2 cores, Some Processor`.
pub(crate) fn describe() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    let parts = [format!("Linux {}", kernel.trim()), format!("{cores} cores"), processor(&processors)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The name of the first processor, without what JSON would have escaped; empty if it has none.
fn processor(list: &str) -> String {
    let name = list.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("", |(_, name)| name).trim().replace(['"', '\\'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_has_a_name_or_none() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: A \"fast\" one\n"), "A fast one");
        assert_eq!(processor("processor\t: 0\n"), "");
    }
}
