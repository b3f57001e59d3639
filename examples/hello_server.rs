//! A server of the hello protocol: one OS thread, a green thread for each client.
//!
//! It says `hello`, the client answers `bye`, over and over until the client hangs up; `swarm` sends a
//! crowd at it. The code is what one would write with a thread for each client. SIGINT and SIGTERM close
//! the listener, and the accept loop ends.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/hello.rs"]
mod hello;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;
#[path = "support/stop_switch.rs"]
mod stop_switch;

use std::{cell::Cell, io, process::ExitCode};

const USAGE: &str = "\
hello_server [ADDRESS]

Says hello to every client and takes its bye, over and over until the client hangs up.
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
    let answers = Cell::new(0);
    serving::serve(&listener, move |stream| hello::serve(stream, &answers))
}
