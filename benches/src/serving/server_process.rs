//! A server process, of greenroom or of a rival.

use super::ON_LOOPBACK;
use crate::kernel;
use std::{
    fs,
    io::{self, BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// Ends with its owner.
pub(super) struct ServerProcess {
    child: Child,
    port: u16,
    /// Open as long as the server, which may have more to say.
    _output: BufReader<ChildStdout>,
}

impl ServerProcess {
    /// Starts a server on a free port and waits for its line `ready PORT`.
    pub(super) fn start(mut command: Command) -> io::Result<ServerProcess> {
        let mut child = kernel::killed_with_parent(&mut command).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = line.trim().strip_prefix("ready ").and_then(|port| port.parse().ok());
        let started = port.map(|port| ServerProcess { child, port, _output: output });
        started
            .ok_or_else(|| io::Error::other(format!("the server {:?} did not start", command.get_program())))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn cpu_time(&self) -> io::Result<Duration> {
        kernel::cpu_time(self.child.id())
    }

    /// Resident memory in KiB: `VmRSS` of proc_pid_status(5).
    pub(super) fn resident_memory(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kibibytes.ok_or_else(|| io::Error::other(format!("{ON_LOOPBACK}:{} has no VmRSS", self.port)))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
