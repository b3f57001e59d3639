//! How do cost and memory grow with the number of green threads?
//!
//! Each figure comes from a process of its own, because memory that one leaves behind would serve the next, and because
//! some cannot hold as many.

use crate::{
    child,
    contest::{Peer, Sample},
    outside, rivals,
};
use std::{env, io, process::Command};

/// How many green threads there are at a time.
const SIZES: [Size; 4] = [
    Size { threads: 10, figure: "_10", tables: "_tables_10" },
    Size { threads: 1_000, figure: "_1000", tables: "_tables_1000" },
    Size { threads: 100_000, figure: "_100000", tables: "_tables_100000" },
    Size { threads: 1_000_000, figure: "_1000000", tables: "_tables_1000000" },
];

struct Size {
    threads: u64,
    figure: &'static str,
    tables: &'static str,
}

const PEERS: [&str; 5] = ["greenroom", "tokio", "smol", "monoio", "may"];

/// With those in other languages that are installed.
fn all_peers() -> io::Result<Vec<&'static str>> {
    let mut peers = PEERS.to_vec();
    for rival in outside::NAMES {
        if outside::command(rival)?.is_some() {
            peers.push(rival);
        }
    }
    Ok(peers)
}

/// Nanoseconds an operation at each size, and by what factor they are more at 1,000,000 than at 1,000.
pub(super) fn peers(case: &'static str) -> io::Result<Vec<Peer>> {
    let peer = |name| {
        Peer::new(name, move |_| {
            let mut sample = Sample::new();
            for size in SIZES.iter().filter(|size| can_hold(name, size.threads)) {
                let answer = ask(name, case, operations(case, size.threads), size.threads)?;
                sample.push((size.figure, answer.number("ns_per_op")?));
            }
            let at = |figure| sample.iter().find(|(name, _)| *name == figure).map(|(_, value)| *value);
            if let (Some(few), Some(many)) = (at("_1000"), at("_1000000")) {
                sample.push(("_factor", many / few));
            }
            Ok(sample)
        })
    };
    // gevent would take as long as all others together.
    let peers = all_peers()?.into_iter().filter(|name| *name != "gevent");
    Ok(peers.map(peer).collect())
}

/// Enough for a tenth of a second or so; each green thread takes part at least once.
fn operations(case: &str, threads: u64) -> u64 {
    let at_least = match case {
        // A wave of ten lasts a millisecond.
        "growth_sleep" if threads < 1_000 => 2_000,
        "growth_sleep" => 100_000,
        "growth_yield" => 1_000_000.max(4 * threads),
        _ => 1_000_000,
    };
    at_least.max(threads)
}

/// Bytes a green thread at each size, and bytes of page tables.
pub(super) fn memory() -> io::Result<Vec<Peer>> {
    let peer = |name| {
        Peer::new(name, move |_| {
            let mut sample = Sample::new();
            for size in SIZES.iter().filter(|size| can_hold(name, size.threads)) {
                let answer = ask(name, "mem_parked", size.threads, 0)?;
                sample.push((size.figure, answer.number("bytes_per_task")?));
                sample.push((size.tables, answer.number("page_table_bytes_per_task")?));
            }
            Ok(sample)
        })
    };
    Ok(all_peers()?.into_iter().map(peer).collect())
}

/// Bytes of a parked one among 10,000, which all peers can hold.
pub(super) fn parked() -> io::Result<Vec<Peer>> {
    let peer = |name| held(name, "mem_parked", 10_000);
    Ok(all_peers()?.into_iter().chain(["os-threads"]).map(peer).collect())
}

/// Bytes of one among 1,000,000 that have not begun. A task of the rivals' is the same size before as after.
pub(super) fn unstarted() -> Vec<Peer> {
    vec![held("greenroom", "mem_unstarted", 1_000_000)]
}

fn held(name: &'static str, case: &'static str, threads: u64) -> Peer {
    Peer::new(name, move |_| {
        let answer = ask(name, case, threads, 0)?;
        Ok(vec![
            ("", answer.number("bytes_per_task")?),
            ("_tables", answer.number("page_table_bytes_per_task")?),
            ("_ns", answer.number("ns_per_op")?),
        ])
    })
}

fn can_hold(peer: &str, threads: u64) -> bool {
    (peer != "may" || threads <= rivals::may::MOST) && outside::can_hold(peer, threads)
}

/// This program again, as `alone PEER CASE N THREADS`, or one in another language.
fn ask(peer: &str, case: &str, operations: u64, threads: u64) -> io::Result<child::Answer> {
    if outside::NAMES.contains(&peer) {
        let numbers = [operations, threads];
        return outside::ask(peer, case, if threads == 0 { &numbers[..1] } else { &numbers });
    }
    let mut command = Command::new(env::current_exe()?);
    command.args(["alone", peer, case, &operations.to_string(), &threads.to_string()]);
    child::ask(&mut command)
}
