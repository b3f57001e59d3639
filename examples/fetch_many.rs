//! Many pages at once by an HTTP client that knows nothing of green threads: ureq, unmodified, on one OS thread.
//!
//! The server takes its time over each page. One after the other the pages would take that time as often as there are pages;
//! under `patch_all` the client waits for all of them at once.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "fetch_many/slow_server.rs"]
mod slow_server;

use greenroom::{monkey, spawn, try_joinall};
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "\
fetch_many [PAGES] [--delay MS]

Fetches pages from a slow server of its own, all at once, with an unmodified ureq.
  PAGES        how many, 20 by default
  --delay MS   what the server takes over each, 200 ms by default
The last line holds the figures.";

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let delay = Duration::from_millis(line.number("--delay").unwrap_or(200));
    let pages = line.count().unwrap_or(20);
    line.end();
    monkey::patch_all();
    line.conclude(greenroom::run(|| fetch(pages, delay)))
}

fn fetch(pages: u64, delay: Duration) -> io::Result<()> {
    // A connection has both its ends in this process.
    let room = descriptor_limit::raise()?;
    if pages.saturating_mul(2).saturating_add(32) > room {
        return Err(io::Error::other(format!(
            "{pages} pages are too many for {room} descriptors (ulimit -Hn)"
        )));
    }
    let server = slow_server::start(delay)?;
    let agent = ureq::Agent::new_with_defaults();
    let begin = Instant::now();
    let fetching = (1..=pages).map(|number| {
        let agent = agent.clone();
        spawn(move || -> Result<(), ureq::Error> {
            let text = agent.get(format!("http://{server}/{number}")).call()?.body_mut().read_to_string()?;
            println!("{text}");
            Ok(())
        })
    });
    let fetched = try_joinall(fetching).map_err(io::Error::other)?;
    fetched.into_iter().collect::<Result<(), _>>().map_err(io::Error::other)?;
    let took = begin.elapsed();
    let in_a_row = delay.as_secs_f64() * pages as f64;
    println!("pages={pages} took_ms={} one_by_one_ms={:.0}", took.as_millis(), in_a_row * 1000.0);
    Ok(())
}
