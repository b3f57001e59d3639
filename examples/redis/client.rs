//! A client of Redis (RESP2): requests out, replies back.

use greenroom::net::TcpStream;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::time::Duration;

/// A server that keeps us waiting longer is gone. More than any BLOCK that is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_LINE: u64 = 64 << 10;
/// No command that is used here nests deeper.
const DEEPEST: usize = 8;

#[derive(Debug)]
pub(crate) enum Reply {
    Text(String),
    Integer(i64),
    Nothing,
    Array(Vec<Reply>),
    Error(String),
}

impl Reply {
    /// The element at `path`: the first number counts in this array, the second in that element, and so on.
    pub(crate) fn at(&self, path: &[usize]) -> Option<&Reply> {
        path.iter().try_fold(self, |reply, index| match reply {
            Reply::Array(elements) => elements.get(*index),
            _ => None,
        })
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Reply::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Reply::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn elements(&self) -> &[Reply] {
        match self {
            Reply::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The first error in it: a transaction has those of its commands inside.
    fn refusal(&self) -> Option<&str> {
        match self {
            Reply::Error(reason) => Some(reason),
            Reply::Array(elements) => elements.iter().find_map(Reply::refusal),
            _ => None,
        }
    }
}

/// A connection. After an error its replies are out of step: it is of no more use.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(address)
            .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client(BufReader::new(stream)))
    }

    pub(crate) fn ask(&mut self, words: &[&str]) -> io::Result<Reply> {
        Ok(self.ask_all(&[words])?.remove(0))
    }

    /// Sends all requests by one write, and returns their replies. An error for one of them is an error for all, though
    /// the others have been done.
    pub(crate) fn ask_all(&mut self, requests: &[&[&str]]) -> io::Result<Vec<Reply>> {
        let mut bytes = Vec::new();
        for words in requests {
            write!(bytes, "*{}\r\n", words.len())?;
            for word in *words {
                write!(bytes, "${}\r\n{word}\r\n", word.len())?;
            }
        }
        self.0.get_mut().write_all(&bytes)?;
        let replies: Vec<Reply> =
            requests.iter().map(|_| self.read_reply(DEEPEST)).collect::<io::Result<_>>()?;
        match replies.iter().find_map(Reply::refusal) {
            Some(reason) => Err(io::Error::other(reason)),
            None => Ok(replies),
        }
    }

    fn read_reply(&mut self, deepest: usize) -> io::Result<Reply> {
        let mut line = Vec::new();
        self.0.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\r\n") else { return Err(broken("the server hung up")) };
        let line = String::from_utf8_lossy(line).into_owned();
        let Some((sigil, rest)) = line.split_at_checked(1) else { return Err(broken("an empty reply")) };
        let number = || rest.parse::<i64>().map_err(|_| broken("a reply without its number"));
        match sigil {
            "+" => Ok(Reply::Text(rest.into())),
            "-" => Ok(Reply::Error(rest.into())),
            ":" => Ok(Reply::Integer(number()?)),
            "$" | "*" if number()? < 0 => Ok(Reply::Nothing),
            "$" => self.read_text(number()? as u64),
            "*" if deepest == 0 => Err(broken("a reply without a ground")),
            "*" => (0..number()?)
                .map(|_| self.read_reply(deepest - 1))
                .collect::<io::Result<_>>()
                .map(Reply::Array),
            _ => Err(broken("a reply of no kind")),
        }
    }

    fn read_text(&mut self, length: u64) -> io::Result<Reply> {
        let mut text = Vec::new();
        self.0.by_ref().take(length.saturating_add(2)).read_to_end(&mut text)?;
        match text.strip_suffix(b"\r\n") {
            Some(text) if text.len() as u64 == length => {
                Ok(Reply::Text(String::from_utf8_lossy(text).into()))
            }
            _ => Err(broken("a reply that is cut off")),
        }
    }
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}
