//! A match: the servers of one protocol under the same load.
//!
//! All servers of a match stay alive, with their connections, through all its rounds; one at a time has work.

use super::{Protocol, load_process::LoadProcess, server_kind, server_process::ServerProcess};
use crate::{
    contest::{Peer, Sample},
    kernel,
};
use std::{
    io,
    time::{Duration, Instant},
};

/// What a process has open besides its connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// More of a core than this while nobody asks it anything, and a server would spoil the others' figures.
const MOST_IDLE_SHARE: f64 = 0.02;

/// No rival: what the kernel allows.
const LIMIT: &str = "epoll";

/// One server of each kind that is to be had, with its connections; of others a line says why not. Each measures nanoseconds from answer to answer, CPU
/// nanoseconds a request, what clients wait, and its resident memory in KiB.
pub(crate) fn peers(protocol: Protocol, connections: usize) -> io::Result<Vec<Peer>> {
    if kernel::raise_descriptor_limit()? < connections as u64 + OTHER_DESCRIPTORS {
        println!("{connections} connections: skipped, a process may not open so many descriptors");
        return Ok(Vec::new());
    }
    let mut peers = Vec::new();
    for kind in server_kind::names(protocol) {
        match Contender::start(kind, protocol, connections) {
            Ok(Some(mut contender)) => {
                let peer = Peer::new(kind, move |slice| contender.take_turn(slice));
                peers.push(if *kind == LIMIT { peer.into_limit() } else { peer });
            }
            Ok(None) => {}
            Err(error) => println!("{kind} with {connections} connections is left out: {error}"),
        }
    }
    Ok(peers)
}

struct Contender {
    name: &'static str,
    load: LoadProcess,
    server: ServerProcess,
    idle: Idle,
}

/// What a server used while others had their turns.
#[derive(Default)]
struct Idle {
    since: Option<(Instant, Duration)>,
    wall: Duration,
    cpu: Duration,
}

impl Contender {
    /// `None` where the server is not to be had.
    fn start(name: &'static str, protocol: Protocol, connections: usize) -> io::Result<Option<Contender>> {
        let Some(command) = server_kind::command(protocol, name)? else { return Ok(None) };
        let server = ServerProcess::start(command)?;
        let load = LoadProcess::start(protocol, server.port(), connections, server.id())?;
        Ok(Some(Contender { name, load, server, idle: Idle::default() }))
    }

    fn take_turn(&mut self, slice: Duration) -> io::Result<Sample> {
        self.idle.end(self.server.cpu_time()?);
        let named = |error| io::Error::other(format!("{}: {error}", self.name));
        let figures = self.load.run(slice).map_err(named)?;
        self.idle.begin(self.server.cpu_time()?);
        Ok(vec![
            ("", figures.elapsed),
            ("_cpu", figures.server_cpu),
            ("_p50", figures.p50),
            ("_p99", figures.p99),
            ("_rss_kib", self.server.resident_memory()?),
        ])
    }
}

impl Idle {
    fn begin(&mut self, cpu: Duration) {
        self.since = Some((Instant::now(), cpu));
    }

    fn end(&mut self, cpu: Duration) {
        if let Some((since, cpu_then)) = self.since.take() {
            self.wall += since.elapsed();
            self.cpu += cpu - cpu_then;
        }
    }

    fn share(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl Drop for Contender {
    /// Says so if the server was not idle while it should have been.
    fn drop(&mut self) {
        let share = self.idle.share();
        if share > MOST_IDLE_SHARE {
            println!("{} used {:.1} % of a core while it had nothing to do", self.name, share * 100.0);
        }
    }
}
