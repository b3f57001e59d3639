//! An HTTP server from its begin to its end in order, over whatever carries its bytes.

use crate::command_line::CommandLine;
use crate::http::{Date, Drain, Limits, Wire, serve, site};
use crate::{descriptor_limit, serving, stop_signals};
use greenroom::net::TcpStream;
use greenroom::pool::Pool;
use greenroom::server::StreamServer;
use greenroom::sync::{Arc, Event};
use greenroom::time::{Duration, timeout};
use std::io;
use std::rc::Rc;

pub(crate) const OPTIONS: &str = "\
  ADDRESS             where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
  --connections N     how many are served at once, 10000 by default; the others wait
  --idle-ms N         how long a client may say nothing, 60000 by default
  --head-ms N         how long a request's head may take, 10000 by default
  --body-ms N         how long its body may take, 20000 by default, and a second more each 16 KiB
  --largest-head N    bytes of a head, 16384 by default
  --largest-body N    bytes of a body, 8388608 by default
SIGINT and SIGTERM end it in order: what is asked already is answered.";

pub(crate) struct Settings {
    address: String,
    connections: usize,
    limits: Limits,
}

impl Settings {
    pub(crate) fn of(line: &mut CommandLine) -> Settings {
        let mut limits = Limits::default();
        let connections = line.number("--connections").unwrap_or(10_000);
        for (name, limit) in [
            ("--idle-ms", &mut limits.idle),
            ("--head-ms", &mut limits.head_time),
            ("--body-ms", &mut limits.body_time),
        ] {
            *limit = line.number(name).map_or(*limit, Duration::from_millis);
        }
        limits.head = line.number("--largest-head").map_or(limits.head, as_size);
        limits.body = line.number("--largest-body").unwrap_or(limits.body);
        let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
        line.end();
        Settings { address, connections: as_size(connections), limits }
    }
}

fn as_size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Serves until a signal comes, then lets what was asked be answered.
pub(crate) fn run(
    settings: Settings,
    carry: impl Fn(TcpStream) -> io::Result<Box<dyn Wire>> + 'static,
) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = serving::listen(&settings.address)?;
    let stop = Arc::new(Event::new());
    stop_signals::on_each({
        let stop = stop.clone();
        move || stop.set()
    })?;
    let (drain, date, limits) = (Rc::new(Drain::default()), Date::default(), settings.limits);
    let server = StreamServer::new(listener, {
        let drain = drain.clone();
        move |stream, _peer| {
            // A client that goes away, or is refused, is no news.
            let _ = stream
                .set_nodelay(true)
                .and_then(|()| carry(stream))
                .and_then(|mut wire| serve(&mut *wire, &limits, &drain, &date, &site::answer));
        }
    })
    .pool(Pool::new(settings.connections))
    .start();
    println!("listening on {}", server.local_addr()?);

    let ended = greenroom::spawn({
        let server = server.clone();
        move || server.join()
    });
    greenroom::wait(&[&*stop, &ended], None, Some(1));
    server.close();
    drain.begin();
    let _ = timeout(serving::GRACE, || ended.wait());
    server.stop(Duration::ZERO);
    ended.join().map_err(io::Error::other)?
}
