//! A server process: this program started again as `echo-server KIND`.

use crate::kernel;
use std::{
    env,
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Ends with its owner.
pub(super) struct ServerProcess {
    child: Child,
    address: SocketAddr,
}

impl ServerProcess {
    /// Starts a server and waits for its line `ready PORT`.
    pub(super) fn start(kind: &str) -> io::Result<ServerProcess> {
        let mut command = Command::new(env::current_exe()?);
        let mut child = command.args(["echo-server", kind]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let port = line.trim().strip_prefix("ready ").and_then(|port| port.parse().ok());
        let port: u16 = port.ok_or_else(|| io::Error::other(format!("the {kind} server did not start")))?;
        Ok(ServerProcess { child, address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn cpu_time(&self) -> io::Result<Duration> {
        kernel::cpu_time(self.child.id())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
