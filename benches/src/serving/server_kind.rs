//! The kinds of servers that are compared.

use super::Protocol;
use crate::{echo, http, kernel, outside, rivals};
use std::{env, io, process::Command};

/// For each protocol: greenroom first; raw epoll is the limit, not a rival.
pub(super) fn names(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Echo => {
            &["greenroom", "tokio", "smol", "monoio", "may", "go", "gevent", "os-threads", "epoll"]
        }
        Protocol::Http => &["greenroom", "hyper", "may_minihttp", "go", "gevent", "epoll"],
    }
}

/// How to start a server on a free port; `None` where its language is not installed.
pub(super) fn command(protocol: Protocol, kind: &str) -> io::Result<Option<Command>> {
    let mut command = match kind {
        "go" | "gevent" => match outside::command(kind)? {
            Some(command) => command,
            None => return Ok(None),
        },
        _ => {
            let mut command = Command::new(env::current_exe()?);
            command.args(["server", kind]);
            command
        }
    };
    command.args([protocol.name(), "0"]);
    Ok(Some(command))
}

/// Is such a server, until it is killed; the arguments are the kind, the protocol and the port.
pub(crate) fn serve(args: &[String]) -> io::Result<()> {
    kernel::raise_descriptor_limit()?;
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: {args:?}"));
    let [kind, protocol, port] = args else {
        return Err(invalid("server KIND PROTOCOL PORT"));
    };
    let port = port.parse().map_err(|_| invalid("no port"))?;
    match (protocol.as_str(), kind.as_str()) {
        ("echo", "greenroom") => greenroom::run(|| echo::greenroom::serve(port)),
        ("echo", "tokio") => rivals::tokio::run_local(echo::rivals::tokio(port)),
        ("echo", "smol") => echo::rivals::smol(port),
        ("echo", "monoio") => echo::rivals::monoio(port),
        ("echo", "may") => echo::rivals::may(port),
        ("echo", "os-threads") => echo::rivals::os_threads(port),
        ("echo", "epoll") => echo::rivals::epoll(port),
        ("http", "greenroom") => greenroom::run(|| http::greenroom::serve(port)),
        ("http", "hyper") => rivals::tokio::run_local(http::rivals::hyper(port)),
        ("http", "may_minihttp") => http::rivals::may_minihttp(port),
        ("http", "epoll") => http::rivals::epoll(port),
        _ => Err(invalid("no such server")),
    }
}
