//! The server of `http_server.rs` over TLS: rustls, which reads and writes any `Read` and `Write`, over our `TcpStream`.
//!
//! It makes itself a certificate for `localhost` each time it starts, for tests and trials. A real one comes from files.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "http/mod.rs"]
mod http;
#[path = "support/http_serving.rs"]
mod http_serving;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;

use greenroom::net::TcpStream;
use greenroom::time::{Duration, timeout};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, IoSlice, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// How long a client may take to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let usage = format!(
        "https_server [ADDRESS] [--certificate FILE] [OPTIONS]\n\nServes HTTP/1.1 over TLS, with a certificate of its own making.\n  \
         --certificate FILE  where to write it (PEM), for clients that are to trust it\n{}",
        http_serving::OPTIONS
    );
    let mut line = command_line::CommandLine::new(usage.leak());
    let certificate = line.text("--certificate");
    let settings = http_serving::Settings::of(&mut line);
    line.conclude(serve(settings, certificate))
}

fn serve(settings: http_serving::Settings, certificate: Option<String>) -> io::Result<()> {
    let made = rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]);
    let made = made.map_err(io::Error::other)?;
    if let Some(file) = certificate {
        std::fs::write(&file, made.cert.pem())
            .map_err(|error| io::Error::new(error.kind(), format!("cannot write {file}: {error}")))?;
    }
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .map_err(io::Error::other)?;
    let config = Arc::new(config);
    greenroom::run(|| {
        http_serving::run(settings, move |mut stream| {
            let mut tls = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            timeout(HANDSHAKE, || tls.complete_io(&mut stream)).map_err(io::Error::other)??;
            Ok(Box::new(Secure(StreamOwned::new(tls, stream))))
        })
    })
}

/// A connection under TLS.
struct Secure(StreamOwned<ServerConnection, TcpStream>);

impl Read for Secure {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Secure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl http::Wire for Secure {
    fn socket(&self) -> &TcpStream {
        self.0.get_ref()
    }

    fn say_goodbye(&mut self) -> io::Result<()> {
        self.0.conn.send_close_notify();
        self.0.flush()
    }
}
