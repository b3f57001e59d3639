//! The report: which calls are this crate's in this program, and how often they were made.

use std::ffi::{CString, c_void};
use std::fmt;

use crate::monkey::calls::{self, Call};
use crate::monkey::gate::{self, Group};

/// What became of each call, as [`report`](super::report) found it.
///
/// Its text has a line a call:
///
/// ```text
/// call              in this program   in shared libraries   made by green threads
/// recv              here              here                  200
/// ```
///
/// *Here* says that the name leads to this crate; *elsewhere*, that it leads past it, and blocks. The last column counts the calls
/// that were made where they could wait.
///
/// # Examples
///
/// ```
/// # #[cfg(all(target_os = "linux", target_env = "gnu"))] {
/// greenroom::monkey::patch_time();
/// greenroom::run(|| std::thread::sleep(std::time::Duration::from_millis(1)));
/// let report = greenroom::monkey::report().to_string();
/// assert!(report.lines().any(|line| line.starts_with("clock_nanosleep ")));
/// # }
/// ```
pub struct Report {
    rows: Vec<Row>,
    /// What the self-test met.
    fault: Option<String>,
}

/// One call.
#[derive(Debug)]
struct Row {
    name: &'static str,
    patched: bool,
    here: bool,
    here_for_libraries: bool,
    hits: u64,
}

impl Report {
    pub(super) fn new() -> Report {
        Report { rows: calls::all().into_iter().map(row).collect(), fault: None }
    }

    pub(super) fn with_fault(fault: String) -> Report {
        Report { fault: Some(fault), ..Report::new() }
    }

    /// The names of patched calls that lead past this crate.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        self.rows.iter().filter(|row| row.patched && !row.here).map(|row| row.name).collect()
    }
}

fn row(call: Call) -> Row {
    let here = object_of(call.place).is_none_or(|object| Some(object) == object_of(row as *const ()));
    Row {
        name: call.hits.name,
        patched: gate::is_patched(call.group),
        here: here && (call.group != Group::Dns || calls::can_look_up()),
        here_for_libraries: found_by_libraries(call.hits.name) == call.place.cast(),
        hits: call.hits.get(),
    }
}

/// Where the program or library begins in which that address lies. None if nobody knows, in a program without libraries.
fn object_of(place: *const ()) -> Option<usize> {
    // SAFETY: all zeroes is a Dl_info, which the call fills.
    let mut about: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: the call looks at no memory there.
    let found = unsafe { libc::dladdr(place.cast(), &mut about) } != 0;
    found.then(|| about.dli_fbase.addr())
}

/// What the loader finds for a library that asks by name.
fn found_by_libraries(name: &str) -> *const c_void {
    let name = CString::new(name).expect("names of functions have no zeroes");
    // SAFETY: it reads the name.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fault) = &self.fault {
            writeln!(f, "monkey: {fault}")?;
        }
        if self.rows.is_empty() {
            return write!(f, "monkey: no call is this crate's on this system");
        }
        let (call, program) = ("call", "in this program");
        write!(f, "{call:<18}{program:<18}{:<22}made by green threads", "in shared libraries")?;
        for row in &self.rows {
            let program = match (row.here, row.patched) {
                (true, true) => "here",
                (true, false) => "here, not patched",
                (false, _) => "elsewhere",
            };
            let libraries = if row.here_for_libraries { "here" } else { "elsewhere" };
            write!(f, "\n{:<18}{program:<18}{libraries:<22}{}", row.name, row.hits)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("fault", &self.fault).field("rows", &self.rows).finish()
    }
}
