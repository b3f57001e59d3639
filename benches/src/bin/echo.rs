//! An echo server: `cargo run --release -p greenroom-bench --bin echo -- PORT`.
//!
//! Listens on 127.0.0.1, prints `ready` (with port 0, `ready` and the port that it got), and serves until it is killed.

use greenroom_bench::{echo, serving};
use std::io;

fn main() -> io::Result<()> {
    serving::raise_descriptor_limit()?;
    let port = serving::port_asked_for()?;
    greenroom::run(|| echo::greenroom::serve(port))
}
