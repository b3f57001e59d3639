//! Blocking libraries, unchanged: many green threads of one OS thread call them at once, against real servers.

mod certificate;
mod crowd;
mod http;
mod imap;
mod lettre;
mod postgres;
mod program;
mod redis;
mod redis_waits;
mod rustls;
mod server;
#[path = "../../../tests/it/support.rs"]
#[expect(dead_code, reason = "the frame of the crate's own behaviour tests, of which these need a part")]
mod support;
mod tungstenite;
mod ureq;

/// What the tests that others share run over.
mod streams {
    pub(crate) use greenroom::net::{TcpListener, TcpStream};
    pub(crate) use greenroom::sleep;

    pub(crate) use crate::support::hub as run;

    pub(crate) const WHOSE: &str = "our";
}
