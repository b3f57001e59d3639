//! The load alone: `cargo run --release -p greenroom-bench --bin load -- echo|http PORT CONNECTIONS REQUESTS`.
//!
//! Connects to a server of 127.0.0.1, prints `connected`, and waits for a line on standard input. Then it asks, at least so
//! many times, prints what came of it, and hangs up after another line, or at the end of input.

use greenroom_bench::serving::{self, load::Load};
use std::{env, error::Error, io};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [protocol, port, connections, requests] = &args[..] else {
        return Err("load echo|http PORT CONNECTIONS REQUESTS".into());
    };
    let requests: u64 = requests.parse()?;
    serving::raise_descriptor_limit()?;
    let mut load = Load::connect(protocol.parse()?, port.parse()?, connections.parse()?)?;
    load.warm_up()?;
    load.settle()?;
    println!("connected");
    io::stdin().read_line(&mut String::new())?;
    let before = load.answered();
    load.start()?;
    let outcome = load.run(|answered, _| answered >= requests)?;
    load.settle()?;
    let requests = load.answered() - before;
    let each = outcome.elapsed.as_nanos() as u64 / outcome.requests;
    let (p50, p99) = (outcome.p50.as_nanos(), outcome.p99.as_nanos());
    println!("requests={requests} each_ns={each} p50_ns={p50} p99_ns={p99}");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}
