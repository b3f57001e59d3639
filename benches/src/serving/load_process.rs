//! A load process: this program started again as `load PROTOCOL PORT CONNECTIONS SERVER`.
//!
//! A process of its own, because all the rivals' connections together would exceed what one may open. It runs for a
//! slice whenever it reads a line with the slice's milliseconds, and answers by a line of figures.

use super::{Protocol, load::Load};
use crate::kernel;
use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

/// Ends with its owner.
pub(super) struct LoadProcess {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What one run showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// Nanoseconds from one answer to the next, all connections together.
    pub(super) elapsed: f64,
    /// CPU nanoseconds that the server used a request.
    pub(super) server_cpu: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl LoadProcess {
    /// Connects to the server, a process of that id.
    pub(super) fn start(
        protocol: Protocol,
        port: u16,
        connections: usize,
        server: u32,
    ) -> io::Result<LoadProcess> {
        let mut command = Command::new(env::current_exe()?);
        command.args([
            "load",
            protocol.name(),
            &port.to_string(),
            &connections.to_string(),
            &server.to_string(),
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // A process begins on the cores of the thread that starts it.
        let on_the_other_core = || {
            kernel::pin_to_core(1);
            command.spawn()
        };
        let mut child =
            thread::scope(|scope| scope.spawn(on_the_other_core).join().expect("it does not panic"))?;
        let orders = child.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut load = LoadProcess { child, orders, answers };
        load.answer().map(|_| load)
    }

    pub(super) fn run(&mut self, slice: Duration) -> io::Result<Figures> {
        writeln!(self.orders, "{}", slice.as_millis())?;
        let answer = self.answer()?;
        let figures: Vec<f64> = answer.split(' ').filter_map(|figure| figure.parse().ok()).collect();
        match figures[..] {
            [elapsed, server_cpu, p50, p99] => Ok(Figures { elapsed, server_cpu, p50, p99 }),
            _ => Err(io::Error::other(format!("the load answers {answer:?}"))),
        }
    }

    /// A load that fails says so on standard error itself.
    fn answer(&mut self) -> io::Result<String> {
        self.answers.next().unwrap_or_else(|| Err(io::Error::other("the load has ended")))
    }
}

impl Drop for LoadProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is a load process, until its owner closes its standard input.
pub(crate) fn obey(args: &[String]) -> Result<(), Box<dyn Error>> {
    let [protocol, port, connections, server] = args else {
        return Err("load PROTOCOL PORT CONNECTIONS SERVER".into());
    };
    let server: u32 = server.parse()?;
    kernel::raise_descriptor_limit()?;
    let mut load = Load::connect(protocol.parse()?, port.parse()?, connections.parse()?)?;
    load.warm_up()?;
    load.settle()?;
    println!("connected");
    for line in io::stdin().lines() {
        let slice = Duration::from_millis(line?.parse()?);
        load.warm_up()?;
        let before = kernel::cpu_time(server)?;
        let outcome = load.run(|_, elapsed| elapsed >= slice)?;
        let cpu = kernel::cpu_time(server)? - before;
        let per_request = |time: Duration| time.as_nanos() as f64 / outcome.requests as f64;
        let (elapsed, cpu) = (per_request(outcome.elapsed), per_request(cpu));
        load.settle()?;
        println!("{elapsed:.1} {cpu:.1} {} {}", outcome.p50.as_nanos(), outcome.p99.as_nanos());
    }
    Ok(())
}
