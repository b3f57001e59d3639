//! One instance, whoever comes first: ten threads race for it, and its making takes a while.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::sync::OnceLock;
use greenroom::{joinall, sleep, spawn};
use std::time::Duration;

struct Settings {
    made_by: u32,
}

impl Settings {
    /// The one and only. Who comes while it is being made waits.
    fn instance(thread: u32) -> &'static Settings {
        static INSTANCE: OnceLock<Settings> = OnceLock::new();
        INSTANCE.get_or_init(|| {
            println!("thread {thread} makes it");
            sleep(Duration::from_millis(20));
            Settings { made_by: thread }
        })
    }
}

fn main() {
    command_line::CommandLine::take_nothing("singleton: ten threads race for one instance");
    let seen = joinall((1..=10).map(|thread| spawn(move || Settings::instance(thread))));
    let seen: Vec<&Settings> = seen.into_iter().map(|one| one.expect("nobody fails")).collect();
    assert!(seen.iter().all(|one| std::ptr::eq(*one, seen[0])));
    println!("all {} have the one that thread {} made", seen.len(), seen[0].made_by);
}
