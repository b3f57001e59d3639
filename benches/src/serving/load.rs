//! The load: connections that each send a request, wait for its answer, and send again.

use super::{ON_LOOPBACK, Protocol};
use crate::kernel::Epoll;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A closed loop of requests: no connection has more than one under way.
#[derive(Debug)]
pub struct Load {
    epoll: Epoll,
    clients: Vec<Client>,
    length_of_answer: usize,
    /// Of each answer in this run, in nanoseconds.
    waits: Vec<u32>,
    /// All answers ever.
    answered: u64,
}

/// What came of a run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Answers that came.
    pub requests: u64,
    /// How long all of it took.
    pub elapsed: Duration,
    /// What half of the requests waited at most.
    pub p50: Duration,
    /// What 99 of 100 requests waited at most.
    pub p99: Duration,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    request: &'static [u8],
    sent: Instant,
    /// Bytes of the answer that have not come yet.
    missing: usize,
}

impl Load {
    /// Opens the connections.
    ///
    /// # Errors
    ///
    /// If the server does not accept them all, or does not speak the protocol.
    pub fn connect(protocol: Protocol, port: u16, connections: usize) -> io::Result<Load> {
        let epoll = Epoll::new()?;
        let mut clients = Vec::with_capacity(connections);
        let mut length_of_answer = 0;
        for token in 0..connections {
            let mut stream = TcpStream::connect((ON_LOOPBACK, port))?;
            stream.set_nodelay(true)?;
            if token == 0 {
                length_of_answer = protocol.length_of_answer(&mut stream)?;
            }
            epoll.add(&stream, token)?;
            clients.push(Client { stream, request: protocol.request(), sent: Instant::now(), missing: 0 });
        }
        Ok(Load { epoll, clients, length_of_answer, waits: Vec::new(), answered: 0 })
    }

    /// Sends a request on each connection that has none under way.
    ///
    /// # Errors
    ///
    /// If the server has hung up.
    pub fn start(&mut self) -> io::Result<()> {
        for client in self.clients.iter_mut().filter(|client| client.missing == 0) {
            client.send(Instant::now(), self.length_of_answer)?;
        }
        Ok(())
    }

    /// Starts and performs two requests a connection, until all are in their stride.
    ///
    /// # Errors
    ///
    /// If the server hangs up, or is silent for five seconds.
    pub fn warm_up(&mut self) -> io::Result<()> {
        self.start()?;
        let wanted = 2 * self.clients.len() as u64;
        self.run(|requests, _| requests >= wanted).map(drop)
    }

    /// Waits for the answers under way and sends no more, so that the server has nothing to do.
    ///
    /// # Errors
    ///
    /// If the server hangs up, or is silent for five seconds.
    pub fn settle(&mut self) -> io::Result<()> {
        while self.clients.iter().any(|client| client.missing > 0) {
            self.turn(false)?;
        }
        Ok(())
    }

    /// Goes on until the function, which gets the number of answers so far and the time, says that it is enough.
    ///
    /// # Errors
    ///
    /// If the server hangs up, or is silent for five seconds.
    pub fn run(&mut self, mut enough: impl FnMut(u64, Duration) -> bool) -> io::Result<Outcome> {
        self.waits.clear();
        let start = Instant::now();
        loop {
            self.turn(true)?;
            let (requests, elapsed) = (self.waits.len() as u64, start.elapsed());
            if enough(requests, elapsed) {
                let (p50, p99) = (self.wait_of_share(0.5), self.wait_of_share(0.99));
                return Ok(Outcome { requests, elapsed, p50, p99 });
            }
        }
    }

    /// Returns how many answers came in all, warm-up and settling included.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    fn turn(&mut self, asking: bool) -> io::Result<()> {
        let mut silent = true;
        for token in self.epoll.wait(Some(Duration::from_secs(5)))? {
            silent = false;
            let client = &mut self.clients[token];
            if client.receive()? {
                let now = Instant::now();
                self.answered += 1;
                self.waits.push((now - client.sent).as_nanos().try_into().unwrap_or(u32::MAX));
                if asking {
                    client.send(now, self.length_of_answer)?;
                }
            }
        }
        if silent { Err(io::Error::new(io::ErrorKind::TimedOut, "the server is silent")) } else { Ok(()) }
    }

    fn wait_of_share(&mut self, share: f64) -> Duration {
        if self.waits.is_empty() {
            return Duration::ZERO;
        }
        let index = ((self.waits.len() - 1) as f64 * share).round() as usize;
        Duration::from_nanos(u64::from(*self.waits.select_nth_unstable(index).1))
    }
}

impl Client {
    fn send(&mut self, now: Instant, length_of_answer: usize) -> io::Result<()> {
        (self.sent, self.missing) = (now, length_of_answer);
        self.stream.write_all(self.request)
    }

    /// Reads once, where there is input; true if that completed an answer.
    fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 1_024];
        let room = self.missing.min(buffer.len());
        match self.stream.read(&mut buffer[..room])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            received => self.missing -= received,
        }
        Ok(self.missing == 0)
    }
}
