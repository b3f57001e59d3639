//! Blocking libraries, unchanged and with the sockets they open themselves: under `monkey` many green threads of one OS thread
//! call them at once.

#[path = "../it/certificate.rs"]
#[expect(dead_code, reason = "only ureq has TLS here, and makes its own settings")]
mod certificate;
#[path = "../it/crowd.rs"]
mod crowd;
#[path = "../it/http.rs"]
mod http;
mod mysql;
#[path = "../it/program.rs"]
mod program;
mod redis;
#[path = "../it/redis_waits.rs"]
mod redis_waits;
#[path = "../it/server.rs"]
mod server;
#[path = "../../../tests/it/support.rs"]
#[expect(dead_code, reason = "the frame of the crate's own behaviour tests, of which these need a part")]
mod support;
#[path = "../it/tungstenite.rs"]
mod tungstenite;
mod ureq;

/// What the tests that others share run over.
mod streams {
    pub(crate) use std::net::{TcpListener, TcpStream};
    pub(crate) use std::thread::sleep;

    pub(crate) use crate::patched as run;

    pub(crate) const WHOSE: &str = "std's";
}

/// Runs `test` as the root of a hub, after `patch_all`.
#[track_caller]
fn patched<T>(test: impl FnOnce() -> T) -> T {
    greenroom::monkey::patch_all();
    support::hub(test)
}
