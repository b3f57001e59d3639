//! HTTP/1.1 for the example servers: enough of RFC 9110 and RFC 9112 to stand behind a proxy.
//!
//! Keep-alive, pipelining, bodies by length and in chunks both ways, `100-continue`, HEAD, HTTP/1.0; limits on what a
//! client may send and how long it may take; whatever could be read in two ways is refused (RFC 9112, 11.2).
#![allow(dead_code, reason = "each example compiles this module for itself and uses what it needs")]

mod body;
mod connection;
mod date;
mod drain;
mod exchange;
mod head;
mod limits;
mod refusal;
mod request;
mod wire;

pub(crate) mod site;

pub(crate) use connection::serve;
pub(crate) use date::Date;
pub(crate) use drain::Drain;
pub(crate) use limits::Limits;
pub(crate) use wire::Wire;
