//! Calls that wait for sets of descriptors: select and its kin.
//!
//! The kernel writes its answer over the question, so each time it is asked a copy.

use std::ffi::c_int;
use std::ptr;
use std::time::Duration;

use libc::{fd_set, sigset_t, timespec, timeval};

use super::poll::{BYTES_OF_MASK, hub_to_wait};
use super::sleep::{duration, timespec_of};
use crate::hub::Hub;
use crate::monkey::gate::Hits;
use crate::monkey::raw::{self, Answer, to_int};
use crate::monkey::wait;
use crate::park::source::Direction;
use crate::park::source::lent::Stop;

pub(super) static SELECT: Hits = Hits::new("select");
pub(super) static PSELECT: Hits = Hits::new("pselect");

/// The sets of a call as it has them: of what is to be readable, writable, exceptional; each null or of so many bits as the
/// call says, in words.
type Sets = [*mut u64; 3];

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn select(
    count: c_int,
    readable: *mut fd_set,
    writable: *mut fd_set,
    exceptional: *mut fd_set,
    limit: *mut timeval,
) -> c_int {
    let sets = [readable, writable, exceptional].map(|set| set.cast::<u64>());
    // SAFETY: the caller's, select(2).
    let mut left = unsafe { limit.as_ref() }.map(|&time| to_timespec(time));
    let wait = match left.map(duration) {
        None => None,
        Some(Some(duration)) => Some(duration),
        // SAFETY: the caller's. It is no time that the kernel takes.
        Some(None) => return to_int(unsafe { ask(count, sets, left.as_mut(), ptr::null()) }),
    };
    let found = match hub_to_wait(wait, &SELECT).filter(|_| count >= 0) {
        // SAFETY: the caller's.
        None => unsafe { ask(count, sets, left.as_mut(), ptr::null()) },
        Some(hub) => wait::keeping_errno(|| {
            let begun = hub.clock.now();
            // SAFETY: the caller's.
            let found = unsafe { wait_for_sets(hub, count, sets, wait) };
            let gone = Duration::from_nanos(hub.clock.now().saturating_sub(begun));
            left = wait.map(|wait| timespec_of(wait.saturating_sub(gone)));
            found
        }),
    };
    // Linux tells how much of the time was left.
    // SAFETY: the caller's.
    if let (Some(limit), Some(left)) = unsafe { (limit.as_mut(), left) } {
        *limit = timeval { tv_sec: left.tv_sec, tv_usec: left.tv_nsec / 1000 };
    }
    to_int(found)
}

/// With a mask of signals it passes: a mask for the length of a wait cannot be had where others run meanwhile.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pselect(
    count: c_int,
    readable: *mut fd_set,
    writable: *mut fd_set,
    exceptional: *mut fd_set,
    limit: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    let sets = [readable, writable, exceptional].map(|set| set.cast::<u64>());
    // SAFETY: the caller's, pselect(2).
    let mut time = unsafe { limit.as_ref() }.copied();
    let wait = time.map(duration);
    let hub = match wait {
        Some(None) => None,
        _ => hub_to_wait(wait.flatten(), &PSELECT).filter(|_| count >= 0 && mask.is_null()),
    };
    to_int(match hub {
        // SAFETY: the caller's.
        None => unsafe { ask(count, sets, time.as_mut(), mask) },
        // SAFETY: the caller's.
        Some(hub) => wait::keeping_errno(|| unsafe { wait_for_sets(hub, count, sets, wait.flatten()) }),
    })
}

/// Asks the kernel, by the call that every processor has. It writes back how much of the time was left.
///
/// # Safety
///
/// That of the call.
unsafe fn ask(count: c_int, sets: Sets, time: Option<&mut timespec>, mask: *const sigset_t) -> Answer {
    let mask = [mask.expose_provenance(), BYTES_OF_MASK];
    let time = time.map_or(0, |time| ptr::from_mut(time).expose_provenance());
    let [readable, writable, exceptional] = sets.map(<*mut u64>::expose_provenance);
    let arguments =
        [count as usize, readable, writable, exceptional, time, mask.as_ptr().expose_provenance()];
    // SAFETY: the caller's.
    unsafe { raw::call(libc::SYS_pselect6, arguments) }
}

/// # Safety
///
/// As select(2).
unsafe fn wait_for_sets(hub: &Hub, count: c_int, sets: Sets, limit: Option<Duration>) -> Answer {
    let count = looked_at(count);
    let words = (count as usize).div_ceil(64);
    let question = sets.map(|set| match set.is_null() {
        true => Vec::new(),
        // SAFETY: the caller's.
        false => unsafe { std::slice::from_raw_parts(set, words) }.to_vec(),
    });
    let mut copy = question.clone();
    let ask_copy = || {
        let mut at_once = raw::AT_ONCE;
        let mut places = [ptr::null_mut(); 3];
        for (index, place) in places.iter_mut().enumerate().filter(|(index, _)| !sets[*index].is_null()) {
            copy[index].copy_from_slice(&question[index]);
            *place = copy[index].as_mut_ptr();
        }
        // SAFETY: the copies are as large as the sets.
        unsafe { ask(count, places, Some(&mut at_once), ptr::null()) }
    };
    let until = limit.and_then(|limit| hub.clock.after(limit));
    let found = match wait::for_any(hub, until, || lanes_of(&question), ask_copy) {
        Ok(found) => Ok(found),
        // The copies are empty, as the kernel leaves them when it has found nothing.
        Err(Stop::TimeIsOver) => Ok(0),
        Err(stop) => {
            // SAFETY: the caller's.
            let pass = || unsafe { ask(count, sets, limit.map(timespec_of).as_mut(), ptr::null()) };
            return wait::stopped(hub, stop, pass);
        }
    };
    for (set, copy) in sets.into_iter().zip(&copy).filter(|(set, _)| !set.is_null()) {
        // SAFETY: the caller's; it was read from there.
        unsafe { std::slice::from_raw_parts_mut(set, words) }.copy_from_slice(copy);
    }
    found
}

/// How many numbers of these the kernel looks at: no more than its table has at the moment. Programs say the most that there could
/// be, of sets that have room for 1,024.
fn looked_at(count: c_int) -> c_int {
    if count as usize <= libc::FD_SETSIZE {
        return count;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")?.trim().parse::<c_int>().ok());
    count.min(size.unwrap_or(libc::FD_SETSIZE as c_int))
}

fn lanes_of(question: &[Vec<u64>; 3]) -> Vec<(c_int, Direction)> {
    let directions = [Direction::Read, Direction::Write, Direction::Read];
    let numbers = |words: &[u64]| -> Vec<c_int> {
        let bits = |(index, &word): (usize, &u64)| {
            (0..64).filter(move |bit| word >> bit & 1 != 0).map(move |bit| (index * 64 + bit) as c_int)
        };
        words.iter().enumerate().flat_map(bits).collect()
    };
    let lanes = question.iter().zip(directions);
    lanes
        .flat_map(|(words, direction)| numbers(words).into_iter().map(move |number| (number, direction)))
        .collect()
}

/// More than a second of microseconds is carried over, as the kernel does; less than none is an error.
fn to_timespec(time: timeval) -> timespec {
    match time.tv_usec < 0 {
        true => timespec { tv_sec: -1, tv_nsec: 0 },
        false => timespec {
            tv_sec: time.tv_sec.saturating_add(time.tv_usec / 1_000_000),
            tv_nsec: time.tv_usec % 1_000_000 * 1000,
        },
    }
}
