//! The bench: greenroom beside its rivals, all in one run, as ratios.
//!
//! `cargo run --release -p greenroom-bench -- [CASE…] [--rounds N] [--quick] [--json FILE]`
//!
//! What is compared is in `cases`, one question a file, and in `echo`; how it is measured is in `contest`;
//! what is made of the figures is in `stats` and `report`.

mod cases;
mod contest;
mod echo;
#[expect(
    unsafe_code,
    reason = "epoll, the affinity of threads and the clock of a process are plain system calls"
)]
mod kernel;
mod options;
mod report;
mod rivals;
mod stats;

use options::{Options, Request};
use std::{error::Error, fs, thread};

fn main() -> Result<(), Box<dyn Error>> {
    match Request::from_args(std::env::args().skip(1))? {
        Request::Help => println!("{}", options::USAGE),
        Request::EchoServer(kind) => echo::serve(&kind)?,
        Request::Compare(options) => compare(&options)?,
    }
    Ok(())
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let chosen = options.choose(cases::NAMES)?;
    // Servers inherit the core of this thread; the load takes the other one.
    let pinned = thread::available_parallelism()?.get() >= 2 && kernel::pin_to_core(0);
    kernel::raise_descriptor_limit()?;
    report::print_head(options.rounds, pinned);
    let mut results = Vec::new();
    for name in chosen {
        let result = cases::build(name)?.compare(options.rounds, options.slice(name))?;
        report::print_rows(&result);
        results.extend(result);
    }
    if let Some(path) = &options.json {
        fs::write(path, report::json(&results, options.rounds, pinned))?;
    }
    Ok(())
}
