//! Calls that sleep.

use std::ffi::c_int;
use std::time::Duration;

use libc::{clockid_t, timespec};

use crate::hub::Hub;
use crate::hub::task::WaitingFor;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, Errno};
use crate::monkey::wait;
use crate::park::{self, Interruption, Manner};

pub(crate) static CLOCK_NANOSLEEP: Hits = Hits::new();

/// # Safety
///
/// As clock_nanosleep(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(
    clock: clockid_t,
    flags: c_int,
    request: *const timespec,
    left: *mut timespec,
) -> c_int {
    let pass = || {
        let arguments = [clock as usize, flags as usize, request.addr(), left.addr()];
        // SAFETY: the caller's.
        unsafe { raw::call(libc::SYS_clock_nanosleep, arguments) }
    };
    let relative =
        flags == 0 && matches!(clock, libc::CLOCK_MONOTONIC | libc::CLOCK_REALTIME | libc::CLOCK_BOOTTIME);
    let answer = match gate::enter(Group::Time) {
        Some(hub) if relative && !request.is_null() => {
            CLOCK_NANOSLEEP.count();
            // SAFETY: the caller's.
            match duration(unsafe { *request }) {
                Some(duration) => wait::keeping_errno(|| sleep(hub, duration, pass)),
                None => pass(),
            }
        }
        _ => pass(),
    };
    // It returns the error, and leaves errno alone.
    answer.map_or_else(|Errno(number)| number, |_| 0)
}

/// None of what is no duration.
fn duration(time: timespec) -> Option<Duration> {
    let nanoseconds = u32::try_from(time.tv_nsec).ok().filter(|&nanoseconds| nanoseconds < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanoseconds))
}

/// Sleeps. A request ends it early, as if its time was over: callers know no error of a sleep. See the head of
/// [`monkey`](crate::monkey) for those who go on sleeping.
fn sleep(hub: &Hub, duration: Duration, pass: impl FnOnce() -> Answer) -> Answer {
    if gate::in_handler() {
        return pass();
    }
    let slept = park::park(Manner::Foreign, WaitingFor::Sleep, hub.clock.after(duration));
    match slept {
        Ok(_) => {
            wait::not_refused(hub);
            Ok(0)
        }
        // While it unwinds nobody waits; and a panic of the caller's would end the process.
        Err(Interruption::Refused | Interruption::Cancelled) => Ok(0),
        Err(interruption) => {
            let error = wait::refused(hub, interruption);
            let refusals = hub.running().rare().calls_refused.get();
            if refusals > wait::PATIENT { Err(error) } else { Ok(0) }
        }
    }
}
