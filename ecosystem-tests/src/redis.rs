//! A connection for redis: its commands and pipelines then run on green threads.

use std::io::{self, Write};

use greenroom::net::{TcpStream, ToSocketAddrs};
use redis::{ConnectionLike, Parser, RedisError, RedisResult, Value};

/// A connection to a server, database 0. All of the library's `Commands` work on it.
///
/// # Examples
///
/// ```no_run
/// use redis::Commands;
///
/// let mut connection = greenroom_ecosystem::redis::GreenConnection::connect("localhost:6379")?;
/// connection.set::<_, _, ()>("colour", "green")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GreenConnection {
    stream: TcpStream,
    parser: Parser,
    broken: bool,
}

impl GreenConnection {
    /// Connects.
    ///
    /// # Switching
    ///
    /// May, when the server does not answer at once, or its name is looked up.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`].
    pub fn connect<A: ToSocketAddrs>(address: A) -> io::Result<GreenConnection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(GreenConnection { stream, parser: Parser::new(), broken: false })
    }

    /// Once a send or a receipt has failed nobody knows which answer comes next, so that there is no next one.
    fn exchange<T>(&mut self, talk: impl FnOnce(&mut Self) -> RedisResult<T>) -> RedisResult<T> {
        if self.broken {
            return Err(RedisError::from(io::Error::from(io::ErrorKind::NotConnected)));
        }
        self.broken = true;
        let answer = talk(self)?;
        self.broken = false;
        Ok(answer)
    }

    fn receive(&mut self) -> RedisResult<Value> {
        self.parser.parse_value(&self.stream)
    }
}

impl ConnectionLike for GreenConnection {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        self.exchange(|connection| {
            connection.stream.write_all(command)?;
            connection.receive()
        })
    }

    fn req_packed_commands(
        &mut self,
        commands: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        self.exchange(|connection| {
            connection.stream.write_all(commands)?;
            for _ in 0..offset {
                connection.receive()?;
            }
            (0..count).map(|_| connection.receive()).collect()
        })
    }

    fn get_db(&self) -> i64 {
        0
    }

    fn check_connection(&mut self) -> bool {
        redis::cmd("PING").query::<String>(self).is_ok()
    }

    fn is_open(&self) -> bool {
        !self.broken
    }
}

impl std::fmt::Debug for GreenConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GreenConnection").field("stream", &self.stream).finish_non_exhaustive()
    }
}
