//! The cases: one question a file.

pub(crate) mod alone;
mod crossing;
mod growing;
mod locking;
mod offloading;
mod parking;
mod queueing;
mod sleeping;
mod spawning;
mod switching;
mod timers;
mod yielding;

use crate::{
    contest::{Case, Peer},
    outside,
    serving::{Protocol, match_up},
};
use std::io;

/// The cases, in the order in which they run.
pub(crate) const NAMES: &[&str] = &[
    "switch",
    "switch_greenlet",
    "yield2",
    "yield1000",
    "spawn_join",
    "spawn_10k",
    "sleep_cancel",
    "wake_early",
    "timer_cancel",
    "timer_fire",
    "timer_fire_first",
    "timer_fire_1000",
    "queue_pingpong",
    "queue_stream",
    "queue_xthread",
    "queue_xthread_pp",
    "lock_uncontended",
    "lock_contended8",
    "lock_2_os_threads",
    "lock_4_os_threads",
    "mem_parked",
    "mem_unstarted",
    "growth_spawn",
    "growth_yield",
    "growth_sleep",
    "growth_memory",
    "offload",
    "offload_1000",
    "echo_1",
    "echo_50",
    "echo_500",
    "echo_5000",
    "http_64",
];

/// Makes a case ready to run, its servers started.
pub(crate) fn build(name: &'static str) -> io::Result<Case> {
    let mut peers: Vec<Peer> = match name {
        "switch" => switching::generator_peers(),
        "switch_greenlet" => switching::greenlet_peers(),
        "yield2" => yielding::peers_of_two(),
        "yield1000" => yielding::peers_of_a_thousand(),
        "spawn_join" => spawning::one_at_a_time(),
        "spawn_10k" => spawning::ten_thousand_at_once(),
        "sleep_cancel" => timers::around_a_yield(),
        "wake_early" => timers::ended_by_a_neighbour(),
        "timer_cancel" => timers::among_many_armed(),
        "timer_fire" => timers::firing(100_000, timers::Crowd::Second),
        "timer_fire_first" => timers::firing(100_000, timers::Crowd::First),
        "timer_fire_1000" => timers::firing(1_000, timers::Crowd::Second),
        "queue_pingpong" => queueing::ping_pong(),
        "queue_stream" => queueing::stream(),
        "queue_xthread" => crossing::stream(),
        "queue_xthread_pp" => crossing::ping_pong(),
        "lock_uncontended" => locking::uncontended(),
        "lock_contended8" => locking::contended(),
        "lock_2_os_threads" => locking::between_os_threads(2),
        "lock_4_os_threads" => locking::between_os_threads(4),
        "mem_parked" => growing::parked()?,
        "mem_unstarted" => growing::unstarted(),
        "growth_spawn" | "growth_yield" | "growth_sleep" => growing::peers(name)?,
        "growth_memory" => growing::memory()?,
        "offload" => offloading::round_trips(),
        "offload_1000" => offloading::batches(),
        "echo_1" => match_up::peers(Protocol::Echo, 1)?,
        "echo_50" => match_up::peers(Protocol::Echo, 50)?,
        "echo_500" => match_up::peers(Protocol::Echo, 500)?,
        "echo_5000" => match_up::peers(Protocol::Echo, 5_000)?,
        "http_64" => match_up::peers(Protocol::Http, 64)?,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("unknown case {name}"))),
    };
    peers.extend(outside::peers(name)?);
    Ok(Case { name, peers })
}
