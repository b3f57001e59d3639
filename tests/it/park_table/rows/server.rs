//! Rows: servers, and workers.

use std::cell::RefCell;
use std::net::TcpStream as StdStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{TcpListener, UdpSocket};
use greenroom::server::{DatagramServer, ServerHandle, StreamServer, Workers, per_core};
use greenroom::{sleep, yield_now};

use super::super::Manner::{Fallible, Infallible};
use super::super::{Call, Row, Stage};
use super::{LONG, plain, row};
use crate::support::ms;

pub(super) const ROWS: &[Row] = &[
    row("server::StreamServer::serve_forever", Fallible, |_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        Box::new(move || StreamServer::new(TcpListener::bind(address)?, |_, _| ()).serve_forever())
    }),
    row("server::DatagramServer::serve_forever", Fallible, |_| {
        Box::new(|| DatagramServer::new(UdpSocket::bind("127.0.0.1:0")?, |_, _, _| ()).serve_forever())
    }),
    row("server::ServerHandle::stop", Infallible, |stage| with_a_server(stage, |server| server.stop(LONG))),
    row("server::ServerHandle::join", Infallible, |stage| {
        with_a_server(stage, |server| server.join().unwrap())
    }),
    row("server::Workers::join", Infallible, |_| {
        let idle = Idle(per_core(1, |_| greenroom::thread::park()));
        plain(move || drop(idle.0.join()))
    }),
];

/// Workers that do nothing until they are dropped.
struct Idle(Workers);

impl Drop for Idle {
    fn drop(&mut self) {
        self.0.stop_within(Duration::ZERO);
    }
}

/// A server with a connection whose handler does not end before the stage is cleared, killed or not.
fn with_a_server(stage: &Rc<Stage>, call: impl Fn(ServerHandle) + 'static) -> Call {
    let (stage, own) = (stage.clone(), Rc::new(RefCell::new(None::<ServerHandle>)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = StreamServer::new(listener, {
        let own = own.clone();
        move |_, _| {
            while !stage.over.get() {
                let _caught = catch_unwind(AssertUnwindSafe(|| sleep(ms(1))));
            }
            own.take().inspect(ServerHandle::close);
        }
    })
    .start();
    *own.borrow_mut() = Some(server.clone());
    while server.connections() == 0 {
        yield_now();
    }
    // Had the handler not begun, a kill would end it at once.
    yield_now();
    plain(move || {
        let _client = &client;
        call(server.clone());
    })
}
