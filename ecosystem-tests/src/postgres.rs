//! A client for PostgreSQL, made of the blocking half of its library: postgres-protocol makes and reads the messages.

use std::io::{self, Read, Write};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use greenroom::net::{TcpStream, ToSocketAddrs};
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody, Message};
use postgres_protocol::message::frontend;

/// The text of each column, `None` for null.
pub type Row = Vec<Option<String>>;

/// A session with a server that trusts its user.
///
/// # Examples
///
/// ```no_run
/// let mut session = greenroom_ecosystem::postgres::Session::connect("localhost:5432", "me", "mine")?;
/// let rows = session.query("select 6 * 7")?;
/// assert_eq!(rows, [[Some("42".to_owned())]]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    stream: TcpStream,
    received: BytesMut,
}

impl Session {
    /// Connects, and waits until the server is ready.
    ///
    /// # Switching
    ///
    /// May, when the server does not answer at once, or its name is looked up.
    ///
    /// # Errors
    ///
    /// Those of [`TcpStream::connect`], the server's, and one if it asks for a password.
    pub fn connect<A: ToSocketAddrs>(address: A, user: &str, database: &str) -> io::Result<Session> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut session = Session { stream, received: BytesMut::new() };
        let mut begin = BytesMut::new();
        frontend::startup_message([("user", user), ("database", database)], &mut begin)?;
        session.stream.write_all(&begin)?;
        session.until_ready()?;
        Ok(session)
    }

    /// Runs one or several statements; returns the rows of all.
    ///
    /// # Switching
    ///
    /// May, when the server does not answer at once.
    ///
    /// # Errors
    ///
    /// Those of the stream, and the server's.
    pub fn query(&mut self, statements: &str) -> io::Result<Vec<Row>> {
        let mut question = BytesMut::new();
        frontend::query(statements, &mut question)?;
        self.stream.write_all(&question)?;
        self.until_ready()
    }

    fn until_ready(&mut self) -> io::Result<Vec<Row>> {
        let (mut rows, mut failed) = (Vec::new(), None);
        loop {
            match self.receive()? {
                Message::ReadyForQuery(_) => return failed.map_or(Ok(rows), Err),
                Message::DataRow(row) => rows.push(texts(&row)?),
                Message::ErrorResponse(body) => {
                    let error = told(&body)?;
                    // A server that refuses the session says so, and is never ready.
                    if error.kind() == io::ErrorKind::ConnectionRefused {
                        return Err(error);
                    }
                    failed = Some(error);
                }
                Message::AuthenticationSasl(_)
                | Message::AuthenticationMd5Password(_)
                | Message::AuthenticationCleartextPassword => {
                    return Err(io::Error::new(
                        io::ErrorKind::PermissionDenied,
                        "the server asks for a password",
                    ));
                }
                _ => {}
            }
        }
    }

    fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.received)? {
                return Ok(message);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.received.extend_from_slice(&chunk[..length]),
            }
        }
    }
}

fn texts(row: &DataRowBody) -> io::Result<Row> {
    row.ranges()
        .map(|place| Ok(place.map(|place| String::from_utf8_lossy(&row.buffer()[place]).into_owned())))
        .collect()
}

/// What the server says, as an error. Severity FATAL (field V) ends the session.
fn told(body: &ErrorResponseBody) -> io::Result<io::Error> {
    let (mut kind, mut text) = (io::ErrorKind::Other, String::new());
    let mut fields = body.fields();
    while let Some(field) = fields.next()? {
        match field.type_() {
            b'V' if field.value_bytes() == b"FATAL" => kind = io::ErrorKind::ConnectionRefused,
            b'M' => text = String::from_utf8_lossy(field.value_bytes()).into_owned(),
            _ => {}
        }
    }
    Ok(io::Error::new(kind, text))
}
