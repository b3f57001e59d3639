//! The upper-case protocol: every line comes back with its ASCII letters in upper case.

use greenroom::net::TcpStream;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};

const LONGEST_LINE: usize = 64 << 10;

/// The server's half; ends when the client has said all.
pub(crate) fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line)? > 0 {
        if line.len() > LONGEST_LINE {
            return Err(io::Error::new(ErrorKind::InvalidData, "a line longer than 64 KiB"));
        }
        line.make_ascii_uppercase();
        stream.write_all(&line)?;
        line.clear();
    }
    Ok(())
}
