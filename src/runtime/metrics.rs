//! What a hub counts.

use crate::hub;
use crate::hub::remote::Remote;

/// What a hub has counted; from [`Runtime::metrics`](crate::Runtime::metrics) and [`Handle::metrics`](crate::Handle::metrics).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Green threads that were spawned.
    pub spawned: u64,
    /// Those of them that are alive.
    pub alive: u64,
    /// How often one was given the OS thread.
    pub switches: u64,
    /// Looks at the clock, at descriptors and at other OS threads.
    pub turns: u64,
    /// Those of them that asked the kernel.
    pub polls: u64,
    /// Wake-ups that came from other OS threads.
    pub remote_wakes: u64,
    /// Timers that were armed.
    pub timers: u64,
    /// Stacks in use.
    pub stacks: u64,
    /// Descriptors that its poller knows: of the sockets that have waited and are still open.
    pub descriptors: u64,
}

impl Metrics {
    pub(super) fn of(remote: &Remote) -> Metrics {
        if let Some(hub) = hub::try_current().filter(|hub| std::ptr::eq(&*hub.remote, remote)) {
            hub.publish_counts();
        }
        let counters = &remote.counters;
        Metrics {
            spawned: counters.spawned.get(),
            alive: counters.alive.get(),
            switches: counters.switches.get(),
            turns: counters.turns.get(),
            polls: counters.polls.get(),
            remote_wakes: counters.remote_wakes.get(),
            timers: counters.timers.get(),
            stacks: counters.stacks.get(),
            descriptors: counters.descriptors.get(),
        }
    }
}
