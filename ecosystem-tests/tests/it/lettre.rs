//! lettre over our stream, and as it is on the executor.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use greenroom::block_on;
use greenroom_ecosystem::lettre::connect;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};

use crate::crowd::{CROWD, Meeting, assert_a_timeout_ends, assert_overlap};
use crate::server::Server;
use crate::support::hub;

/// As much of RFC 5321 as a client needs that sends one mail; the mail is answered once the meeting is over.
fn serve(stream: TcpStream, meeting: &Meeting, mails: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 localhost\r\n")?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match line.split([' ', '\r']).next() {
            Some("DATA") => {
                stream.get_mut().write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut mail)?;
                }
                mails.lock().unwrap().push(mail);
                meeting.attend();
                "250 taken"
            }
            Some("EHLO") => "250-localhost\r\n250 8BITMIME",
            Some("QUIT") => "221 bye",
            _ => "250 fine",
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

fn mail(i: usize) -> Message {
    let builder = Message::builder().from("a@localhost".parse().unwrap()).to("b@localhost".parse().unwrap());
    builder.subject(format!("mail {i}")).body(format!("first\r\n.line {i} begins with a dot\r\n")).unwrap()
}

/// All arrived, and what begins with a dot has it twice (RFC 5321, 4.5.2).
#[track_caller]
fn assert_complete(mails: &Mutex<Vec<String>>) {
    let mails = mails.lock().unwrap();
    for i in 0..CROWD {
        assert!(mails.iter().any(|mail| mail.contains(&format!("Subject: mail {i}\r\n"))), "mail {i}");
        assert!(mails.iter().any(|mail| mail.contains(&format!("\r\n..line {i} begins"))), "line {i}");
    }
}

/// Each sends its mail in the way of `send`, which gets the server's address.
fn assert_mails_overlap(what: &str, send: impl Fn(std::net::SocketAddr, Message)) {
    hub(|| {
        let (meeting, mails) = (Arc::new(Meeting::new()), Arc::new(Mutex::new(Vec::new())));
        let (met, taken) = (meeting.clone(), mails.clone());
        let server = Server::start(move |stream| drop(serve(stream, &met, &taken)));
        assert_overlap(what, |size| meeting.expect(size), |i| send(server.address(), mail(i)));
        assert_complete(&mails);
    });
}

#[test]
fn mails_from_green_threads_wait_at_once() {
    assert_mails_overlap("lettre over our stream", |server, mail| {
        let mut connection = connect(server, &ClientId::Domain("localhost".to_owned())).unwrap();
        let answer = block_on(connection.send(mail.envelope(), &mail.formatted())).unwrap();
        assert!(answer.is_positive());
        block_on(connection.quit()).unwrap();
    });
}

/// The way out for a library that makes its own sockets: it blocks OS threads, but not ours.
#[test]
fn mails_of_the_blocking_transport_wait_at_once_on_the_executor() {
    assert_mails_overlap("lettre's own sockets, unblock", |server, mail| {
        greenroom::unblock(move || {
            let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(server.port()).build();
            assert!(transport.send(&mail).unwrap().is_positive());
        });
    });
}

#[test]
fn a_timeout_ends_a_greeting_that_does_not_come() {
    hub(|| {
        let server = Server::silent();
        let name = ClientId::Domain("localhost".to_owned());
        let error = assert_a_timeout_ends(|| connect(server.address(), &name).err().unwrap());
        assert!(error.to_string().contains("network") || error.to_string().contains("onnection"), "{error}");
    });
}
