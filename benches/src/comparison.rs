//! The comparison: all cases asked for, one after another, and the report of them.

use crate::{
    alone::Question,
    cases, docs, kernel, machine,
    options::{self, Options, Request},
    outside, report,
    serving::{load_process, server_kind},
    targets, versions,
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
        Request::Alone { peer, case, operations, threads } => {
            kernel::die_with_parent()?;
            let run = cases::alone::find(&peer, &case).ok_or_else(|| format!("{peer} has no {case}"))?;
            // The others warm up by themselves, or are to find memory that nobody has used.
            let warm_up = case == "growth_spawn";
            let (peer, case, repetitions) = (&*peer, &*case, 1);
            println!("{}", run.answer(&Question { peer, case, operations, threads, repetitions, warm_up }));
        }
        Request::Server(args) => server_kind::serve(&args)?,
        Request::Load(args) => load_process::obey(&args)?,
        Request::Compare(options) => compare(&options)?,
    }
    Ok(())
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let chosen = options.choose(cases::NAMES)?;
    // Its cores are counted before this thread is bound to one.
    let machine = machine::describe();
    // Servers inherit the core of this thread; the load takes the other one.
    let pinned = thread::available_parallelism()?.get() >= 2 && kernel::pin_to_core(0);
    kernel::raise_descriptor_limit()?;
    let mut rivals = versions::rivals();
    rivals.extend(outside::versions()?);
    report::print_head(options.rounds, pinned, &machine, &rivals);
    let mut results = Vec::new();
    for name in chosen {
        let result = cases::build(name)?.compare(options.rounds_of(name), options.slice(name));
        report::print_rows(&result);
        results.extend(result);
    }
    let verdicts = targets::judge(&results);
    report::print_targets(&verdicts);
    let json = report::json(&results, &verdicts, options.rounds, pinned, &machine, &rivals);
    if let Some(path) = &options.json {
        fs::write(path, &json)?;
    }
    if options.docs {
        fs::write(docs::json(), &json)?;
        docs::draw(&docs::json())?;
    }
    Ok(())
}
