//! Blocking libraries, unchanged: many green threads of one OS thread call them at once, against real servers.

mod certificate;
mod crowd;
mod http;
mod imap;
mod lettre;
mod postgres;
mod program;
mod redis;
mod rustls;
mod server;
#[path = "../../../tests/it/support.rs"]
#[expect(dead_code, reason = "the frame of the crate's own behaviour tests, of which these need a part")]
mod support;
mod tungstenite;
mod ureq;

/// What libraries run over that are handed a stream.
mod streams {
    pub(crate) use greenroom::net::{TcpListener, TcpStream};

    pub(crate) use crate::support::hub as run;

    pub(crate) const WHOSE: &str = "our";
}
