//! The HTTP server on greenroom.

use super::{
    greeting::{Greeting, REFUSAL},
    inbox::{Inbox, Next},
};
use crate::serving::{ON_LOOPBACK, announce};
use greenroom::net::{TcpListener, TcpStream};
use std::{
    cell::RefCell,
    io::{self, Read, Write},
    rc::Rc,
    time::Duration,
};

/// Serves on a port of the loopback until the process is killed.
///
/// # Errors
///
/// If the port is taken.
pub fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((ON_LOOPBACK, port))?;
    announce(port, listener.local_addr()?);
    let greeting = Rc::new(RefCell::new(Greeting::new()));
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let greeting = greeting.clone();
                // What ends a conversation, end of stream or error, concerns nobody else.
                drop(greenroom::spawn(move || converse(stream, &greeting)));
            }
            Err(error) => {
                eprintln!("accept: {error}");
                greenroom::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Answers all requests that came together by one write.
fn converse(mut stream: TcpStream, greeting: &RefCell<Greeting>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut inbox, mut answers) = (Inbox::new(), Vec::new());
    loop {
        match stream.read(inbox.room())? {
            0 => return Ok(()),
            length => inbox.received(length),
        }
        let goes_on = answer(&mut inbox, &mut greeting.borrow_mut(), &mut answers);
        stream.write_all(&answers)?;
        answers.clear();
        if !goes_on {
            return Ok(());
        }
    }
}

/// Appends the answers to all whole requests; false if no other may follow.
pub(super) fn answer(inbox: &mut Inbox, greeting: &mut Greeting, answers: &mut Vec<u8>) -> bool {
    let greeting = greeting.bytes();
    loop {
        match inbox.take() {
            Next::Incomplete => return true,
            Next::Request { last } => {
                answers.extend_from_slice(greeting);
                if last {
                    return false;
                }
            }
            Next::Malformed => {
                answers.extend_from_slice(REFUSAL);
                return false;
            }
        }
    }
}
