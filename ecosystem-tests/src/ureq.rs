//! A connector for ureq: its agents then connect, and resolve names, on green threads.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{TcpStream, lookup_host};
use send_wrapper::SendWrapper;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    RustlsConnector, Transport,
};
use ureq::{Agent, Error};

/// Makes an agent that does for green threads what `Agent::new_with_config` does for OS threads.
///
/// # Panics
///
/// It belongs to the OS thread on which it first connects: used on another it panics.
///
/// # Examples
///
/// ```no_run
/// let agent = greenroom_ecosystem::ureq::agent(ureq::config::Config::default());
/// let page = agent.get("https://example.org/").call()?.body_mut().read_to_string()?;
/// # Ok::<(), ureq::Error>(())
/// ```
pub fn agent(config: Config) -> Agent {
    let proxy = ConnectProxyConnector::default();
    let connector = ().chain(proxy).chain(GreenConnector).chain(RustlsConnector::default());
    Agent::with_parts(config, connector, GreenResolver)
}

/// Looks names up beside the hub.
#[derive(Debug)]
pub struct GreenResolver;

impl Resolver for GreenResolver {
    fn resolve(&self, uri: &Uri, config: &Config, limit: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.scheme().zip(uri.authority()).ok_or(Error::HostNotFound)?;
        let host = DefaultResolver::host_and_port(host.0, host.1).ok_or(Error::HostNotFound)?;
        let found = greenroom::timeout(limit.not_zero().map_or(Duration::MAX, |limit| *limit), || {
            lookup_host(host.as_str()).map(Vec::from_iter)
        });
        let found = found.map_err(|_| Error::Timeout(limit.reason))??;
        let mut addresses = self.empty();
        // As many as ureq's list takes.
        config
            .ip_family()
            .keep_wanted(found.into_iter())
            .take(16)
            .for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Connects by [`greenroom::net::TcpStream`], unless an earlier connector of the chain has.
///
/// `Agent::shutdown` does not reach calls that wait on it: a timeout, a cancel or a kill does.
#[derive(Debug)]
pub struct GreenConnector;

impl<In: Transport> Connector<In> for GreenConnector {
    type Out = Either<In, GreenTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let config = details.config;
        let stream = connect(&details.addrs, details.timeout)?;
        stream.set_nodelay(config.no_delay())?;
        Ok(Some(Either::B(GreenTransport {
            stream: SendWrapper::new(stream),
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        })))
    }
}

/// The first address that answers; all of them together have as long as `limit` says.
fn connect(addresses: &[SocketAddr], limit: NextTimeout) -> Result<TcpStream, Error> {
    let answer = match limit.not_zero() {
        Some(time) => greenroom::timeout(*time, || TcpStream::connect(addresses)),
        None => Ok(TcpStream::connect(addresses)),
    };
    answer.map_err(|_| Error::Timeout(limit.reason))?.map_err(Error::Io)
}

/// A connection. ureq asks that it be `Send`, which ours is not: the wrapper panics if it is used on another OS thread.
#[derive(Debug)]
pub struct GreenTransport {
    stream: SendWrapper<TcpStream>,
    buffers: LazyBuffers,
}

impl Transport for GreenTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), Error> {
        let limit = limit.for_write();
        self.stream.set_write_timeout(limit.not_zero().map(|time| *time))?;
        self.stream.write_all(&self.buffers.output()[..amount]).map_err(|error| told(error, limit))
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, Error> {
        let limit = limit.for_read();
        self.stream.set_read_timeout(limit.not_zero().map(|time| *time))?;
        let amount = self.stream.read(self.buffers.input_append_buf()).map_err(|error| told(error, limit))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Between two requests nothing may come: neither bytes nor the end.
    fn is_open(&mut self) -> bool {
        let silent = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let silent = silent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        silent && self.stream.set_nonblocking(false).is_ok()
    }
}

/// A socket's timeout is ureq's own; that of a green thread's scope stays an error of the socket.
fn told(error: io::Error, limit: NextTimeout) -> Error {
    if error.kind() == io::ErrorKind::WouldBlock { Error::Timeout(limit.reason) } else { Error::Io(error) }
}
