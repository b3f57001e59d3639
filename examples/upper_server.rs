//! Echo in upper case, line by line: a green thread for each client.
//!
//! A client that vanishes in the middle of a line, or sends a line without end, costs its own connection
//! only.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;
#[path = "support/stop_switch.rs"]
mod stop_switch;
#[path = "support/upper.rs"]
mod upper;

use greenroom::io;
use std::process::ExitCode;

const USAGE: &str = "\
upper_server [ADDRESS]

Sends every line back in upper case (ASCII letters); a line may be 64 KiB long.
  ADDRESS   where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
SIGINT and SIGTERM end it in order.";

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    line.conclude(greenroom::run(|| serve(&address)))
}

fn serve(address: &str) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = serving::listen(address)?;
    let switch = stop_switch::StopSwitch::new(&listener)?;
    stop_signals::on_each(move || switch.pull())?;
    println!("listening on {}", listener.local_addr()?);
    serving::serve(&listener, upper::serve)
}
