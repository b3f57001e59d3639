//! A server while it runs: what its loop and its handles share, and which servers an OS thread has.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::connections::Connections;
use super::listener::Endpoint;
use crate::sync::Event;

pub(super) struct Running<E: Endpoint> {
    pub(super) socket: E,
    pub(super) connections: Rc<Connections>,
    /// Nobody else is served.
    pub(super) closed: Event,
    /// The loop that serves has begun.
    begun: Cell<bool>,
    /// It has ended.
    over: Event,
    /// What it ended with, until somebody asks.
    error: Cell<Option<io::Error>>,
}

impl<E: Endpoint> Running<E> {
    pub(super) fn new(socket: E) -> Rc<Running<E>> {
        let server = Rc::new(Running {
            socket,
            connections: Rc::default(),
            closed: Event::new(),
            begun: Cell::new(false),
            over: Event::new(),
            error: Cell::new(None),
        });
        let stoppable: Rc<dyn Stop> = server.clone();
        HERE.with_borrow_mut(|here| {
            here.retain(|server| server.strong_count() > 0);
            here.push(Rc::downgrade(&stoppable));
        });
        server
    }

    /// Closes the socket: its port is free, and the loop ends.
    pub(super) fn close(&self) {
        // The socket is closed all the same.
        let _ = self.socket.close_it();
        self.closed.set();
    }

    /// Marks the begin of the loop; its end when the result is dropped.
    pub(super) fn begin(self: &Rc<Self>) -> Loop<E> {
        self.begun.set(true);
        Loop(self.clone())
    }

    pub(super) fn fail(&self, error: io::Error) {
        self.error.set(Some(error));
    }

    /// Waits for the end of the loop and of all handlers.
    pub(super) fn join(&self) -> io::Result<()> {
        self.over.wait();
        self.connections.wait_for_all();
        self.error.take().map_or(Ok(()), Err)
    }
}

/// The loop that serves; whatever ends it, the socket is closed.
pub(super) struct Loop<E: Endpoint>(Rc<Running<E>>);

impl<E: Endpoint> Drop for Loop<E> {
    fn drop(&mut self) {
        self.0.close();
        self.0.over.set();
    }
}

/// A server of any kind.
pub(super) trait Stop {
    /// As [`ServerHandle::stop`](super::ServerHandle::stop).
    fn stop(&self, grace: Duration);
}

impl<E: Endpoint> Stop for Running<E> {
    fn stop(&self, grace: Duration) {
        self.close();
        self.connections.end(grace);
        if self.begun.get() {
            self.over.wait();
        }
    }
}

thread_local! {
    /// For workers that are stopped from outside: an OS thread has one hub, and servers do not leave it.
    static HERE: RefCell<Vec<Weak<dyn Stop>>> = const { RefCell::new(Vec::new()) };
}

/// The servers of this OS thread.
pub(super) fn servers_here() -> Vec<Rc<dyn Stop>> {
    HERE.with_borrow(|here| here.iter().filter_map(Weak::upgrade).collect())
}
