//! What does a request cost a server, by the number of connections? What its clients wait? What memory does it hold?
//!
//! Each server is a process of its own on core 0, each load one on core 1, the same program for all. The kernel's TCP is
//! most of the elapsed time, so the server's CPU time a request tells more.

pub mod load;
#[cfg(feature = "rivals")]
pub(crate) mod load_process;
#[cfg(feature = "rivals")]
pub(crate) mod match_up;
mod protocol;
#[cfg(feature = "rivals")]
pub(crate) mod server_kind;
#[cfg(feature = "rivals")]
mod server_process;

use crate::kernel;
use std::{
    env, io,
    net::{Ipv4Addr, SocketAddr},
};

pub use protocol::Protocol;

/// Where all servers listen.
pub(crate) const ON_LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Reads the port from the command line, its only argument.
///
/// # Errors
///
/// If there is no argument, or it is no port.
pub fn port_asked_for() -> io::Result<u16> {
    let port = env::args().nth(1).and_then(|port| port.parse().ok());
    port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the one argument is a port"))
}

/// Lets this process have as many connections as its hard limit allows.
///
/// # Errors
///
/// Those of `setrlimit(2)`.
pub fn raise_descriptor_limit() -> io::Result<()> {
    kernel::raise_descriptor_limit().map(drop)
}

/// Says that clients may connect, and where, if that was not asked for.
pub(crate) fn announce(asked_for: u16, address: SocketAddr) {
    match asked_for {
        0 => println!("ready {}", address.port()),
        _ => println!("ready"),
    }
}
