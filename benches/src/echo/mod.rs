//! What does an echo of 64 bytes over TCP cost, by the number of connections?
//!
//! Each server is a process of its own on core 0, the load is one thread of this process on core 1, the same for all.
//! The kernel's TCP is most of the elapsed time, so the server's CPU time a request tells more.

mod load;
mod server_process;
mod servers;

use crate::{
    contest::{Peer, Sample},
    kernel,
};
use load::Load;
use server_process::ServerProcess;
use std::{io, thread, time::Duration};

pub(crate) use servers::serve;

/// One server of each kind with its connections; the raw epoll server is the limit, not a rival.
pub(crate) fn peers(connections: usize) -> io::Result<Vec<Peer>> {
    ["greenroom", "tokio", "may", "epoll"].map(|kind| peer(kind, connections)).into_iter().collect()
}

fn peer(kind: &'static str, connections: usize) -> io::Result<Peer> {
    let server = ServerProcess::start(kind)?;
    let mut load = Load::connect(server.address(), connections)?;
    Ok(Peer::new(kind, move |slice| {
        let on_the_other_core = || {
            kernel::pin_to_core(1);
            requests(&server, &mut load, slice)
        };
        thread::scope(|scope| scope.spawn(on_the_other_core).join().expect("the load does not panic"))
    }))
}

fn requests(server: &ServerProcess, load: &mut Load, slice: Duration) -> io::Result<Sample> {
    load.warm_up()?;
    let cpu_before = server.cpu_time()?;
    let (requests, elapsed) = load.run(slice)?;
    let cpu = server.cpu_time()? - cpu_before;
    let per_request = |time: Duration| time.as_nanos() as f64 / requests as f64;
    Ok(vec![("", per_request(elapsed)), ("_cpu", per_request(cpu))])
}
