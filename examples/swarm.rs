//! The main job: 500 clients at once against one server on one OS thread.
//!
//! Every client is a green thread that hears `hello` and answers `bye`, over and over. They start only when
//! all of them are connected and greeted, and a message counts as answered only when the server's next
//! `hello` proves that it arrived. With no address the server runs in this process, on an OS thread of its
//! own, and its count must agree with the clients'.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/crowd.rs"]
mod crowd;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/hello.rs"]
mod hello;
#[path = "support/latencies.rs"]
mod latencies;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_switch.rs"]
mod stop_switch;

use command_line::CommandLine;
use crowd::{Load, Outcome};
use greenroom::net::{self, SocketAddr};
use std::{cell::Cell, io, process::ExitCode, rc::Rc, sync::mpsc, thread, time::Duration};
use stop_switch::StopSwitch;

const USAGE: &str = "\
swarm [ADDRESS] [--clients N] [--messages N | --seconds S]

Sends a crowd of clients at a server of the hello protocol, all connected before the first message.
  ADDRESS        of a running hello_server; without it, one is served in this process
  --clients N    how many clients, 500 by default
  --messages N   how many messages each of them sends, 200 by default
  --seconds S    send for S seconds instead
The last line holds the figures. The exit code is 0 if every client was alive and every message accounted for.";

struct Options {
    address: Option<String>,
    clients: u64,
    load: Load,
}

fn main() -> ExitCode {
    let mut line = CommandLine::new(USAGE);
    let clients = line.number("--clients").unwrap_or(500);
    let messages = line.number("--messages").unwrap_or(200);
    let seconds = line.number("--seconds").map(Duration::from_secs);
    let load = seconds.map_or(Load::Messages(messages), Load::Time);
    let options = Options { address: line.address(), clients, load };
    line.end();
    line.conclude(run(&options))
}

fn run(options: &Options) -> io::Result<()> {
    // Each connection has its two ends in this process if the server is here; the rest is for the two hubs
    // and the standard three.
    let ends = if options.address.is_some() { 1 } else { 2 };
    let needed = options.clients.saturating_mul(ends).saturating_add(32);
    let limit = descriptor_limit::raise()?;
    if limit < needed {
        return Err(io::Error::other(format!(
            "{needed} descriptors needed, but the limit (ulimit -Hn) is {limit}"
        )));
    }
    match &options.address {
        Some(name) => {
            let outcome = greenroom::run(|| -> io::Result<Outcome> {
                let address = net::lookup_host(name)?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
                Ok(crowd::run(address, options.clients, options.load))
            })?;
            judge(options, &outcome, outcome.answered)
        }
        None => {
            let server = Server::start()?;
            let outcome = greenroom::run(|| crowd::run(server.address, options.clients, options.load));
            judge(options, &outcome, server.stop()?)
        }
    }
}

/// Prints the last line, and fails if a client or a message is missing. `received` is the server's own
/// count of messages.
fn judge(options: &Options, outcome: &Outcome, received: u64) -> io::Result<()> {
    let Outcome { alive_at_once, sent, answered, took, latencies, failure } = outcome;
    let lost = sent - received.min(*answered);
    println!(
        "clients={} alive_at_once={alive_at_once} messages={answered} lost={lost} requests_per_s={:.0} p50_us={} p99_us={}",
        options.clients,
        *answered as f64 / took.as_secs_f64(),
        latencies.percentile(0.50).as_micros(),
        latencies.percentile(0.99).as_micros(),
    );
    match failure {
        Some(error) => Err(io::Error::new(error.kind(), format!("a client failed: {error}"))),
        None if lost > 0 => Err(io::Error::other(format!("{lost} messages lost"))),
        None => Ok(()),
    }
}

/// The server of this process, on an OS thread and a hub of its own.
struct Server {
    address: SocketAddr,
    switch: StopSwitch,
    thread: thread::JoinHandle<io::Result<u64>>,
}

impl Server {
    fn start() -> io::Result<Server> {
        let (ready, started) = mpsc::channel();
        let serve = move || {
            let listener = serving::listen("127.0.0.1:0")?;
            // Nobody listens on the other end only if the process is going down already.
            let _ = ready.send((listener.local_addr()?, StopSwitch::new(&listener)?));
            let answers = Rc::new(Cell::new(0));
            let counted = Rc::clone(&answers);
            serving::serve(&listener, move |stream| hello::serve(stream, &counted))?;
            Ok(answers.get())
        };
        let thread = thread::Builder::new().name("hello server".into()).spawn(|| greenroom::run(serve))?;
        match started.recv() {
            Ok((address, switch)) => Ok(Server { address, switch, thread }),
            Err(_) => Err(join(thread).expect_err("a server that started says so")),
        }
    }

    /// Ends the server and returns how many messages it received.
    fn stop(self) -> io::Result<u64> {
        self.switch.pull();
        join(self.thread)
    }
}

fn join(thread: thread::JoinHandle<io::Result<u64>>) -> io::Result<u64> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the server panicked")))
}
