//! Echo in upper case to at most so many clients at once: a pool of green threads.
//!
//! While the pool is full nobody is accepted. The next client waits, connected, in the kernel's queue of
//! the listener until one of those being served hangs up.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;
#[path = "support/upper.rs"]
mod upper;

use greenroom::net::TcpListener;
use greenroom::pool::Pool;
use greenroom::sync::{Arc, Event};
use greenroom::{spawn, wait};
use std::{io, process::ExitCode, rc::Rc};

const USAGE: &str = "\
pool_server [ADDRESS] [--clients N]

Sends every line back in upper case (ASCII letters), to N clients at once; the others wait.
  ADDRESS       where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
  --clients N   how many are served at once, 100 by default
SIGINT and SIGTERM end it in order.";

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let clients = line.number("--clients").unwrap_or(100);
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    line.conclude(greenroom::run(|| serve(&address, usize::try_from(clients).unwrap_or(usize::MAX))))
}

fn serve(address: &str, clients: usize) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = serving::listen(address)?;
    let (stop, pool) = (Arc::new(Event::new()), Rc::new(Pool::new(clients)));
    stop_signals::on_each({
        let stop = stop.clone();
        move || stop.set()
    })?;
    println!("listening on {}", listener.local_addr()?);

    let accepting = spawn({
        let pool = pool.clone();
        move || accept_into(&pool, &listener)
    });
    wait(&[&*stop, &accepting], None, Some(1));
    // It may be waiting for a client or for room in the pool; the listener goes with it.
    accepting.kill();
    let outcome = accepting.join();
    if !pool.join_timeout(serving::GRACE) {
        pool.kill();
    }
    match outcome {
        Ok(ended) => ended,
        Err(error) if error.is_killed() => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn accept_into(pool: &Pool, listener: &TcpListener) -> io::Result<()> {
    loop {
        pool.wait_available();
        let Some((stream, peer)) = serving::accept(listener)? else { return Ok(()) };
        pool.spawn(move || serving::serve_one(&stream, peer, upper::serve));
    }
}
