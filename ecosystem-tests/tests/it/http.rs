//! As much of HTTP/1.1 as a client needs whose requests meet, and whom ureq trusts.

use std::io::{BufRead, BufReader, Read, Write};

use ureq::tls::{RootCerts, TlsConfig};

use crate::certificate::Certificate;
use crate::crowd::Meeting;

/// Answers each request of one connection with its own path, once the meeting is over.
pub(crate) fn serve<S: Read + Write>(stream: S, meeting: &Meeting) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut request, mut line) = (String::new(), String::new());
        if !stream.read_line(&mut request).is_ok_and(|length| length > 0) {
            return;
        }
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
        }
        meeting.attend();
        let path = request.split(' ').nth(1).unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len());
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
        stream.get_mut().flush().unwrap();
    }
}

/// Settings of a client that trusts only this certificate.
pub(crate) fn trusting(certificate: &Certificate) -> TlsConfig {
    let trusted = ureq::tls::Certificate::from_der(&certificate.der).to_owned();
    TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[trusted])).build()
}
