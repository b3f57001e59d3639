//! The comparison: all cases asked for, one after another, and the report of them.

use crate::{
    cases, echo, kernel,
    options::{self, Options, Request},
    report,
};
use std::{error::Error, fs, thread};

/// Does what the command line asks for.
///
/// # Errors
///
/// What the command line has wrong, or what a server or the kernel refuses.
pub fn run(args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    match Request::from_args(args)? {
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
