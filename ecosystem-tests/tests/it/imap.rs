//! imap over our stream.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;

use imap::Client;

use crate::crowd::{Meeting, assert_a_timeout_ends, assert_overlap};
use crate::server::Server;
use crate::support::hub;

/// As much of RFC 3501 as a client needs that fetches one mail; that is answered once the meeting is over.
fn serve(stream: TcpStream, meeting: &Meeting) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"* OK ready\r\n")?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let (tag, verb) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let data = match verb {
            "SELECT" => "* 99 EXISTS\r\n".to_owned(),
            "FETCH" => {
                let number = words.next().unwrap_or_default();
                let mail = format!("Subject: mail {number}\r\n\r\nhello\r\n");
                meeting.attend();
                format!("* {number} FETCH (RFC822 {{{}}}\r\n{mail})\r\n", mail.len())
            }
            "LOGOUT" => "* BYE bye\r\n".to_owned(),
            _ => String::new(),
        };
        stream.get_mut().write_all(format!("{data}{tag} OK done\r\n").as_bytes())?;
    }
}

fn connect(server: &Server) -> Client<greenroom::net::TcpStream> {
    let mut client = Client::new(greenroom::net::TcpStream::connect(server.address()).unwrap());
    client.read_greeting().unwrap();
    client
}

#[test]
fn fetches_on_green_threads_wait_at_once() {
    hub(|| {
        let meeting = Arc::new(Meeting::new());
        let met = meeting.clone();
        let server = Server::start(move |stream| drop(serve(stream, &met)));
        assert_overlap(
            "imap",
            |size| meeting.expect(size),
            |i| {
                let number = (i + 1).to_string();
                let mut session = connect(&server).login("user", "word").map_err(|(e, _)| e).unwrap();
                assert_eq!(session.select("INBOX").unwrap().exists, 99);
                let mails = session.fetch(&number, "RFC822").unwrap();
                let body = mails.iter().next().unwrap().body().unwrap();
                assert_eq!(body, format!("Subject: mail {number}\r\n\r\nhello\r\n").as_bytes());
                session.logout().unwrap();
            },
        );
    });
}

#[test]
fn a_timeout_ends_a_greeting_that_does_not_come() {
    hub(|| {
        let server = Server::silent();
        let stream = greenroom::net::TcpStream::connect(server.address()).unwrap();
        let error = assert_a_timeout_ends(|| Client::new(stream).read_greeting().unwrap_err());
        assert!(matches!(&error, imap::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut), "{error}");
    });
}
