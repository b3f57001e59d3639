//! The load: connections that each send a message, wait for its echo, and send again.

use super::servers::MESSAGE_SIZE;
use crate::kernel::Epoll;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// A closed loop of requests. It stands still between two runs, with a request under way on each connection.
pub(super) struct Load {
    epoll: Epoll,
    clients: Vec<Client>,
}

struct Client {
    stream: TcpStream,
    /// Bytes of the echo that have not come yet.
    missing: usize,
}

impl Load {
    pub(super) fn connect(server: SocketAddr, connections: usize) -> io::Result<Load> {
        let epoll = Epoll::new()?;
        let mut clients = Vec::with_capacity(connections);
        for token in 0..connections {
            let mut client = Client { stream: TcpStream::connect(server)?, missing: 0 };
            client.stream.set_nodelay(true)?;
            client.send()?;
            epoll.add(&client.stream, token)?;
            clients.push(client);
        }
        Ok(Load { epoll, clients })
    }

    /// Two requests a connection, because echoes that came while the load stood still would count as free.
    pub(super) fn warm_up(&mut self) -> io::Result<()> {
        let (mut answered, wanted) = (0, 2 * self.clients.len() as u64);
        while answered < wanted {
            answered += self.turn()?;
        }
        Ok(())
    }

    /// Runs for a slice; gives the number of requests answered and the time that they took.
    pub(super) fn run(&mut self, slice: Duration) -> io::Result<(u64, Duration)> {
        let (start, mut answered) = (Instant::now(), 0);
        loop {
            answered += self.turn()?;
            let elapsed = start.elapsed();
            if elapsed >= slice {
                return Ok((answered, elapsed));
            }
        }
    }

    fn turn(&mut self) -> io::Result<u64> {
        let mut answered = 0;
        let mut silent = true;
        for token in self.epoll.wait(Some(Duration::from_secs(5)))? {
            silent = false;
            answered += u64::from(self.clients[token].receive()?);
        }
        if silent {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the server is silent"))
        } else {
            Ok(answered)
        }
    }
}

impl Client {
    fn send(&mut self) -> io::Result<()> {
        self.missing = MESSAGE_SIZE;
        self.stream.write_all(&[b'x'; MESSAGE_SIZE])
    }

    /// Reads once, where there is input; true if that completed an echo. Then the next message is on its way.
    fn receive(&mut self) -> io::Result<bool> {
        let mut buffer = [0; MESSAGE_SIZE];
        match self.stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            received => self.missing -= received,
        }
        let complete = self.missing == 0;
        if complete {
            self.send()?;
        }
        Ok(complete)
    }
}
