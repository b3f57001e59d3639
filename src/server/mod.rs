//! Servers: accept loops with their pools, limits and orderly ends; one hub an OS thread; gevent's `server`.
//!
//! ```
//! use greenroom::io::{Read, Write};
//! use greenroom::net::{TcpListener, TcpStream};
//! use greenroom::server::StreamServer;
//! use std::time::Duration;
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let server = StreamServer::new(TcpListener::bind("127.0.0.1:0")?, |mut stream, _peer| {
//!     let _ = stream.write_all(b"hello");
//! })
//! .start();
//! let mut heard = String::new();
//! TcpStream::connect(server.local_addr()?)?.read_to_string(&mut heard)?;
//! assert_eq!(heard, "hello");
//! server.stop(Duration::from_secs(1));
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Traps
//!
//! * A server without limits waits for ever for clients that say nothing: set
//!   [`idle_timeout`](StreamServer::idle_timeout). One that sends a byte now and then is never idle: set
//!   [`lifetime`](StreamServer::lifetime) too, or limit each request with [`timeout`](crate::timeout).
//! * [`ServerHandle::stop`] cancels, so what a handler waits for then fails, an answer half sent too. To let answers be finished,
//!   [`close`](ServerHandle::close) first, and [`join`](ServerHandle::join) under a [`timeout`](crate::timeout).
//! * Dropping a [`ServerHandle`] stops nothing.
//! * Without a [`pool`](StreamServer::pool) every client is taken, up to the limit of descriptors.
//! * A [`UnixListener`](crate::os::unix::net::UnixListener)'s file stays when its server ends: whoever made it removes it.

mod back_off;
mod connections;
mod crew;
mod datagram;
mod handle;
mod limits;
mod listener;
mod post;
mod running;
mod stream;
mod workers;

pub use datagram::DatagramServer;
pub use handle::ServerHandle;
pub use listener::{Endpoint, Listener};
pub use stream::StreamServer;
pub use workers::{Worker, Workers, per_core};
