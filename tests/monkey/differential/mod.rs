//! The same scripts of blocking calls, plain on OS threads and under monkey on green threads: the same results, errno and
//! revents, step by step.
//!
//! A script is compiled once: its calls are those of `std` and libc, and only who makes them differs. Its [`World`] says
//! whether its parties are OS threads without a hub, where every call is libc's own, or green threads of one hub. What each
//! step came to goes into a [`Log`], and the logs are compared.

mod child;
mod log;
mod overlap;
mod scripts;
mod world;

use log::{Log, difference};
use world::World;

use crate::support;

/// A name, and what to do.
type Script = (&'static str, fn(World, &mut Log));

/// Defines scripts, and the list of them, from which none can be missing.
macro_rules! script_list {
    ($(fn $name:ident($world:pat_param, $log:ident) $body:block)+) => {
        /// All scripts of this file.
        pub(in crate::differential) const SCRIPTS: &[crate::differential::Script] = &[$((stringify!($name), $name)),+];
        $(fn $name($world: crate::differential::World, $log: &mut crate::differential::Log) $body)+
    };
}
use script_list;

fn record(script: fn(World, &mut Log), world: World) -> Vec<String> {
    let mut log = Log::default();
    script(world, &mut log);
    log.into_lines()
}

/// Runs each script on OS threads, then by the root of a hub, then by one green thread among others.
#[track_caller]
fn compare(scripts: &[Script]) {
    greenroom::monkey::patch_all();
    let mut differences = Vec::new();
    for &(name, script) in scripts {
        println!("{name}");
        let expected = support::watch(|| record(script, World::Plain));
        assert!(!expected.is_empty(), "{name} has no steps");
        let by_the_root = support::hub(|| record(script, World::Green));
        let by_another =
            support::hub(|| greenroom::spawn(move || record(script, World::Green)).join().unwrap());
        let found = [("the root", by_the_root), ("a green thread", by_another)];
        differences.extend(
            found.iter().filter_map(|(who, lines)| difference(&format!("{name} by {who}"), &expected, lines)),
        );
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn streams_do_as_plain_ones_step_by_step() {
    compare(scripts::streams::SCRIPTS);
}

#[test]
fn connecting_and_accepting_do_as_plain_ones_step_by_step() {
    compare(scripts::connecting::SCRIPTS);
}

#[test]
fn flags_and_messages_do_as_plain_ones_step_by_step() {
    compare(scripts::messages::SCRIPTS);
}

#[test]
fn datagrams_do_as_plain_ones_step_by_step() {
    compare(scripts::datagrams::SCRIPTS);
}

#[test]
fn pipes_do_as_plain_ones_step_by_step() {
    compare(scripts::pipes::SCRIPTS);
}

#[test]
fn polling_does_as_plain_step_by_step() {
    compare(scripts::polling::SCRIPTS);
}

#[test]
fn selecting_does_as_plain_step_by_step() {
    compare(scripts::selecting::SCRIPTS);
}

#[test]
fn descriptors_do_as_plain_ones_step_by_step() {
    compare(scripts::descriptors::SCRIPTS);
}

#[test]
fn sleeping_does_as_plain_step_by_step() {
    compare(scripts::sleeping::SCRIPTS);
}

#[test]
fn names_and_signals_do_as_plain_step_by_step() {
    compare(scripts::surroundings::SCRIPTS);
}

#[test]
fn there_are_enough_scripts() {
    let count = scripts::all().count();
    assert!(count >= 90, "{count}");
}
