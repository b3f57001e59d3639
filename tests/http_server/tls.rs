//! The same server over TLS.

use crate::client::next_answer;
use crate::program::Server;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

/// A server, and a client that trusts it.
fn server() -> (Server, Arc<ClientConfig>) {
    let file: PathBuf = std::env::temp_dir().join(format!(
        "greenroom-{}-{:?}.pem",
        std::process::id(),
        thread::current().id()
    ));
    let server = Server::start_with("https_server", &["--certificate", file.to_str().unwrap()]);
    let certificate = CertificateDer::from_pem_file(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, Arc::new(config))
}

fn connect(server: &Server, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), server.connect())
}

#[test]
fn requests_answers_and_ends_are_the_same_over_tls() {
    let (server, config) = server();
    let mut client = connect(&server, &config);
    for _ in 0..3 {
        client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(next_answer(&mut client, false).body, b"hello, world\n");
    }
    client.write_all(b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n").unwrap();
    client.write_all(&[b'x'; 300_000]).unwrap();
    assert_eq!(next_answer(&mut client, false).body, b"300000\n");
    client.write_all(b"GET /stream/1000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(next_answer(&mut client, false).body.len(), 1_000_000);
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "it says goodbye");
    server.end_by(libc::SIGTERM);
}

#[test]
fn what_is_no_tls_costs_that_client_only() {
    let (server, config) = server();
    let mut plain = server.connect();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    let _ = plain.read_to_end(&mut heard);
    assert!(!heard.starts_with(b"HTTP"), "{heard:?}");
    drop(server.connect());
    let mut client = connect(&server, &config);
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(next_answer(&mut client, false).status, 200);
    assert_eq!(server.end_by(libc::SIGTERM), "");
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "and it says goodbye at its end");
}
