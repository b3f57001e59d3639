//! The cases: one question a file.

mod group;
mod spawning;
mod switching;
mod timers;
mod yielding;

use crate::{
    contest::{Case, Peer},
    echo,
};
use std::io;

/// The cases, in the order in which they run.
pub(crate) const NAMES: &[&str] = &[
    "switch_generator",
    "switch_greenlet",
    "yield2",
    "yield1000",
    "spawn_join",
    "spawn_10k",
    "sleep_cancel",
    "wake_early",
    "timer_cancel",
    "echo_1",
    "echo_50",
    "echo_500",
];

/// Makes a case ready to run, its servers started.
pub(crate) fn build(name: &'static str) -> io::Result<Case> {
    let peers: Vec<Peer> = match name {
        "switch_generator" => switching::generator_peers(),
        "switch_greenlet" => switching::greenlet_peers(),
        "yield2" => yielding::peers_of_two(),
        "yield1000" => yielding::peers_of_a_thousand(),
        "spawn_join" => spawning::one_at_a_time(),
        "spawn_10k" => spawning::ten_thousand_at_once(),
        "sleep_cancel" => timers::around_a_yield(),
        "wake_early" => timers::ended_by_a_neighbour(),
        "timer_cancel" => timers::among_many_armed(),
        "echo_1" => echo::peers(1)?,
        "echo_50" => echo::peers(50)?,
        "echo_500" => echo::peers(500)?,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("unknown case {name}"))),
    };
    Ok(Case { name, peers })
}
