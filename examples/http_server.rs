//! An HTTP/1.1 server, good enough to be put behind nginx: one OS thread, a green thread for each connection.
//!
//! The protocol is in `http/`, in plain blocking style; the pages are in `http/site.rs`: `/` says hello, `/bytes/N` and
//! `/stream/N` give N bytes by length and in chunks, `/echo` sends a body back while it comes in, `/count` counts it,
//! `/sleep/MS` takes its time.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "http/mod.rs"]
mod http;
#[path = "support/http_serving.rs"]
mod http_serving;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    let usage = format!("http_server [ADDRESS] [OPTIONS]\n\nServes HTTP/1.1.\n{}", http_serving::OPTIONS);
    let mut line = command_line::CommandLine::new(usage.leak());
    let settings = http_serving::Settings::of(&mut line);
    line.conclude(greenroom::run(|| http_serving::run(settings, |stream| Ok(Box::new(stream)))))
}
