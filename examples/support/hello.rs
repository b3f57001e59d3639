//! The hello protocol: the server says `hello`, the client answers `bye`, until the client hangs up.
#![allow(dead_code, reason = "hello_server compiles this file for the server's half only")]

use greenroom::net::TcpStream;
use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};

const HELLO: [u8; 5] = *b"hello";
const BYE: [u8; 3] = *b"bye";

/// The server's half, over whosever stream; counts each `bye` into `answers`.
pub(crate) fn serve(mut stream: impl Read + Write, answers: &Cell<u64>) -> io::Result<()> {
    let mut answer = [0; BYE.len()];
    loop {
        stream.write_all(&HELLO)?;
        match stream.read(&mut answer)? {
            0 => return Ok(()),
            got => stream.read_exact(&mut answer[got..])?,
        }
        expect(&answer, &BYE)?;
        answers.set(answers.get() + 1);
    }
}

/// The client's first half: hears that it is served.
pub(crate) fn hear(mut stream: &TcpStream) -> io::Result<()> {
    let mut greeting = [0; HELLO.len()];
    stream.read_exact(&mut greeting)?;
    expect(&greeting, &HELLO)
}

/// The client's second half. The server proves that it arrived by the next `hello`.
pub(crate) fn answer(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(&BYE)
}

fn expect(got: &[u8], wanted: &[u8]) -> io::Result<()> {
    if got == wanted {
        return Ok(());
    }
    let reason =
        format!("expected {:?}, got {:?}", wanted.escape_ascii().to_string(), got.escape_ascii().to_string());
    Err(io::Error::new(ErrorKind::InvalidData, reason))
}
