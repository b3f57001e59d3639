//! Calls that wait for several descriptors: poll and its kin.
//!
//! The kernel is asked without waiting, with the caller's own question, before and after: so it is the kernel that answers,
//! about whatever it was asked. In between the caller stands in the lanes of all the descriptors.

use std::ffi::c_int;
use std::time::Duration;

use libc::{nfds_t, pollfd, sigset_t, size_t, timespec};

use super::receive::check_room;
use super::sleep::{duration, timespec_of};
use crate::hub::Hub;
use crate::hub::clock::Moment;
use crate::monkey::gate::{self, Group, Hits};
use crate::monkey::raw::{self, Answer, to_int};
use crate::monkey::wait;
use crate::park::source::Direction;
use crate::park::source::lent::Stop;

pub(super) static POLL: Hits = Hits::new("poll");
pub(super) static PPOLL: Hits = Hits::new("ppoll");

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn poll(asked: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    let count = count as usize;
    let limit = u64::try_from(timeout).ok().map(Duration::from_millis);
    // SAFETY: the caller's, poll(2).
    let ask = move |limit: Option<timespec>| unsafe { raw::poll(asked, count, limit) };
    let pass = move || ask(limit.map(timespec_of));
    to_int(gate::pass_or(
        Group::Socket,
        pass,
        || hub_to_wait(limit, &POLL),
        move |hub| wait::keeping_errno(|| wait_for_events(hub, asked, count, limit, ask)),
    ))
}

/// The mask of signals holds while the kernel is asked, which is at least every [`LONGEST_DEAFNESS`].
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn ppoll(
    asked: *mut pollfd,
    count: nfds_t,
    limit: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    let count = count as usize;
    // SAFETY: the caller's, ppoll(2).
    let time = unsafe { limit.as_ref() };
    let ask = |limit: Option<timespec>| {
        let limit = limit.as_ref().map_or(0, |limit| std::ptr::from_ref(limit).expose_provenance());
        // SAFETY: the caller's.
        unsafe {
            raw::call(
                libc::SYS_ppoll,
                [asked.expose_provenance(), count, limit, mask.expose_provenance(), BYTES_OF_MASK],
            )
        }
    };
    let duration = match time.map(|&time| duration(time)) {
        // No time that the kernel takes.
        Some(None) => return to_int(ask(time.copied())),
        Some(duration) => duration,
        None => None,
    };
    to_int(match hub_to_wait(duration, &PPOLL) {
        None => ask(time.copied()),
        Some(hub) if mask.is_null() => {
            wait::keeping_errno(|| wait_for_events(hub, asked, count, duration, ask))
        }
        Some(hub) => wait::keeping_errno(|| wait_masked(hub, asked, count, duration, ask)),
    })
}

/// The kernel's own mask, of which `sigset_t` is the begin.
pub(super) const BYTES_OF_MASK: usize = 8;

/// The fortified twins: see [`receive`](super::receive).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __poll_chk(
    asked: *mut pollfd,
    count: nfds_t,
    timeout: c_int,
    room: size_t,
) -> c_int {
    check_room((count as usize).saturating_mul(size_of::<pollfd>()), room);
    // SAFETY: the caller's.
    unsafe { poll(asked, count, timeout) }
}

#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __ppoll_chk(
    asked: *mut pollfd,
    count: nfds_t,
    limit: *const timespec,
    mask: *const sigset_t,
    room: size_t,
) -> c_int {
    check_room((count as usize).saturating_mul(size_of::<pollfd>()), room);
    // SAFETY: the caller's.
    unsafe { ppoll(asked, count, limit, mask) }
}

/// The hub, if the caller may have to wait: not for no time at all.
#[inline(always)]
pub(super) fn hub_to_wait<'a>(limit: Option<Duration>, hits: &Hits) -> Option<&'a Hub> {
    let hub = gate::enter(Group::Socket)?;
    hits.count();
    (limit != Some(Duration::ZERO)).then_some(hub)
}

fn wait_for_events(
    hub: &Hub,
    asked: *mut pollfd,
    count: usize,
    limit: Option<Duration>,
    ask: impl Fn(Option<timespec>) -> Answer,
) -> Answer {
    let until = limit.and_then(|limit| hub.clock.after(limit));
    let wanted = || {
        let mut lanes = Vec::with_capacity(count);
        for index in 0..count {
            // SAFETY: the kernel has read and written so many there.
            let asked = unsafe { *asked.add(index) };
            if asked.fd >= 0 {
                lanes.extend(lanes_of(asked));
            }
        }
        lanes
    };
    let found = wait::for_any(hub, until, wanted, || ask(Some(raw::AT_ONCE)));
    found.or_else(|stop| match stop {
        Stop::TimeIsOver => Ok(0),
        stop => wait::stopped(hub, stop, || ask(limit.map(timespec_of))),
    })
}

/// Where the events that are asked for are told; errors and hang-ups are told everywhere.
fn lanes_of(asked: pollfd) -> impl Iterator<Item = (c_int, Direction)> {
    let outward = libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND;
    let writes = (asked.events & outward != 0).then_some((asked.fd, Direction::Write));
    let reads = (asked.events & !outward != 0 || writes.is_none()).then_some((asked.fd, Direction::Read));
    reads.into_iter().chain(writes)
}

/// How long a signal that only the mask of a call lets through may have to wait.
const LONGEST_DEAFNESS: Duration = Duration::from_millis(10);

/// Waits in slices, between which the kernel is asked under the caller's mask, and delivers what that lets through.
fn wait_masked(
    hub: &Hub,
    asked: *mut pollfd,
    count: usize,
    limit: Option<Duration>,
    ask: impl Fn(Option<timespec>) -> Answer,
) -> Answer {
    let deadline: Option<Moment> = limit.and_then(|limit| hub.clock.after(limit));
    loop {
        let now = hub.clock.now();
        let left = deadline.map_or(LONGEST_DEAFNESS, |deadline| {
            Duration::from_nanos(deadline.saturating_sub(now)).min(LONGEST_DEAFNESS)
        });
        match wait_for_events(hub, asked, count, Some(left), &ask) {
            Ok(0) if deadline.is_none_or(|deadline| hub.clock.now() < deadline) => {}
            ended => return ended,
        }
    }
}
