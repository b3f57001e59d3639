//! Calls that sleep.

use std::ffi::{c_int, c_uint};
use std::time::Duration;

use libc::{clockid_t, timespec, useconds_t};

use crate::hub::Hub;
use crate::hub::task::WaitingFor;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, Errno, to_int};
use crate::monkey::wait;
use crate::park::{self, Interruption, Manner};

pub(super) static NANOSLEEP: Hits = Hits::new("nanosleep");
pub(super) static CLOCK_NANOSLEEP: Hits = Hits::new("clock_nanosleep");
pub(super) static USLEEP: Hits = Hits::new("usleep");
pub(super) static SLEEP: Hits = Hits::new("sleep");

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn clock_nanosleep(
    clock: clockid_t,
    flags: c_int,
    request: *const timespec,
    left: *mut timespec,
) -> c_int {
    // SAFETY: the caller's, clock_nanosleep(2).
    let pass = || unsafe {
        raw::call(
            libc::SYS_clock_nanosleep,
            [clock as usize, flags as usize, request.expose_provenance(), left.expose_provenance()],
        )
    };
    let hub = gate::enter(Group::Time).filter(|_| is_of_time(clock) && !request.is_null());
    let answer = match hub {
        None => pass(),
        Some(hub) => {
            CLOCK_NANOSLEEP.count();
            // SAFETY: the caller's.
            match duration(unsafe { *request }) {
                None => pass(),
                Some(until) if flags & libc::TIMER_ABSTIME != 0 => sleep_until(hub, clock, until, pass),
                Some(time) => sleep_for(hub, time, pass),
            }
        }
    };
    // It returns the error, and leaves errno alone.
    answer.map_or_else(|Errno(number)| number, |_| 0)
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn nanosleep(request: *const timespec, left: *mut timespec) -> c_int {
    // SAFETY: the caller's, nanosleep(2).
    let pass =
        || unsafe { raw::call(libc::SYS_nanosleep, [request.expose_provenance(), left.expose_provenance()]) };
    to_int(match gate::enter(Group::Time).filter(|_| !request.is_null()) {
        None => pass(),
        Some(hub) => {
            NANOSLEEP.count();
            // SAFETY: the caller's.
            duration(unsafe { *request }).map_or_else(pass, |time| sleep_for(hub, time, pass))
        }
    })
}

#[unsafe(no_mangle)]
pub(super) extern "C" fn usleep(microseconds: useconds_t) -> c_int {
    to_int(plain_sleep(Duration::from_micros(microseconds.into()), &USLEEP).map(|_| 0))
}

/// It has no error; a sleep that was ended early says how many seconds were left, which a caller might sleep then. So none are.
#[unsafe(no_mangle)]
pub(super) extern "C" fn sleep(seconds: c_uint) -> c_uint {
    plain_sleep(Duration::from_secs(seconds.into()), &SLEEP).unwrap_or(seconds as usize) as c_uint
}

/// Sleeps; how many seconds were left when a handler of a signal ended it.
fn plain_sleep(time: Duration, hits: &Hits) -> Answer {
    let mut left = timespec_of(time);
    let place = (&raw mut left).expose_provenance();
    // SAFETY: the kernel reads what is there and may write over it.
    let pass = || unsafe { raw::call(libc::SYS_nanosleep, [place, place]) };
    let slept = match gate::enter(Group::Time) {
        None => pass(),
        Some(hub) => {
            hits.count();
            sleep_for(hub, time, pass)
        }
    };
    match slept {
        Err(Errno(libc::EINTR)) if std::ptr::eq(hits, &SLEEP) => Ok(left.tv_sec as usize),
        slept => slept,
    }
}

pub(super) fn timespec_of(duration: Duration) -> timespec {
    timespec { tv_sec: duration.as_secs() as libc::time_t, tv_nsec: duration.subsec_nanos().into() }
}

/// None of what is no duration.
pub(super) fn duration(time: timespec) -> Option<Duration> {
    let nanoseconds = u32::try_from(time.tv_nsec).ok().filter(|&nanoseconds| nanoseconds < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanoseconds))
}

/// Clocks that go on while nobody runs.
fn is_of_time(clock: clockid_t) -> bool {
    matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC | libc::CLOCK_BOOTTIME | libc::CLOCK_TAI)
}

fn sleep_for(hub: &Hub, time: Duration, pass: impl FnOnce() -> Answer) -> Answer {
    if gate::in_handler(hub) {
        return pass();
    }
    wait::keeping_errno(|| rest(hub, time).unwrap_or_else(|ended| ended))
}

/// A clock may be set: so it is looked at now and then, and at the end.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

fn sleep_until(hub: &Hub, clock: clockid_t, until: Duration, pass: impl FnOnce() -> Answer) -> Answer {
    if gate::in_handler(hub) {
        return pass();
    }
    wait::keeping_errno(|| {
        loop {
            let left = until.saturating_sub(now(clock));
            let part = if clock == libc::CLOCK_MONOTONIC { left } else { left.min(LONGEST_LOOK) };
            if let Err(ended) = rest(hub, part) {
                return ended;
            }
            if now(clock) >= until {
                return Ok(0);
            }
        }
    })
}

fn now(clock: clockid_t) -> Duration {
    let mut time = raw::AT_ONCE;
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(clock, &mut time) };
    duration(time).unwrap_or_default()
}

/// Sleeps. A request ends it early: then the error is what the call says. At first it says that its time was over, for
/// callers know no error of a sleep; to one that goes on sleeping it says what it was asked for.
fn rest(hub: &Hub, time: Duration) -> Result<Answer, Answer> {
    let slept = park::park_in(hub, Manner::Foreign, WaitingFor::Sleep, hub.clock.after(time));
    match slept {
        Ok(_) => {
            wait::not_refused(hub);
            Ok(Ok(0))
        }
        // While it unwinds nobody waits; and a panic of the caller's would end the process.
        Err(Interruption::Refused) => Err(Ok(0)),
        Err(interruption) => {
            let error = wait::refused(hub, interruption);
            let goes_on = hub.running().rare().calls_refused.get() > wait::PATIENT;
            Err(if goes_on && interruption != Interruption::Cancelled { Err(error) } else { Ok(0) })
        }
    }
}
